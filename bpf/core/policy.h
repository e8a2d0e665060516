/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The only reader of the policy image (rules/lower.cc is the only writer). First match wins, in file order.
 *
 * This first classifier is a linear walk over rules of half a line; address sets are sorted ranges, found by
 * binary search, and looked at only after protocol and ports agree. It is exact, and its cost grows with the
 * number of rules: bpf/core/README.md says what replaces it and when.
 */
#ifndef DW_POLICY_H
#define DW_POLICY_H

#include "image.h"
#include "own.h"
#include "rate.h"
#include "wire.h"

/* A packet that would open a flow, as the rules see it. */
struct dw_query {
	struct dw_spot peer, ours;
	__u16 sport, dport; /* dport: the ICMP type for ICMP */
	__u8 proto;
	__u8 inbound;
	__u8 again; /* of a flow that is open: rates bound openings, and this is none */
	__u8 pad;
	__u32 length, packets; /* for the counters of audit rules */
	__u32 pad2;
};

struct dw_judgement {
	__u32 verdict;  /* DW_ACCEPT, DW_DROP or DW_REJECT */
	__u32 rule;     /* counter id of the deciding rule; DW_NO_RULE: the default decided */
	__u32 index;    /* its number in the policy */
	__u32 flags;    /* DW_RULE_* of that rule */
	__u32 audited;  /* how many audit rules matched on the way */
	__u32 audit_rule; /* the last of them */
	__u32 passed_by;  /* the last rule that matched and let the packet go on */
	__u32 over_rate;  /* the first rule that matched but for its rate; DW_NO_RULE: none */
	__u32 log_sample; /* of the chain */
};

/* Is the address one of a learnt host that is named in these ranges? Inline, and without a key of its own: on
 * kernel 6.1 all frames together have 512 bytes of stack. */
DW_INLINE int dw_in_learnt(const struct dw_blob *image, __u32 offset, __u32 count, const struct dw_spot *spot)
{
	for (int i = 0; i < DW_LEARNT_HOSTS; i++) {
		if (!spot->learnt[i].hi)
			return 0;
		if (dw_in_ranges(image, offset, count, &spot->learnt[i]))
			return 1;
	}
	return 0;
}

DW_INLINE int dw_in_part(const struct dw_blob *image, __u32 flags, struct dw_span raw, struct dw_span placed,
			 const struct dw_spot *spot)
{
	if (raw.count && dw_in_ranges(image, raw.offset, raw.count, &spot->address))
		return 1;
	if (!placed.count)
		return 0;
	if (spot->flags & DW_SPOT_PLACED && dw_in_ranges(image, placed.offset, placed.count, &spot->place))
		return 1;
	return flags & DW_SET_LEARNT && spot->flags & DW_SPOT_LEARNT &&
	       dw_in_learnt(image, placed.offset, placed.count, spot);
}

DW_GLOBAL int dw_in_set(const struct dw_blob *image, __u32 number, const struct dw_spot *spot)
{
	const struct dw_image *header = (const struct dw_image *)image;
	const struct dw_set *set;
	int self;

	if (!image || !spot)
		return 0;
	set = dw_image_at(image, header->sets.offset + number * sizeof(*set));
	if (!set || number >= header->sets.count)
		return 0;
	self = !!(spot->flags & DW_SPOT_SELF);
	if (!(set->flags & DW_SET_ANY) && !(self && set->flags & DW_SET_SELF) &&
	    !dw_in_part(image, set->flags, set->raw, set->placed, spot))
		return 0;
	if (self && set->flags & DW_SET_NOT_SELF)
		return 0;
	return !dw_in_part(image, set->flags, set->not_raw, set->not_placed, spot);
}

struct dw_walk {
	const struct dw_blob *image;
	const struct dw_query *query;
	struct dw_judgement *judgement;
	__u32 rules; /* offset of the chain's first rule */
};

DW_INLINE int dw_rule_matches(const struct dw_walk *walk, const struct dw_rule *rule)
{
	const struct dw_query *query = walk->query;

	if (rule->proto != DW_ANY_PROTO && rule->proto != query->proto)
		return 0;
	if (query->dport < rule->port_first || query->dport > rule->port_last)
		return 0;
	if (query->sport < rule->from_first || query->sport > rule->from_last)
		return 0;
	if (rule->local_set != DW_NO_SET && !dw_in_set(walk->image, rule->local_set, &query->ours))
		return 0;
	return rule->remote_set == DW_NO_SET || dw_in_set(walk->image, rule->remote_set, &query->peer);
}

DW_INLINE void dw_count(__u32 id, __u32 packets, __u32 bytes)
{
	struct dw_counter *counter;

	if (DW_SETTING(dry))
		return;
	counter = dw_mem_counter(id);
	if (!counter)
		return;
	counter->packets += packets;
	counter->bytes += bytes;
}

/* Asked last: the answer spends a token. */
DW_INLINE int dw_exceeds_rate(const struct dw_walk *walk, const struct dw_rule *rule)
{
	const struct dw_query *query = walk->query;

	if (query->again)
		return 0;
	return dw_over_rate(walk->image, rule->rate, rule->counter,
			    query->inbound ? &query->peer.address : &query->ours.address);
}

/* One step of the walk; non-zero ends it. */
static long dw_try_rule(__u32 i, void *context)
{
	struct dw_walk *walk = context;
	struct dw_judgement *judgement = walk->judgement;
	const struct dw_rule *rule = dw_image_at(walk->image, walk->rules + i * sizeof(*rule));

	if (!rule)
		return 1;
	/* Alternatives of a rule stand side by side: one that lets the packet go on is asked once a packet. */
	if (judgement->passed_by == rule->counter)
		return 0;
	if (!dw_rule_matches(walk, rule))
		return 0;
	if (rule->rate && dw_exceeds_rate(walk, rule)) {
		judgement->passed_by = rule->counter;
		if (judgement->over_rate == DW_NO_RULE)
			judgement->over_rate = rule->counter;
		return 0;
	}
	if (rule->verdict == DW_AUDIT) {
		judgement->audited++;
		judgement->audit_rule = rule->counter;
		judgement->passed_by = rule->counter;
		dw_count(rule->counter, walk->query->packets, walk->query->length);
		return 0;
	}
	judgement->verdict = rule->verdict;
	judgement->rule = rule->counter;
	judgement->index = rule->index;
	judgement->flags = rule->flags;
	return 1;
}

/* Judges the packet by its direction's chain. Returns 0, or -1 when there was nothing to judge by. */
DW_GLOBAL int dw_policy_judge(const struct dw_blob *image, const struct dw_query *query,
			      struct dw_judgement *judgement)
{
	const struct dw_image *header = (const struct dw_image *)image;
	const struct dw_chain *chain;
	struct dw_walk walk;

	if (!image || !query || !judgement)
		return -1;
	chain = query->inbound ? &header->inbound : &header->outbound;
	judgement->verdict = chain->default_verdict;
	judgement->rule = DW_NO_RULE;
	judgement->index = 0;
	judgement->flags = 0;
	judgement->audited = 0;
	judgement->audit_rule = DW_NO_RULE;
	judgement->passed_by = DW_NO_RULE;
	judgement->over_rate = DW_NO_RULE;
	judgement->log_sample = chain->log_sample;
	walk.image = image;
	walk.query = query;
	walk.judgement = judgement;
	walk.rules = chain->rules.offset;
	DW_LOOP(chain->rules.count, dw_try_rule, &walk);
	return 0;
}

/* Is this subnet of this source a network that the rule file names? (R5) */
DW_INLINE int dw_is_assigned(const struct dw_blob *image, struct dw_in6 place)
{
	const struct dw_image *header = (const struct dw_image *)image;
	__u32 source = place.hi >> 16 & (DW_SOURCES - 1), subnet = place.hi & 0xffff;
	const __u8 *byte;

	if (subnet >= header->networks[source].count)
		return 0;
	byte = dw_image_at(image, header->networks[source].offset + subnet / 8);
	return byte && *byte >> (subnet % 8) & 1;
}

/* Addresses that are never valid on the public Internet (R2). */
DW_INLINE int dw_is_bogon(const struct dw_blob *image, const struct dw_in6 *address)
{
	const struct dw_image *header = (const struct dw_image *)image;
	__u32 octet = address->hi >> 56;

	if (!(header->bogon_octets[octet >> 6] >> (octet & 63) & 1))
		return 0;
	return dw_in_ranges(image, header->bogons.offset, header->bogons.count, address);
}

#endif
