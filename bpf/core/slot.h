/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Slot words: one line of eight stands for each bucket of the flow table and of the fragment table, and says all that
 * is needed to find, expire and evict without touching what the slots hold (layout.h: tag, class, timeout,
 * status, last use).
 *
 * - A slot belongs to who moves its word from what it was to BUSY by compare-and-swap; the word is published last.
 * - An insertion takes a free or idle slot first, then the least worthy and oldest of its own class or a lower
 *   one (R25). The last ways of each bucket are kept for flows opened from inside.
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
	return word >> DW_SLOT_TIMEOUT_SHIFT & 15;
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
	__u64 limit = (__u64)image->timeout_s[dw_slot_timeout(word) & (DW_TIMEOUTS - 1)] * DW_SETTING(hz);

	return dw_slot_idle(word, now) > limit;
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
	if (!word)
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

#define DW_LOST (~0u) /* instead of an id: another CPU was faster */

DW_INLINE __u64 dw_busy_word(const struct dw_search *search)
{
	return dw_slot_word(search->home.tag, search->newcomer.class, 0, DW_SLOT_BUSY, search->newcomer.now);
}

/* Marks the best slot as this CPU's. */
DW_INLINE __u32 dw_slot_claim(__u64 *slot, const struct dw_search *search)
{
	const struct dw_offer *offer = &search->best;

	return dw_cas(slot, offer->word, dw_busy_word(search)) == offer->word ? offer->id : DW_LOST;
}

/* The claimed slot is filled: publishes it. */
DW_INLINE void dw_slot_publish(__u64 *slot, const struct dw_search *search, __u32 timeout)
{
	const struct dw_newcomer *newcomer = &search->newcomer;

	dw_cas(slot, dw_busy_word(search),
	       dw_slot_word(search->home.tag, newcomer->class, timeout, DW_SLOT_LIVE, newcomer->now));
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
