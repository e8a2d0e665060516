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

/* What becomes of the flow table if the packet is accepted (admit.h). */
enum dw_intent {
	DW_INTENT_NOTHING = 0,
	DW_INTENT_PASS = 1, /* in the flow `flow` */
	DW_INTENT_OPEN = 2, /* a flow with `key` */
};

struct dw_work {
	struct dw_packet packet;
	struct dw_packet quoted; /* by an ICMP error */
	struct dw_flow_key key;
	struct dw_flow_key second_key; /* of a mark or a datagram */
	struct dw_tcp_options options;
	struct dw_search search;
	struct dw_query query;
	struct dw_judgement judgement;
	struct dw_hunt hunt;
	struct dw_passage passage;
	struct dw_outcome outcome;
	__u32 intent; /* enum dw_intent */
	__u32 over;   /* a flow that ends with this packet, because its ports are used anew; 0: none */
	__u32 fresh;  /* accepted by itself, not as part of something known */
	__u32 late;   /* rejected by reject-late: an ICMPv6 error, for TCP too */
	__u32 told;   /* reported whatever it comes to: somebody compares policies */
	__u32 mark;   /* endpoint-independent: the flow opens or renews the mark of its inside port */
	__u64 next_event;        /* jiffies; kept between packets */
	struct dw_reply_budget replies; /* kept too */
	__u32 skipped;           /* events not sent since the last one; kept too */
	__u32 missed;            /* of those, judged ones that somebody wants all of; kept too */
	__u32 sampled;           /* packets that were candidates for an event of `log sample`; kept too */
};

DW_INLINE void dw_work_begin(struct dw_work *w, __u32 length, __u32 segments)
{
	__builtin_memset(&w->packet, 0, sizeof(w->packet));
	__builtin_memset(&w->judgement, 0, sizeof(w->judgement));
	__builtin_memset(&w->outcome, 0, sizeof(w->outcome));
	w->packet.length = length;
	w->packet.segments = segments;
	w->outcome.prefix_slot = DW_NOWHERE;
	w->intent = DW_INTENT_NOTHING;
	w->over = 0;
	w->fresh = 0;
	w->mark = 0;
	w->late = 0;
	w->told = 0;
}

DW_INLINE int dw_is_multicast(const struct dw_in6 *a)
{
	return a->hi >> 56 == 0xff;
}

/* Link-local multicast: ff02::/16 and its relatives with other flags. */
DW_INLINE int dw_is_link_multicast(const struct dw_in6 *a)
{
	return (a->hi >> 48 & 0xff0f) == 0xff02;
}

DW_INLINE int dw_is_link_local(const struct dw_in6 *a)
{
	return a->hi >> 54 == 0xfe80 >> 6;
}

DW_INLINE int dw_is_ula(const struct dw_in6 *a)
{
	return a->hi >> 57 == 0xfc >> 1;
}

DW_INLINE int dw_is_unspecified(const struct dw_in6 *a)
{
	return !(a->hi | a->lo);
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

/* Filtering that does not ask for the peer is for TCP and UDP (R23, REC-17, REC-33). */
DW_INLINE int dw_may_be_independent(const struct dw_packet *p)
{
	return (p->proto == DW_TCP || p->proto == DW_UDP) && dw_opens_flow(p);
}

/* The key of the flow that a packet belongs to. `inbound`: it travels from outside to inside. What is behind the
 * addresses is written as one word, since the hash reads it in halves: a CPU waits when it reads at once what was
 * written in smaller parts. */
DW_INLINE void dw_make_key(const struct dw_packet *p, int inbound, struct dw_flow_key *key)
{
	__u32 inside_port = inbound ? p->dport : p->sport, outside_port = inbound ? p->sport : p->dport;

	if (dw_is_icmp(p)) /* 1: asked from outside; 2: no echo, and part of no flow (R19) */
		outside_port = dw_echo(p) ? dw_echo(p) == (inbound ? 1 : 2) : 2;
	key->inside = inbound ? p->dst : p->src;
	key->outside = inbound ? p->src : p->dst;
	((dw_long *)key)[4] = inside_port | outside_port << 16 | (__u64)p->proto << 32;
}

/* What a flow is admitted under. It changes with each load, and with each address that a learnt host has lost:
 * then flows from outside are judged again (R28). Both only count up, so their sum does not come back. */
DW_INLINE __u32 dw_generation(const struct dw_blob *image, const struct dw_own *own)
{
	return ((const struct dw_image *)image)->generation + own->losses;
}

/* Only for packets that have or open a flow: most of what is refused never asks. */
DW_INLINE void dw_make_passage(struct dw_work *w, int inbound, const struct dw_blob *image,
			       const struct dw_own *own)
{
	w->passage.length = w->packet.length;
	w->passage.packets = w->packet.segments;
	w->passage.inbound = inbound;
	w->passage.proto = w->packet.proto;
	w->passage.reason = 0;
	w->passage.independent = 0;
	w->passage.rule = DW_NO_RULE;
	w->passage.generation = dw_generation(image, own);
	w->passage.inspect = 0;
	dw_make_segment(&w->packet, &w->passage.segment);
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
	w->query.again = 0;
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
	w->outcome.over_rate = judgement->over_rate;
	if (judgement->verdict == DW_ACCEPT)
		return by_rule ? DW_REASON_RULE_ACCEPT : DW_REASON_DEFAULT_ACCEPT;
	if (judgement->verdict == DW_REJECT)
		return by_rule ? DW_REASON_RULE_REJECT : DW_REASON_DEFAULT_REJECT;
	if (judgement->verdict == DW_REJECT_LATE)
		return by_rule ? DW_REASON_RULE_REJECT_LATE : DW_REASON_DEFAULT_REJECT_LATE;
	return by_rule ? DW_REASON_RULE_DROP : DW_REASON_DEFAULT_DROP;
}

DW_INLINE int dw_judge(struct dw_work *w, const struct dw_blob *image, const struct dw_own *own)
{
	if (own->learnt_count) {
		w->query.ours.flags |= dw_recall(own, &w->query.ours);
		w->query.peer.flags |= dw_recall(own, &w->query.peer);
	}
	if (dw_policy_judge(image, &w->query, &w->judgement, &w->hunt))
		return DW_REASON_INTERNAL;
	w->told = !w->query.again && ((const struct dw_image *)image)->options & DW_OPTION_REPORT_JUDGED;
	return dw_take_judgement(w);
}

DW_INLINE int dw_is_accepting(int reason)
{
	return reason == DW_REASON_RULE_ACCEPT || reason == DW_REASON_DEFAULT_ACCEPT;
}

/* The packet goes on in its flow. */
DW_INLINE int dw_pass_in_flow(struct dw_work *w, __u32 id)
{
	const struct dw_flow *flow = dw_mem_flow(id);

	if (!flow)
		return DW_REASON_INTERNAL;
	w->intent = DW_INTENT_PASS;
	w->outcome.flow = id;
	w->outcome.rule = DW_READ(flow->rule);
	w->outcome.inspect = DW_READ(flow->inspect);
	w->mark = !w->passage.inbound && DW_READ(flow->seen) & DW_SEEN_INDEPENDENT;
	return DW_REASON_FLOW;
}

/* What a flow's word says at first: what its rule says, and a worker. */
DW_GLOBAL __u32 dw_inspect_word(__u32 by_rule, const struct dw_flow_key *key)
{
	if (!by_rule || !key)
		return 0;
	return by_rule | dw_home_of(key, DW_SETTING(bucket_mask)).tag / 2 % DW_WORKERS << DW_INSPECT_WORKER_SHIFT;
}

/* The packet is accepted for `reason` by itself, and opens a flow if it is of the kind that does. */
DW_INLINE int dw_accept_new(struct dw_work *w, int inbound, const struct dw_blob *image, const struct dw_own *own,
			    int reason)
{
	w->fresh = 1;
	if (!dw_opens_flow(&w->packet))
		return reason;
	w->intent = DW_INTENT_OPEN;
	dw_make_passage(w, inbound, image, own);
	w->passage.rule = w->outcome.rule;
	w->passage.reason = reason;
	w->outcome.inspect = w->judgement.inspect ? dw_inspect_word(w->judgement.inspect, &w->key) : 0;
	w->passage.inspect = w->outcome.inspect;
	return reason;
}

/* The mark of an endpoint-independent rule for this inside port (layout.h, struct dw_flow_key). */
DW_INLINE void dw_make_mark(const struct dw_flow_key *key, struct dw_flow_key *mark)
{
	*mark = *key;
	mark->outside.hi = 0;
	mark->outside.lo = 0;
	mark->outside_port = 0;
}

#endif
