/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Every byte that the kernel side and user space share, defined once.
 *
 * The BPF programs, the native build of the packet core, the rule compiler and the daemon all
 * include this file, so a layout cannot drift: sizes and offsets that another part relies on are
 * asserted below. Change a layout, and DW_LAYOUT_VERSION with it: a daemon that finds pins of
 * another version builds new maps instead of adopting them (design D5).
 *
 * Addresses are two host-order words (`hi` is the first eight bytes on the wire), ports are host
 * order, times are jiffies since boot. IPv4 addresses appear only in flow keys, as ::ffff:a.b.c.d.
 */
#ifndef DW_LAYOUT_H
#define DW_LAYOUT_H

#include <linux/types.h>

#ifdef __cplusplus
#define DW_ASSERT(condition, reason) static_assert(condition, reason)
#else
#define DW_ASSERT(condition, reason) _Static_assert(condition, reason)
#endif

#define DW_LAYOUT_VERSION 5
#define DW_MAGIC 0x6477616c /* "dwal" */
#define DW_LINE 64          /* bytes of a cache line */

struct dw_in6 {
	__u64 hi, lo;
};

struct dw_counter {
	__u64 packets, bytes; /* bytes on the wire, Ethernet header included */
};

/* ---- counters: one block a CPU; first the reasons, then the rules ---------------------------- */

#define DW_REASONS_MAX 128
#define DW_RULES_MAX 100000 /* rule names with a counter; a rule's id is its counter's index */
#define DW_COUNTERS (DW_REASONS_MAX + DW_RULES_MAX)
#define DW_NO_RULE 0

/* ---- own: the prefixes and addresses that are ours; changes with the line, not with rules ------ */

#define DW_PREFIXES 8
#define DW_SOURCES 8    /* prefix statements of the rule file; index = position in the file */
#define DW_OWN_COPIES 4 /* a writer fills the next copy, then moves dw_control.own_index */
#define DW_SELF_LINES 64
#define DW_SELF_WAYS 4
#define DW_LEARNT_LINES 4096 /* a power of two */
#define DW_LEARNT_WAYS 2
#define DW_LEARNT_MAX 4096   /* addresses of learnt hosts: half of the ways, so that a place is always found */
#define DW_LEARNT_HOSTS 4    /* hosts that one address may belong to */

enum dw_prefix_state {
	DW_PREFIX_NONE = 0,
	DW_PREFIX_PREFERRED = 1,
	DW_PREFIX_DEPRECATED = 2, /* as good as preferred for packets (R30) */
	DW_PREFIX_GRACE = 3,      /* withdrawn: open flows live on, nothing new gets in (R31) */
};

#define DW_PREFIX_ONLINK 1 /* shared with the dish segment: only our own addresses in it are ours (R6) */

struct dw_prefix {
	__u64 net;    /* the first 64 bits, host bits zero */
	__u8 length;  /* 48..64 */
	__u8 state;   /* enum dw_prefix_state */
	__u8 source;  /* which prefix statement it came from, < DW_SOURCES */
	__u8 flags;   /* DW_PREFIX_* */
	__u32 pad;
};
DW_ASSERT(sizeof(struct dw_prefix) == 16, "four prefixes a line");

/* An address of hosts that are learnt while the policy runs (by MAC or by name), and which. */
struct dw_learnt {
	struct dw_in6 address;
	__u32 host[DW_LEARNT_HOSTS]; /* ids; 0: none, and none behind it */
};
DW_ASSERT(sizeof(struct dw_learnt) * DW_LEARNT_WAYS == DW_LINE, "a line is one bucket");

struct dw_own {
	struct dw_prefix prefix[DW_PREFIXES];
	__u32 prefixes;      /* used entries of prefix[] */
	__u32 pad;
	__u64 self_seed;     /* chosen by the writer so that no line of self[] overflows */
	__u8 mac[6];         /* of the uplink; all zero: not known, frames for any address are judged (R40) */
	__u16 learnt_count; /* used ways of learnt[]; 0: nobody looks there */
	__u32 losses;       /* counts updates in which a learnt host lost an address */
	__u8 unused[36];
	/* This box's own addresses, a set: an address is in line dw_self_line(seed, address) or absent.
	 * Free ways are all zero (the address :: is never ours). */
	struct dw_in6 self[DW_SELF_LINES][DW_SELF_WAYS];
	/* An address is in line dw_learnt_line(address, 0) or dw_learnt_line(address, 1), or absent. Free ways are
	 * all zero. */
	struct dw_learnt learnt[DW_LEARNT_LINES][DW_LEARNT_WAYS];
};
DW_ASSERT(__builtin_offsetof(struct dw_own, self) % DW_LINE == 0, "self[] starts on a line");
DW_ASSERT(sizeof(struct dw_own) % DW_LINE == 0, "copies stay aligned");

static inline __attribute__((always_inline)) __u32 dw_self_line(__u64 seed, struct dw_in6 a)
{
	__u64 h = (a.hi ^ seed) * 0x9e3779b97f4a7c15ull;

	h ^= h >> 32;
	h = (h ^ a.lo) * 0xd6e8feb86659fd93ull;
	return (h >> 40) & (DW_SELF_LINES - 1);
}

static inline __attribute__((always_inline)) __u32 dw_learnt_line(struct dw_in6 a, __u32 choice)
{
	__u64 h = a.hi * 0x9e3779b97f4a7c15ull;

	h ^= h >> 32;
	h = (h ^ a.lo) * 0xd6e8feb86659fd93ull;
	return (choice ? h >> 20 : h >> 44) & (DW_LEARNT_LINES - 1);
}

/* ---- control: one small page --------------------------------------------------------------- */

#define DW_SECRET_WORDS 11

struct dw_control {
	__u32 magic;
	__u32 layout;     /* DW_LAYOUT_VERSION */
	__u32 own_index;  /* the copy of dw_own in force; the only field the programs read */
	__u32 bucket_mask;/* of the flow table these maps were made with */
	__u32 hz;         /* jiffies a second */
	__u32 cpus;       /* counter blocks */
	__u64 secret[DW_SECRET_WORDS]; /* boot secret of the flow hash; copied into the programs' rodata */
	__u64 armed_at;   /* CLOCK_REALTIME, ns, when these maps were made */
	__u8 stamp[6];    /* the source MAC address of what was judged and passed: control/guard.h asks for it */
	__u8 unused[2];
};
DW_ASSERT(sizeof(struct dw_control) == 128, "two lines");

/* What a loaded program is told once (rodata: the verifier folds it into the code). */
struct dw_settings {
	__u32 bucket_mask;
	__u32 hz;
	__u32 dry;   /* judge, but change nothing: no counters, no flows, no events (explain, D7) */
	__u32 trace; /* leave the outcome of each packet in the `outcome` map (explain, tests) */
	__u32 ask_neighbours; /* ask the kernel whether a new flow's host is a known neighbour (R38) */
	__u8 stamp[6];        /* as in dw_control; all zero: none is written */
	__u8 pad[2];
	__u64 secret[DW_SECRET_WORDS];
};

/* ---- flows --------------------------------------------------------------------------------- */

/*
 * A flow is named by who is inside, not by who sent the packet, so both directions give one key.
 * ICMP echo: inside_port is the identifier, outside_port is 0 when the request came from inside
 * and 1 when it came from outside, so that a reply never passes for a request.
 *
 * A key whose outside is all zero is the mark of an endpoint-independent rule: any peer may open a flow to
 * this inside address and port while the mark lives (R23, REC-11, REC-33).
 */
struct dw_flow_key {
	struct dw_in6 inside, outside;
	__u16 inside_port, outside_port;
	__u8 proto;
	__u8 pad[3]; /* zero */
};
DW_ASSERT(sizeof(struct dw_flow_key) == 40, "hashed as ten words");

enum dw_origin { DW_INSIDE = 0, DW_OUTSIDE = 1 };

/* What a flow has seen (dw_flow.seen), by direction of the packet. */
enum dw_seen {
	DW_SEEN_IN = 1 << 0,
	DW_SEEN_OUT = 1 << 1,
	DW_SEEN_ESTABLISHED = 1 << 2,
	DW_SEEN_IN_SYN = 1 << 3,
	DW_SEEN_OUT_SYN = 1 << 4,
	DW_SEEN_IN_FIN = 1 << 5,
	DW_SEEN_OUT_FIN = 1 << 6,
	DW_SEEN_IN_RST = 1 << 7,
	DW_SEEN_OUT_RST = 1 << 8,
	DW_SEEN_INDEPENDENT = 1 << 9, /* an endpoint-independent rule admitted it: see dw_flow_key */
};

/* What the TCP window check needs (R24, REC-32). Sequence numbers; [0] is what came in, [1] what went out. */
struct dw_tcp_window {
	__u32 end[2];  /* behind the last byte that this side sent */
	__u32 limit;   /* behind the last byte that our side has given the peer room for; before the peer's SYN:
			* the least that it may acknowledge */
	__u32 acked;   /* the last byte that our side acknowledged: where a RST is believed */
	__u16 room[2]; /* the largest window that this side offered, in units of 1 << scale */
	__u32 pad;
};
DW_ASSERT(sizeof(struct dw_tcp_window) == 24, "what the second line of a flow has left");

#define DW_SCALE_UNSEEN 0xff /* no SYN of that side was seen */
#define DW_SCALE_NONE 0xfe   /* it was, and had no such option */
#define DW_SCALE_MAX 14      /* RFC 7323 2.3 */

struct dw_flow { /* two lines */
	struct dw_flow_key key;
	__u32 rule;       /* counter id of the rule that admitted it; DW_NO_RULE: a built-in or a default */
	__u32 generation; /* dw_generation() under which it was admitted (R28) */
	__u32 seen;       /* enum dw_seen */
	__u8 origin;      /* enum dw_origin */
	__u8 reason;      /* enum dw_reason with which it was admitted */
	__u8 scale[2];    /* TCP window scales from the SYNs, [0] in, [1] out, or DW_SCALE_* */
	__u64 first_seen; /* jiffies */
	struct dw_counter in, out;
	__u64 last_seen;  /* jiffies */
	struct dw_tcp_window window;
};
DW_ASSERT(sizeof(struct dw_flow) == 2 * DW_LINE, "two lines");
DW_ASSERT(__builtin_offsetof(struct dw_flow, in) == DW_LINE, "counters open the second line");

/*
 * A slot word says everything needed to find, expire and evict without touching the flow:
 * tag 63..48, class 47..46, timeout 45..42, status 41..40, last seen 39..0 (jiffies, 34 years at 1000 Hz).
 * Zero is a free slot.
 */
#define DW_SLOT_TIME_BITS 40
#define DW_SLOT_TIME_MASK ((1ull << DW_SLOT_TIME_BITS) - 1)
#define DW_SLOT_STATUS_SHIFT 40
#define DW_SLOT_TIMEOUT_SHIFT 42
#define DW_SLOT_CLASS_SHIFT 46
#define DW_SLOT_TAG_SHIFT 48
#define DW_SLOT_BUSY 1ull /* being filled by one CPU; nobody else reads the flow */
#define DW_SLOT_LIVE 2ull

/* By worth, the dearest first (design D4). An insertion evicts its own class or a later one. */
enum dw_class {
	DW_INSIDE_ESTABLISHED = 0,
	DW_OUTSIDE_ESTABLISHED = 1,
	DW_INSIDE_EMBRYONIC = 2,
	DW_OUTSIDE_EMBRYONIC = 3,
};

enum dw_timeout {
	DW_TIMEOUT_TCP_OPENING = 0,
	DW_TIMEOUT_TCP_ESTABLISHED = 1,
	DW_TIMEOUT_TCP_CLOSING = 2,
	DW_TIMEOUT_UDP = 3,
	DW_TIMEOUT_ICMP = 4,
	DW_TIMEOUT_OTHER = 5,
	DW_TIMEOUT_FRAGMENT = 6, /* since the first fragment, not since the last one (RFC 8200 4.5) */
	DW_TIMEOUTS = 8,
};

#define DW_WAYS 8
#define DW_OUTSIDE_WAYS 6 /* flows opened from outside use only the first ones: the rest is kept for inside */

/* One bucket of the flow table's index. The flows themselves stand in a table of their own, so that the index is
 * dense: flow number `bucket * DW_WAYS + way` is what slot `way` of a bucket speaks of. */
struct dw_slots {
	__u64 word[DW_WAYS];
};
DW_ASSERT(sizeof(struct dw_slots) == DW_LINE, "a bucket of the index is a line");

/* ---- fragments: datagrams whose first fragment was accepted (R10, R11, R39) -------------------- */

#define DW_FRAGMENT_BUCKETS 4096 /* of DW_WAYS: 32,768 datagrams in 2.25 MiB */

struct dw_fragment_key {
	struct dw_in6 src, dst;
	__u32 id;  /* IPv4: the protocol and the 16-bit identification */
	__u32 pad; /* zero */
};
DW_ASSERT(sizeof(struct dw_fragment_key) == sizeof(struct dw_flow_key), "hashed as ten words");

struct dw_datagram {
	struct dw_fragment_key key;
	__u64 cover; /* which parts were seen: bpf/core/fragment.h */
	__u32 rule;  /* that admitted it */
	__u32 pad;
	__u64 unused;
};
DW_ASSERT(sizeof(struct dw_datagram) == DW_LINE, "a line a datagram");

struct dw_fragment_bucket {
	__u64 slot[DW_WAYS]; /* as in struct dw_slots */
	struct dw_datagram datagram[DW_WAYS];
};
DW_ASSERT(sizeof(struct dw_fragment_bucket) == 9 * DW_LINE, "a line of slots, then a line a datagram");

/* ---- the link: what is remembered of the dish segment, and the limits (R21, R37, R38) ----------- */

#define DW_ROUTERS 2
#define DW_METERS 4096 /* by source; a power of two */
#define DW_LATE 1024   /* refused packets that may be answered late (R26); a power of two */

struct dw_router {
	__u64 id;    /* interface id of its link-local address; 0: free */
	__u64 until; /* jiffies: without a new advertisement it is forgotten then */
	__u64 since; /* jiffies: of two, the later one is the second router */
};

enum dw_meter { /* kinds of what is limited */
	DW_METER_ADVERTISE = 0, /* router advertisements, each router by itself */
	DW_METER_SOLICIT = 1,   /* NS and RS: each makes a neighbour entry */
	DW_METER_NEIGHBOUR = 2, /* NA */
	DW_METER_MLD = 3,
	DW_METER_UNKNOWN = 4,   /* new flows to hosts that no neighbour entry is known for */
	DW_METER_KINDS = 8,
};

struct dw_late {
	__u64 tag;   /* of the packet's addresses and ports */
	__u64 since; /* jiffies */
};

/* A meter is one word: the time, in ns since boot, at which it will have forgotten everything (bpf/core/meter.h). */
struct dw_link {
	struct dw_router router[DW_ROUTERS];
	__u64 unused[2];
	__u64 overall[DW_METER_KINDS];
	__u64 by_source[DW_METERS];
	struct dw_late late[DW_LATE];
};
DW_ASSERT(__builtin_offsetof(struct dw_link, overall) == DW_LINE, "routers, then meters, each on its line");

/* ---- rates: the token buckets of rules (bpf/core/rate.h) ----------------------------------------- */

#define DW_RATE_LINES 16384 /* a power of two: 65,536 sources in 1 MiB */
#define DW_RATE_WAYS 4

struct dw_source_meter {
	__u64 tag;   /* of rule and source prefix: 64 bits of keyed hash; 0: free */
	__u64 until; /* a meter */
};

struct dw_rates {
	__u64 by_rule[DW_RULES_MAX]; /* meters, by counter id - DW_REASONS_MAX */
	struct dw_source_meter by_source[DW_RATE_LINES][DW_RATE_WAYS];
};
DW_ASSERT(__builtin_offsetof(struct dw_rates, by_source) % DW_LINE == 0, "a bucket is one line");

/* ---- the policy image: written by rules/image/, read by bpf/core/{image,policy}.h, by nobody else - */

/*
 * An image is an array of lines. Line 0 opens the header; what a packet is likely to need stands in the first
 * chunk. In the kernel it is cut into chunks, each one value of an array map (4 MiB is the most that kernel 6.1
 * gives one), of which only those that an image needs exist. Two banks of chunks take turns, so that a packet that
 * began with one policy ends with it.
 */
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

enum dw_verdict {
	DW_ACCEPT = 0,
	DW_DROP = 1,
	DW_REJECT = 2,
	DW_AUDIT = 3, /* in rules only: count, report, go on */
	DW_REJECT_LATE = 4, /* in rules only: drop, and reject what still comes after six seconds (R26) */
};

struct dw_line {
	__u64 word[8];
};

struct dw_span {
	__u32 line;  /* the first */
	__u32 count; /* elements */
};

/*
 * A set of disjoint prefixes of 128-bit keys: a B+-tree of lines, named by the line of its root; 0 is none. When no
 * prefix is longer than 64 bits its keys are the first 64 bits (a wide tree): seven prefixes a line, eight
 * children; else three and four. A key belongs to the last prefix of a leaf that does not begin behind it, if to any.
 * Unused keys of a leaf repeat its last prefix, those of an inner node are all ones.
 */
#define DW_WIDE_KEYS 7u
#define DW_FULL_KEYS 3u
#define DW_TREE_DEPTH 12u /* lines from root to leaf, at the most: 4^11 leaves of full keys */

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
struct dw_set { /* roots of trees */
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
	__u32 pad;
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
	__u32 pad;
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
	__u32 list; /* DW_ENTRY_ONE | the number of the one rule, or where the list of them is in dw_chain.lists */
};
#define DW_ENTRY_WAYS 8u
#define DW_ENTRY_ONE (1u << 31)
#define DW_NUMBERS_A_LINE 16u /* lists are words: the number of rules in it, then those, least index first */

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
	__u32 bogons_wide, bogons_full; /* trees of literal addresses: never a valid source or destination (R2) */
	struct dw_span sets;    /* struct dw_set */
	struct dw_span rates;   /* struct dw_rate */
	struct dw_span networks[DW_SOURCES]; /* bitmap of assigned subnet ids (R5): count: of bits */
	__u8 unused[40];
	struct dw_chain inbound, outbound;
};
DW_ASSERT(sizeof(struct dw_image) == 8 * DW_LINE, "the header is eight lines");
DW_ASSERT(__builtin_offsetof(struct dw_image, inbound) % DW_LINE == 0, "chains start on a line");

/* ---- what a packet came to ------------------------------------------------------------------ */

/* The result of one packet: the `outcome` map in trace mode, and the native core's answer. */
struct dw_outcome {
	__u8 verdict;       /* enum dw_verdict, never DW_AUDIT */
	__u8 reason;        /* enum dw_reason */
	__u8 prefix_state;  /* of the destination (in) or source (out), enum dw_prefix_state */
	__u8 prefix_slot;   /* index into dw_own.prefix, 0xff: none */
	__u32 rule;         /* counter id of the deciding rule or DW_NO_RULE */
	__u32 rule_index;   /* index of the deciding rule in its policy; meaningless if rule is DW_NO_RULE */
	__u32 flow;         /* bucket * DW_WAYS + way + 1 of the flow found or opened; 0: none */
	__u32 flow_seen;    /* its dw_flow.seen after the packet */
	__u32 generation;   /* of the image that judged */
	__u16 l4_offset;    /* from the frame's start */
	__u8 proto;         /* after the extension chain */
	__u8 audited;       /* audit rules that matched on the way */
	__u32 over_rate;    /* counter id of the first rule that matched but for its rate; DW_NO_RULE: none */
};
DW_ASSERT(sizeof(struct dw_outcome) == 32, "half a line");

/* How many resets and errors a CPU has sent in the present second. */
struct dw_reply_budget {
	__u64 since; /* jiffies */
	__u32 sent;
	__u32 pad;
};

/* A sampled event, as sent through the ring buffer to the daemon. */
struct dw_event {
	__u64 time_ns;  /* CLOCK_MONOTONIC */
	struct dw_in6 src, dst;
	__u16 sport, dport; /* ICMP: type, code */
	__u8 proto, verdict, reason, direction; /* direction: 0 in, 1 out */
	__u32 rule;     /* counter id of what decided, or DW_NO_RULE */
	__u32 audit_rule; /* counter id of the last audit rule that matched on the way, or DW_NO_RULE */
	__u32 length;   /* bytes of the frame */
	__u32 skipped;  /* events not sent on this CPU since the last one */
	__u32 kind;     /* DW_EVENT_* */
	__u32 missed;   /* of those, judged packets that DW_OPTION_REPORT_JUDGED wants: the buffer was full */
};
#define DW_EVENT_AUDIT 1  /* an audit rule's report, the packet went on */
#define DW_EVENT_JUDGED 2 /* sent because DW_OPTION_REPORT_JUDGED is set: a chain judged it */

DW_ASSERT(sizeof(struct dw_event) == 72, "no holes");

#endif
