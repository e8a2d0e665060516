/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Limits on what the dish segment and strangers may make this box do (R37, R38). A meter is one 64-bit word, the
 * time at which all that it let through will be forgotten (GCRA, the token bucket's twin, ITU-T I.371): one
 * compare-and-swap, no timer, no lock.
 *
 * Each kind has a meter for every source, so that nobody empties it for the others, and one over all that bounds
 * what they can do together.
 */
#ifndef DW_METER_H
#define DW_METER_H

#include "hash.h"
#include "mem.h"

struct dw_rate {
	__u32 a_second, burst; /* a_second 0: no limit */
};

struct dw_limit {
	struct dw_rate each, all;
};

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

/* Non-zero: over the rate. */
DW_INLINE int dw_meter_is_full(__u64 *meter, struct dw_rate rate, __u64 now)
{
	__u64 time = now << 10, was = DW_READ(*meter), from = time, step, depth;

	if (!rate.a_second)
		return 0;
	step = ((__u64)DW_SETTING(hz) << 10) / rate.a_second;
	depth = step * rate.burst;
	if (was > time && was - time <= depth)
		from = was;
	if (from - time + step > depth)
		return 1;
	if (!DW_SETTING(dry))
		dw_cas(meter, was, from + step); /* lost to another CPU: one packet too many, at the most */
	return 0;
}

/*
 * May one more packet of this kind come from this source? `trusted`: not bounded by what the others do. Zero, or
 * non-zero: over the limit.
 */
DW_GLOBAL int dw_over_limit(__u32 kind, const struct dw_in6 *source, __u32 trusted)
{
	struct dw_link *link = dw_mem_link();
	__u64 now = dw_mem_now();
	struct dw_limit limit;
	__u32 index;

	if (!source || !link || kind >= DW_METER_KINDS)
		return 1;
	limit = dw_limit_of(kind);
	index = dw_hash_top(dw_hash3(source->hi, source->lo, kind)) & (DW_METERS - 1);
	if (dw_meter_is_full(&link->by_source[index], limit.each, now))
		return 1;
	return !trusted && dw_meter_is_full(&link->overall[kind], limit.all, now);
}

#endif
