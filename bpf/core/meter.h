/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A meter is one 64-bit word, the time in ns at which all that it let through will be forgotten (GCRA, the token
 * bucket's twin, ITU-T I.371): one compare-and-swap, no timer, no lock. Rules have meters (rate.h), and so have
 * limits on what the dish segment and strangers may make this box do (R37, R38).
 *
 * Of these each kind has a meter for every source, so that nobody empties it for the others, and one over all that bounds
 * what they can do together.
 */
#ifndef DW_METER_H
#define DW_METER_H

#include "hash.h"
#include "mem.h"

struct dw_pace {
	__u64 step;  /* ns that one packet takes to be forgotten */
	__u64 depth; /* ns: so many steps may be waiting to be */
};

struct dw_frequency {
	__u32 a_second, burst; /* a_second 0: no limit */
};

struct dw_limit {
	struct dw_frequency each, all;
};

/* Since boot, in steps of a jiffy. */
DW_INLINE __u64 dw_time_ns(void)
{
	return dw_mem_now() * (1000000000ull / DW_SETTING(hz));
}

/*
 * Linux has room for 1024 neighbour entries (net.ipv6.neigh.default.gc_thresh3), and one that nobody answers for
 * stays for some seconds: what makes entries is bounded far below that in all (a sweep at 64 a second was seen to
 * hold 803 of them). The rest is bounded by what a link of a few devices may ask for.
 */
DW_INLINE struct dw_limit dw_limit_of(__u32 kind)
{
	switch (kind) {
	case DW_METER_ADVERTISE: /* routers wait 3 s between two (RFC 4861 10) */
		return (struct dw_limit){{1, 6}, {0, 0}};
	case DW_METER_SOLICIT:
		return (struct dw_limit){{10, 20}, {50, 100}};
	case DW_METER_NEIGHBOUR:
		return (struct dw_limit){{100, 200}, {1000, 1000}};
	case DW_METER_MLD:
		return (struct dw_limit){{10, 20}, {20, 40}};
	default: /* DW_METER_UNKNOWN */
		return (struct dw_limit){{4, 16}, {32, 64}};
	}
}

#define DW_METER_TRIES 4

/* Non-zero: one packet more would be too many, or so many CPUs want this meter that it was lost to each of them. */
DW_INLINE int dw_meter_is_full(__u64 *meter, struct dw_pace pace, __u64 now)
{
	for (int try = 0; try < DW_METER_TRIES; try++) {
		__u64 was = DW_READ(*meter), from = was > now ? was : now;

		if (from - now > pace.depth) /* filled at another pace, by a rule that was changed */
			from = now + pace.depth;
		if (from - now + pace.step > pace.depth)
			return 1;
		if (DW_SETTING(dry) || dw_cas(meter, was, from + pace.step) == was)
			return 0;
	}
	return 1;
}

DW_INLINE int dw_exceeds(__u64 *meter, struct dw_frequency frequency, __u64 now)
{
	struct dw_pace pace;

	if (!frequency.a_second)
		return 0;
	pace.step = 1000000000u / frequency.a_second;
	pace.depth = pace.step * frequency.burst;
	return dw_meter_is_full(meter, pace, now);
}

/*
 * May one more packet of this kind come from this source? `trusted`: not bounded by what the others do. Zero, or
 * non-zero: over the limit.
 */
DW_GLOBAL int dw_over_limit(__u32 kind, const struct dw_in6 *source, __u32 trusted)
{
	struct dw_link *link = dw_mem_link();
	__u64 now = dw_time_ns();
	struct dw_limit limit;
	__u32 index;

	if (!source || !link || kind >= DW_METER_KINDS)
		return 1;
	limit = dw_limit_of(kind);
	index = dw_hash_top(dw_hash3(source->hi, source->lo, kind)) & (DW_METERS - 1);
	if (dw_exceeds(&link->by_source[index], limit.each, now))
		return 1;
	return !trusted && dw_exceeds(&link->overall[kind], limit.all, now);
}

#endif
