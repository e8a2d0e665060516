/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What a TCP segment from the line may say in a flow that we know (R24, REC-31, REC-32, RFC 5961). The method is
 * van Rooij's ("Real stateful TCP packet filtering in IP Filter"): each side's segments are bounded by what the
 * other side has acknowledged and given room for. Only a flow whose SYNs were both seen is checked, since the
 * window scale stands in them. Our own side is believed: its segments move the bounds, and are not checked.
 *
 * Both directions may be at work on two CPUs; each field has one direction that writes it, and a lost update of
 * a maximum is made good by the next segment.
 */
#ifndef DW_TCP_H
#define DW_TCP_H

#include "mem.h"
#include "parse.h"
#include "reason.h"

#define DW_TCP_IN 0
#define DW_TCP_OUT 1
#define DW_TCP_SLACK 66000 /* how far behind an acknowledgement may come: an unscaled window, and some */

/* The part of a segment that the state machine looks at. */
struct dw_segment {
	__u32 seq, ack;
	__u32 occupied; /* sequence numbers it takes: payload, SYN and FIN */
	__u16 window;
	__u8 flags;
	__u8 scale; /* of a SYN: its window scale option or DW_SCALE_NONE */
};

DW_INLINE void dw_make_segment(const struct dw_packet *p, struct dw_segment *segment)
{
	segment->seq = p->seq;
	segment->ack = p->ack;
	segment->occupied = p->segment_length + !!(p->tcp_flags & DW_SYN) + !!(p->tcp_flags & DW_FIN);
	segment->window = p->window;
	segment->flags = p->tcp_flags;
	segment->scale = p->scale;
}

/* Is a before b? Sequence numbers go round. */
DW_INLINE int dw_seq_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

DW_INLINE __u32 dw_seq_later(__u32 a, __u32 b)
{
	return dw_seq_before(a, b) ? b : a;
}

DW_INLINE int dw_is_scaled(const struct dw_flow *flow)
{
	return DW_READ(flow->scale[0]) <= DW_SCALE_MAX && DW_READ(flow->scale[1]) <= DW_SCALE_MAX;
}

/* The largest window that `side` offered, in bytes. */
DW_INLINE __u32 dw_tcp_room(const struct dw_flow *flow, int side)
{
	__u32 room = DW_READ(flow->window.room[side]);

	return dw_is_scaled(flow) ? room << DW_READ(flow->scale[side]) : room;
}

DW_INLINE int dw_has_seen_syn(const struct dw_flow *flow, int side)
{
	return DW_READ(flow->scale[side]) != DW_SCALE_UNSEEN;
}

/* Our SYN is unanswered. An answer acknowledges it; anything else is at most an empty segment, as a host sends
 * that still holds an old connection, and ours resets (RFC 9293 3.5.1). */
DW_INLINE int dw_check_first_answer(const struct dw_flow *flow, const struct dw_segment *segment)
{
	__u32 sent = DW_READ(flow->window.end[DW_TCP_OUT]);

	if (!(segment->flags & DW_ACK))
		return (segment->flags & (DW_SYN | DW_RST)) == DW_SYN ? 0 : DW_REASON_TCP_WINDOW;
	if (!(segment->flags & (DW_SYN | DW_RST)))
		return segment->occupied ? DW_REASON_TCP_WINDOW : 0;
	if (dw_seq_before(sent, segment->ack) || dw_seq_before(segment->ack, DW_READ(flow->window.limit)))
		return DW_REASON_TCP_WINDOW;
	return 0;
}

/* The peer's SYN is unanswered: it may only send it again, or take it back. */
DW_INLINE int dw_check_unanswered(const struct dw_flow *flow, const struct dw_segment *segment)
{
	if (segment->flags & DW_SYN)
		return 0;
	if (segment->flags & DW_RST && segment->seq == DW_READ(flow->window.end[DW_TCP_IN]))
		return 0;
	return DW_REASON_TCP_WINDOW;
}

DW_INLINE int dw_check_window(const struct dw_flow *flow, const struct dw_segment *segment)
{
	const struct dw_tcp_window *window = &flow->window;
	__u32 end = segment->seq + segment->occupied, limit = DW_READ(window->limit);
	__u32 sent = DW_READ(window->end[DW_TCP_OUT]), behind;

	if (dw_seq_before(limit, segment->seq))
		return DW_REASON_TCP_WINDOW;
	if (segment->flags & DW_RST) /* in the window: the host judges; see dw_reset_is_believed */
		return dw_seq_before(segment->seq, DW_READ(window->acked)) ? DW_REASON_TCP_WINDOW : 0;
	if (dw_seq_before(end, DW_READ(window->end[DW_TCP_IN]) - dw_tcp_room(flow, DW_TCP_OUT) - 1))
		return DW_REASON_TCP_WINDOW;
	if (!(segment->flags & DW_ACK))
		return 0;
	behind = dw_tcp_room(flow, DW_TCP_IN);
	if (behind < DW_TCP_SLACK)
		behind = DW_TCP_SLACK;
	if (dw_seq_before(sent, segment->ack) || dw_seq_before(segment->ack, sent - behind))
		return DW_REASON_TCP_WINDOW;
	return 0;
}

/* May this segment from the line go on in its flow? Zero, or why not. */
DW_INLINE int dw_check_segment(const struct dw_flow *flow, const struct dw_segment *segment)
{
	if (!dw_has_seen_syn(flow, DW_TCP_IN))
		return dw_check_first_answer(flow, segment);
	if (!dw_has_seen_syn(flow, DW_TCP_OUT))
		return dw_check_unanswered(flow, segment);
	return dw_check_window(flow, segment);
}

/* A RST ends a flow only at the very number that our side waits for; elsewhere in the window the host answers
 * it with a challenge, and the flow lives on (RFC 5961 3.2). One that refuses our SYN has acknowledged it. */
DW_INLINE int dw_reset_is_believed(const struct dw_flow *flow, const struct dw_segment *segment)
{
	if (!dw_has_seen_syn(flow, DW_TCP_IN))
		return segment->flags & DW_ACK && !dw_check_first_answer(flow, segment);
	if (!dw_has_seen_syn(flow, DW_TCP_OUT))
		return segment->seq == DW_READ(flow->window.end[DW_TCP_IN]);
	return segment->seq == DW_READ(flow->window.acked);
}

/* A SYN of `side`: where its numbers begin. */
DW_INLINE void dw_track_syn(struct dw_flow *flow, const struct dw_segment *segment, int side)
{
	__u32 end = segment->seq + segment->occupied, room = segment->window; /* never scaled in a SYN */

	if (segment->scale <= DW_SCALE_MAX)
		room = (room + (1u << segment->scale) - 1) >> segment->scale;
	DW_WRITE(flow->window.end[side], end);
	DW_WRITE(flow->window.room[side], (__u16)room);
	DW_WRITE(flow->scale[side], segment->scale);
	if (side == DW_TCP_IN) { /* until our side says more */
		DW_WRITE(flow->window.acked, segment->seq + 1);
		DW_WRITE(flow->window.limit, end);
	} else if (!dw_has_seen_syn(flow, DW_TCP_IN)) {
		DW_WRITE(flow->window.limit, segment->seq + 1); /* the least that an answer acknowledges */
	}
}

/* Our side acknowledges, and gives room. */
DW_INLINE void dw_track_our_ack(struct dw_flow *flow, const struct dw_segment *segment)
{
	struct dw_tcp_window *window = &flow->window;
	__u32 room = segment->window;

	if (!(segment->flags & DW_SYN) && dw_is_scaled(flow))
		room <<= DW_READ(flow->scale[DW_TCP_OUT]);
	DW_WRITE(window->acked, dw_seq_later(DW_READ(window->acked), segment->ack));
	DW_WRITE(window->limit, dw_seq_later(DW_READ(window->limit), segment->ack + room));
}

/* A segment that passed moves the bounds. */
DW_INLINE void dw_track_segment(struct dw_flow *flow, const struct dw_segment *segment, int side)
{
	struct dw_tcp_window *window = &flow->window;
	__u32 end = segment->seq + segment->occupied;

	if (segment->flags & DW_RST)
		return;
	if (segment->flags & DW_SYN && dw_has_seen_syn(flow, side) && end == DW_READ(window->end[side]))
		return; /* sent again: our side may have given room since */
	if (segment->flags & DW_SYN)
		dw_track_syn(flow, segment, side);
	else if (dw_has_seen_syn(flow, side))
		DW_WRITE(window->end[side], dw_seq_later(DW_READ(window->end[side]), end));
	if (!(segment->flags & DW_SYN) && segment->window > DW_READ(window->room[side]))
		DW_WRITE(window->room[side], segment->window);
	if (side == DW_TCP_OUT && segment->flags & DW_ACK && dw_has_seen_syn(flow, DW_TCP_IN))
		dw_track_our_ack(flow, segment);
}

#endif
