/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Look-ups in our tables and in the kernel's, one after the other in a loop, with keys that follow no order: what
 * BPF_PROG_TEST_RUN on one packet cannot say, because one packet is a hot cache. Ours are the core's own functions
 * on the core's own maps. Making the key costs all of them the same, and `nothing` says what.
 */
#include "bpf/core/mem.h"
#include "bpf/core/flow.h"
#include "bpf/core/sets.h"

#include "tables.h"

struct dw_tables_job job;

struct dw_kernel_flow {
	__u64 word[11]; /* what a struct dw_flow has beside its key */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024); /* set by the loader */
	__type(key, struct dw_flow_key);
	__type(value, struct dw_kernel_flow);
} lru SEC(".maps");

struct dw_trie_key {
	__u32 length;
	__u32 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024); /* set by the loader */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct dw_trie_key);
	__type(value, __u32);
} trie SEC(".maps");

struct dw_lookup {
	const struct dw_blob *image;
};

DW_INLINE __u64 dw_number(__u32 i)
{
	__u64 hash = dw_bench_scatter(job.start + i);

	return job.first + ((hash >> 32) * job.keys >> 32);
}

DW_INLINE void dw_make_key(__u64 n, struct dw_flow_key *key)
{
	key->inside.hi = 0x20010db8aa000001ull;
	key->inside.lo = 0x2000 + (n & 255);
	key->outside.hi = 0x20010db8000f0000ull;
	key->outside.lo = 0x2000000000000ull + n;
	((dw_long *)key)[4] = 40000 | 443u << 16 | (__u64)DW_UDP << 32; /* one word, as dw_make_key of the core does */
}

/* Half of the addresses are in a network of the feed. */
DW_INLINE __u64 dw_address(__u32 i)
{
	__u64 hash = dw_bench_scatter(job.start + i);

	if (hash & 1)
		return dw_bench_network((hash >> 32) * job.keys >> 32) | (hash >> 16 & 0xffff);
	return 0x24ull << 56 | hash >> 8;
}

static long nothing_flow(__u32 i, void *context)
{
	struct dw_flow_key key;

	dw_make_key(dw_number(i), &key);
	DW_FORGET(key.outside.lo);
	job.found += key.outside.lo & 1;
	return 0;
}

static long find_flow(__u32 i, struct dw_lookup *look)
{
	struct dw_flow_key key;

	dw_make_key(dw_number(i), &key);
	job.found += !!dw_flow_find((const struct dw_image *)look->image, &key);
	return 0;
}

static long find_lru(__u32 i, void *context)
{
	struct dw_flow_key key;

	dw_make_key(dw_number(i), &key);
	job.found += !!bpf_map_lookup_elem(&lru, &key);
	return 0;
}

static struct dw_search search;
static struct dw_passage passage = {.length = 74, .packets = 1, .proto = DW_UDP};

/* New flows come in order of their numbers: each once. */
static long open_flow(__u32 i, struct dw_lookup *look)
{
	struct dw_flow_key key;

	dw_make_key(job.first + i, &key);
	job.found += !!dw_flow_open((const struct dw_image *)look->image, &key, &passage, &search);
	return 0;
}

static long open_lru(__u32 i, void *context)
{
	struct dw_kernel_flow flow = {};
	struct dw_flow_key key;

	dw_make_key(job.first + i, &key);
	job.found += !bpf_map_update_elem(&lru, &key, &flow, BPF_NOEXIST);
	return 0;
}

static long close_flow(__u32 i, struct dw_lookup *look)
{
	struct dw_flow_key key;
	__u32 id;

	dw_make_key(job.first + i, &key);
	id = dw_flow_find((const struct dw_image *)look->image, &key);
	if (id)
		dw_flow_remove(id);
	job.found += !!id;
	return 0;
}

static long close_lru(__u32 i, void *context)
{
	struct dw_flow_key key;

	dw_make_key(job.first + i, &key);
	job.found += !bpf_map_delete_elem(&lru, &key);
	return 0;
}

/* As a packet of a known flow: found, counted. */
static long pass_flow(__u32 i, struct dw_lookup *look)
{
	struct dw_flow_key key;
	__u32 id;

	dw_make_key(dw_number(i), &key);
	id = dw_flow_find((const struct dw_image *)look->image, &key);
	if (id)
		dw_flow_pass(id, &passage);
	job.found += !!id;
	return 0;
}

static long nothing_feed(__u32 i, void *context)
{
	__u64 address = dw_address(i);

	DW_FORGET(address);
	job.found += address & 1;
	return 0;
}

static struct dw_spot spot;

static long find_feed(__u32 i, struct dw_lookup *look)
{
	spot.address.hi = dw_address(i);
	spot.address.lo = 1;
	job.found += dw_in_set(look->image, job.set, &spot);
	return 0;
}

static long find_trie(__u32 i, void *context)
{
	__u64 address = dw_address(i);
	struct dw_trie_key key = {128, {}};

	key.address[0] = __builtin_bswap32(address >> 32);
	key.address[1] = __builtin_bswap32(address);
	key.address[3] = __builtin_bswap32(1);
	job.found += !!bpf_map_lookup_elem(&trie, &key);
	return 0;
}

#define DW_TABLES_PROGRAM(name)                                                                    \
	SEC("xdp")                                                                                 \
	int run_##name(struct xdp_md *ctx)                                                         \
	{                                                                                          \
		struct dw_lookup look = {dw_mem_image()};                                          \
                                                                                                   \
		job.found = 0;                                                                     \
		if (look.image)                                                                    \
			bpf_loop(job.count, name, &look, 0);                                       \
		return XDP_PASS;                                                                   \
	}

DW_TABLES_PROGRAM(nothing_flow)
DW_TABLES_PROGRAM(find_flow)
DW_TABLES_PROGRAM(find_lru)
DW_TABLES_PROGRAM(open_flow)
DW_TABLES_PROGRAM(open_lru)
DW_TABLES_PROGRAM(close_flow)
DW_TABLES_PROGRAM(close_lru)
DW_TABLES_PROGRAM(pass_flow)
DW_TABLES_PROGRAM(nothing_feed)
DW_TABLES_PROGRAM(find_feed)
DW_TABLES_PROGRAM(find_trie)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
