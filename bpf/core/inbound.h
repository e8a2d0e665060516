/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A packet from the line, from its headers to a reason, in the order of design.md's packet path:
 * sanity, link control, own, flow, policy. Each step either names the reason or hands on.
 */
#ifndef DW_INBOUND_H
#define DW_INBOUND_H

#include "in_flow.h"
#include "inspect.h"
#include "late.h"
#include "link.h"
#include "work.h"

/* Addresses that no packet from the line may have, and scopes that must not cross (R1, R2, R4). */
DW_INLINE int dw_check_scope_in(const struct dw_packet *p, const struct dw_spot *ours, const struct dw_blob *image)
{
	if (dw_is_multicast(&p->dst))
		return DW_REASON_MULTICAST;
	if (p->flags & DW_PACKET_GROUP)
		return DW_REASON_WRONG_MAC; /* one host's address in a frame for many */
	if (dw_is_ula(&p->src) || dw_is_ula(&p->dst))
		return DW_REASON_LINK_LOCAL_CROSSING;
	if (dw_is_link_local(&p->src) || dw_is_link_local(&p->dst)) {
		if (!(ours->flags & DW_SPOT_SELF))
			return DW_REASON_LINK_LOCAL_CROSSING;
		return dw_is_link_local(&p->src) ? 0 : DW_REASON_LINK_LOCAL_CROSSING;
	}
	if (dw_is_bogon(image, &p->src))
		return DW_REASON_SOURCE_BOGON;
	return dw_is_bogon(image, &p->dst) ? DW_REASON_DESTINATION_BOGON : 0;
}

/* Is the destination ours, and the source not? (R4, R5, R6) */
DW_INLINE int dw_check_own_in(const struct dw_spot *peer, const struct dw_spot *ours, const struct dw_blob *image)
{
	struct dw_in6 place = ours->place;

	if (peer->flags & DW_SPOT_SELF || (peer->flags & (DW_SPOT_PLACED | DW_SPOT_ONLINK)) == DW_SPOT_PLACED)
		return DW_REASON_SOURCE_OWN;
	if (ours->flags & DW_SPOT_SELF)
		return 0;
	if ((ours->flags & (DW_SPOT_PLACED | DW_SPOT_ONLINK)) != DW_SPOT_PLACED)
		return DW_REASON_NOT_OURS;
	return dw_is_assigned(image, place) ? 0 : DW_REASON_UNASSIGNED;
}

/* An inside host keeps this port open for everybody (R23)? */
DW_INLINE int dw_judge_independent(struct dw_work *w, const struct dw_blob *image, const struct dw_own *own)
{
	__u32 id = dw_may_be_independent(&w->packet) ? dw_find_mark(w, image) : 0;
	const struct dw_flow *mark;

	if (!id)
		return DW_GO_ON;
	mark = dw_mem_flow(id);
	if (!mark)
		return DW_REASON_INTERNAL;
	w->outcome.rule = DW_READ(mark->rule);
	w->judgement.inspect = DW_READ(mark->inspect) & DW_INSPECT_BY_RULE;
	dw_accept_new(w, 1, image, own, DW_REASON_INDEPENDENT);
	w->passage.independent = 1;
	return DW_REASON_INDEPENDENT;
}

/* Refused for now, or refused for good and told so? */
DW_INLINE int dw_judge_late(struct dw_work *w, int reason)
{
	if (reason != DW_REASON_RULE_REJECT_LATE && reason != DW_REASON_DEFAULT_REJECT_LATE)
		return reason;
	if (!dw_is_late(&w->key))
		return reason;
	w->late = 1;
	return reason == DW_REASON_RULE_REJECT_LATE ? DW_REASON_RULE_REJECT : DW_REASON_DEFAULT_REJECT;
}

/* What no known flow explains: may it open one? */
DW_INLINE int dw_judge_new_in(struct dw_work *w, const struct dw_blob *image, const struct dw_own *own)
{
	const struct dw_packet *p = &w->packet;
	int reason;

	if (p->proto == DW_TCP && !dw_opens_flow(p))
		return DW_REASON_TCP_NO_FLOW;
	if (dw_echo(p) == 2)
		return DW_REASON_ICMP_NO_FLOW;
	if (w->query.ours.state == DW_PREFIX_GRACE && !(w->query.ours.flags & DW_SPOT_SELF))
		return DW_REASON_PREFIX_WITHDRAWN;
	if (((const struct dw_image *)image)->options & DW_OPTION_INSPECT && dw_is_banned(p->src.hi))
		return DW_REASON_BANNED;
	dw_make_query(w, 1);
	reason = dw_judge(w, image, own);
	if (dw_is_accepting(reason))
		return dw_accept_new(w, 1, image, own, reason);
	if (w->judgement.rule == DW_NO_RULE) { /* a rule that refuses is stricter than an open port */
		int open = dw_judge_independent(w, image, own);

		if (open != DW_GO_ON)
			return open;
	}
	return dw_judge_late(w, reason);
}

DW_INLINE int dw_inbound_ipv6(const struct dw_frame *frame, struct dw_work *w, const struct dw_blob *image,
			      const struct dw_own *own)
{
	const struct dw_packet *p = &w->packet;
	__u32 id;
	int reason;

	if (dw_is_multicast(&p->src))
		return DW_REASON_SOURCE_MULTICAST;
	if (dw_in6_equal(&p->src, &p->dst))
		return DW_REASON_SOURCE_IS_DESTINATION;
	dw_locate(own, &p->dst, &w->query.ours);
	reason = dw_link_control_in(frame, p, &w->query.ours, own, image);
	if (reason != DW_GO_ON)
		return reason;
	reason = dw_check_scope_in(p, &w->query.ours, image);
	if (reason)
		return reason;
	dw_locate(own, &p->src, &w->query.peer);
	dw_note_spot(w, &w->query.ours);
	reason = dw_check_own_in(&w->query.peer, &w->query.ours, image);
	if (reason)
		return reason;
	if (p->flags & DW_PACKET_LATER)
		return dw_judge_fragment(w, image);
	if (p->proto == DW_ICMPV6 && dw_is_forbidden_icmpv6(p->icmp_type))
		return DW_REASON_ICMP_TYPE;
	if (dw_is_icmp_error(p))
		return dw_judge_icmp_error(frame, w, image, 1);

	dw_make_key(p, 1, &w->key);
	id = dw_flow_find((const struct dw_image *)image, &w->key);
	if (id) {
		reason = dw_judge_flow_in(w, image, own, id);
		if (reason != DW_GO_ON)
			return reason;
	}
	return dw_judge_new_in(w, image, own);
}

/* IPv4 behind CGNAT: replies, errors about known flows and the lease; nothing else. */
DW_INLINE int dw_inbound_ipv4(const struct dw_frame *frame, struct dw_work *w, const struct dw_blob *image,
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
	if (p->proto == DW_UDP && p->sport == 67 && p->dport == 68) /* of this box's lease, not of a host's behind it */
		return dw_mem_goes_on(frame, &p->src, &p->dst) ? DW_REASON_IPV4_UNSOLICITED : DW_REASON_DHCPV4;
	if (dw_is_icmp_error(p))
		return dw_judge_icmp_error(frame, w, image, 1);
	dw_make_key(p, 1, &w->key);
	id = dw_flow_find((const struct dw_image *)image, &w->key);
	if (id) {
		int reason = dw_judge_flow_in(w, image, own, id);

		if (reason != DW_GO_ON)
			return reason;
	}
	return DW_REASON_IPV4_UNSOLICITED;
}

#endif
