/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The flow table: a flat array of buckets of eight (layout.h), two candidate buckets a key. A miss reads
 * two independent lines, a hit one or two more for the flow itself; nothing is allocated and no lock taken.
 *
 * - A slot belongs to who moves its word from what it was to BUSY by compare-and-swap; the word is
 *   published last. Two CPUs that open the same flow at once may both claim a slot: each looks again after
 *   publishing, and the later slot of the two is given back (R27).
 * - The word carries tag, class, timeout and last use, so a search for room reads no flow. An insertion takes
 *   a free or idle slot first, then the least worthy and oldest of its own class or a lower one (R25).
 *   The last ways of each bucket are kept for flows opened from inside.
 * - Nothing expires by a timer: a flow that has been idle for longer than its timeout is not found any more.
 * - The hash is multilinear over ten 32-bit words with a 64-bit secret each (Lemire and Kaser, "Strongly
 *   universal string hashing is fast"): for keys chosen without seeing its output, any two meet in a bucket
 *   with probability 1/buckets. Its output never leaves the machine.
 */
#ifndef DW_FLOW_H
#define DW_FLOW_H

#include "mem.h"
#include "wire.h"

#define DW_CLAIM_TRIES 4

/* What a packet does to its flow. */
struct dw_passage {
	__u32 length;    /* bytes */
	__u32 packets;   /* on the wire */
	__u8 inbound;
	__u8 tcp_flags;
	__u8 reason;     /* of the opening, enum dw_reason */
	__u8 pad;
	__u32 rule;      /* that admits it, when it opens a flow */
	__u32 generation;
};

struct dw_home {
	__u32 bucket[2];
	__u32 tag; /* 16 bits, not zero */
};

typedef __u32 __attribute__((may_alias)) dw_word;
typedef __u64 __attribute__((may_alias)) dw_long;

DW_INLINE __u64 dw_flow_hash(const struct dw_flow_key *key)
{
	const dw_word *word = (const dw_word *)key;
	__u64 sum = DW_SETTING(secret[10]);

	for (int i = 0; i < 10; i += 2)
		sum += (word[i] + DW_SETTING(secret[i])) * (word[i + 1] + DW_SETTING(secret[i + 1]));
	return sum;
}

/* A permutation of 32-bit words (the finaliser of MurmurHash3, by Austin Appleby): it keeps the hash's bound and
 * breaks its one habit, that keys in arithmetic progression give hashes in arithmetic progression. */
DW_INLINE __u32 dw_scatter(__u32 x)
{
	x = (x ^ x >> 16) * 0x85ebca6bu;
	x = (x ^ x >> 13) * 0xc2b2ae35u;
	return x ^ x >> 16;
}

DW_INLINE struct dw_home dw_flow_home(const struct dw_flow_key *key)
{
	__u32 top = dw_scatter(dw_flow_hash(key) >> 32); /* the bits that the theorem speaks of */
	struct dw_home home;

	home.tag = (top >> 16) | 1;
	home.bucket[0] = top & DW_SETTING(bucket_mask);
	home.bucket[1] = (top ^ (dw_scatter(top) | 1)) & DW_SETTING(bucket_mask);
	return home;
}

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

DW_INLINE int dw_keys_equal(const struct dw_flow_key *a, const struct dw_flow_key *b)
{
	const dw_long *x = (const dw_long *)a, *y = (const dw_long *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

/* ---- what a flow has seen, and what follows from it ---------------------------------------------- */

DW_INLINE int dw_is_closing(__u32 seen)
{
	if (seen & (DW_SEEN_IN_RST | DW_SEEN_OUT_RST))
		return 1;
	return (seen & (DW_SEEN_IN_FIN | DW_SEEN_OUT_FIN)) == (DW_SEEN_IN_FIN | DW_SEEN_OUT_FIN);
}

/*
 * A flow is established when both sides have shown that they want it: opened from inside, by the first
 * answer; opened from outside, when the peer spoke again after our answer (design D4), since a forged
 * source never hears it.
 */
DW_INLINE __u32 dw_seen_after(__u32 seen, __u8 origin, __u8 proto, const struct dw_passage *passage)
{
	__u8 tcp = passage->tcp_flags;
	int answered = !!(seen & DW_SEEN_OUT);
	int confirms = origin == DW_INSIDE ? 1 : answered;

	if (proto == DW_TCP) {
		if (tcp & DW_SYN)
			seen |= passage->inbound ? DW_SEEN_IN_SYN : DW_SEEN_OUT_SYN;
		if (tcp & DW_FIN)
			seen |= passage->inbound ? DW_SEEN_IN_FIN : DW_SEEN_OUT_FIN;
		if (tcp & DW_RST)
			seen |= passage->inbound ? DW_SEEN_IN_RST : DW_SEEN_OUT_RST;
		confirms = confirms && tcp & DW_ACK && !(tcp & DW_RST) && seen & DW_SEEN_OUT_SYN;
	}
	if (passage->inbound && confirms)
		seen |= DW_SEEN_ESTABLISHED;
	return seen | (passage->inbound ? DW_SEEN_IN : DW_SEEN_OUT);
}

DW_INLINE __u32 dw_class_of(__u8 origin, __u32 seen)
{
	__u32 embryonic = seen & DW_SEEN_ESTABLISHED ? 0 : 2;

	return embryonic + (origin == DW_OUTSIDE);
}

/* Idle times: RFC 6092 REC-12, 14, 35, 40; RFC 5382 REQ-5. The seconds stand in the image. */
DW_INLINE __u32 dw_timeout_of(__u8 proto, __u32 seen)
{
	if (proto == DW_TCP || proto == DW_SCTP) {
		if (dw_is_closing(seen))
			return DW_TIMEOUT_TCP_CLOSING;
		return seen & DW_SEEN_ESTABLISHED ? DW_TIMEOUT_TCP_ESTABLISHED : DW_TIMEOUT_TCP_OPENING;
	}
	if (proto == DW_UDP)
		return DW_TIMEOUT_UDP;
	return proto == DW_ICMPV6 || proto == DW_ICMP ? DW_TIMEOUT_ICMP : DW_TIMEOUT_OTHER;
}

/* ---- search and insertion ------------------------------------------------------------------------ */

/* A flow's address: bucket * DW_WAYS + way + 1. Zero is none. */
DW_INLINE __u32 dw_flow_id(__u32 bucket, __u32 way)
{
	return bucket * DW_WAYS + way + 1;
}

DW_INLINE struct dw_bucket *dw_bucket_of(__u32 id)
{
	return dw_mem_bucket((id - 1) / DW_WAYS);
}

DW_INLINE __u32 dw_way_of(__u32 id)
{
	return (id - 1) % DW_WAYS;
}

/* The live flow with this key, as an id, or 0. */
DW_GLOBAL __u32 dw_flow_find(const struct dw_image *image, const struct dw_flow_key *key)
{
	struct dw_home home;
	__u64 now = dw_mem_now();

	if (!image || !key)
		return 0;
	home = dw_flow_home(key);
	for (int half = 0; half < 2; half++) {
		struct dw_bucket *bucket = dw_mem_bucket(home.bucket[half]);

		if (!bucket)
			return 0;
		for (int way = 0; way < DW_WAYS; way++) {
			__u64 word = DW_READ(bucket->slot[way]);

			if (dw_slot_tag(word) != home.tag || dw_slot_status(word) != DW_SLOT_LIVE)
				continue;
			if (!dw_keys_equal(&bucket->flow[way].key, key) || dw_slot_expired(image, word, now))
				continue;
			return dw_flow_id(home.bucket[half], way);
		}
	}
	return 0;
}

DW_INLINE void dw_flow_remove(__u32 id)
{
	struct dw_bucket *bucket = dw_bucket_of(id);
	__u64 *slot, word;

	if (!bucket)
		return;
	slot = &bucket->slot[dw_way_of(id)];
	word = DW_READ(*slot);
	if (dw_slot_status(word) == DW_SLOT_LIVE)
		dw_cas(slot, word, 0);
}

#define DW_YIELD_FREE (~0ull - 1) /* and above: nobody loses anything */

/*
 * How willingly this slot is given to a newcomer of `class`: 0 never; free and idle ones come first.
 * Global, so that the verifier does not follow its branches once for each candidate.
 */
DW_GLOBAL __u64 dw_slot_yield(const struct dw_image *image, __u64 word, __u32 class, __u64 now)
{
	if (!image)
		return 0;
	if (!word)
		return DW_YIELD_FREE + 1;
	if (dw_slot_status(word) != DW_SLOT_LIVE)
		return 0;
	if (dw_slot_expired(image, word, now))
		return DW_YIELD_FREE;
	if (dw_slot_class(word) < class)
		return 0;
	return (__u64)dw_slot_class(word) << DW_SLOT_TIME_BITS | (dw_slot_idle(word, now) + 1);
}

/* What one bucket offers a newcomer. */
struct dw_offer {
	__u64 yield; /* of its best way; 0: nothing */
	__u64 word;  /* that way's word, as seen */
	__u32 id;
	__u32 free;  /* ways that nobody loses anything by */
};

DW_GLOBAL int dw_bucket_offer(const struct dw_image *image, __u32 number, __u32 class, __u64 now,
			      struct dw_offer *offer)
{
	struct dw_bucket *bucket = dw_mem_bucket(number);
	__u32 ways = class & 1 ? DW_OUTSIDE_WAYS : DW_WAYS;

	if (!offer || !bucket)
		return -1;
	offer->yield = 0;
	offer->word = 0;
	offer->id = 0;
	offer->free = 0;
	for (__u32 way = 0; way < DW_WAYS; way++) {
		__u64 word, yield;

		if (way >= ways)
			break;
		word = DW_READ(bucket->slot[way]);
		yield = dw_slot_yield(image, word, class, now);
		if (yield >= DW_YIELD_FREE)
			offer->free++;
		if (yield <= offer->yield)
			continue;
		offer->yield = yield;
		offer->word = word;
		offer->id = dw_flow_id(number, way);
	}
	return 0;
}

/* The better of two offers: the emptier bucket's while there is room, so that both fill evenly. */
DW_INLINE int dw_first_is_better(const struct dw_offer *a, const struct dw_offer *b)
{
	if (a->free != b->free)
		return a->free > b->free;
	return a->yield >= b->yield;
}

/*
 * After publishing: of several slots with this key the first one stays. Returns it. One that has expired is a
 * former flow's, and must not win over the new one.
 */
DW_GLOBAL __u32 dw_flow_settle(const struct dw_image *image, const struct dw_flow_key *key,
			       const struct dw_home *home, __u64 now)
{
	__u32 first = 0;

	if (!image || !key || !home)
		return 0;
	for (int half = 0; half < 2; half++) {
		struct dw_bucket *bucket = dw_mem_bucket(home->bucket[half]);

		if (!bucket || (half && home->bucket[1] == home->bucket[0]))
			break;
		for (int way = 0; way < DW_WAYS; way++) {
			__u64 word = DW_READ(bucket->slot[way]);

			if (dw_slot_tag(word) != home->tag || dw_slot_status(word) != DW_SLOT_LIVE ||
			    !dw_keys_equal(&bucket->flow[way].key, key))
				continue;
			if (!first && !dw_slot_expired(image, word, now))
				first = dw_flow_id(home->bucket[half], way);
			else
				dw_cas(&bucket->slot[way], word, 0);
		}
	}
	return first;
}

/* A slot claimed for this key, as an id, or 0. The claimer fills the flow and publishes the word. */
DW_INLINE __u32 dw_flow_claim(const struct dw_image *image, const struct dw_home *home, __u32 class, __u64 now)
{
	for (int attempt = 0; attempt < DW_CLAIM_TRIES; attempt++) {
		struct dw_offer best, second;
		struct dw_bucket *bucket;

		if (dw_bucket_offer(image, home->bucket[0], class, now, &best) ||
		    dw_bucket_offer(image, home->bucket[1], class, now, &second))
			return 0;
		if (!dw_first_is_better(&best, &second))
			best = second;
		if (!best.yield)
			return 0;
		bucket = dw_bucket_of(best.id);
		if (!bucket)
			return 0;
		if (dw_cas(&bucket->slot[dw_way_of(best.id)], best.word,
			   dw_slot_word(home->tag, class, 0, DW_SLOT_BUSY, now)) == best.word)
			return best.id;
	}
	return 0;
}

/* Opens a flow. Returns its id, or 0 when there is no room for its class. */
DW_GLOBAL __u32 dw_flow_open(const struct dw_image *image, const struct dw_flow_key *key,
			     const struct dw_passage *passage)
{
	__u64 now = dw_mem_now();
	struct dw_home home;
	struct dw_bucket *bucket;
	struct dw_flow *flow;
	__u32 id, class, seen;
	__u8 origin;

	if (!image || !key || !passage)
		return 0;
	origin = passage->inbound ? DW_OUTSIDE : DW_INSIDE;
	seen = dw_seen_after(0, origin, key->proto, passage);
	seen &= ~DW_SEEN_ESTABLISHED; /* never by its first packet */
	class = dw_class_of(origin, seen);
	home = dw_flow_home(key);
	id = dw_flow_claim(image, &home, class, now);
	if (!id)
		return 0;
	bucket = dw_bucket_of(id);
	if (!bucket)
		return 0;

	flow = &bucket->flow[dw_way_of(id)];
	flow->key = *key;
	flow->rule = passage->rule;
	flow->generation = passage->generation;
	flow->seen = seen;
	flow->origin = origin;
	flow->reason = passage->reason;
	flow->first_seen = now;
	flow->last_seen = now;
	flow->in.packets = passage->inbound ? passage->packets : 0;
	flow->in.bytes = passage->inbound ? passage->length : 0;
	flow->out.packets = passage->inbound ? 0 : passage->packets;
	flow->out.bytes = passage->inbound ? 0 : passage->length;
	__sync_val_compare_and_swap(&bucket->slot[dw_way_of(id)],
				    dw_slot_word(home.tag, class, 0, DW_SLOT_BUSY, now),
				    dw_slot_word(home.tag, class, dw_timeout_of(key->proto, seen), DW_SLOT_LIVE, now));
	return dw_flow_settle(image, key, &home, now);
}

/* A packet of a known flow: count it, move the state, renew the slot's word when that changes or is due. */
DW_GLOBAL __u32 dw_flow_pass(__u32 id, const struct dw_passage *passage)
{
	struct dw_bucket *bucket;
	struct dw_flow *flow;
	struct dw_counter *counter;
	__u64 *slot, word, fresh, now;
	__u32 seen;

	if (!id || !passage)
		return 0;
	bucket = dw_bucket_of(id);
	if (!bucket)
		return 0;
	flow = &bucket->flow[dw_way_of(id)];
	slot = &bucket->slot[dw_way_of(id)];
	now = dw_mem_now();

	counter = passage->inbound ? &flow->in : &flow->out;
	__sync_fetch_and_add(&counter->packets, passage->packets);
	__sync_fetch_and_add(&counter->bytes, passage->length);
	DW_WRITE(flow->last_seen, now);

	seen = dw_seen_after(DW_READ(flow->seen), flow->origin, flow->key.proto, passage);
	if (seen != DW_READ(flow->seen))
		DW_WRITE(flow->seen, seen);
	word = DW_READ(*slot);
	fresh = dw_slot_word(dw_slot_tag(word), dw_class_of(flow->origin, seen),
			     dw_timeout_of(flow->key.proto, seen), DW_SLOT_LIVE, now);
	if (dw_slot_status(word) == DW_SLOT_LIVE &&
	    (dw_slot_idle(word, now) >= DW_SETTING(hz) / 8 || (fresh ^ word) >> DW_SLOT_TIME_BITS))
		dw_cas(slot, word, fresh);
	return seen;
}

#endif
