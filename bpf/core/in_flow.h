/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A packet whose flow is known, or that quotes one: may it go on? Nothing is changed here but what the policy in
 * force ends (R28); what the packet changes is done when it is admitted (admit.h).
 */
#ifndef DW_IN_FLOW_H
#define DW_IN_FLOW_H

#include "walk.h"
#include "work.h"

/* Is there a live mark of an endpoint-independent rule for the inside port of w->key? */
DW_INLINE __u32 dw_find_mark(struct dw_work *w, const struct dw_blob *image)
{
	const struct dw_image *header = (const struct dw_image *)image;

	if (!(header->options & DW_OPTION_INDEPENDENT))
		return 0;
	dw_make_mark(&w->key, &w->second_key);
	return dw_flow_find(header, &w->second_key);
}

/* The rule that would open a flow now says what is looked for in it; what was found so far stays when it is the same. */
DW_INLINE void dw_renew_inspection(const struct dw_work *w, struct dw_flow *flow)
{
	__u32 was = DW_READ(flow->inspect), word = w->judgement.inspect;

	if (word && (was & DW_INSPECT_SIGNATURES) == (word & DW_INSPECT_SIGNATURES))
		word |= was & ~DW_INSPECT_BY_RULE;
	else
		word = dw_inspect_word(word, &w->key);
	if (word != was)
		DW_WRITE(flow->inspect, word);
}

/*
 * A flow opened from outside under an older policy: would the policy in force open it? (R28) The question is
 * put as its first packet did, whichever way the present one goes. Zero: it lives on.
 */
DW_INLINE int dw_rejudge(struct dw_work *w, const struct dw_blob *image, const struct dw_own *own,
			 struct dw_flow *flow, __u32 id)
{
	__u32 generation = dw_generation(image, own);
	int reason, icmp = dw_is_icmp(&w->packet);

	if (DW_READ(flow->origin) != DW_OUTSIDE || DW_READ(flow->generation) == generation)
		return 0;
	if (DW_READ(flow->reason) == DW_REASON_INDEPENDENT && dw_find_mark(w, image))
		return 0;
	dw_locate(own, &w->key.outside, &w->query.peer);
	dw_locate(own, &w->key.inside, &w->query.ours);
	dw_make_query(w, 1);
	w->query.sport = icmp ? 0 : w->key.outside_port;
	w->query.dport = !icmp ? w->key.inside_port :
			 w->packet.family == 6 ? DW_ICMPV6_ECHO_REQUEST : DW_ICMP_ECHO_REQUEST;
	w->query.again = 1;
	reason = dw_judge(w, image, own);
	if (!dw_is_accepting(reason)) {
		if (!DW_SETTING(dry))
			dw_flow_remove(id);
		return reason;
	}
	if (!DW_SETTING(dry)) {
		DW_WRITE(flow->rule, w->outcome.rule);
		DW_WRITE(flow->generation, generation);
		dw_renew_inspection(w, flow);
	}
	return 0;
}

/*
 * A SYN from the line in a known flow (RFC 5961 4, R24). It is believed while the flow is not established: sent
 * again, or in a simultaneous open. In one that is closing it begins a new connection. Otherwise it is dropped: a
 * host that challenged it would tell a stranger that the flow exists.
 */
DW_INLINE int dw_check_syn_in(const struct dw_work *w, const struct dw_flow *flow)
{
	const struct dw_segment *segment = &w->passage.segment;
	__u32 seen = DW_READ(flow->seen);

	if (dw_is_closing(seen))
		return DW_GO_ON;
	if (seen & DW_SEEN_ESTABLISHED)
		return DW_REASON_TCP_STATE;
	if (dw_has_seen_syn(flow, DW_TCP_IN) && dw_has_seen_syn(flow, DW_TCP_OUT) &&
	    segment->seq + segment->occupied != DW_READ(flow->window.end[DW_TCP_IN]))
		return DW_REASON_TCP_STATE; /* another one than our side has answered */
	return 0;
}

DW_INLINE int dw_check_tcp_in(const struct dw_work *w, const struct dw_flow *flow)
{
	__u8 kind = w->packet.tcp_flags & (DW_SYN | DW_ACK);

	if (kind == DW_SYN)
		return dw_check_syn_in(w, flow);
	if (kind == (DW_SYN | DW_ACK) && DW_READ(flow->origin) == DW_OUTSIDE && !dw_has_seen_syn(flow, DW_TCP_OUT))
		return DW_REASON_TCP_STATE;
	return dw_check_segment(flow, &w->passage.segment);
}

/* From the line. DW_GO_ON: the flow is over, judge the packet as a newcomer. */
DW_INLINE int dw_judge_flow_in(struct dw_work *w, const struct dw_blob *image, const struct dw_own *own, __u32 id)
{
	struct dw_flow *flow = dw_mem_flow(id);
	int reason;

	if (!flow)
		return DW_REASON_INTERNAL;
	dw_make_passage(w, 1, image, own);
	if (w->packet.proto == DW_TCP) {
		reason = dw_check_tcp_in(w, flow);
		if (reason == DW_GO_ON)
			w->over = id;
		if (reason)
			return reason;
	}
	reason = dw_rejudge(w, image, own, flow, id);
	return reason ? reason : dw_pass_in_flow(w, id);
}

/* Our side uses its ports anew: after the flow has ended, or with other numbers than it began with. */
DW_INLINE int dw_begins_anew(const struct dw_work *w, const struct dw_flow *flow)
{
	const struct dw_segment *segment = &w->passage.segment;

	if ((segment->flags & (DW_SYN | DW_ACK)) != DW_SYN)
		return 0;
	if (dw_is_closing(DW_READ(flow->seen)))
		return 1;
	return DW_READ(flow->seen) & DW_SEEN_ESTABLISHED &&
	       segment->seq + segment->occupied != DW_READ(flow->window.end[DW_TCP_OUT]);
}

/* To the line. DW_GO_ON: the flow is over and this packet opens a new one. */
DW_INLINE int dw_judge_flow_out(struct dw_work *w, const struct dw_blob *image, const struct dw_own *own, __u32 id)
{
	struct dw_flow *flow = dw_mem_flow(id);
	int reason;

	if (!flow)
		return DW_REASON_INTERNAL;
	dw_make_passage(w, 0, image, own);
	if (w->packet.proto == DW_TCP && dw_begins_anew(w, flow)) {
		w->over = id;
		return DW_GO_ON;
	}
	reason = dw_rejudge(w, image, own, flow, id);
	return reason ? reason : dw_pass_in_flow(w, id);
}

/* A quoted TCP segment went the other way lately: its number lies where that side's data is on its way. */
DW_INLINE int dw_quotes_segment(const struct dw_flow *flow, __u32 seq, int side)
{
	__u32 end = DW_READ(flow->window.end[side]), room = dw_tcp_room(flow, !side);

	if (!dw_has_seen_syn(flow, side))
		return 0;
	if (room < DW_TCP_SLACK)
		room = DW_TCP_SLACK;
	return !dw_seq_before(end, seq) && !dw_seq_before(seq, end - room);
}

/*
 * An ICMP error passes when the packet it quotes went the other way in a flow that we know, and for TCP with a
 * sequence number of that flow (R16). `inbound`: the error comes from outside, so what it quotes went out.
 */
DW_INLINE int dw_judge_icmp_error(const struct dw_frame *frame, struct dw_work *w, const struct dw_blob *image,
				  int inbound)
{
	struct dw_packet *quoted = &w->quoted;
	__u32 at = w->packet.l4 + sizeof(struct dw_icmp);
	const struct dw_flow *flow;
	int bad;

	__builtin_memset(quoted, 0, sizeof(*quoted));
	quoted->length = w->packet.end;
	quoted->options = DW_OPTION_ROUTING_HEADERS | DW_OPTION_UDP_NO_CHECKSUM;
	bad = dw_walk_quoted(frame, at, w->packet.family, quoted, inbound);
	if (bad || quoted->flags & DW_PACKET_LATER)
		return DW_REASON_ICMP_NO_FLOW;
	if (!dw_in6_equal(&quoted->src, &w->packet.dst))
		return DW_REASON_ICMP_NO_FLOW; /* errors go to who sent the packet */
	dw_make_key(quoted, !inbound, &w->key);
	w->outcome.flow = dw_flow_find((const struct dw_image *)image, &w->key);
	if (!w->outcome.flow)
		return DW_REASON_ICMP_NO_FLOW;
	flow = dw_mem_flow(w->outcome.flow);
	if (!flow)
		return DW_REASON_INTERNAL;
	if (quoted->proto == DW_TCP && !dw_quotes_segment(flow, quoted->seq, inbound ? DW_TCP_OUT : DW_TCP_IN))
		return DW_REASON_ICMP_SEQUENCE;
	return DW_REASON_ICMP_ERROR;
}

/* A later fragment: what became of its first one? */
DW_INLINE int dw_judge_fragment(struct dw_work *w, const struct dw_blob *image)
{
	const struct dw_packet *p = &w->packet;
	struct dw_fragment_bucket *bucket;
	__u32 id;

	dw_make_fragment_key(p, &w->second_key);
	id = dw_datagram_find((const struct dw_image *)image, &w->second_key);
	if (!id)
		return DW_REASON_FRAGMENT_STRAY;
	bucket = dw_mem_fragments((id - 1) / DW_WAYS);
	if (!bucket)
		return DW_REASON_INTERNAL;
	w->outcome.rule = DW_READ(bucket->datagram[dw_way_of(id)].rule);
	w->outcome.inspect = DW_READ(bucket->datagram[dw_way_of(id)].inspect);
	return dw_datagram_add(id, p->fragment_offset, dw_fragment_end(p), !!(p->flags & DW_PACKET_LAST));
}

#endif
