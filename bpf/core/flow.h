/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The flow table: a flat index of buckets of eight slots, a line each, and a flat array of flows (layout.h). A key has
 * its home, and a second bucket where it may be a guest when home is crowded (slot.h). A miss reads one line of the
 * index, a hit one and those of the flow itself; a second line of the index is read only when a guest is about who
 * could be meant. Nothing is allocated and no lock taken.
 *
 * - Two CPUs that open the same flow at once may both claim a slot: each looks again after publishing, and the
 *   later slot of the two is given back (R27).
 * - Room is kept apart by class and origin (slot.h). When both buckets are full of flows that nobody may evict, a
 *   newcomer from inside takes the place of the oldest flow of the host that holds most of them, its own if that is
 *   the one (R25: nobody inside can take more than a share; since the hash spreads evenly, a host's part of a
 *   bucket is its part of the table).
 * - Nothing expires by a timer: a flow that has been idle for longer than its timeout is not found any more.
 */
#ifndef DW_FLOW_H
#define DW_FLOW_H

#include "mem.h"
#include "slot.h"
#include "tcp.h"
#include "wire.h"

/* What a packet does to its flow. */
struct dw_passage {
	__u32 length;    /* bytes */
	__u32 packets;   /* on the wire */
	__u8 inbound;
	__u8 proto;
	__u8 reason;     /* of the opening, enum dw_reason */
	__u8 independent;
	__u32 rule;      /* that admits it, when it opens a flow */
	__u32 generation;
	__u32 inspect;   /* of the opening: dw_flow.inspect */
	struct dw_segment segment; /* TCP */
};

/* ---- what a flow has seen, and what follows from it ---------------------------------------------- */

DW_INLINE int dw_is_closing(__u32 seen)
{
	if (seen & (DW_SEEN_IN_RST | DW_SEEN_OUT_RST))
		return 1;
	return (seen & (DW_SEEN_IN_FIN | DW_SEEN_OUT_FIN)) == (DW_SEEN_IN_FIN | DW_SEEN_OUT_FIN);
}

DW_INLINE __u32 dw_seen_in_segment(__u32 seen, const struct dw_segment *segment, int inbound, int reset)
{
	if (segment->flags & DW_SYN)
		seen |= inbound ? DW_SEEN_IN_SYN : DW_SEEN_OUT_SYN;
	if (segment->flags & DW_FIN)
		seen |= inbound ? DW_SEEN_IN_FIN : DW_SEEN_OUT_FIN;
	if (reset)
		seen |= inbound ? DW_SEEN_IN_RST : DW_SEEN_OUT_RST;
	return seen;
}

/* Does this RST end the flow? From our side it does, unless it answers a segment of an older connection. */
DW_INLINE int dw_is_reset(const struct dw_flow *flow, const struct dw_passage *passage)
{
	if (!(passage->segment.flags & DW_RST))
		return 0;
	return passage->inbound ? dw_reset_is_believed(flow, &passage->segment) : dw_has_seen_syn(flow, DW_TCP_IN);
}

/*
 * A flow is established when both sides have shown that they want it: opened from inside, by the first
 * answer; opened from outside, when the peer spoke again after our answer (design D4), since a forged
 * source never hears it.
 */
DW_INLINE __u32 dw_seen_after(const struct dw_flow *flow, const struct dw_passage *passage)
{
	const __u32 both = DW_SEEN_IN_SYN | DW_SEEN_OUT_SYN;
	__u32 seen = DW_READ(flow->seen);
	int confirms = DW_READ(flow->origin) == DW_INSIDE || seen & DW_SEEN_OUT;

	if (passage->proto == DW_TCP) {
		seen = dw_seen_in_segment(seen, &passage->segment, passage->inbound, dw_is_reset(flow, passage));
		confirms = confirms && (seen & both) == both && passage->segment.flags & DW_ACK &&
			   !(passage->segment.flags & DW_RST);
	}
	if (passage->inbound && confirms)
		seen |= DW_SEEN_ESTABLISHED;
	return seen | (passage->inbound ? DW_SEEN_IN : DW_SEEN_OUT);
}

/* By the packet that opens it. */
DW_INLINE __u32 dw_seen_at_first(const struct dw_passage *passage)
{
	__u32 seen = passage->inbound ? DW_SEEN_IN : DW_SEEN_OUT;

	if (passage->independent)
		seen |= DW_SEEN_INDEPENDENT;
	return passage->proto == DW_TCP ? dw_seen_in_segment(seen, &passage->segment, passage->inbound, 0) : seen;
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

/* ---- search ---------------------------------------------------------------------------------------- */

/* The slot that speaks of a flow; its word is all that moves when the flow comes and goes. */
DW_INLINE __u64 *dw_slot_of(__u32 id)
{
	struct dw_slots *slots = dw_mem_slots((id - 1) / DW_WAYS);

	return slots ? &slots->word[dw_way_of(id)] : 0;
}

/* Is the flow with this id the key's? */
DW_INLINE int dw_flow_has_key(__u32 id, const struct dw_flow_key *key)
{
	const struct dw_flow *flow = dw_mem_flow(id);

	return flow && dw_keys_equal(&flow->key, key);
}

/* Does a slot with the key's tag speak of a live flow with this key? A function of its own, so that the search of
 * the tags is nothing but loads and comparisons: one in 4096 packets of no flow meets its tag by chance. */
DW_GLOBAL int dw_flow_is_live(const struct dw_image *image, const struct dw_flow_key *key, __u32 id, __u64 word)
{
	if (!image || !key || dw_slot_status(word) != DW_SLOT_LIVE)
		return 0;
	return dw_flow_has_key(id, key) && !dw_slot_expired(image, word, dw_mem_now());
}

/* Another way than the wanted one has the tag, or more than one. */
DW_GLOBAL __u32 dw_flow_find_among(const struct dw_image *image, const struct dw_flow_key *key,
				   const struct dw_slots *slots, __u32 bucket, __u32 tag)
{
	if (!image || !key || !slots)
		return 0;
	for (__u32 way = 0; way < DW_WAYS; way++) {
		__u64 word = DW_READ(slots->word[way]);

		if (dw_slot_tag(word) == tag && dw_flow_is_live(image, key, dw_slot_id(bucket, way), word))
			return dw_slot_id(bucket, way);
	}
	return 0;
}

/* Most flows stand in the way that their key wants: the CPU learns that, and asks for the flow before its word has
 * come. For the others the way is found by arithmetic. */
DW_INLINE __u32 dw_flow_find_in(const struct dw_image *image, const struct dw_flow_key *key,
				const struct dw_slots *slots, __u32 bucket, __u32 tag, __u32 way)
{
	__u64 word = DW_READ(slots->word[way]);
	__u32 met;

	if (dw_slot_tag(word) == tag && dw_flow_is_live(image, key, dw_slot_id(bucket, way), word))
		return dw_slot_id(bucket, way);
	if (!dw_tag_is_met(slots, tag))
		return 0;
	met = dw_tags_met(slots, tag);
	if (met >= 2 * DW_WAYS)
		return dw_flow_find_among(image, key, slots, bucket, tag);
	way = met & (DW_WAYS - 1);
	word = DW_READ(slots->word[way]);
	return dw_flow_is_live(image, key, dw_slot_id(bucket, way), word) ? dw_slot_id(bucket, way) : 0;
}

/* The live flow with this key among the guests of its second bucket, as an id, or 0. */
DW_GLOBAL __u32 dw_flow_find_guest(const struct dw_image *image, const struct dw_flow_key *key, __u32 home, __u32 tag,
				   __u32 way)
{
	__u32 bucket = dw_other_bucket(home, tag, DW_SETTING(bucket_mask));
	const struct dw_slots *slots = dw_mem_slots(bucket);

	if (!image || !key || !slots)
		return 0;
	return dw_flow_find_in(image, key, slots, bucket, tag | DW_GUEST, way & (DW_WAYS - 1));
}

/* The live flow with this key, as an id, or 0. One line says that there is none, unless a guest has nearly its tag. */
DW_GLOBAL __u32 dw_flow_find(const struct dw_image *image, const struct dw_flow_key *key)
{
	struct dw_slots *slots;
	struct dw_home home;
	__u32 id;

	if (!image || !key)
		return 0;
	home = dw_home_of(key, DW_SETTING(bucket_mask));
	slots = dw_mem_slots(home.bucket[0]);
	if (!slots)
		return 0;
	id = dw_flow_find_in(image, key, slots, home.bucket[0], home.tag, home.way);
	if (id || !dw_guests(DW_READ(*dw_guest_book(slots, home.tag))))
		return id;
	return dw_flow_find_guest(image, key, home.bucket[0], home.tag, home.way);
}

/* ---- removal --------------------------------------------------------------------------------------- */

/* `word` was taken out of `bucket`: if it was a guest's, its home counts one less. */
DW_INLINE void dw_flow_is_gone(__u32 bucket, __u64 word)
{
	__u32 tag = dw_slot_tag(word);
	struct dw_slots *home;

	if (!(tag & DW_GUEST) || !dw_slot_status(word))
		return;
	home = dw_mem_slots(dw_other_bucket(bucket, tag, DW_SETTING(bucket_mask)));
	if (home)
		__sync_fetch_and_add(dw_guest_book(home, tag), -DW_ONE_GUEST);
}

/* The flow ends, unless its slot is another's by now. That other CPUs count a guest in the same word, or renew it, does
 * not save it: then once more, with what they wrote. A function of its own, so that the verifier does not follow it
 * from each of the ways that dw_flow_settle looks at. */
DW_GLOBAL int dw_flow_end(__u32 id, __u64 word)
{
	__u64 *slot = dw_slot_of(id), seen;

	if (!slot)
		return 0;
	DW_UNROLL
	for (int attempt = 0; attempt < 8; attempt++) {
		seen = dw_cas(slot, word, dw_slot_emptied(word));
		if (seen == word) {
			dw_flow_is_gone((id - 1) / DW_WAYS, word);
			return 0;
		}
		if (dw_slot_tag(seen) != dw_slot_tag(word) || dw_slot_status(seen) != DW_SLOT_LIVE)
			return 0;
		word = seen;
	}
	return 0;
}

DW_INLINE void dw_flow_remove(__u32 id)
{
	__u64 *slot = dw_slot_of(id), word;

	if (!slot)
		return;
	word = DW_READ(*slot);
	if (dw_slot_status(word) == DW_SLOT_LIVE)
		dw_flow_end(id, word);
}

/* ---- insertion ------------------------------------------------------------------------------------- */

DW_INLINE int dw_is_of_host(__u64 word, __u32 id, const struct dw_in6 *host)
{
	const struct dw_flow *flow = dw_mem_flow(id);

	return flow && dw_slot_status(word) == DW_SLOT_LIVE && DW_READ(flow->key.inside.hi) == host->hi &&
	       DW_READ(flow->key.inside.lo) == host->lo;
}

/* How many of the two buckets' flows belong to this inside host. */
DW_GLOBAL __u32 dw_share_of(const struct dw_home *home, const struct dw_in6 *host)
{
	__u32 share = 0;

	if (!home || !host)
		return 0;
	for (int half = 0; half < 2; half++) {
		struct dw_slots *slots = dw_mem_slots(home->bucket[half]);

		if (!slots)
			return 0;
		for (__u32 way = 0; way < DW_WAYS; way++)
			if (dw_is_of_host(DW_READ(slots->word[way]), dw_slot_id(home->bucket[half], way), host))
				share++;
	}
	return share;
}

/* Of two full buckets, the inside host that holds most; the newcomer's own host unless another one holds more. */
DW_GLOBAL int dw_heaviest_host(const struct dw_home *home, struct dw_in6 *host)
{
	__u32 most;

	if (!home || !host)
		return -1;
	most = dw_share_of(home, host);
	for (int half = 0; half < 2; half++) {
		for (__u32 way = 0; way < DW_WAYS; way++) {
			struct dw_flow *flow = dw_mem_flow(dw_slot_id(home->bucket[half], way));
			struct dw_in6 other;
			__u32 share;

			if (!flow)
				return -1;
			other.hi = DW_READ(flow->key.inside.hi);
			other.lo = DW_READ(flow->key.inside.lo);
			share = dw_share_of(home, &other);
			if (share <= most)
				continue;
			most = share;
			*host = other;
		}
	}
	return 0;
}

/* The flow of this host that was idle for longest. */
DW_GLOBAL int dw_oldest_of(const struct dw_home *home, const struct dw_in6 *host, __u64 now, struct dw_offer *offer)
{
	if (!home || !host || !offer)
		return -1;
	offer->yield = 0;
	for (int half = 0; half < 2; half++) {
		struct dw_slots *slots = dw_mem_slots(home->bucket[half]);

		if (!slots)
			return -1;
		for (__u32 way = 0; way < DW_WAYS; way++) {
			__u64 word = DW_READ(slots->word[way]), yield = dw_slot_idle(word, now) + 1;
			__u32 id = dw_slot_id(home->bucket[half], way);

			if (!dw_is_of_host(word, id, host) || yield <= offer->yield)
				continue;
			offer->yield = yield;
			offer->word = word;
			offer->id = id;
		}
	}
	return 0;
}

/* With so many ways left, a newcomer stays at home; else the emptier of the two buckets takes it. */
#define DW_ROOMY 4

/* One of the ways that a bucket has to give, as the best offer; none if that has changed meanwhile. */
DW_INLINE void dw_flow_offer_way(const struct dw_image *image, const struct dw_slots *slots, __u32 bucket, __u32 room,
				 struct dw_search *search)
{
	__u32 way = dw_pick_way(room, search->home.way) & (DW_WAYS - 1);
	__u64 word = DW_READ(slots->word[way]);

	search->best.word = word;
	search->best.yield = dw_slot_is_idle(image, word, search->newcomer.now);
	search->best.id = search->best.yield ? dw_slot_id(bucket, way) : DW_LOST;
}

/* Both buckets are full: who makes way? At home, unless there is somebody less worthy in the other one. */
DW_GLOBAL int dw_flow_offer_victim(const struct dw_image *image, const struct dw_flow_key *key, int has_other,
				   struct dw_search *search)
{
	struct dw_slots *one, *other;

	if (!image || !key || !search)
		return -1;
	one = dw_mem_slots(search->home.bucket[0]);
	other = dw_mem_slots(search->home.bucket[1]);
	if (!one || !other)
		return -1;
	if (dw_slots_offer(image, one, search->home.bucket[0], &search->newcomer, &search->best) ||
	    dw_slots_offer(image, other, search->home.bucket[1], &search->newcomer, &search->second))
		return -1;
	if (has_other && search->best.yield >> DW_SLOT_TIME_BITS < search->second.yield >> DW_SLOT_TIME_BITS)
		search->best = search->second;
	if (search->best.yield || search->newcomer.class & 1)
		return 0;
	search->host = key->inside;
	return dw_heaviest_host(&search->home, &search->host) ||
	       dw_oldest_of(&search->home, &search->host, search->newcomer.now, &search->best);
}

/* The best slot that a newcomer can have when home is crowded: search->best, whose yield is 0 if there is none. */
DW_GLOBAL int dw_flow_offer(const struct dw_image *image, const struct dw_flow_key *key, __u32 room,
			    struct dw_search *search)
{
	struct dw_slots *one, *other;
	__u32 room_there = 0;
	int has_other;

	if (!image || !key || !search)
		return -1;
	one = dw_mem_slots(search->home.bucket[0]);
	other = dw_mem_slots(search->home.bucket[1]);
	if (!one || !other)
		return -1;
	has_other = search->home.bucket[0] != search->home.bucket[1] &&
		    dw_guests(DW_READ(*dw_guest_book(one, search->home.tag))) < DW_GUESTS_MOST;
	if (has_other)
		room_there = dw_slots_room(image, other, &search->newcomer);
	if (dw_count_ways(room_there) > dw_count_ways(room))
		dw_flow_offer_way(image, other, search->home.bucket[1], room_there, search);
	else if (room)
		dw_flow_offer_way(image, one, search->home.bucket[0], room, search);
	else
		return dw_flow_offer_victim(image, key, has_other, search);
	return 0;
}

DW_INLINE int dw_guest_enters(struct dw_slots *home, __u32 tag)
{
	__u64 *book = dw_guest_book(home, tag), word = DW_READ(*book);

	return dw_guests(word) < DW_GUESTS_MOST && dw_cas(book, word, word + DW_ONE_GUEST) == word;
}

/* Makes the best slot this CPU's: its id, or DW_LOST. */
DW_INLINE __u32 dw_flow_take(struct dw_slots *home, struct dw_search *search)
{
	__u32 id = search->best.id, bucket = (id - 1) / DW_WAYS;
	int is_guest = bucket != search->home.bucket[0];
	__u64 *slot = dw_slot_of(id);

	if (!slot)
		return 0;
	search->tag = search->home.tag | is_guest;
	if (is_guest && !dw_guest_enters(home, search->tag))
		return DW_LOST;
	id = dw_slot_claim(slot, search);
	if (id != DW_LOST)
		dw_flow_is_gone(bucket, search->best.word);
	else if (is_guest)
		__sync_fetch_and_add(dw_guest_book(home, search->tag), -DW_ONE_GUEST);
	return id;
}

/* One attempt to claim a slot for this key: its id, 0 when there is none, or DW_LOST. */
DW_GLOBAL __u32 dw_flow_claim(const struct dw_image *image, const struct dw_flow_key *key, struct dw_search *search)
{
	struct dw_slots *home;
	__u32 room;

	if (!image || !key || !search)
		return 0;
	home = dw_mem_slots(search->home.bucket[0]);
	if (!home)
		return 0;
	room = dw_slots_room(image, home, &search->newcomer);
	if (dw_count_ways(room) >= DW_ROOMY)
		dw_flow_offer_way(image, home, search->home.bucket[0], room, search);
	else if (dw_flow_offer(image, key, room, search))
		return 0;
	if (search->best.id == DW_LOST)
		return DW_LOST;
	return search->best.yield ? dw_flow_take(home, search) : 0;
}

/* After publishing: is this the only slot with the key's tag, so that nobody can have opened the same flow? */
DW_INLINE int dw_flow_is_alone(const struct dw_search *search)
{
	struct dw_slots *home = dw_mem_slots(search->home.bucket[0]);

	return home && search->tag == search->home.tag && dw_tags_met(home, search->tag) / DW_WAYS == 1 &&
	       !dw_guests(DW_READ(*dw_guest_book(home, search->tag)));
}

/*
 * After publishing: of several slots with this key the first one stays. Returns it. One that has expired is a
 * former flow's, and must not win over the new one.
 */
DW_GLOBAL __u32 dw_flow_settle(const struct dw_image *image, const struct dw_flow_key *key,
			       const struct dw_search *search)
{
	__u32 first = 0;

	if (!image || !key || !search)
		return 0;
	for (int half = 0; half < 2; half++) {
		__u32 bucket = search->home.bucket[half];
		struct dw_slots *slots = dw_mem_slots(bucket);

		if (!slots)
			break;
		for (int way = 0; way < DW_WAYS; way++) {
			__u32 id = dw_slot_id(bucket, way);
			__u64 word = DW_READ(slots->word[way]);

			if (dw_slot_tag(word) != (search->home.tag | half) || dw_slot_status(word) != DW_SLOT_LIVE ||
			    !dw_flow_has_key(id, key))
				continue;
			if (!first && !dw_slot_expired(image, word, search->newcomer.now))
				first = id;
			else
				dw_flow_end(id, word);
		}
	}
	return first;
}

/* The fields of a flow whose slot this CPU holds; its first packet is counted. */
DW_INLINE void dw_flow_fill(struct dw_flow *flow, const struct dw_flow_key *key, const struct dw_passage *passage,
			    __u32 seen, __u64 now)
{
	__u32 packets = passage->packets, bytes = passage->length;

	dw_key_write(&flow->key, key);
	DW_WRITE(flow->rule, passage->rule);
	DW_WRITE(flow->generation, passage->generation);
	DW_WRITE(flow->inspect, passage->inspect);
	DW_WRITE(flow->seen, seen);
	DW_WRITE(flow->origin, passage->inbound ? DW_OUTSIDE : DW_INSIDE);
	DW_WRITE(flow->reason, passage->reason);
	DW_WRITE(flow->scale[0], DW_SCALE_UNSEEN);
	DW_WRITE(flow->scale[1], DW_SCALE_UNSEEN);
	DW_WRITE(flow->first_seen, now);
	DW_WRITE(flow->last_seen, now);
	DW_WRITE(flow->in.packets, passage->inbound ? packets : 0);
	DW_WRITE(flow->in.bytes, passage->inbound ? bytes : 0);
	DW_WRITE(flow->out.packets, passage->inbound ? 0 : packets);
	DW_WRITE(flow->out.bytes, passage->inbound ? 0 : bytes);
	DW_WRITE(flow->window.end[0], 0);
	DW_WRITE(flow->window.end[1], 0);
	DW_WRITE(flow->window.limit, 0);
	DW_WRITE(flow->window.acked, 0);
	DW_WRITE(flow->window.room[0], 0);
	DW_WRITE(flow->window.room[1], 0);
	if (passage->proto == DW_TCP)
		dw_track_segment(flow, &passage->segment, passage->inbound ? DW_TCP_IN : DW_TCP_OUT);
}

/* Opens a flow. Returns its id, or 0 when there is no room for its class. */
DW_GLOBAL __u32 dw_flow_open(const struct dw_image *image, const struct dw_flow_key *key,
			     const struct dw_passage *passage, struct dw_search *search)
{
	struct dw_flow *flow;
	__u64 *slot;
	__u32 id, seen;

	if (!image || !key || !passage || !search)
		return 0;
	seen = dw_seen_at_first(passage);
	search->newcomer.now = dw_mem_now();
	search->newcomer.mercy = 0;
	search->newcomer.class = dw_class_of(passage->inbound ? DW_OUTSIDE : DW_INSIDE, seen);
	search->home = dw_home_of(key, DW_SETTING(bucket_mask));
	id = dw_flow_claim(image, key, search);
	DW_AGAIN_IF_LOST(id, dw_flow_claim(image, key, search));
	if (!id || id == DW_LOST)
		return 0;
	flow = dw_mem_flow(id);
	slot = dw_slot_of(id);
	if (!flow || !slot)
		return 0;
	dw_flow_fill(flow, key, passage, seen, search->newcomer.now);
	dw_slot_publish(slot, dw_timeout_of(passage->proto, seen));
	if (dw_flow_is_alone(search))
		return id;
	id = dw_flow_settle(image, key, search);
	return id ? id : dw_flow_find(image, key); /* given back by another CPU while we looked elsewhere (R27) */
}

DW_INLINE void dw_flow_count(struct dw_flow *flow, const struct dw_passage *passage)
{
	struct dw_counter *counter = passage->inbound ? &flow->in : &flow->out;

	__sync_fetch_and_add(&counter->packets, passage->packets);
	__sync_fetch_and_add(&counter->bytes, passage->length);
}

/* A packet of a known flow: count it, move the state, renew the slot's word when that changes or is due. Returns
 * what the flow has seen then. */
DW_GLOBAL __u32 dw_flow_pass(__u32 id, const struct dw_passage *passage)
{
	struct dw_flow *flow = dw_mem_flow(id);
	__u64 *slot = dw_slot_of(id), word, fresh, now;
	__u32 seen;

	if (!flow || !slot || !passage)
		return 0;
	now = dw_mem_now();

	dw_flow_count(flow, passage);
	DW_WRITE(flow->last_seen, now);
	seen = dw_seen_after(flow, passage);
	if (seen != DW_READ(flow->seen))
		DW_WRITE(flow->seen, seen);
	if (passage->proto == DW_TCP)
		dw_track_segment(flow, &passage->segment, passage->inbound ? DW_TCP_IN : DW_TCP_OUT);

	word = DW_READ(*slot);
	fresh = dw_slot_word(dw_slot_tag(word), dw_class_of(DW_READ(flow->origin), seen),
			     dw_timeout_of(passage->proto, seen), DW_SLOT_LIVE, now) |
		dw_slot_emptied(word);
	if (dw_slot_status(word) == DW_SLOT_LIVE &&
	    (dw_slot_idle(word, now) >= DW_SETTING(hz) / 8 || (fresh ^ word) >> DW_SLOT_TIME_BITS))
		dw_cas(slot, word, fresh);
	return seen;
}

#endif
