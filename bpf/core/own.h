/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Where an address lies: in which live prefix, in which subnet of it, and whether it is this box's own. */
#ifndef DW_OWN_H
#define DW_OWN_H

#include "mem.h"

#define DW_NOWHERE 0xff

enum dw_spot_flag {
	DW_SPOT_PLACED = 1, /* in a live prefix: `place` is set */
	DW_SPOT_SELF = 2,   /* one of this box's addresses */
	DW_SPOT_ONLINK = 4, /* in a prefix shared with the dish segment */
	DW_SPOT_LEARNT = 8, /* of learnt hosts: `learnt` is set */
};

/* An address with all its names, as the policy compares them. */
struct dw_spot {
	struct dw_in6 address;
	struct dw_in6 place; /* hi = source << 16 | subnet id, lo = interface id */
	__u8 flags;          /* enum dw_spot_flag */
	__u8 slot;           /* of the prefix, or DW_NOWHERE */
	__u8 state;          /* enum dw_prefix_state */
	__u8 pad[5];
	struct dw_in6 learnt[DW_LEARNT_HOSTS]; /* their names in the image; all zero behind the last */
};

/* Addresses are handed to inlined functions by pointer: clang 14 loads a struct that is handed over by value byte by byte. */
DW_INLINE int dw_in6_equal(const struct dw_in6 *a, const struct dw_in6 *b)
{
	return a->hi == b->hi && a->lo == b->lo;
}

DW_INLINE int dw_is_self(const struct dw_own *own, const struct dw_in6 *address)
{
	struct dw_in6 a = *address;
	const struct dw_in6 *line = own->self[dw_self_line(own->self_seed, a)];

	for (int way = 0; way < DW_SELF_WAYS; way++)
		if (line[way].lo == a.lo && line[way].hi == a.hi)
			return !!(a.hi | a.lo); /* a free way is no address (R2) */
	return 0;
}

/* Which learnt hosts use the address: two lines at most, wanted only where rules are asked. Returns the flag to
 * set. */
DW_GLOBAL int dw_recall(const struct dw_own *own, struct dw_spot *spot)
{
	struct dw_in6 a;

	if (!own || !spot)
		return 0;
	a = spot->address;
	if (!(a.hi | a.lo)) /* a free way is no address */
		return 0;
	for (__u32 choice = 0; choice < 2; choice++) {
		const struct dw_learnt *line = own->learnt[dw_learnt_line(a, choice)];

		for (int way = 0; way < DW_LEARNT_WAYS; way++) {
			if (!dw_in6_equal(&line[way].address, &a))
				continue;
			for (int i = 0; i < DW_LEARNT_HOSTS; i++) {
				__u32 host = line[way].host[i];

				spot->learnt[i].hi = host ? DW_LEARNT_KEY | host : 0;
				spot->learnt[i].lo = 0;
			}
			return DW_SPOT_LEARNT;
		}
	}
	return 0;
}

/* The longest live prefix around the address, or DW_NOWHERE; one pass over at most two lines. */
DW_INLINE __u32 dw_find_prefix(const struct dw_own *own, __u64 hi)
{
	__u32 best = DW_NOWHERE, best_length = 0, count = own->prefixes;

	for (__u32 slot = 0; slot < DW_PREFIXES; slot++) {
		const struct dw_prefix *prefix = &own->prefix[slot];
		__u64 inside = hi ^ prefix->net;
		__u32 length = prefix->length;

		if (slot >= count)
			break;
		if (inside >> 16) /* no prefix is shorter than 48 bits */
			continue;
		if (length < 48 || length > 64 || length <= best_length || inside >> (64 - length))
			continue;
		best_length = length;
		best = slot;
	}
	return best;
}

DW_INLINE void dw_locate(const struct dw_own *own, const struct dw_in6 *address, struct dw_spot *spot)
{
	__u32 slot = dw_find_prefix(own, address->hi);
	const struct dw_prefix *prefix = &own->prefix[slot & (DW_PREFIXES - 1)];
	__u32 flags = dw_is_self(own, address) ? DW_SPOT_SELF : 0;

	spot->address = *address;
	spot->place.hi = 0;
	spot->place.lo = address->lo;
	spot->slot = slot;
	spot->state = DW_PREFIX_NONE;
	if (slot != DW_NOWHERE) {
		spot->place.hi = (__u64)prefix->source << 16 | ((address->hi ^ prefix->net) & 0xffff);
		spot->state = prefix->state;
		flags |= DW_SPOT_PLACED | (prefix->flags & DW_PREFIX_ONLINK ? DW_SPOT_ONLINK : 0);
	}
	spot->flags = flags;
}

#endif
