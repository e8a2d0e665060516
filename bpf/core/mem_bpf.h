/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The packet core's memory when it runs in the kernel: maps, and the few helpers it may call.
 * All tables are flat arrays that the daemon maps into its own memory (design D2). Sizes that depend on
 * the machine or the rule file (flows, counters) are set by the loader before the object is loaded.
 */
#ifndef DW_MEM_BPF_H
#define DW_MEM_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "image_layout.h"

#define DW_MAP_FLAT(name_, value_size_, entries_)                                                  \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(key_size, sizeof(__u32));                                                   \
		__uint(value_size, value_size_);                                                   \
		__uint(max_entries, entries_);                                                     \
	} name_ SEC(".maps")

DW_MAP_FLAT(control, sizeof(struct dw_control), 1);
DW_MAP_FLAT(own, sizeof(struct dw_own), DW_OWN_COPIES);
DW_MAP_FLAT(slots, sizeof(struct dw_slots), 1024);          /* set by the loader */
DW_MAP_FLAT(flows, sizeof(struct dw_flow), 1024 * DW_WAYS); /* set by the loader */
DW_MAP_FLAT(fragments, sizeof(struct dw_fragment_bucket), DW_FRAGMENT_BUCKETS);
DW_MAP_FLAT(link, sizeof(struct dw_link), 1);
DW_MAP_FLAT(rates, sizeof(struct dw_rates), 1);
DW_MAP_FLAT(counters, sizeof(struct dw_counter), DW_COUNTERS); /* times CPUs, set by the loader */
DW_MAP_FLAT(inspection, sizeof(struct dw_inspection), 1);
DW_MAP_FLAT(outcome, sizeof(struct dw_outcome), 1);         /* trace mode only */

struct dw_policy_inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, DW_CHUNK_SIZE);
	__uint(max_entries, 1);
};

/* The first slot holds the first chunk of the image in force: one update of it swaps the whole policy. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(key_size, sizeof(__u32));
	__uint(max_entries, DW_POLICY_SLOTS);
	__array(values, struct dw_policy_inner);
} policy SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024); /* 14,000 events: `dishctl shadow` wants every judged packet */
} events SEC(".maps");

const volatile struct dw_settings settings = {};

#define DW_SETTING(field) (settings.field)

DW_INLINE const struct dw_own *dw_mem_own(void)
{
	__u32 key = 0;
	struct dw_control *page = bpf_map_lookup_elem(&control, &key);

	if (!page)
		return 0;
	key = DW_READ(page->own_index);
	return bpf_map_lookup_elem(&own, &key);
}

DW_INLINE const struct dw_blob *dw_mem_image(void)
{
	__u32 key = DW_POLICY_IN_FORCE, only = 0;
	void *chunk = bpf_map_lookup_elem(&policy, &key);

	return chunk ? bpf_map_lookup_elem(chunk, &only) : 0;
}

DW_INLINE const struct dw_line *dw_mem_far_line(__u32 bank, __u32 line)
{
	__u32 key = DW_POLICY_CHUNK(bank, line / DW_CHUNK_LINES), only = 0;
	void *chunk = bpf_map_lookup_elem(&policy, &key);
	const struct dw_blob *blob = chunk ? bpf_map_lookup_elem(chunk, &only) : 0;

	if (!blob)
		return 0;
	DW_FORGET(line); /* else clang adds it to the pointer before the comparison, and kernel 6.1 refuses that */
	return &blob->line[line % DW_CHUNK_LINES];
}

DW_INLINE struct dw_slots *dw_mem_slots(__u32 index)
{
	index &= settings.bucket_mask;
	return bpf_map_lookup_elem(&slots, &index);
}

DW_INLINE struct dw_flow *dw_mem_flow(__u32 id)
{
	__u32 index = id - 1;

	return bpf_map_lookup_elem(&flows, &index);
}

DW_INLINE struct dw_fragment_bucket *dw_mem_fragments(__u32 index)
{
	index &= DW_FRAGMENT_BUCKETS - 1;
	return bpf_map_lookup_elem(&fragments, &index);
}

DW_INLINE struct dw_link *dw_mem_link(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&link, &key);
}

DW_INLINE struct dw_rates *dw_mem_rates(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&rates, &key);
}

DW_INLINE struct dw_inspection *dw_mem_inspection(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&inspection, &key);
}

DW_INLINE struct dw_counter *dw_mem_counter(__u32 index)
{
	if (index >= DW_COUNTERS)
		return 0;
	index += bpf_get_smp_processor_id() * DW_COUNTERS;
	return bpf_map_lookup_elem(&counters, &index);
}

/* Events are a sample: each CPU sends one every 10 ms at the most, and says how many it kept back. */
DW_INLINE struct dw_event *dw_mem_event(void)
{
	return bpf_ringbuf_reserve(&events, sizeof(struct dw_event), 0);
}

DW_INLINE void dw_mem_send(struct dw_event *event)
{
	bpf_ringbuf_submit(event, 0);
}

DW_INLINE __u64 dw_mem_now(void)
{
	return bpf_jiffies64();
}

DW_INLINE __u64 dw_mem_clock_ns(void)
{
	return bpf_ktime_get_ns();
}

/* Would the packet end at a neighbour of whom the kernel knows nothing yet? One look-up in its routes and
 * neighbours; called only when a packet from outside opens a flow. A function of its own for its frame's sake. */
DW_GLOBAL int dw_ask_neighbour(struct xdp_md *ctx, const struct dw_in6 *src, const struct dw_in6 *dst)
{
	struct bpf_fib_lookup fib = {.family = 10 /* AF_INET6 */};

	if (!src || !dst)
		return 0;
	fib.ifindex = ctx->ingress_ifindex;
	((__u64 *)fib.ipv6_src)[0] = __builtin_bswap64(src->hi);
	((__u64 *)fib.ipv6_src)[1] = __builtin_bswap64(src->lo);
	((__u64 *)fib.ipv6_dst)[0] = __builtin_bswap64(dst->hi);
	((__u64 *)fib.ipv6_dst)[1] = __builtin_bswap64(dst->lo);
	return bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) == BPF_FIB_LKUP_RET_NO_NEIGH;
}

DW_INLINE int dw_mem_is_strange(const struct dw_frame *frame, const struct dw_in6 *src, const struct dw_in6 *dst)
{
	struct xdp_md *ctx = frame->context;

	return settings.ask_neighbours && ctx && dw_ask_neighbour(ctx, src, dst);
}

/* IPv4 addresses of this box are not known here, so the kernel's routes are asked; for leases only. A lease's first
 * answer goes to an address that nobody has yet: the way to that, if any, is back to the line. */
DW_GLOBAL int dw_ask_way(struct xdp_md *ctx, __u32 src, __u32 dst)
{
	struct bpf_fib_lookup fib = {.family = 2 /* AF_INET */};
	long found;

	fib.ifindex = ctx->ingress_ifindex;
	fib.ipv4_src = __builtin_bswap32(src);
	fib.ipv4_dst = __builtin_bswap32(dst);
	found = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	return (found == BPF_FIB_LKUP_RET_SUCCESS || found == BPF_FIB_LKUP_RET_NO_NEIGH ||
		found == BPF_FIB_LKUP_RET_FRAG_NEEDED) &&
	       fib.ifindex != ctx->ingress_ifindex;
}

DW_INLINE int dw_mem_goes_on(const struct dw_frame *frame, const struct dw_in6 *src, const struct dw_in6 *dst)
{
	struct xdp_md *ctx = frame->context;

	return settings.ask_neighbours && ctx && dw_ask_way(ctx, src->lo, dst->lo);
}

#define DW_LOOP(count, function, context) bpf_loop(count, function, context, 0)

#endif
