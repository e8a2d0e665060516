/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The flow table: a flat index of buckets of eight slots, a line each, and a flat array of flows (layout.h); two
 * candidate buckets a key. A miss reads two independent lines of the index, a hit one or two of them and those of the
 * flow itself; nothing is allocated and no lock taken.
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
 * the sixteen tags is nothing but loads and comparisons: one in 4096 packets of no flow meets its tag by chance. */
DW_GLOBAL int dw_flow_is_live(const struct dw_image *image, const struct dw_flow_key *key, __u32 id, __u64 word)
{
	if (!image || !key || dw_slot_status(word) != DW_SLOT_LIVE)
		return 0;
	return dw_flow_has_key(id, key) && !dw_slot_expired(image, word, dw_mem_now());
}

DW_INLINE __u32 dw_flow_find_in(const struct dw_image *image, const struct dw_flow_key *key,
				const struct dw_slots *slots, __u32 bucket, __u32 tag)
{
	DW_UNROLL
	for (int way = 0; way < DW_WAYS; way++) {
		__u64 word = DW_READ(slots->word[way]);

		if (dw_slot_tag(word) == tag && dw_flow_is_live(image, key, dw_slot_id(bucket, way), word))
			return dw_slot_id(bucket, way);
	}
	return 0;
}

/* The live flow with this key, as an id, or 0. Both lines are found before either is read, so that their loads
 * overlap. */
DW_GLOBAL __u32 dw_flow_find(const struct dw_image *image, const struct dw_flow_key *key)
{
	const struct dw_slots *one, *other;
	struct dw_home home;
	__u32 id;

	if (!image || !key)
		return 0;
	home = dw_home_of(key, DW_SETTING(bucket_mask));
	one = dw_mem_slots(home.bucket[0]);
	other = dw_mem_slots(home.bucket[1]);
	if (!one || !other)
		return 0;
	id = dw_flow_find_in(image, key, one, home.bucket[0], home.tag);
	return id ? id : dw_flow_find_in(image, key, other, home.bucket[1], home.tag);
}

DW_INLINE void dw_flow_remove(__u32 id)
{
	__u64 *slot = dw_slot_of(id), word;

	if (!slot)
		return;
	word = DW_READ(*slot);
	if (dw_slot_status(word) == DW_SLOT_LIVE)
		dw_cas(slot, word, 0);
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

/* The best slot that a newcomer can have, into search->best; its yield is 0 when there is none. */
DW_INLINE int dw_flow_offer(const struct dw_image *image, const struct dw_flow_key *key, struct dw_search *search)
{
	const struct dw_home *home = &search->home;
	struct dw_slots *one = dw_mem_slots(home->bucket[0]), *other = dw_mem_slots(home->bucket[1]);

	if (!one || !other)
		return -1;
	if (dw_slots_offer(image, one, home->bucket[0], &search->newcomer, &search->best) ||
	    dw_slots_offer(image, other, home->bucket[1], &search->newcomer, &search->second))
		return -1;
	if (!dw_first_is_better(&search->best, &search->second))
		search->best = search->second;
	if (search->best.yield || search->newcomer.class & 1)
		return 0;
	search->host = key->inside;
	return dw_heaviest_host(home, &search->host) ||
	       dw_oldest_of(home, &search->host, search->newcomer.now, &search->best);
}

/* One attempt to claim the best slot for this key: its id, 0 when there is none, or DW_LOST. */
DW_GLOBAL __u32 dw_flow_claim(const struct dw_image *image, const struct dw_flow_key *key, struct dw_search *search)
{
	__u64 *slot;

	if (!image || !key || !search)
		return 0;
	if (dw_flow_offer(image, key, search) || !search->best.yield)
		return 0;
	slot = dw_slot_of(search->best.id);
	return slot ? dw_slot_claim(slot, search) : 0;
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
		struct dw_slots *slots = dw_mem_slots(home->bucket[half]);

		if (!slots || (half && home->bucket[1] == home->bucket[0]))
			break;
		for (int way = 0; way < DW_WAYS; way++) {
			__u32 id = dw_slot_id(home->bucket[half], way);
			__u64 word = DW_READ(slots->word[way]);

			if (dw_slot_tag(word) != home->tag || dw_slot_status(word) != DW_SLOT_LIVE ||
			    !dw_flow_has_key(id, key))
				continue;
			if (!first && !dw_slot_expired(image, word, now))
				first = id;
			else
				dw_cas(&slots->word[way], word, 0);
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
	dw_slot_publish(slot, search, dw_timeout_of(passage->proto, seen));
	id = dw_flow_settle(image, key, &search->home, search->newcomer.now);
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
			     dw_timeout_of(passage->proto, seen), DW_SLOT_LIVE, now);
	if (dw_slot_status(word) == DW_SLOT_LIVE &&
	    (dw_slot_idle(word, now) >= DW_SETTING(hz) / 8 || (fresh ^ word) >> DW_SLOT_TIME_BITS))
		dw_cas(slot, word, fresh);
	return seen;
}

#endif
