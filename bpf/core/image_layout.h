/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The policy image: written by rules/image/, read by bpf/core/{image,sets,policy,rate}.h, by nobody else.
 *
 * An image is an array of lines. Line 0 opens the header; what a packet is likely to need stands in the first
 * chunk. In the kernel it is cut into chunks, each one value of an array map (4 MiB is the most that kernel 6.1
 * gives one), of which only those that an image needs exist. Two banks of chunks take turns, so that a packet that
 * began with one policy ends with it.
 */
#ifndef DW_IMAGE_LAYOUT_H
#define DW_IMAGE_LAYOUT_H

#include "layout.h"

#define DW_CHUNK_LINES 65536u /* 4 MiB */
#define DW_CHUNKS 16u
#define DW_IMAGE_LINES (DW_CHUNKS * DW_CHUNK_LINES)
#define DW_CHUNK_SIZE (DW_CHUNK_LINES * DW_LINE)
#define DW_IMAGE_SIZE (DW_CHUNKS * DW_CHUNK_SIZE) /* 64 MiB */
#define DW_BANKS 2u

/* Keys of the map `policy`: first the chunk 0 in force, then the chunks of each bank. */
#define DW_POLICY_IN_FORCE 0u
#define DW_POLICY_CHUNK(bank, chunk) (1u + (bank) * DW_CHUNKS + (chunk))
#define DW_POLICY_SLOTS (1u + DW_BANKS * DW_CHUNKS)

struct dw_line {
	__u64 word[8];
};

struct dw_span {
	__u32 line;  /* the first */
	__u32 count; /* elements */
};

#define DW_NUMBERS_A_LINE 16u /* 32-bit words */

/*
 * A set of disjoint prefixes of 128-bit keys: a B+-tree of lines, named by the line of its root; 0 is none. When no
 * prefix is longer than 64 bits its keys are the first 64 bits (a wide tree): seven prefixes a line, eight
 * children; else three and four. A key belongs to the last prefix of a leaf that does not begin behind it, if to any.
 * Unused keys of a leaf repeat its last prefix, those of an inner node are all ones.
 *
 * A tree with many leaves has a table in front of its root, which spares a search the upper levels: a number for each
 * value of some bits of a key, which is the line of the lowest node that leads to all keys with this value. The bits
 * begin behind those that all prefixes share. Which they are stands in the tree's name, above the line, and what all
 * share in the first word of a line before the table: who does not share it is in no prefix.
 */
#define DW_WIDE_KEYS 7u
#define DW_FULL_KEYS 3u
#define DW_TREE_DEPTH 12u /* lines from root to leaf, at the most: 4^11 leaves of full keys */

#define DW_TREE_LINE (DW_IMAGE_LINES - 1) /* of a tree's name: the line of its root, or before its table */
#define DW_TREE_SKIP_SHIFT 20             /* so many first bits all prefixes share, 0..63 */
#define DW_TREE_BITS_SHIFT 26             /* so many behind them index the table; 0: there is none */
DW_ASSERT(DW_IMAGE_LINES == 1u << DW_TREE_SKIP_SHIFT, "a tree's name has room for any line");

/* What of such a word all prefixes of a tree with a table share. */
static inline __attribute__((always_inline)) __u64 dw_tree_shared(__u32 tree, __u64 hi)
{
	return hi >> 1 >> (63 - (tree >> DW_TREE_SKIP_SHIFT & 63));
}

/* Which number of its table, for a key with these first 64 bits. */
static inline __attribute__((always_inline)) __u32 dw_tree_entry(__u32 tree, __u64 hi)
{
	return hi << (tree >> DW_TREE_SKIP_SHIFT & 63) >> (64 - (tree >> DW_TREE_BITS_SHIFT));
}

/*
 * What a node says of itself, in one word. A leaf: byte i is the length of prefix i. An inner node: the line of its
 * first child, the others follow it, and in byte 4 the number of the last child.
 */
#define DW_NODE_LEAF (1ull << 63)

struct dw_wide_node {
	__u64 key[DW_WIDE_KEYS]; /* of an inner node: the first key of child i + 1 */
	__u64 tail;
};
DW_ASSERT(sizeof(struct dw_wide_node) == DW_LINE, "a node is a line");

struct dw_full_node {
	struct dw_in6 key[DW_FULL_KEYS];
	__u64 unused;
	__u64 tail;
};
DW_ASSERT(sizeof(struct dw_full_node) == DW_LINE, "a node is a line");

/*
 * An address set: in(must) and not in(mustnot). An address has several names: the literal one; when it lies in
 * a live prefix, its place behind the line: hi = source << 16 | subnet id, lo = interface id; and for each
 * learnt host that uses it: hi = DW_LEARNT_KEY | the host's id, lo = 0. Raw trees hold literal addresses, placed
 * ones the others, so a renumbering or a device's new address touches no set.
 */
struct dw_set { /* names of trees */
	__u32 wide, full, placed;             /* must: raw in a wide tree, raw in a full one, placed (full) */
	__u32 not_wide, not_full, not_placed; /* mustnot */
	__u32 flags;                          /* DW_SET_* */
	__u32 pad;
};
DW_ASSERT(sizeof(struct dw_set) == DW_LINE / 2, "two sets a line");
#define DW_SETS_A_LINE 2u
#define DW_NO_SET (~0u)
#define DW_SET_ANY 1      /* everything, before the exclusions */
#define DW_SET_SELF 2     /* this box's addresses */
#define DW_SET_NOT_SELF 4 /* this box's addresses excluded */
#define DW_SET_LEARNT 8   /* learnt hosts are among the placed prefixes of either side */
#define DW_LEARNT_KEY (1ull << 32) /* behind every place */

/*
 * A chain asks for the rule with the least number (dw_rule.index) that matches: first match wins. Two tables name
 * candidates, and every candidate is verified whole:
 *
 *   services  lines of rules whose own end is one place or learnt host, with one protocol and one port or type, any
 *             sender's port and no rate: found by their exact key, behind a Bloom filter
 *   rules     all other lines. A few are walked one by one; many are found through tuples, see struct dw_tuple
 */
#define DW_RULE_LOG 1
#define DW_RULE_INDEPENDENT 2 /* outbound: the flows it opens let any peer answer (R23) */
#define DW_RULE_ANY_PROTO 4
#define DW_RULE_SUBNET 8 /* our end is in the subnet place_hi */
#define DW_RULE_EXACT 16 /* our end is the place place_hi, place_lo */

/* One alternative of a rule: a protocol with one range of ports or ICMPv6 types. */
struct dw_rule {
	struct dw_in6 peer; /* its prefix, host bits zero */
	__u64 place_lo;
	__u32 place_hi;
	__u32 counter; /* index into a counter block, >= DW_REASONS_MAX */
	__u32 index;   /* which rule of the policy: both chains counted through, inbound first */
	__u32 rate;    /* 1 + index into the image's rates; 0: none */
	__u32 our_set, peer_set; /* numbers of sets, or DW_NO_SET: any; asked beside the place and the prefix */
	__u16 port_first, port_last;  /* service port, or ICMPv6 type: inbound ours, outbound the peer's */
	__u16 from_first, from_last;  /* the sender's port */
	__u8 proto;
	__u8 verdict;     /* enum dw_verdict */
	__u8 flags;       /* DW_RULE_* */
	__u8 peer_length; /* of the prefix, 0..128; 0: any */
	__u32 inspect;    /* of an accept: bits of DW_INSPECT_BY_RULE; 0: nobody looks into it */
};
DW_ASSERT(sizeof(struct dw_rule) == DW_LINE, "a line a rule");

/*
 * name: the high word of the place or learnt host (33 bits), protocol << 33, port or type << 41, and from bit 57 on
 * what is not part of the key: DW_SERVICE_*.
 */
struct dw_service {
	__u64 lo;   /* the low word of the place */
	__u64 name;
	__u32 counter, index; /* as in struct dw_rule; of a list: 0 and that of its first rule */
	__u32 peer_set; /* a set or DW_NO_SET; of a list: which, see dw_chain.lists */
	__u32 inspect;  /* as in struct dw_rule */
};
DW_ASSERT(sizeof(struct dw_service) == DW_LINE / 2, "two services a line");
#define DW_SERVICE_WAYS 2u
#define DW_SERVICE_KEY ((1ull << 57) - 1)
#define DW_SERVICE_USED (1ull << 57)
#define DW_SERVICE_LIST (1ull << 58) /* several lines of rules have this key: they stand among the rules */
#define DW_SERVICE_LOG (1ull << 59)
#define DW_SERVICE_INDEPENDENT (1ull << 60)
#define DW_SERVICE_VERDICT_SHIFT 61

static inline __attribute__((always_inline)) __u64 dw_service_key(__u64 hi, __u32 proto, __u32 port)
{
	return hi | (__u64)proto << 33 | (__u64)port << 41;
}

/* A mixing step: each bit of either word moves about half of the result's upper bits. */
static inline __attribute__((always_inline)) __u64 dw_mix(__u64 a, __u64 b)
{
	__u64 h = (a ^ a >> 32 ^ 0x9e3779b97f4a7c15ull) * 0xd6e8feb86659fd93ull;

	h = (h ^ h >> 32 ^ b) * 0xff51afd7ed558ccdull;
	return h ^ h >> 29;
}

/* In a table of `count` elements, by the upper half of a hash. */
static inline __attribute__((always_inline)) __u32 dw_pick(__u64 hash, __u32 count)
{
	return (hash >> 32) * count >> 32;
}

/* A service is in line dw_pick(h, lines) or dw_pick(dw_mix(h, 1), lines), or absent, h = dw_service_hash(). */
static inline __attribute__((always_inline)) __u64 dw_service_hash(__u64 seed, __u64 lo, __u64 key)
{
	return dw_mix(lo ^ seed, key);
}

/* Its Bloom filter: these three bits of word dw_pick(h << 32, words). */
static inline __attribute__((always_inline)) __u64 dw_bloom_bits(__u64 hash)
{
	return 1ull << (hash & 63) | 1ull << (hash >> 6 & 63) | 1ull << (hash >> 12 & 63);
}

/*
 * Tuple space search: a tuple says which part of our place, which part of protocol and port, how many bits of the
 * peer's address make the key. Rules of a tuple are found by the masked values of a packet. A rule stands under one or
 * several keys of one tuple that cover it, so a key names candidates, and the rule itself decides.
 */
enum dw_local_mask { DW_LOCAL_ANY = 0, DW_LOCAL_SUBNET = 1, DW_LOCAL_EXACT = 2 };
enum dw_service_mask { /* what of the service stands in the key */
	DW_SERVICE_ANY = 0,
	DW_SERVICE_PROTO = 1,
	DW_SERVICE_BLOCK_256 = 2, /* protocol and the port's upper 8 bits */
	DW_SERVICE_BLOCK_16 = 3,  /* 12 bits */
	DW_SERVICE_PORT = 4,
};
#define DW_TUPLES_MAX 64

struct dw_tuple {
	__u32 first; /* the least dw_rule.index in it; tuples are sorted by this */
	__u8 local;       /* enum dw_local_mask */
	__u8 service;     /* enum dw_service_mask */
	__u8 peer_length; /* 0..128 */
	__u8 pad;
};
DW_ASSERT(sizeof(struct dw_tuple) == DW_LINE / 8, "eight tuples a line");
#define DW_TUPLES_A_LINE 8u

/*
 * Which tuples have any rule for a part of the packet, whatever the other parts are: tables of bit sets, one a kind of
 * mask, found by the hash of the masked part. A bit too many costs a look, one too few cannot be. Tuples whose mask
 * of that dimension is empty are in `always`.
 */
enum dw_dimension { DW_OUR_PLACE = 0, DW_THE_SERVICE = 1, DW_THE_PEER = 2 };
#define DW_DIMENSIONS 3
#define DW_PARTS_MAX 14 /* 2 local masks, 4 of services, 8 lengths of the peer's prefix */

struct dw_part {
	__u32 line;  /* of a table of 64-bit sets of tuples, eight a line */
	__u32 count; /* of sets */
	__u8 dimension; /* enum dw_dimension; parts are sorted by it */
	__u8 mask;      /* enum dw_local_mask or dw_service_mask, or length */
	__u8 pad[6];
};
DW_ASSERT(sizeof(struct dw_part) == DW_LINE / 4, "four parts a line");
#define DW_PARTS_A_LINE 4u

static inline __attribute__((always_inline)) __u64 dw_mask_high(__u64 hi, __u32 length)
{
	return length >= 64 ? hi : length ? hi & ~0ull << (64 - length) : 0;
}

static inline __attribute__((always_inline)) __u64 dw_mask_low(__u64 lo, __u32 length)
{
	return length >= 128 ? lo : length > 64 ? lo & ~0ull << (128 - length) : 0;
}

/* Protocol and port under a mask, as one word. */
static inline __attribute__((always_inline)) __u64 dw_masked_service(__u32 mask, __u32 proto, __u32 port)
{
	if (mask == DW_SERVICE_ANY)
		return 0;
	if (mask == DW_SERVICE_PROTO)
		return 1 << 24 | proto;
	return 1 << 24 | proto | (__u64)(mask == DW_SERVICE_PORT       ? port
					 : mask == DW_SERVICE_BLOCK_16 ? port >> 4
								       : port >> 8) << 8;
}

/* Hashes of the three parts of a key; of all three and the tuple's number. A part without a mask is 0. */
static inline __attribute__((always_inline)) __u64 dw_place_hash(__u32 mask, __u64 hi, __u64 lo)
{
	return mask == DW_LOCAL_ANY ? 0 : dw_mix(mask == DW_LOCAL_EXACT ? lo : 0, hi << 2 | mask);
}

static inline __attribute__((always_inline)) __u64 dw_peer_hash(__u32 length, __u64 hi, __u64 lo)
{
	return length ? dw_mix(dw_mask_high(hi, length) ^ length, dw_mask_low(lo, length)) : 0;
}

static inline __attribute__((always_inline)) __u64 dw_key_hash(__u32 number, __u64 place_hash, __u64 service,
							       __u64 peer_hash)
{
	return dw_mix(dw_mix(place_hash, service << 8 | number), peer_hash);
}

/*
 * The index of all tuples together: lines of eight entries. An entry is in line dw_pick(h, lines) or
 * dw_pick(dw_mix(h, 1), lines), or absent, h = dw_key_hash(); its tag is (__u32)h | 1. Zero is a free entry.
 */
struct dw_entry {
	__u32 tag;
	__u32 list; /* DW_ENTRY_ONE | the number of the one rule, or where in dw_chain.lists the list of them is, never 0 */
};
#define DW_ENTRY_WAYS 8u
#define DW_ENTRY_ONE (1u << 31)
/* Lists are DW_NUMBERS_A_LINE words a line: the number of rules in it, then those, least index first. */

#define DW_FEW_RULES 16u /* so many are walked without tuples */

/* A rule's token bucket, or that of each source: GCRA, see bpf/core/meter.h. */
struct dw_rate {
	__u64 step;   /* ns that a packet takes to be forgotten */
	__u64 depth;  /* ns: burst times step */
	__u32 length; /* of the source prefix that has a bucket, 0..128; DW_RATE_OF_RULE: one for all */
	__u32 pad[3];
};
DW_ASSERT(sizeof(struct dw_rate) == DW_LINE / 2, "two a line");
#define DW_RATES_A_LINE 2u
#define DW_RATE_OF_RULE 255

struct dw_chain {
	__u32 default_verdict;
	__u32 log_sample;        /* of what would be reported, one in so many is; never 0 */
	struct dw_span bloom;    /* 64-bit words */
	struct dw_span services; /* lines of DW_SERVICE_WAYS struct dw_service; count 0: none */
	struct dw_span rules;    /* struct dw_rule, by index */
	struct dw_span tuples;   /* struct dw_tuple; count 0: the rules are walked one by one */
	struct dw_span parts;    /* struct dw_part */
	struct dw_span entries;  /* lines of DW_ENTRY_WAYS struct dw_entry */
	struct dw_span lists;    /* words, DW_NUMBERS_A_LINE a line */
	__u64 always[DW_DIMENSIONS]; /* tuples that have no mask in this dimension */
	__u64 seed;              /* of dw_service_hash: chosen by the writer so that every service finds a place */
	__u32 worst_lines;       /* lines of the image that a packet may touch one after the other, at the most */
	__u32 worst_rules;       /* candidates that it may have to verify, at the most */
	__u32 pad[6];
};
DW_ASSERT(sizeof(struct dw_chain) == 2 * DW_LINE, "two lines");

/* dw_image.options */
#define DW_OPTION_ROUTING_HEADERS 1   /* types other than 0 pass the walk (R8) */
#define DW_OPTION_ETHERTYPES 2        /* frames of other protocols pass (R14) */
#define DW_OPTION_UDP_NO_CHECKSUM 4   /* UDP over IPv6 without a checksum passes (R13) */
#define DW_OPTION_INDEPENDENT 8       /* some rule has DW_RULE_INDEPENDENT */
#define DW_OPTION_INSPECT 32          /* some rule inspects */
#define DW_OPTION_REPORT_JUDGED 16    /* every packet that a chain judges is reported: `dishctl shadow` listens */

#define DW_NO_VLAN 0xffff

enum dw_ipv4_mode { DW_IPV4_STATEFUL = 0, DW_IPV4_PASS = 1, DW_IPV4_DROP = 2 };

/* Where an address may be a bogon, as a number: its first byte, or in 2001::/16, where registries and special blocks
 * live side by side, 256 and its third one. */
#define DW_BOGON_AREAS 512

static inline __attribute__((always_inline)) __u32 dw_bogon_area(__u64 hi)
{
	return hi >> 48 == 0x2001 ? 256 + (hi >> 40 & 255) : hi >> 56;
}

struct dw_image {
	__u32 magic;
	__u32 layout;     /* DW_LAYOUT_VERSION */
	__u32 lines;      /* used */
	__u32 generation; /* set by the daemon when it installs the image; never 0 in force */
	__u32 bank;       /* the same: where its other chunks are */
	__u32 ipv4;       /* enum dw_ipv4_mode */
	__u32 options;    /* DW_OPTION_* */
	__u16 vlan;       /* the only tag that the uplink's frames carry (R14), or DW_NO_VLAN: they carry none */
	__u16 pad;
	__u32 timeout_s[DW_TIMEOUTS]; /* seconds, by enum dw_timeout */
	__u64 bogon_areas[DW_BOGON_AREAS / 64]; /* bit i: some bogon is in area i; the others need no search */
	__u32 bogons_wide, bogons_full; /* trees of literal addresses, by name: never a valid source or destination (R2) */
	struct dw_span sets;    /* struct dw_set */
	struct dw_span rates;   /* struct dw_rate */
	struct dw_span networks[DW_SOURCES]; /* bitmap of assigned subnet ids (R5): count: of bits */
	__u8 unused[40];
	struct dw_chain inbound, outbound;
};
DW_ASSERT(sizeof(struct dw_image) == 8 * DW_LINE, "the header is eight lines");
DW_ASSERT(__builtin_offsetof(struct dw_image, inbound) % DW_LINE == 0, "chains start on a line");

#endif
