/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Fragments (R10, R11, R39). The first fragment of a datagram carries its whole header chain and is judged like
 * any packet; when it is accepted, the datagram gets an entry here for sixty seconds, and its later fragments
 * pass by that entry, never by what their payload looks like. A later fragment without an entry is dropped.
 *
 * What was seen of a datagram is one 64-bit word: the part from the start that has no hole, and one island behind
 * it. So an overlap is found exactly (RFC 5722: the whole datagram is given up), and reordering is followed as long
 * as there is one hole at a time; a fragment that would make a second one is dropped by name. One word needs one
 * compare-and-swap, whichever CPU a fragment comes to.
 *
 * The table has classes like the flow table, and a newcomer never evicts an entry of its own class that is younger
 * than a second: a flood of first fragments takes no datagram's place while that is on its way.
 */
#ifndef DW_FRAGMENT_H
#define DW_FRAGMENT_H

#include "flow.h"
#include "mem.h"
#include "parse.h"
#include "reason.h"
#include "slot.h"

#define DW_COVER_TRIES 4

/* dw_datagram.cover, in units of 8 bytes: 0..head-1 and from..to-1 were seen; total: where the last one ends. */
struct dw_cover {
	__u16 head, from, to, total;
	int dead; /* an overlap was seen */
};

#define DW_COVER_BITS 14
#define DW_COVER_MASK ((1u << DW_COVER_BITS) - 1)
#define DW_COVER_DEAD (1ull << 63)

DW_INLINE __u64 dw_cover_pack(const struct dw_cover *cover)
{
	return cover->head | (__u64)cover->from << DW_COVER_BITS | (__u64)cover->to << 2 * DW_COVER_BITS |
	       (__u64)cover->total << 3 * DW_COVER_BITS | (cover->dead ? DW_COVER_DEAD : 0);
}

DW_INLINE struct dw_cover dw_cover_unpack(__u64 word)
{
	struct dw_cover cover = {
		.head = word & DW_COVER_MASK,
		.from = word >> DW_COVER_BITS & DW_COVER_MASK,
		.to = word >> 2 * DW_COVER_BITS & DW_COVER_MASK,
		.total = word >> 3 * DW_COVER_BITS & DW_COVER_MASK,
		.dead = !!(word & DW_COVER_DEAD),
	};

	return cover;
}

DW_INLINE int dw_cover_overlaps(const struct dw_cover *cover, __u16 first, __u16 end, int is_last)
{
	if (cover->dead || first < cover->head || (first < cover->to && end > cover->from))
		return 1;
	if (cover->total && (end > cover->total || (is_last && end != cover->total)))
		return 1;
	return is_last && (cover->to > end || cover->head > end);
}

/* Adds units first..end-1. Returns the reason for this fragment; an overlap ends the datagram. */
DW_INLINE int dw_cover_add(struct dw_cover *cover, __u16 first, __u16 end, int is_last)
{
	if (dw_cover_overlaps(cover, first, end, is_last)) {
		cover->dead = 1;
		return DW_REASON_FRAGMENT_OVERLAP;
	}
	if (first == cover->head) {
		cover->head = end;
		if (cover->to && cover->from == end) { /* the hole is closed */
			cover->head = cover->to;
			cover->from = cover->to = 0;
		}
	} else if (!cover->to) {
		cover->from = first;
		cover->to = end;
	} else if (first == cover->to) {
		cover->to = end;
	} else if (end == cover->from) {
		cover->from = first;
	} else {
		return DW_REASON_FRAGMENT_DISORDER;
	}
	if (is_last)
		cover->total = end;
	return DW_REASON_FRAGMENT;
}

DW_INLINE int dw_cover_is_whole(const struct dw_cover *cover)
{
	return cover->total && cover->head == cover->total;
}

DW_INLINE __u16 dw_fragment_end(const struct dw_packet *p)
{
	return p->fragment_offset + (p->end - p->fragment_at + 7u) / 8;
}

DW_INLINE void dw_make_fragment_key(const struct dw_packet *p, struct dw_flow_key *key)
{
	struct dw_fragment_key *fragment = (struct dw_fragment_key *)key;

	fragment->src = p->src;
	fragment->dst = p->dst;
	fragment->id = p->fragment_id;
	fragment->pad = 0;
}

/* The live datagram with this key, as an id, or 0. */
DW_GLOBAL __u32 dw_datagram_find(const struct dw_image *image, const struct dw_flow_key *key)
{
	struct dw_home home;
	__u64 now = dw_mem_now();

	if (!image || !key)
		return 0;
	home = dw_home_of(key, DW_FRAGMENT_BUCKETS - 1);
	for (int half = 0; half < 2; half++) {
		struct dw_fragment_bucket *bucket = dw_mem_fragments(home.bucket[half]);

		if (!bucket)
			return 0;
		for (int way = 0; way < DW_WAYS; way++) {
			__u64 word = DW_READ(bucket->slot[way]);

			if (dw_slot_tag(word) != home.tag || dw_slot_status(word) != DW_SLOT_LIVE)
				continue;
			if (!dw_keys_equal((const struct dw_flow_key *)&bucket->datagram[way].key, key) ||
			    dw_slot_expired(image, word, now))
				continue;
			return dw_slot_id(home.bucket[half], way);
		}
	}
	return 0;
}

/* A later fragment of a datagram that has an entry: its reason. Whole, the entry is given back. */
DW_GLOBAL int dw_datagram_add(__u32 id, __u32 first, __u32 end, __u32 is_last)
{
	struct dw_fragment_bucket *bucket = dw_mem_fragments((id - 1) / DW_WAYS);
	__u64 *word, *slot, claimed;

	if (!bucket)
		return DW_REASON_INTERNAL;
	word = &bucket->datagram[dw_way_of(id)].cover;
	slot = &bucket->slot[dw_way_of(id)];
	for (int attempt = 0; attempt < DW_COVER_TRIES; attempt++) {
		__u64 was = DW_READ(*word);
		struct dw_cover cover = dw_cover_unpack(was);
		int reason = dw_cover_add(&cover, first, end, is_last);

		if (DW_SETTING(dry))
			return reason;
		if (dw_cas(word, was, dw_cover_pack(&cover)) != was)
			continue;
		if (dw_cover_is_whole(&cover)) {
			claimed = DW_READ(*slot);
			if (dw_slot_status(claimed) == DW_SLOT_LIVE)
				dw_cas(slot, claimed, 0);
		}
		return reason;
	}
	return DW_REASON_FRAGMENT_DISORDER; /* four other CPUs were faster: as if it had been lost on the way */
}

/* One attempt to claim a slot: its id, 0 when there is none, or DW_LOST. */
DW_GLOBAL __u32 dw_datagram_claim(const struct dw_image *image, struct dw_search *search)
{
	struct dw_fragment_bucket *one, *other;

	if (!image || !search)
		return 0;
	one = dw_mem_fragments(search->home.bucket[0]);
	other = dw_mem_fragments(search->home.bucket[1]);
	if (!one || !other)
		return 0;
	if (dw_slots_offer(image, (const struct dw_slots *)one->slot, search->home.bucket[0], &search->newcomer,
			   &search->best) ||
	    dw_slots_offer(image, (const struct dw_slots *)other->slot, search->home.bucket[1], &search->newcomer,
			   &search->second))
		return 0;
	if (!dw_first_is_better(&search->best, &search->second)) {
		search->best = search->second;
		one = other;
	}
	return search->best.yield ? dw_slot_claim(&one->slot[dw_way_of(search->best.id)], search) : 0;
}

/* A first fragment that was accepted. */
struct dw_first_fragment {
	__u32 class; /* of its flow, enum dw_class */
	__u32 end;   /* how many units it has */
	__u32 rule;
	__u32 inspect;
};

/* Enters its datagram. Returns the id, or 0 when there is no room for its class. */
DW_GLOBAL __u32 dw_datagram_open(const struct dw_image *image, const struct dw_flow_key *key,
				 const struct dw_first_fragment *first, struct dw_search *search)
{
	struct dw_cover cover = {0};
	struct dw_fragment_bucket *bucket;
	struct dw_datagram *datagram;
	__u32 id;

	if (!image || !key || !first || !search)
		return 0;
	cover.head = first->end;
	cover.dead = 1; /* until dw_datagram_settle has seen that it is alone */
	search->newcomer.now = dw_mem_now();
	search->newcomer.mercy = DW_SETTING(hz);
	search->newcomer.class = first->class & 3;
	search->home = dw_home_of(key, DW_FRAGMENT_BUCKETS - 1);
	search->tag = search->home.tag; /* no guests here: both lines are always read */
	id = dw_datagram_claim(image, search);
	DW_AGAIN_IF_LOST(id, dw_datagram_claim(image, search));
	if (!id || id == DW_LOST)
		return 0;
	bucket = dw_mem_fragments((id - 1) / DW_WAYS);
	if (!bucket)
		return 0;
	datagram = &bucket->datagram[dw_way_of(id)];
	dw_key_write((struct dw_flow_key *)&datagram->key, key);
	DW_WRITE(datagram->cover, dw_cover_pack(&cover));
	DW_WRITE(datagram->rule, first->rule);
	DW_WRITE(datagram->inspect, first->inspect);
	dw_slot_publish(&bucket->slot[dw_way_of(id)], DW_TIMEOUT_FRAGMENT);
	return id;
}

/*
 * After entering a datagram as `id`: was its first fragment on another CPU too, at the same moment? Then it overlaps
 * itself, and all entries are given up (RFC 5722). Of two CPUs at least the later one sees both, so at most one entry
 * is ever believed. Zero, or why the first fragment must not pass.
 */
DW_GLOBAL int dw_datagram_settle(const struct dw_image *image, const struct dw_flow_key *key,
				 const struct dw_search *search, __u32 id)
{
	struct dw_fragment_bucket *own;
	int twice = 0;

	if (!image || !key || !search)
		return DW_REASON_INTERNAL;
	for (int half = 0; half < 2; half++) {
		struct dw_fragment_bucket *bucket = dw_mem_fragments(search->home.bucket[half]);

		if (!bucket)
			return DW_REASON_INTERNAL;
		for (int way = 0; way < DW_WAYS; way++) {
			__u64 word = DW_READ(bucket->slot[way]);

			if (dw_slot_tag(word) != search->home.tag || dw_slot_status(word) != DW_SLOT_LIVE ||
			    dw_slot_id(search->home.bucket[half], way) == id ||
			    dw_slot_expired(image, word, search->newcomer.now) ||
			    !dw_keys_equal((const struct dw_flow_key *)&bucket->datagram[way].key, key))
				continue;
			__sync_fetch_and_or(&bucket->datagram[way].cover, DW_COVER_DEAD);
			twice = 1;
		}
	}
	if (twice)
		return DW_REASON_FRAGMENT_OVERLAP;
	own = dw_mem_fragments((id - 1) / DW_WAYS);
	if (!own)
		return DW_REASON_INTERNAL;
	__sync_fetch_and_and(&own->datagram[dw_way_of(id)].cover, ~DW_COVER_DEAD);
	return 0;
}

#endif
