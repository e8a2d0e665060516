/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A packet about to leave to the line, from its headers to a reason: what the link needs, anti-spoofing
 * (R3, BCP 38), flow, outbound policy. This is where flows from inside are opened.
 */
#ifndef DW_OUTBOUND_H
#define DW_OUTBOUND_H

#include "in_flow.h"
#include "link.h"
#include "work.h"

DW_INLINE int dw_check_scope_out(const struct dw_packet *p, const struct dw_blob *image)
{
	if (dw_is_multicast(&p->dst))
		return DW_REASON_MULTICAST;
	if (dw_is_ula(&p->src) || dw_is_ula(&p->dst))
		return DW_REASON_LINK_LOCAL_CROSSING;
	if (dw_is_link_local(&p->src) || dw_is_link_local(&p->dst))
		return dw_is_link_local(&p->src) && dw_is_link_local(&p->dst) ? 0 : DW_REASON_LINK_LOCAL_CROSSING;
	if (dw_is_bogon(image, &p->src))
		return DW_REASON_SOURCE_BOGON;
	return dw_is_bogon(image, &p->dst) ? DW_REASON_DESTINATION_BOGON : 0;
}

/* The source must be this box or lie behind it; the destination must not lie behind it (R3, R5). */
DW_INLINE int dw_check_own_out(const struct dw_spot *ours, const struct dw_spot *peer)
{
	int behind = (ours->flags & (DW_SPOT_PLACED | DW_SPOT_ONLINK)) == DW_SPOT_PLACED;

	if (!behind && !(ours->flags & DW_SPOT_SELF))
		return DW_REASON_SOURCE_NOT_OURS;
	if ((peer->flags & (DW_SPOT_PLACED | DW_SPOT_ONLINK)) == DW_SPOT_PLACED)
		return DW_REASON_UNASSIGNED; /* would come straight back: a routing loop */
	return 0;
}

DW_INLINE int dw_judge_new_out(struct dw_work *w, const struct dw_blob *image, const struct dw_own *own)
{
	int reason;

	if (w->query.ours.state == DW_PREFIX_GRACE && !(w->query.ours.flags & DW_SPOT_SELF))
		return DW_REASON_PREFIX_WITHDRAWN;
	dw_make_query(w, 0);
	reason = dw_judge(w, image, own);
	if (!dw_is_accepting(reason))
		return reason;
	dw_accept_new(w, 0, image, own, reason);
	if (w->judgement.flags & DW_RULE_INDEPENDENT && dw_may_be_independent(&w->packet)) {
		w->mark = 1;
		w->passage.independent = 1;
	}
	return reason;
}

DW_INLINE int dw_outbound_ipv6(const struct dw_frame *frame, struct dw_work *w, const struct dw_blob *image,
			       const struct dw_own *own)
{
	const struct dw_packet *p = &w->packet;
	__u32 id;
	int reason;

	if (dw_is_multicast(&p->src))
		return DW_REASON_SOURCE_MULTICAST;
	dw_locate(own, &p->src, &w->query.ours);
	reason = dw_link_control_out(p, &w->query.ours);
	if (reason != DW_GO_ON)
		return reason;
	reason = dw_check_scope_out(p, image);
	if (reason)
		return reason;
	dw_locate(own, &p->dst, &w->query.peer);
	dw_note_spot(w, &w->query.ours);
	reason = dw_check_own_out(&w->query.ours, &w->query.peer);
	if (reason)
		return reason;
	if (p->flags & DW_PACKET_LATER)
		return dw_judge_fragment(w, image);
	if (p->proto == DW_ICMPV6 && dw_is_forbidden_icmpv6(p->icmp_type))
		return DW_REASON_ICMP_TYPE;
	if (dw_is_icmp_error(p))
		return dw_judge_icmp_error(frame, w, image, 0);

	dw_make_key(p, 0, &w->key);
	id = dw_flow_find((const struct dw_image *)image, &w->key);
	if (id) {
		reason = dw_judge_flow_out(w, image, own, id);
		if (reason != DW_GO_ON)
			return reason;
	}
	return dw_judge_new_out(w, image, own);
}

/* IPv4 leaves as it likes and is remembered: the rules are about IPv6. */
DW_INLINE int dw_outbound_ipv4(const struct dw_frame *frame, struct dw_work *w, const struct dw_blob *image,
			       const struct dw_own *own)
{
	const struct dw_image *header = (const struct dw_image *)image;
	const struct dw_packet *p = &w->packet;
	__u32 id;

	if (header->ipv4 == DW_IPV4_PASS)
		return DW_REASON_IPV4_PASS;
	if (header->ipv4 != DW_IPV4_STATEFUL)
		return DW_REASON_IPV4_DROP;
	if (p->flags & DW_PACKET_LATER)
		return dw_judge_fragment(w, image);
	if (p->proto == DW_UDP && p->sport == 68 && p->dport == 67)
		return DW_REASON_DHCPV4;
	if (dw_is_icmp_error(p))
		return dw_judge_icmp_error(frame, w, image, 0);
	dw_make_key(p, 0, &w->key);
	id = dw_flow_find((const struct dw_image *)image, &w->key);
	if (id) {
		int reason = dw_judge_flow_out(w, image, own, id);

		if (reason != DW_GO_ON)
			return reason;
	}
	return dw_accept_new(w, 0, image, own, DW_REASON_DEFAULT_ACCEPT);
}

#endif
