/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The policy's answer for a packet that would open a flow. First match wins: of all rules that match, the one with
 * the least number. Nothing here walks all rules. Three sources name candidates (image_layout.h, "A chain asks"):
 *
 *   services   the exact key of our end, protocol and port: a word of a Bloom filter, then one line or two
 *   tuples     for rules with masks: bit sets say which tuples can have a rule for this packet; those are asked,
 *              the one with the least rule first, until none can have a lesser rule than the one found
 *   few rules  when there are only a few without an exact key, one by one
 *
 * Each candidate is verified whole, so these only have to name every rule that matches, never to be right about
 * one. A rule that matches and lets the packet go on (audit, or a rate that is exceeded) starts the search anew
 * for greater numbers.
 */
#ifndef DW_POLICY_H
#define DW_POLICY_H

#include "rate.h"
#include "sets.h"
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
	__u32 over_rate;  /* the first rule that matched but for its rate; DW_NO_RULE: none */
	__u32 log_sample; /* of the chain */
	__u32 inspect;    /* DW_INSPECT_BY_RULE of the deciding rule */
};

#define DW_NO_INDEX (~0u)
#define DW_NAMES (1 + DW_LEARNT_HOSTS) /* that our end may have: its place, and learnt hosts */

struct dw_candidate {
	__u32 index, counter, rate, verdict, flags, inspect; /* as in struct dw_rule */
};

/* How far the search is. It stands beside the judgement, off the stack. */
struct dw_hunt {
	__u64 tuples;     /* still to be asked, the one with the least rule first */
	__u32 next, end;  /* candidates still to be verified: numbers of rules, or words of lists */
	__u32 listed;     /* they are words of lists */
	__u32 top;        /* from this candidate on none has been passed: their indices are not below `from` */
	__u32 name, names; /* of our end: next, and how many to ask services for */
	__u32 few;        /* rules that are walked one by one, not begun yet */
	__u32 from;       /* least index that counts: what is below has been passed */
	__u32 peer_set;   /* of `found` */
	struct dw_candidate found;
	struct dw_candidate best; /* of those that match; its index is DW_NO_INDEX: none so far */
	__u32 done;
};

struct dw_policy_walk {
	const struct dw_blob *image;
	const struct dw_query *query;
	struct dw_judgement *judgement;
	struct dw_hunt *hunt;
};

DW_INLINE const struct dw_chain *dw_chain_of(const struct dw_blob *image, const struct dw_query *query)
{
	const struct dw_image *header = (const struct dw_image *)image;

	return query->inbound ? &header->inbound : &header->outbound;
}

DW_INLINE void dw_hunt_list(const struct dw_blob *image, const struct dw_chain *chain, struct dw_hunt *hunt,
			    __u32 word)
{
	hunt->next = word + 1;
	hunt->end = hunt->next + dw_number_at(image, chain->lists.line, word);
	hunt->top = hunt->end;
	hunt->listed = 1;
}

/* ---- services -------------------------------------------------------------------------------------- */

DW_INLINE int dw_is_service(const struct dw_service *service, __u64 lo, __u64 key)
{
	return service->lo == lo && (service->name & (DW_SERVICE_KEY | DW_SERVICE_USED)) == (key | DW_SERVICE_USED);
}

DW_INLINE const struct dw_service *dw_service_in(const struct dw_service *pair, __u64 lo, __u64 key)
{
	if (dw_is_service(&pair[0], lo, key))
		return &pair[0];
	return dw_is_service(&pair[1], lo, key) ? &pair[1] : 0;
}

/* The service with this key; 0: none. Both lines that it may stand in are asked for before either has come. */
DW_INLINE const struct dw_service *dw_find_service(const struct dw_blob *image, const struct dw_chain *chain,
						   __u64 lo, __u64 key)
{
	__u64 hash = dw_service_hash(chain->seed, lo, key), bits = dw_bloom_bits(hash);
	const struct dw_service *one, *other, *found;

	if ((dw_word_at(image, chain->bloom.line, dw_pick(hash << 32, chain->bloom.count)) & bits) != bits)
		return 0;
	one = (const void *)dw_line_at(image, chain->services.line + dw_pick(hash, chain->services.count));
	other = (const void *)dw_line_at(image, chain->services.line + dw_pick(dw_mix(hash, 1), chain->services.count));
	if (!one || !other)
		return 0;
	DW_READ(one->lo);
	DW_READ(other->lo);
	found = dw_service_in(one, lo, key);
	return found ? found : dw_service_in(other, lo, key);
}

/* Asks the services for one name of our end. Non-zero: one is `found`; what remains is to ask for the peer. */
DW_GLOBAL int dw_ask_services(const struct dw_blob *image, const struct dw_query *query, struct dw_hunt *hunt)
{
	const struct dw_service *service;
	const struct dw_chain *chain;
	const struct dw_in6 *name;
	__u32 number, host;

	if (!image || !query || !hunt)
		return 0;
	number = hunt->name++;
	if (number >= DW_NAMES)
		return 0;
	host = number - 1;
	DW_FORGET(host); /* kernel 6.1 does not see that it is small, and clang would leave out the mask */
	name = number ? &query->ours.learnt[host & (DW_LEARNT_HOSTS - 1)] : &query->ours.place;
	if (number ? !name->hi : !(query->ours.flags & DW_SPOT_PLACED))
		return 0;
	chain = dw_chain_of(image, query);
	service = dw_find_service(image, chain, name->lo, dw_service_key(name->hi, query->proto, query->dport));
	if (!service || service->index >= hunt->best.index)
		return 0;
	if (service->name & DW_SERVICE_LIST) {
		dw_hunt_list(image, chain, hunt, service->peer_set);
		return 0;
	}
	if (service->index < hunt->from)
		return 0;
	hunt->peer_set = service->peer_set;
	hunt->found.index = service->index;
	hunt->found.counter = service->counter;
	hunt->found.rate = 0;
	hunt->found.inspect = service->inspect;
	hunt->found.verdict = service->name >> DW_SERVICE_VERDICT_SHIFT;
	hunt->found.flags = (service->name & DW_SERVICE_LOG ? DW_RULE_LOG : 0) |
			    (service->name & DW_SERVICE_INDEPENDENT ? DW_RULE_INDEPENDENT : 0);
	return 1;
}

/* The service found is the best candidate, if the peer is in its set. Not in dw_ask_services: on kernel 6.1 all frames
 * together have 512 bytes of stack. */
DW_INLINE void dw_take_service(const struct dw_blob *image, const struct dw_query *query, struct dw_hunt *hunt)
{
	if (hunt->peer_set == DW_NO_SET || dw_in_set(image, hunt->peer_set, &query->peer))
		hunt->best = hunt->found;
}

/* ---- rules with masks ------------------------------------------------------------------------------ */

/* A part of the packet under a mask, as a hash. */
DW_INLINE __u64 dw_part_hash(const struct dw_query *query, __u32 dimension, __u32 mask)
{
	if (dimension == DW_OUR_PLACE)
		return dw_place_hash(mask, query->ours.place.hi, query->ours.place.lo);
	if (dimension == DW_THE_SERVICE)
		return dw_mix(dw_masked_service(mask, query->proto, query->dport), mask);
	return dw_peer_hash(mask, query->peer.address.hi, query->peer.address.lo);
}

/* Which tuples can have a rule for this packet: those that have one for each of its three parts. */
DW_GLOBAL __u64 dw_tuples_for(const struct dw_blob *image, const struct dw_query *query)
{
	const struct dw_chain *chain;
	__u64 place, service, peer;

	if (!image || !query)
		return 0;
	chain = dw_chain_of(image, query);
	place = chain->always[DW_OUR_PLACE];
	service = chain->always[DW_THE_SERVICE];
	peer = chain->always[DW_THE_PEER];
	for (__u32 i = 0; i < DW_PARTS_MAX; i++) {
		const struct dw_part *part;
		__u64 bits;

		if (i >= chain->parts.count)
			break;
		part = (const void *)dw_line_at(image, chain->parts.line + i / DW_PARTS_A_LINE);
		if (!part)
			return 0;
		part += i % DW_PARTS_A_LINE;
		bits = dw_word_at(image, part->line,
				  dw_pick(dw_part_hash(query, part->dimension, part->mask), part->count));
		if (part->dimension == DW_THE_SERVICE)
			service |= bits;
		else if (part->dimension == DW_THE_PEER)
			peer |= bits;
		else if (query->ours.flags & DW_SPOT_PLACED)
			place |= bits;
	}
	return place & service & peer;
}

/* The number of the lowest bit that is set. */
DW_INLINE __u32 dw_lowest_bit(__u64 bits)
{
	__u32 number = 0;

	for (__u32 half = 32; half; half /= 2)
		if (!(bits & ((1ull << half) - 1))) {
			bits >>= half;
			number += half;
		}
	return number;
}

/* What the entry with this tag says, of line `number` of the image; 0: there is none. */
DW_GLOBAL __u32 dw_find_entry(const struct dw_blob *image, __u32 number, __u32 tag)
{
	const struct dw_entry *entry;

	if (!image)
		return 0;
	entry = (const void *)dw_line_at(image, number);
	if (!entry)
		return 0;
	for (__u32 way = 0; way < DW_ENTRY_WAYS; way++)
		if (entry[way].tag == tag)
			return entry[way].list;
	return 0;
}

/* What finds the packet in a tuple with these masks. A function of its own for the verifier's sake. */
DW_GLOBAL __u64 dw_tuple_hash(const struct dw_query *query, __u32 number, __u32 local, __u32 service,
			      __u32 peer_length)
{
	if (!query)
		return 0;
	return dw_key_hash(number, dw_part_hash(query, DW_OUR_PLACE, local),
			   dw_masked_service(service, query->proto, query->dport),
			   dw_part_hash(query, DW_THE_PEER, peer_length));
}

/* Asks the next tuple for its candidates. */
DW_GLOBAL int dw_ask_tuple(const struct dw_blob *image, const struct dw_query *query, struct dw_hunt *hunt)
{
	const struct dw_chain *chain;
	const struct dw_tuple *tuple;
	__u32 number, list;
	__u64 hash;

	if (!image || !query || !hunt)
		return 0;
	chain = dw_chain_of(image, query);
	number = dw_lowest_bit(hunt->tuples) & (DW_TUPLES_MAX - 1);
	hunt->tuples &= hunt->tuples - 1;
	tuple = (const void *)dw_line_at(image, chain->tuples.line + number / DW_TUPLES_A_LINE);
	if (!tuple)
		return 0;
	tuple += number % DW_TUPLES_A_LINE;
	if (tuple->first >= hunt->best.index) { /* and so are all that follow */
		hunt->tuples = 0;
		return 0;
	}
	hash = dw_tuple_hash(query, number, tuple->local, tuple->service, tuple->peer_length);
	list = dw_find_entry(image, chain->entries.line + dw_pick(hash, chain->entries.count), (__u32)hash | 1);
	if (!list)
		list = dw_find_entry(image, chain->entries.line + dw_pick(dw_mix(hash, 1), chain->entries.count),
				     (__u32)hash | 1);
	if (list & DW_ENTRY_ONE) {
		hunt->next = list & ~DW_ENTRY_ONE;
		hunt->end = hunt->next + 1;
		hunt->top = hunt->end;
		hunt->listed = 0;
	} else if (list) {
		dw_hunt_list(image, chain, hunt, list);
	}
	return 0;
}

DW_INLINE int dw_rule_fits_ends(const struct dw_rule *rule, const struct dw_query *query)
{
	const struct dw_spot *ours = &query->ours, *peer = &query->peer;

	if (rule->flags & (DW_RULE_EXACT | DW_RULE_SUBNET)) {
		if (!(ours->flags & DW_SPOT_PLACED) || ours->place.hi != rule->place_hi)
			return 0;
		if (rule->flags & DW_RULE_EXACT && ours->place.lo != rule->place_lo)
			return 0;
	}
	return !(dw_mask_high(rule->peer.hi ^ peer->address.hi, rule->peer_length) |
		 dw_mask_low(rule->peer.lo ^ peer->address.lo, rule->peer_length));
}

DW_INLINE int dw_rule_matches(const struct dw_blob *image, const struct dw_query *query, const struct dw_rule *rule)
{
	if (!(rule->flags & DW_RULE_ANY_PROTO) && rule->proto != query->proto)
		return 0;
	if (query->dport < rule->port_first || query->dport > rule->port_last)
		return 0;
	if (query->sport < rule->from_first || query->sport > rule->from_last)
		return 0;
	if (!dw_rule_fits_ends(rule, query))
		return 0;
	if (rule->our_set != DW_NO_SET && !dw_in_set(image, rule->our_set, &query->ours))
		return 0;
	return rule->peer_set == DW_NO_SET || dw_in_set(image, rule->peer_set, &query->peer);
}

/* The rule that candidate number `at` means. */
DW_INLINE const struct dw_rule *dw_candidate_at(const struct dw_blob *image, const struct dw_chain *chain,
						const struct dw_hunt *hunt, __u32 at)
{
	__u32 number = hunt->listed ? dw_number_at(image, chain->lists.line, at) : at;

	return (const void *)dw_line_at(image, chain->rules.line + number);
}

/* The candidate before `next` has been passed already: halves what may have been, since candidates stand by index. Else
 * a list of rules that all let the packet go on would be walked once for each of them. */
DW_INLINE void dw_skip_passed(const struct dw_blob *image, const struct dw_chain *chain, struct dw_hunt *hunt)
{
	__u32 middle = hunt->next + (hunt->top - hunt->next) / 2;
	const struct dw_rule *rule;

	if (hunt->next >= hunt->top)
		return;
	rule = dw_candidate_at(image, chain, hunt, middle);
	if (rule && rule->index < hunt->from)
		hunt->next = middle + 1;
	else
		hunt->top = middle;
}

/* Verifies the next candidate. They stand by index, so the first that matches is the best of them. */
DW_GLOBAL int dw_try_candidate(const struct dw_blob *image, const struct dw_query *query, struct dw_hunt *hunt)
{
	const struct dw_chain *chain;
	const struct dw_rule *rule;

	if (!image || !query || !hunt)
		return 0;
	chain = dw_chain_of(image, query);
	rule = dw_candidate_at(image, chain, hunt, hunt->next++);
	if (!rule || rule->index >= hunt->best.index) {
		hunt->next = hunt->end;
		return 0;
	}
	if (rule->index < hunt->from) {
		dw_skip_passed(image, chain, hunt);
		return 0;
	}
	if (!dw_rule_matches(image, query, rule))
		return 0;
	hunt->next = hunt->end;
	hunt->best.index = rule->index;
	hunt->best.counter = rule->counter;
	hunt->best.rate = rule->rate;
	hunt->best.verdict = rule->verdict;
	hunt->best.flags = rule->flags;
	hunt->best.inspect = rule->inspect;
	return 0;
}

/* ---- the search ------------------------------------------------------------------------------------ */

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

/* From index `from` on. */
DW_INLINE void dw_begin_hunt(const struct dw_policy_walk *walk, __u32 from)
{
	const struct dw_chain *chain = dw_chain_of(walk->image, walk->query);
	struct dw_hunt *hunt = walk->hunt;

	hunt->best.index = DW_NO_INDEX;
	hunt->from = from;
	hunt->name = 0;
	hunt->names = 0;
	if (chain->services.count)
		hunt->names = walk->query->ours.flags & DW_SPOT_LEARNT ? DW_NAMES : 1;
	hunt->next = 0;
	hunt->end = 0;
	hunt->few = chain->tuples.count ? 0 : chain->rules.count;
	hunt->tuples = chain->tuples.count ? dw_tuples_for(walk->image, walk->query) : 0;
}

/* Asked last: the answer spends a token. */
DW_INLINE int dw_exceeds_rate(const struct dw_policy_walk *walk)
{
	const struct dw_query *query = walk->query;

	if (!walk->hunt->best.rate || query->again)
		return 0;
	return dw_over_rate(walk->image, walk->hunt->best.rate, walk->hunt->best.counter,
			    query->inbound ? &query->peer.address : &query->ours.address);
}

/* All candidates have been asked. Non-zero: the search is over. */
DW_INLINE long dw_conclude(const struct dw_policy_walk *walk)
{
	struct dw_judgement *judgement = walk->judgement;
	struct dw_hunt *hunt = walk->hunt;

	if (hunt->best.index == DW_NO_INDEX) {
		hunt->done = 1;
		return 1;
	}
	if (dw_exceeds_rate(walk)) {
		if (judgement->over_rate == DW_NO_RULE)
			judgement->over_rate = hunt->best.counter;
	} else if (hunt->best.verdict == DW_AUDIT) {
		judgement->audited++;
		judgement->audit_rule = hunt->best.counter;
		dw_count(hunt->best.counter, walk->query->packets, walk->query->length);
	} else {
		judgement->verdict = hunt->best.verdict;
		judgement->rule = hunt->best.counter;
		judgement->index = hunt->best.index;
		judgement->flags = hunt->best.flags;
		judgement->inspect = hunt->best.inspect;
		hunt->done = 1;
		return 1;
	}
	dw_begin_hunt(walk, hunt->best.index + 1);
	return 0;
}

/* One step of the search; non-zero ends it. */
static long dw_hunt_on(__u32 i, void *context)
{
	struct dw_policy_walk *walk = context;
	struct dw_hunt *hunt = walk->hunt;

	(void)i;
	if (hunt->next < hunt->end)
		return dw_try_candidate(walk->image, walk->query, hunt);
	if (hunt->name < hunt->names) {
		if (dw_ask_services(walk->image, walk->query, hunt))
			dw_take_service(walk->image, walk->query, hunt);
		return 0;
	}
	if (hunt->tuples)
		return dw_ask_tuple(walk->image, walk->query, hunt);
	if (!hunt->few)
		return dw_conclude(walk);
	hunt->next = 0;
	hunt->end = hunt->few;
	hunt->top = hunt->few;
	hunt->few = 0;
	hunt->listed = 0;
	return 0;
}

#define DW_STEPS_MAX (1u << 23) /* what bpf_loop takes; a packet that needs more is dropped as `internal` */

/* Judges the packet by its direction's chain. Returns 0, or -1 when there was nothing to judge by. */
DW_GLOBAL int dw_policy_judge(const struct dw_blob *image, const struct dw_query *query,
			      struct dw_judgement *judgement, struct dw_hunt *hunt)
{
	struct dw_policy_walk walk = {image, query, judgement, hunt};
	const struct dw_chain *chain;

	if (!image || !query || !judgement || !hunt)
		return -1;
	chain = dw_chain_of(image, query);
	judgement->verdict = chain->default_verdict;
	judgement->rule = DW_NO_RULE;
	judgement->index = 0;
	judgement->flags = 0;
	judgement->audited = 0;
	judgement->audit_rule = DW_NO_RULE;
	judgement->over_rate = DW_NO_RULE;
	judgement->log_sample = chain->log_sample;
	judgement->inspect = 0;
	hunt->done = 0;
	dw_begin_hunt(&walk, 0);
	if (hunt->names == 1 && dw_ask_services(image, query, hunt)) /* most often all that there is to ask */
		dw_take_service(image, query, hunt);
	if (hunt->next == hunt->end && hunt->name == hunt->names && !hunt->tuples && !hunt->few &&
	    hunt->best.index == DW_NO_INDEX)
		return 0;
	DW_LOOP(DW_STEPS_MAX, dw_hunt_on, &walk);
	return hunt->done ? 0 : -1;
}

#endif
