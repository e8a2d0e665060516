/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Slot words: one line of eight stands for each bucket of the flow table and of the fragment table, and says all that
 * is needed to find, expire and evict without touching what the slots hold (layout.h: tag, class, timeout,
 * status, last use).
 *
 * - A slot belongs to who moves its word from what it was to BUSY by compare-and-swap; the word is published last.
 * - An insertion takes a free or idle slot first, then the least worthy and oldest of its own class or a lower
 *   one (R25). The last ways of each bucket are kept for flows opened from inside.
 * - An entry that stands in the second bucket of its key is a guest there, and its home counts it, so that a search
 *   reads the second line only when somebody is there who could be meant: by three bits of the tag, since each of the
 *   eight words of a line counts apart. A guest is counted before it is published and until after it is gone: the
 *   count may be too great for a moment, never too small.
 */
#ifndef DW_SLOT_H
#define DW_SLOT_H

#include "hash.h"
#include "mem.h"

DW_INLINE __u32 dw_slot_tag(__u64 word)
{
	return word >> DW_SLOT_TAG_SHIFT;
}

DW_INLINE __u32 dw_slot_class(__u64 word)
{
	return word >> DW_SLOT_CLASS_SHIFT & 3;
}

DW_INLINE __u32 dw_slot_timeout(__u64 word)
{
	return word >> DW_SLOT_TIMEOUT_SHIFT & (DW_TIMEOUTS - 1);
}

DW_INLINE __u32 dw_slot_status(__u64 word)
{
	return word >> DW_SLOT_STATUS_SHIFT & 3;
}

/* Jiffies since the slot was last used. A clock that is a little behind counts as zero. */
DW_INLINE __u64 dw_slot_idle(__u64 word, __u64 now)
{
	__u64 idle = (now - word) & DW_SLOT_TIME_MASK;

	return idle >> (DW_SLOT_TIME_BITS - 1) ? 0 : idle;
}

DW_INLINE __u64 dw_slot_word(__u32 tag, __u32 class, __u32 timeout, __u64 status, __u64 now)
{
	return (__u64)tag << DW_SLOT_TAG_SHIFT | (__u64)class << DW_SLOT_CLASS_SHIFT |
	       (__u64)timeout << DW_SLOT_TIMEOUT_SHIFT | status << DW_SLOT_STATUS_SHIFT |
	       (now & DW_SLOT_TIME_MASK);
}

DW_INLINE int dw_slot_expired(const struct dw_image *image, __u64 word, __u64 now)
{
	__u64 limit = (__u64)image->timeout_s[dw_slot_timeout(word)] * DW_SETTING(hz);

	return dw_slot_idle(word, now) > limit;
}

/* A word that says nothing but how many guests its line has elsewhere. */
DW_INLINE __u64 dw_slot_emptied(__u64 word)
{
	return word & DW_SLOT_GUESTS_MASK;
}

/* An entry's address in its table: bucket * DW_WAYS + way + 1. Zero is none. */
DW_INLINE __u32 dw_slot_id(__u32 bucket, __u32 way)
{
	return bucket * DW_WAYS + way + 1;
}

DW_INLINE __u32 dw_way_of(__u32 id)
{
	return (id - 1) % DW_WAYS;
}

/* Somebody who looks for room. */
struct dw_newcomer {
	__u64 now;
	__u64 mercy; /* jiffies for which nobody of its own class is evicted */
	__u32 class;
	__u32 pad;
};

/* What one bucket offers a newcomer. */
struct dw_offer {
	__u64 yield; /* of its best way; 0: nothing */
	__u64 word;  /* that way's word, as seen */
	__u32 id;
	__u32 free;  /* ways that nobody loses anything by */
};

/* A search for room, kept off the kernel's small stack. */
struct dw_search {
	struct dw_newcomer newcomer;
	struct dw_offer best, second;
	struct dw_home home;
	__u32 tag; /* with which it enters: home.tag, or that of a guest */
	__u32 pad;
	struct dw_in6 host; /* the one that holds most */
};

#define DW_YIELD_FREE (~0ull - 1) /* and above: nobody loses anything */

/*
 * How willingly this slot is given to the newcomer: 0 never; free and idle ones come first. Global, so that the
 * verifier does not follow its branches once for each candidate.
 */
DW_GLOBAL __u64 dw_slot_yield(const struct dw_image *image, __u64 word, const struct dw_newcomer *newcomer)
{
	__u64 idle;

	if (!image || !newcomer)
		return 0;
	if (!dw_slot_status(word))
		return DW_YIELD_FREE + 1;
	if (dw_slot_status(word) != DW_SLOT_LIVE)
		return 0;
	if (dw_slot_expired(image, word, newcomer->now))
		return DW_YIELD_FREE;
	if (dw_slot_class(word) < newcomer->class)
		return 0;
	idle = dw_slot_idle(word, newcomer->now);
	if (dw_slot_class(word) == newcomer->class && idle < newcomer->mercy)
		return 0;
	return (__u64)dw_slot_class(word) << DW_SLOT_TIME_BITS | (idle + 1);
}

DW_GLOBAL int dw_slots_offer(const struct dw_image *image, const struct dw_slots *slots, __u32 bucket,
			     const struct dw_newcomer *newcomer, struct dw_offer *offer)
{
	__u32 ways;

	if (!image || !slots || !newcomer || !offer)
		return -1;
	ways = newcomer->class & 1 ? DW_OUTSIDE_WAYS : DW_WAYS;
	offer->yield = 0;
	offer->word = 0;
	offer->id = 0;
	offer->free = 0;
	for (__u32 way = 0; way < DW_WAYS; way++) {
		__u64 word, yield;

		if (way >= ways)
			break;
		word = DW_READ(slots->word[way]);
		yield = dw_slot_yield(image, word, newcomer);
		if (yield >= DW_YIELD_FREE)
			offer->free++;
		if (yield <= offer->yield)
			continue;
		offer->yield = yield;
		offer->word = word;
		offer->id = dw_slot_id(bucket, way);
	}
	return 0;
}

/* 1 if nobody loses anything by this slot, else 0. Arithmetic without a branch: which ways are taken follows no rule
 * that a CPU could learn, and the verifier has one path. */
DW_INLINE __u32 dw_slot_is_idle(const struct dw_image *image, __u64 word, __u64 now)
{
	__u64 limit = (__u64)image->timeout_s[dw_slot_timeout(word)] * DW_SETTING(hz);
	__u64 idle = (now - word) & DW_SLOT_TIME_MASK, status = word >> DW_SLOT_STATUS_SHIFT & 3;
	__u64 expired = (limit - idle) >> 63 & ~(idle >> (DW_SLOT_TIME_BITS - 1));

	return (expired & status >> 1) | (status - 1) >> 63;
}

/* The ways of a bucket that a newcomer can have without anybody's loss, as bits. */
DW_GLOBAL __u32 dw_slots_room(const struct dw_image *image, const struct dw_slots *slots,
			      const struct dw_newcomer *newcomer)
{
	__u32 room = 0;
	__u64 now;

	if (!image || !slots || !newcomer)
		return 0;
	now = newcomer->now;
	DW_UNROLL
	for (int way = 0; way < DW_WAYS; way++)
		room |= dw_slot_is_idle(image, DW_READ(slots->word[way]), now) << way;
	return newcomer->class & 1 ? room & ((1u << DW_OUTSIDE_WAYS) - 1) : room;
}

DW_INLINE __u32 dw_count_ways(__u32 ways)
{
	ways -= ways >> 1 & 0x55;
	ways = (ways & 0x33) + (ways >> 2 & 0x33);
	return (ways + (ways >> 4)) & 15;
}

/* One of these ways, of which there is one at least; the wanted one if it is among them. */
DW_INLINE __u32 dw_pick_way(__u32 ways, __u32 wanted)
{
	if (ways >> wanted & 1)
		return wanted;
	ways &= -ways; /* the lowest, and which bit it is */
	return ((ways & 0xaa) + 255) >> 8 | ((ways & 0xcc) + 255) >> 8 << 1 | ((ways & 0xf0) + 255) >> 8 << 2;
}

/* ---- guests ---------------------------------------------------------------------------------------- */

#define DW_GUEST 1u /* of a tag */
#define DW_GUESTS_MOST 7
#define DW_ONE_GUEST (1ull << DW_SLOT_GUESTS_SHIFT)

/* The word of a guest's home that counts it. */
DW_INLINE __u64 *dw_guest_book(struct dw_slots *home, __u32 tag)
{
	return &home->word[tag >> 13 & (DW_WAYS - 1)];
}

DW_INLINE __u32 dw_guests(__u64 word)
{
	return word >> DW_SLOT_GUESTS_SHIFT & DW_GUESTS_MOST;
}

/* ---- tags ------------------------------------------------------------------------------------------ */

/* A word's tag, without the rest of it. */
DW_INLINE __u64 dw_tag_at(const struct dw_slots *slots, int way)
{
	typedef __u16 __attribute__((may_alias)) dw_half;
	const dw_half *part = (const dw_half *)&slots->word[way];

	return DW_READ(part[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 3 : 0]);
}

/* All bits if x is zero, else as many as it has zeros at its end. */
DW_INLINE __u64 dw_zeros_behind(__u64 x)
{
	return (x - 1) & ~x;
}

/* Does any way have this tag? Four numbers of sixteen bits have the product zero only if one of them is. */
DW_INLINE int dw_tag_is_met(const struct dw_slots *slots, __u64 tag)
{
	__u64 low = (dw_tag_at(slots, 0) ^ tag) * (dw_tag_at(slots, 1) ^ tag) * (dw_tag_at(slots, 2) ^ tag) *
		    (dw_tag_at(slots, 3) ^ tag);
	__u64 high = (dw_tag_at(slots, 4) ^ tag) * (dw_tag_at(slots, 5) ^ tag) * (dw_tag_at(slots, 6) ^ tag) *
		     (dw_tag_at(slots, 7) ^ tag);

	low = dw_zeros_behind(low);
	high = dw_zeros_behind(high);
	DW_FORGET(low); /* else clang asks for one after the other, and which one it is no CPU could learn */
	DW_FORGET(high);
	return (__s64)(low | high) < 0;
}

/* For each way with this tag DW_WAYS, and its number: below 2 * DW_WAYS it says which one it is. No branch, since no
 * CPU could learn the way. */
DW_INLINE __u32 dw_tags_met(const struct dw_slots *slots, __u64 tag)
{
	__u64 met = 0;

	DW_UNROLL
	for (int way = 0; way < DW_WAYS; way++) {
		__u64 same = ((dw_tag_at(slots, way) ^ tag) - 1) >> 63;

		DW_FORGET(same); /* else clang makes a branch of it */
		met += same * (DW_WAYS + way);
	}
	return met;
}

#define DW_LOST (~0u) /* instead of an id: another CPU was faster */

DW_INLINE __u64 dw_busy_word(const struct dw_search *search)
{
	return dw_slot_word(search->tag, search->newcomer.class, 0, DW_SLOT_BUSY, search->newcomer.now);
}

/* Marks the best slot as this CPU's. */
DW_INLINE __u32 dw_slot_claim(__u64 *slot, const struct dw_search *search)
{
	const struct dw_offer *offer = &search->best;

	__u64 busy = dw_busy_word(search) | dw_slot_emptied(offer->word);

	return dw_cas(slot, offer->word, busy) == offer->word ? offer->id : DW_LOST;
}

/* The claimed slot is filled: publishes it. All but the guests is this CPU's, so an addition cannot miss. */
DW_INLINE void dw_slot_publish(__u64 *slot, __u32 timeout)
{
	__sync_fetch_and_add(slot, (__u64)timeout << DW_SLOT_TIMEOUT_SHIFT |
					   (DW_SLOT_LIVE - DW_SLOT_BUSY) << DW_SLOT_STATUS_SHIFT);
}

/* Three more attempts at most. Written out, because kernel 6.1 refuses a loop that its compiler closes by falling
 * through ("back-edge"). */
#define DW_AGAIN_IF_LOST(id, attempt)                                                              \
	do {                                                                                       \
		if ((id) == DW_LOST)                                                               \
			(id) = (attempt);                                                          \
		if ((id) == DW_LOST)                                                               \
			(id) = (attempt);                                                          \
		if ((id) == DW_LOST)                                                               \
			(id) = (attempt);                                                          \
	} while (0)

/* The better of two offers: the emptier bucket's while there is room, so that both fill evenly. */
DW_INLINE int dw_first_is_better(const struct dw_offer *a, const struct dw_offer *b)
{
	if (a->free != b->free)
		return a->free > b->free;
	return a->yield >= b->yield;
}

#endif
