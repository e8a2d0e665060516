/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What an accepted packet changes, and the last questions before it may: its flow is opened or moved on, its
 * datagram is entered if it is a first fragment. A packet from the line that would change what a flow has seen
 * must have a right checksum (R36); one that would be the first for a host nobody knows must find room in the limit
 * (R38). Both are asked only of packets that pass everything else, so refused traffic does not pay for them.
 */
#ifndef DW_ADMIT_H
#define DW_ADMIT_H

#include "fragment.h"
#include "inspect.h"
#include "meter.h"
#include "walk.h"
#include "work.h"

/* Would the packet change what its flow has seen? */
DW_INLINE int dw_changes_flow(const struct dw_work *w)
{
	const struct dw_flow *flow;

	if (w->intent != DW_INTENT_PASS)
		return w->intent == DW_INTENT_OPEN;
	flow = dw_mem_flow(w->outcome.flow);
	return !flow || dw_seen_after(flow, &w->passage) != DW_READ(flow->seen);
}

/* A sweep of a network behind us makes the kernel ask for each address: each /48 out there may do so now and
 * then, and all together not more than the neighbour table bears. */
DW_INLINE int dw_wakes_strangers(const struct dw_frame *frame, const struct dw_work *w)
{
	struct dw_in6 source = {w->packet.src.hi & ~0xffffull, 0};

	if (!w->fresh || w->packet.family != 6 || w->query.ours.flags & DW_SPOT_SELF)
		return 0;
	if (!dw_mem_is_strange(frame, &w->packet.src, &w->packet.dst))
		return 0;
	return dw_over_limit(DW_METER_UNKNOWN, &source, 0);
}

DW_INLINE int dw_check_before_admission(const struct dw_frame *frame, const struct dw_work *w)
{
	if (dw_changes_flow(w) && !dw_came_in_whole(frame, &w->packet))
		return DW_REASON_CHECKSUM;
	return dw_wakes_strangers(frame, w) ? DW_REASON_UNKNOWN_NEIGHBOUR : 0;
}

DW_INLINE int dw_renew_mark(struct dw_work *w, const struct dw_image *image)
{
	__u32 id;

	dw_make_mark(&w->key, &w->second_key);
	id = dw_flow_find(image, &w->second_key);
	if (id)
		return !dw_flow_pass(id, &w->passage);
	return !dw_flow_open(image, &w->second_key, &w->passage, &w->search);
}

/* Zero, or the reason for which there is no flow after all. */
DW_INLINE int dw_move_flow(struct dw_work *w, const struct dw_image *image)
{
	__u32 id;

	if (w->over)
		dw_flow_remove(w->over);
	if (w->mark && dw_renew_mark(w, image))
		return DW_REASON_FLOW_TABLE_FULL;
	if (w->intent == DW_INTENT_PASS) {
		w->outcome.flow_seen = dw_flow_pass(w->outcome.flow, &w->passage);
	} else if (w->intent == DW_INTENT_OPEN) {
		id = dw_flow_open(image, &w->key, &w->passage, &w->search);
		if (!id)
			return DW_REASON_FLOW_TABLE_FULL;
		w->outcome.flow = id;
		w->outcome.flow_seen = dw_seen_at_first(&w->passage);
	}
	return 0;
}

/* Enters the datagram of a first fragment. */
DW_INLINE int dw_enter_datagram(struct dw_work *w, const struct dw_image *image, int inbound)
{
	struct dw_first_fragment first = {
		.class = dw_class_of(inbound ? DW_OUTSIDE : DW_INSIDE, 0),
		.end = dw_fragment_end(&w->packet),
		.rule = w->outcome.rule,
		.inspect = w->outcome.inspect,
	};
	const struct dw_flow *flow;
	__u32 id;

	if (w->outcome.flow) {
		flow = dw_mem_flow(w->outcome.flow);
		if (flow)
			first.class = dw_class_of(DW_READ(flow->origin), DW_READ(flow->seen));
	}
	id = dw_datagram_open(image, &w->second_key, &first, &w->search);
	return id ? dw_datagram_settle(image, &w->second_key, &w->search, id) : DW_REASON_FRAGMENT_TABLE_FULL;
}

/* Is this the first fragment for the second time? */
DW_INLINE int dw_check_first_fragment(struct dw_work *w, const struct dw_image *image)
{
	__u32 id;

	dw_make_fragment_key(&w->packet, &w->second_key);
	id = dw_datagram_find(image, &w->second_key);
	return id ? dw_datagram_add(id, 0, dw_fragment_end(&w->packet), 0) : 0;
}

/* What the flow will have seen, without changing it. */
DW_INLINE void dw_foresee(struct dw_work *w)
{
	const struct dw_flow *flow = w->intent == DW_INTENT_PASS ? dw_mem_flow(w->outcome.flow) : 0;

	if (flow)
		w->outcome.flow_seen = dw_seen_after(flow, &w->passage);
}

/* The reason with which an accepted packet leaves in the end. */
DW_INLINE int dw_admit(const struct dw_frame *frame, struct dw_work *w, const struct dw_blob *blob, int reason,
		       int inbound)
{
	const struct dw_image *image = (const struct dw_image *)blob;
	int is_first = (w->packet.flags & (DW_PACKET_FRAGMENT | DW_PACKET_LATER)) == DW_PACKET_FRAGMENT;
	int bad;

	if (w->outcome.inspect) {
		reason = dw_detour(w->outcome.inspect, reason, inbound);
		if (!dw_reason_accepts(reason))
			return reason;
	}
	if (w->packet.proto == DW_TCP && w->packet.tcp_flags & DW_SYN && w->intent)
		w->passage.segment.scale = dw_read_scale(frame, &w->packet, &w->options);
	if (is_first) {
		bad = dw_check_first_fragment(w, image);
		if (bad)
			return bad;
	}
	if (inbound) {
		bad = dw_check_before_admission(frame, w);
		if (bad)
			return bad;
	}
	if (DW_SETTING(dry)) {
		dw_foresee(w);
		return reason;
	}
	bad = dw_move_flow(w, image);
	if (bad)
		return bad;
	if (is_first) {
		dw_make_fragment_key(&w->packet, &w->second_key);
		bad = dw_enter_datagram(w, image, inbound);
	}
	return bad ? bad : reason;
}

#endif
