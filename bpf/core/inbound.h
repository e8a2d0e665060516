/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A packet from the line, from frame to reason, in the order of design.md's packet path:
 * parse, sanity, link control, own, flow, policy. Each step either names the reason or hands on.
 */
#ifndef DW_INBOUND_H
#define DW_INBOUND_H

#include "work.h"

/* Neighbour and router discovery (RFC 4861 6.1, 7.1): hop limit 255 proves that it comes from the link. */
DW_INLINE int dw_check_discovery(const struct dw_packet *p)
{
	if (p->hop_limit != 255 || p->icmp_code || p->flags & DW_PACKET_FRAGMENT)
		return DW_REASON_ND_INVALID;
	if (p->icmp_type == DW_ICMPV6_RA && !dw_is_link_local(p->src))
		return DW_REASON_ND_INVALID;
	return p->icmp_type == DW_ICMPV6_NS || p->icmp_type == DW_ICMPV6_NA ? DW_REASON_NEIGHBOUR
									     : DW_REASON_ROUTER;
}

/* What the link needs of this box whatever the rules say; DW_GO_ON when the packet is nothing of the kind. */
DW_INLINE int dw_link_control_in(const struct dw_packet *p, const struct dw_own *own)
{
	int to_box = dw_is_link_multicast(p->dst) || dw_is_self(own, p->dst);

	if (!to_box || p->flags & DW_PACKET_LATER)
		return DW_GO_ON;
	if (p->proto == DW_UDP) /* from any unicast source: this line's server answers from a global one */
		return p->sport == 547 && p->dport == 546 && dw_is_link_local(p->dst) ? DW_REASON_DHCPV6
										      : DW_GO_ON;
	if (p->proto != DW_ICMPV6)
		return DW_GO_ON;
	switch (p->icmp_type) {
	case DW_ICMPV6_RS:
	case DW_ICMPV6_RA:
	case DW_ICMPV6_NS:
	case DW_ICMPV6_NA:
		return dw_check_discovery(p);
	case DW_ICMPV6_REDIRECT:
		return DW_REASON_REDIRECT;
	case DW_ICMPV6_MLD_QUERY:
	case DW_ICMPV6_MLD_REPORT:
	case DW_ICMPV6_MLD_DONE:
	case DW_ICMPV6_MLD2_REPORT:
		return dw_is_link_local(p->src) && p->hop_limit == 1 ? DW_REASON_MLD : DW_REASON_ND_INVALID;
	}
	return DW_GO_ON;
}

/* Addresses that no packet from the line may have, and scopes that must not cross (R1, R2, R4). */
DW_INLINE int dw_check_scope_in(const struct dw_packet *p, const struct dw_own *own, const struct dw_blob *image)
{
	if (dw_is_multicast(p->dst))
		return DW_REASON_MULTICAST;
	if (dw_is_ula(p->src) || dw_is_ula(p->dst))
		return DW_REASON_LINK_LOCAL_CROSSING;
	if (dw_is_link_local(p->src) || dw_is_link_local(p->dst)) {
		if (!dw_is_self(own, p->dst))
			return DW_REASON_LINK_LOCAL_CROSSING;
		return dw_is_link_local(p->src) ? 0 : DW_REASON_LINK_LOCAL_CROSSING;
	}
	if (dw_is_bogon(image, &p->src))
		return DW_REASON_SOURCE_BOGON;
	return dw_is_bogon(image, &p->dst) ? DW_REASON_DESTINATION_BOGON : 0;
}

/* Is the destination ours, and the source not? (R4, R5, R6) */
DW_INLINE int dw_check_own_in(const struct dw_spot *peer, const struct dw_spot *ours, const struct dw_blob *image)
{
	if (peer->flags & DW_SPOT_SELF || (peer->flags & (DW_SPOT_PLACED | DW_SPOT_ONLINK)) == DW_SPOT_PLACED)
		return DW_REASON_SOURCE_OWN;
	if (ours->flags & DW_SPOT_SELF)
		return 0;
	if ((ours->flags & (DW_SPOT_PLACED | DW_SPOT_ONLINK)) != DW_SPOT_PLACED)
		return DW_REASON_NOT_OURS;
	return dw_is_assigned(image, ours->place) ? 0 : DW_REASON_UNASSIGNED;
}

/* A TCP segment from outside in a known flow. Zero: it belongs; DW_GO_ON: judge it as a newcomer. */
DW_INLINE int dw_check_tcp_in(const struct dw_packet *p, const struct dw_flow *flow)
{
	__u32 seen = DW_READ(flow->seen);
	__u8 kind = p->tcp_flags & (DW_SYN | DW_ACK);

	if (kind == (DW_SYN | DW_ACK) && flow->origin == DW_OUTSIDE)
		return DW_REASON_TCP_STATE;
	if (kind != DW_SYN)
		return 0;
	if (dw_is_closing(seen))
		return DW_GO_ON; /* the ports are used again */
	if (flow->origin == DW_OUTSIDE && !(seen & DW_SEEN_ESTABLISHED))
		return 0; /* a SYN sent again */
	if (flow->origin == DW_INSIDE && !(seen & DW_SEEN_ESTABLISHED))
		return 0; /* simultaneous open (R24) */
	return DW_REASON_TCP_STATE;
}

/* A packet whose flow is known. DW_GO_ON: the flow is over, judge the packet as a newcomer. */
DW_INLINE int dw_judge_flow_in(struct dw_work *w, const struct dw_blob *image, const struct dw_own *own, __u32 id)
{
	struct dw_bucket *bucket = dw_bucket_of(id);
	int reason;

	if (!bucket)
		return DW_REASON_INTERNAL;
	if (w->packet.proto == DW_TCP) {
		reason = dw_check_tcp_in(&w->packet, &bucket->flow[dw_way_of(id)]);
		if (reason == DW_GO_ON && !DW_SETTING(dry))
			dw_flow_remove(id);
		if (reason)
			return reason;
	}
	reason = dw_rejudge(w, image, own, id);
	return reason ? reason : dw_pass_in_flow(w, id);
}

/* What no known flow explains: may it open one? */
DW_INLINE int dw_judge_new_in(struct dw_work *w, const struct dw_blob *image)
{
	const struct dw_packet *p = &w->packet;
	int reason;

	if (p->proto == DW_TCP && !dw_opens_flow(p))
		return DW_REASON_TCP_NO_FLOW;
	if (dw_echo(p) == 2)
		return DW_REASON_ICMP_NO_FLOW;
	if (w->query.ours.state == DW_PREFIX_GRACE && !(w->query.ours.flags & DW_SPOT_SELF))
		return DW_REASON_PREFIX_WITHDRAWN;
	dw_make_query(w, 1);
	reason = dw_judge(w, image);
	return dw_is_accepting(reason) ? dw_accept_new(w, image, reason) : reason;
}

DW_INLINE int dw_inbound_ipv6(const struct dw_frame *frame, struct dw_work *w, const struct dw_blob *image,
			      const struct dw_own *own)
{
	const struct dw_packet *p = &w->packet;
	__u32 id;
	int reason;

	if (dw_is_multicast(p->src))
		return DW_REASON_SOURCE_MULTICAST;
	if (dw_in6_equal(p->src, p->dst))
		return DW_REASON_SOURCE_IS_DESTINATION;
	reason = dw_link_control_in(p, own);
	if (reason != DW_GO_ON)
		return reason;
	reason = dw_check_scope_in(p, own, image);
	if (reason)
		return reason;
	dw_locate(own, p->src, &w->query.peer);
	dw_locate(own, p->dst, &w->query.ours);
	dw_note_spot(w, &w->query.ours);
	reason = dw_check_own_in(&w->query.peer, &w->query.ours, image);
	if (reason)
		return reason;
	if (p->flags & DW_PACKET_LATER)
		return DW_REASON_FRAGMENT_STRAY;
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
	return dw_judge_new_in(w, image);
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
		return DW_REASON_FRAGMENT_STRAY;
	if (p->proto == DW_UDP && p->sport == 67 && p->dport == 68)
		return DW_REASON_DHCPV4;
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
