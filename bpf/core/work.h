/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The workbench of one packet: what each stage leaves for the next. In the kernel there is one a CPU and
 * direction, so that the stack stays small and the verifier has nothing to track; elsewhere one a call.
 */
#ifndef DW_WORK_H
#define DW_WORK_H

#include "flow.h"
#include "own.h"
#include "parse.h"
#include "policy.h"

#define DW_GO_ON (-1) /* from a step that could have named a reason: nothing decided yet */

struct dw_work {
	struct dw_packet packet;
	struct dw_packet quoted; /* by an ICMP error */
	struct dw_flow_key key;
	struct dw_query query;
	struct dw_judgement judgement;
	struct dw_passage passage;
	struct dw_outcome outcome;
	__u64 next_event;        /* jiffies; kept between packets */
	struct dw_reply_budget replies; /* kept too */
	__u32 skipped;           /* events not sent since the last one; kept too */
	__u32 pad;
};

DW_INLINE void dw_work_begin(struct dw_work *w, __u32 length, __u32 segments)
{
	__builtin_memset(&w->packet, 0, sizeof(w->packet));
	__builtin_memset(&w->judgement, 0, sizeof(w->judgement));
	__builtin_memset(&w->outcome, 0, sizeof(w->outcome));
	w->packet.length = length;
	w->packet.segments = segments;
	w->outcome.prefix_slot = DW_NOWHERE;
}

DW_INLINE int dw_is_multicast(struct dw_in6 a)
{
	return a.hi >> 56 == 0xff;
}

/* Link-local multicast: ff02::/16 and its relatives with other flags. */
DW_INLINE int dw_is_link_multicast(struct dw_in6 a)
{
	return (a.hi >> 48 & 0xff0f) == 0xff02;
}

DW_INLINE int dw_is_link_local(struct dw_in6 a)
{
	return a.hi >> 54 == 0xfe80 >> 6;
}

DW_INLINE int dw_is_ula(struct dw_in6 a)
{
	return a.hi >> 57 == 0xfc >> 1;
}

DW_INLINE int dw_is_unspecified(struct dw_in6 a)
{
	return !(a.hi | a.lo);
}

DW_INLINE int dw_is_icmp_error(const struct dw_packet *p)
{
	if (p->proto == DW_ICMPV6 && p->family == 6)
		return p->icmp_type >= DW_ICMPV6_UNREACHABLE && p->icmp_type <= DW_ICMPV6_PARAMETER;
	return p->proto == DW_ICMP && p->family == 4 &&
	       (p->icmp_type == DW_ICMP_UNREACHABLE || p->icmp_type == DW_ICMP_TIME_EXCEEDED ||
		p->icmp_type == DW_ICMP_PARAMETER);
}

/* 1: an echo request, 2: an echo reply, 0: neither. */
DW_INLINE int dw_echo(const struct dw_packet *p)
{
	if (p->proto == DW_ICMPV6 && p->family == 6)
		return p->icmp_type == DW_ICMPV6_ECHO_REQUEST ? 1 : p->icmp_type == DW_ICMPV6_ECHO_REPLY ? 2 : 0;
	if (p->proto == DW_ICMP && p->family == 4)
		return p->icmp_type == DW_ICMP_ECHO_REQUEST ? 1 : p->icmp_type == DW_ICMP_ECHO_REPLY ? 2 : 0;
	return 0;
}

DW_INLINE int dw_is_icmp(const struct dw_packet *p)
{
	return (p->proto == DW_ICMPV6 && p->family == 6) || (p->proto == DW_ICMP && p->family == 4);
}

/*
 * RFC 4890, R18 and R19: ICMPv6 that is never forwarded, or known to nobody: link-scope messages that were
 * not taken as link control before, and experimental and reserved types.
 */
DW_INLINE int dw_is_forbidden_icmpv6(__u8 type)
{
	if (type >= 130 && type <= 143)
		return 1;
	return type == 148 || type == 149 || (type >= 151 && type <= 153) || type == 100 || type == 101 ||
	       type == 127 || type == 200 || type == 201 || type == 255;
}

/* Does this packet, if accepted, open a flow? ICMP other than an echo request passes alone. */
DW_INLINE int dw_opens_flow(const struct dw_packet *p)
{
	if (p->proto == DW_TCP)
		return (p->tcp_flags & (DW_SYN | DW_ACK)) == DW_SYN;
	return !dw_is_icmp(p) || dw_echo(p) == 1;
}

/* The key of the flow that a packet belongs to. `inbound`: it travels from outside to inside. */
DW_INLINE void dw_make_key(const struct dw_packet *p, int inbound, struct dw_flow_key *key)
{
	key->inside = inbound ? p->dst : p->src;
	key->outside = inbound ? p->src : p->dst;
	key->inside_port = inbound ? p->dport : p->sport;
	key->outside_port = inbound ? p->sport : p->dport;
	key->proto = p->proto;
	key->pad[0] = key->pad[1] = key->pad[2] = 0;
	if (dw_is_icmp(p)) /* asked from outside: an inbound request or an outbound reply */
		key->outside_port = dw_echo(p) == (inbound ? 1 : 2);
}

DW_INLINE void dw_make_passage(struct dw_work *w, int inbound, const struct dw_blob *image)
{
	const struct dw_image *header = (const struct dw_image *)image;

	w->passage.length = w->packet.length;
	w->passage.packets = w->packet.segments;
	w->passage.inbound = inbound;
	w->passage.tcp_flags = w->packet.proto == DW_TCP ? w->packet.tcp_flags : 0;
	w->passage.reason = 0;
	w->passage.pad = 0;
	w->passage.rule = DW_NO_RULE;
	w->passage.generation = header->generation;
}

/* Fills everything in the query but the two spots. */
DW_INLINE void dw_make_query(struct dw_work *w, int inbound)
{
	const struct dw_packet *p = &w->packet;
	int icmp = dw_is_icmp(p);

	w->query.sport = icmp ? 0 : p->sport;
	w->query.dport = icmp ? p->icmp_type : p->dport;
	w->query.proto = p->proto;
	w->query.inbound = inbound;
	w->query.length = p->length;
	w->query.packets = p->segments;
}

DW_INLINE void dw_note_spot(struct dw_work *w, const struct dw_spot *ours)
{
	w->outcome.prefix_slot = ours->slot;
	w->outcome.prefix_state = ours->state;
}

/* Takes the judgement over into the outcome and says what it means. */
DW_INLINE int dw_take_judgement(struct dw_work *w)
{
	const struct dw_judgement *judgement = &w->judgement;
	int by_rule = judgement->rule != DW_NO_RULE;

	w->outcome.rule = judgement->rule;
	w->outcome.rule_index = judgement->index;
	w->outcome.audited = judgement->audited;
	if (judgement->verdict == DW_ACCEPT)
		return by_rule ? DW_REASON_RULE_ACCEPT : DW_REASON_DEFAULT_ACCEPT;
	if (judgement->verdict == DW_REJECT)
		return by_rule ? DW_REASON_RULE_REJECT : DW_REASON_DEFAULT_REJECT;
	return by_rule ? DW_REASON_RULE_DROP : DW_REASON_DEFAULT_DROP;
}

DW_INLINE int dw_judge(struct dw_work *w, const struct dw_blob *image)
{
	if (dw_policy_judge(image, &w->query, &w->judgement))
		return DW_REASON_INTERNAL;
	return dw_take_judgement(w);
}

DW_INLINE int dw_is_accepting(int reason)
{
	return reason == DW_REASON_RULE_ACCEPT || reason == DW_REASON_DEFAULT_ACCEPT;
}

/* The packet goes on in its flow. */
DW_INLINE int dw_pass_in_flow(struct dw_work *w, __u32 id)
{
	struct dw_bucket *bucket = dw_bucket_of(id);
	const struct dw_flow *flow;

	if (!bucket)
		return DW_REASON_INTERNAL;
	flow = &bucket->flow[dw_way_of(id)];
	w->outcome.flow = id;
	w->outcome.rule = flow->rule;
	w->outcome.flow_seen =
		DW_SETTING(dry) ? dw_seen_after(flow->seen, flow->origin, flow->key.proto, &w->passage)
				: dw_flow_pass(id, &w->passage);
	return DW_REASON_FLOW;
}

/* The packet was accepted by rule or default for `reason`, and opens a flow if it is of the kind that does. */
DW_INLINE int dw_accept_new(struct dw_work *w, const struct dw_blob *image, int reason)
{
	__u32 id;

	if (!dw_opens_flow(&w->packet) || DW_SETTING(dry))
		return reason;
	w->passage.rule = w->outcome.rule;
	w->passage.reason = reason;
	id = dw_flow_open((const struct dw_image *)image, &w->key, &w->passage);
	if (!id)
		return DW_REASON_FLOW_TABLE_FULL;
	w->outcome.flow = id;
	w->outcome.flow_seen = w->passage.inbound ? DW_SEEN_IN : DW_SEEN_OUT;
	if (w->packet.proto == DW_TCP)
		w->outcome.flow_seen |= w->passage.inbound ? DW_SEEN_IN_SYN : DW_SEEN_OUT_SYN;
	return reason;
}

/*
 * A flow opened from outside under an older policy: would the policy in force open it? (R28) The question is
 * put as its first packet did, whichever way the present one goes. Zero: it lives on.
 */
DW_INLINE int dw_rejudge(struct dw_work *w, const struct dw_blob *image, const struct dw_own *own, __u32 id)
{
	const struct dw_image *header = (const struct dw_image *)image;
	struct dw_bucket *bucket = dw_bucket_of(id);
	struct dw_flow *flow;
	int reason, icmp = dw_is_icmp(&w->packet);

	if (!bucket)
		return DW_REASON_INTERNAL;
	flow = &bucket->flow[dw_way_of(id)];
	if (flow->origin != DW_OUTSIDE || DW_READ(flow->generation) == header->generation)
		return 0;
	dw_locate(own, w->key.outside, &w->query.peer);
	dw_locate(own, w->key.inside, &w->query.ours);
	dw_make_query(w, 1);
	w->query.sport = icmp ? 0 : w->key.outside_port;
	w->query.dport = !icmp ? w->key.inside_port :
			 w->packet.family == 6 ? DW_ICMPV6_ECHO_REQUEST : DW_ICMP_ECHO_REQUEST;
	reason = dw_judge(w, image);
	if (!dw_is_accepting(reason)) {
		if (!DW_SETTING(dry))
			dw_flow_remove(id);
		return reason;
	}
	if (!DW_SETTING(dry)) {
		DW_WRITE(flow->rule, w->outcome.rule);
		DW_WRITE(flow->generation, header->generation);
	}
	return 0;
}

/*
 * An ICMP error passes when the packet it quotes went the other way in a flow we know (R16). `inbound`: the
 * error comes from outside, so what it quotes went out.
 */
DW_INLINE int dw_judge_icmp_error(const struct dw_frame *frame, struct dw_work *w, const struct dw_blob *image,
				  int inbound)
{
	struct dw_packet *quoted = &w->quoted;
	__u32 at = w->packet.l4 + sizeof(struct dw_icmp);
	int bad;

	__builtin_memset(quoted, 0, sizeof(*quoted));
	quoted->length = w->packet.end;
	bad = w->packet.family == 6 ? dw_parse_ipv6(frame, at, quoted, 1) : dw_parse_ipv4(frame, at, quoted, 1);
	if (bad || quoted->flags & DW_PACKET_LATER)
		return DW_REASON_ICMP_NO_FLOW;
	if (!dw_in6_equal(quoted->src, w->packet.dst))
		return DW_REASON_ICMP_NO_FLOW; /* errors go to who sent the packet */
	dw_make_key(quoted, !inbound, &w->key);
	w->outcome.flow = dw_flow_find((const struct dw_image *)image, &w->key);
	return w->outcome.flow ? DW_REASON_ICMP_ERROR : DW_REASON_ICMP_NO_FLOW;
}

#endif
