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

#define DW_LAYOUT_VERSION 6
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
};

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
	__u32 inspect;    /* DW_INSPECT_*; 0: nobody looks into it */
};
DW_ASSERT(sizeof(struct dw_flow) == 2 * DW_LINE, "two lines");
DW_ASSERT(__builtin_offsetof(struct dw_flow, in) == DW_LINE, "counters open the second line");

/*
 * A slot word says everything needed to find, expire and evict without touching the flow:
 * tag 63..48, class 47..46, timeout 45..43, status 42..41, guests 40..38, last seen 37..0 (jiffies, 8 years at 1000 Hz).
 * A tag's lowest bit says that the entry is a guest: not in the first of its two buckets. `guests` has nothing to do
 * with the slot's own entry: it counts entries elsewhere whose first bucket is this one (bpf/core/slot.h), and
 * outlives them. A slot whose status is zero is free.
 */
#define DW_SLOT_TIME_BITS 38
#define DW_SLOT_TIME_MASK ((1ull << DW_SLOT_TIME_BITS) - 1)
#define DW_SLOT_GUESTS_SHIFT 38
#define DW_SLOT_GUESTS_MASK (7ull << DW_SLOT_GUESTS_SHIFT)
#define DW_SLOT_STATUS_SHIFT 41
#define DW_SLOT_TIMEOUT_SHIFT 43
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
	__u32 inspect; /* as in dw_flow */
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

enum dw_preference { /* that a router says it has, RFC 4191 2.1 */
	DW_PREFERENCE_LOW = 0,
	DW_PREFERENCE_MEDIUM = 1,
	DW_PREFERENCE_HIGH = 2,
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
	__u64 preference[DW_ROUTERS]; /* of each: DW_PREFERENCE_* */
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

/* ---- inspection: what the programs and dishwall-inspect tell each other (bpf/core/inspect.h) ------- */

/*
 * What is said of a flow's inspection, in one word of the rule, the flow and the datagram: which signatures, which
 * worker, and what it came to. The programs write it when the flow opens or is judged again; from then on
 * dishwall-inspect changes it, by compare-and-swap.
 */
#define DW_INSPECT_SIGNATURES 0xffffu      /* number of the set, by the daemon; 0: the flow is not inspected */
#define DW_INSPECT_WORKER_SHIFT 16         /* three bits: which worker it was given to */
#define DW_INSPECT_PASS_ON_FAILURE (1u << 20) /* `on-failure accept` */
#define DW_INSPECT_CLEAN (1u << 21)        /* so many bytes without a match: it no longer leaves the fast path */
#define DW_INSPECT_ENDED (1u << 22)        /* a signature matched: nothing of it passes any more */
#define DW_INSPECT_BOTH (1u << 23)         /* the signatures are about packets of our side, too */
#define DW_INSPECT_BY_RULE (DW_INSPECT_SIGNATURES | DW_INSPECT_PASS_ON_FAILURE | DW_INSPECT_BOTH)

#define DW_WORKERS 8
#define DW_INSPECT_STALE_NS 250000000ull /* a worker that did not come round for so long has failed */
#define DW_INSPECT_BACKLOG 1536u         /* frames on their way to a worker; its ring takes 2048 */
#define DW_BAN_LINES 1024 /* a power of two: 4096 sources in 64 KiB */
#define DW_BAN_WAYS 4

/* What the inspector counts, of frames it was given. */
enum dw_tally {
	DW_TALLY_PASSED = 0,     /* frames handed back */
	DW_TALLY_MATCHED = 1,    /* frames that completed a signature and were dropped */
	DW_TALLY_ALERTED = 2,    /* frames that completed one and were let through */
	DW_TALLY_CONFLICT = 3,   /* dropped: other bytes than were seen in their place */
	DW_TALLY_UNSCANNABLE = 4,/* could not be scanned: the rule's on-failure decided */
	DW_TALLY_CHECKSUM = 5,   /* dropped: a wrong checksum */
	DW_TALLY_STRAY = 6,      /* dropped: of no inspected flow */
	DW_TALLY_FRAGMENTS = 7,  /* held until their datagram was whole */
	DW_TALLY_BYTES = 8,      /* scanned */
	DW_TALLY_FLOWS_CLEAN = 9,/* flows found clean */
	DW_TALLY_FLOWS_ENDED = 10,
	DW_TALLY_BANS = 11,
	DW_TALLIES = 16,
};

struct dw_worker {
	/* a line that the worker writes */
	__u64 beat_ns; /* CLOCK_MONOTONIC: when it came round last */
	__u64 taken;   /* frames that it took from its port, or knows to be lost */
	__u64 unused[6];
	/* a line that the programs write */
	__u64 given;   /* frames sent to it */
	__u64 unused2[7];
	__u64 tally[DW_TALLIES]; /* the worker's */
};
DW_ASSERT(sizeof(struct dw_worker) == 4 * DW_LINE, "nobody waits for another's line");

/* A source that matched a signature with a ban: new flows from its /64 are refused. */
struct dw_ban {
	__u64 network; /* the first 64 bits; 0: free */
	__u64 until_ns; /* CLOCK_MONOTONIC */
};
DW_ASSERT(sizeof(struct dw_ban) * DW_BAN_WAYS == DW_LINE, "a line is one bucket");

struct dw_inspection {
	__u32 workers; /* 0: nothing inspects */
	__u32 bans;    /* 0: nobody was ever banned */
	__u32 uplink;  /* interface index */
	__u32 port[DW_WORKERS]; /* our end of the pair to each worker; 0: none */
	__u32 unused[5];
	__u8 mac[DW_WORKERS][8]; /* of our ends: six bytes each */
	struct dw_worker worker[DW_WORKERS];
	struct dw_ban ban[DW_BAN_LINES][DW_BAN_WAYS];
};
DW_ASSERT(__builtin_offsetof(struct dw_inspection, worker) == 2 * DW_LINE, "workers start on a line");

static inline __attribute__((always_inline)) __u32 dw_ban_line(__u64 network)
{
	return network * 0x9e3779b97f4a7c15ull >> 40 & (DW_BAN_LINES - 1);
}

/* ---- what a packet came to ------------------------------------------------------------------ */

enum dw_verdict {
	DW_ACCEPT = 0,
	DW_DROP = 1,
	DW_REJECT = 2,
	DW_AUDIT = 3, /* in rules only: count, report, go on */
	DW_REJECT_LATE = 4, /* in rules only: drop, and reject what still comes after six seconds (R26) */
};

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
	__u32 inspect;      /* DW_INSPECT_* of the flow or datagram; the packet goes to the inspector when its reason
			     * is DW_REASON_INSPECT */
};
DW_ASSERT(sizeof(struct dw_outcome) == 36, "no holes");

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
