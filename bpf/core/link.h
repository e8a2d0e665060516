/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What the link needs of this box whatever the rules say, and how much of it is let through: discovery (RFC 4861),
 * group membership, DHCPv6. The dish segment is shared (R6), so its messages are checked, limited (R37), and only
 * two routers are believed (R21): those that were heard first, for as long as they say they live.
 */
#ifndef DW_LINK_H
#define DW_LINK_H

#include "meter.h"
#include "own.h"
#include "sets.h"
#include "walk.h"
#include "work.h"

#define DW_ROUTER_LIFE_MIN 60 /* seconds that a router is remembered, whatever lifetime it announces */
#define DW_LINK_LOCAL_HI 0xfe80000000000000ull
#define DW_ADVERTISED_MAX 32 /* options that are read of an advertisement; routers send some ten */
#define DW_OPTION_PREFIX 3   /* RFC 4861 4.6.2 */
#define DW_OPTION_ROUTE 24   /* RFC 4191 2.3 */

/* ---- routers ----------------------------------------------------------------------------------- */

DW_INLINE int dw_router_lives(const struct dw_router *router, __u64 now)
{
	return DW_READ(router->id) && (__s64)(DW_READ(router->until) - now) > 0;
}

/* One of the learnt routers? */
DW_INLINE int dw_is_router(const struct dw_link *link, const struct dw_in6 *a, __u64 now)
{
	for (int i = 0; i < DW_ROUTERS; i++)
		if (a->hi == DW_LINK_LOCAL_HI && DW_READ(link->router[i].id) == a->lo &&
		    dw_router_lives(&link->router[i], now))
			return 1;
	return 0;
}

/* What an advertisement says of its router. */
struct dw_claim {
	__u64 id;         /* interface id of its link-local address */
	__u64 preference; /* enum dw_preference */
	__u32 lifetime;   /* s */
};

/* The other router is older than the one in this slot, which came at `since`. */
DW_INLINE int dw_is_second(const struct dw_link *link, int slot, __u64 since, __u64 now)
{
	const struct dw_router *other = &link->router[!slot];
	__s64 younger = since - DW_READ(other->since);

	return dw_router_lives(other, now) && (younger > 0 || (younger == 0 && slot));
}

/* A router advertises itself again, or for the first time in this slot. */
DW_INLINE int dw_renew_router(struct dw_link *link, int slot, const struct dw_claim *claim, __u64 now)
{
	struct dw_router *router = &link->router[slot];
	__u64 life = claim->lifetime > DW_ROUTER_LIFE_MIN ? claim->lifetime : DW_ROUTER_LIFE_MIN;
	int is_second = dw_is_second(link, slot, DW_READ(router->since), now);

	/* The kernel would send all packets to whoever says that it is to be preferred. */
	if (is_second && claim->preference > DW_READ(link->preference[!slot]))
		return DW_REASON_ROGUE_ROUTER;
	if (!DW_SETTING(dry)) {
		DW_WRITE(router->until, now + life * DW_SETTING(hz));
		DW_WRITE(link->preference[slot], claim->preference);
	}
	return is_second ? DW_REASON_SECOND_ROUTER : DW_REASON_ROUTER;
}

/* Takes a slot that is free or whose router has not been heard for as long as it said. */
DW_INLINE int dw_learn_router(struct dw_link *link, int slot, const struct dw_claim *claim, __u64 now)
{
	struct dw_router *router = &link->router[slot];
	__u64 was = DW_READ(router->id);

	if (was && dw_router_lives(router, now))
		return DW_GO_ON;
	if (dw_router_lives(&link->router[!slot], now) && claim->preference > DW_READ(link->preference[!slot]))
		return DW_REASON_ROGUE_ROUTER;
	if (!DW_SETTING(dry)) {
		if (dw_cas(&router->id, was, claim->id) != was)
			return DW_GO_ON;
		DW_WRITE(router->since, now);
	}
	return dw_renew_router(link, slot, claim, now);
}

DW_INLINE int dw_admit_router(struct dw_link *link, const struct dw_claim *claim)
{
	__u64 now = dw_mem_now();
	int reason;

	for (int slot = 0; slot < DW_ROUTERS; slot++)
		if (DW_READ(link->router[slot].id) == claim->id && dw_router_lives(&link->router[slot], now))
			return dw_renew_router(link, slot, claim, now);
	for (int slot = 0; slot < DW_ROUTERS; slot++) {
		reason = dw_learn_router(link, slot, claim, now);
		if (reason != DW_GO_ON)
			return reason;
	}
	return DW_REASON_ROGUE_ROUTER;
}

DW_INLINE __u64 dw_preference_of(const struct dw_router_advertisement *message)
{
	switch (message->flags >> 3 & 3) {
	case 1:
		return DW_PREFERENCE_HIGH;
	case 3:
		return DW_PREFERENCE_LOW;
	default: /* the reserved one is taken for this */
		return DW_PREFERENCE_MEDIUM;
	}
}

/* ---- messages ---------------------------------------------------------------------------------- */

/* Hop limit 255 proves that a message comes from the link (RFC 4861 6.1, 7.1); none may be fragmented (RFC 6980). */
DW_INLINE int dw_is_from_link(const struct dw_packet *p)
{
	return p->hop_limit == 255 && !p->icmp_code && !(p->flags & (DW_PACKET_FRAGMENT | DW_PACKET_ATOMIC));
}

DW_INLINE int dw_limit(__u32 kind, const struct dw_packet *p, const struct dw_link *link, int reason)
{
	return dw_over_limit(kind, &p->src, dw_is_router(link, &p->src, dw_mem_now())) ? DW_REASON_LINK_LIMIT : reason;
}

/* Is this /64 an assigned network of a delegation of ours? Of a prefix that is a /64 itself nothing is said: there the
 * link and the network behind may well be the same (a proxy). */
DW_GLOBAL int dw_is_network_of_ours(const struct dw_own *own, const struct dw_blob *image, __u64 hi)
{
	struct dw_in6 place = {0, 0};
	const struct dw_prefix *prefix;
	__u32 slot;

	if (!own || !image)
		return 0;
	slot = dw_find_prefix(own, hi);
	prefix = &own->prefix[slot & (DW_PREFIXES - 1)];
	if (slot == DW_NOWHERE || prefix->length >= 64 || prefix->flags & DW_PREFIX_ONLINK)
		return 0;
	place.hi = (__u64)prefix->source << 16 | ((hi ^ prefix->net) & 0xffff);
	return dw_is_assigned(image, place);
}

/* Does an advertisement say that a network of ours is on the link, or behind the router? The kernel would believe it and
 * send there what is for our hosts, whoever says it: its route to the uplink is the better one. What the kernel refuses
 * itself (options without length, or cut) ends the search. */
DW_INLINE int dw_takes_ours(const struct dw_frame *frame, const struct dw_own *own, const struct dw_blob *image, __u32 at,
			    __u32 end)
{
	for (int i = 0; i < DW_ADVERTISED_MAX; i++) {
		const struct dw_prefix_option *option = dw_at(frame, at, sizeof(*option));
		const struct dw_wire_u64 *hi;

		if (at + sizeof(*option) > end || !option || !option->length)
			return 0;
		if (option->prefix_length >= 64 &&
		    (option->kind == DW_OPTION_PREFIX || option->kind == DW_OPTION_ROUTE)) {
			hi = dw_at(frame, at + (option->kind == DW_OPTION_PREFIX ? 16 : 8), sizeof(*hi));
			if (!hi)
				return 0;
			if (dw_is_network_of_ours(own, image, __builtin_bswap64(hi->value)))
				return 1;
		}
		at += option->length * 8;
	}
	return 1;
}

#ifdef __bpf__

DW_GLOBAL int dw_takes_ours_ingress(struct xdp_md *ctx, const struct dw_own *own, const struct dw_blob *image, __u32 at,
				    __u32 end)
{
	struct dw_frame frame = DW_FRAME_OF(ctx);

	return own && image ? dw_takes_ours(&frame, own, image, at, end) : 0;
}

#define DW_TAKES_OURS(frame, own, image, at, end) dw_takes_ours_ingress((frame)->context, own, image, at, end)

#else

#define DW_TAKES_OURS(frame, own, image, at, end) dw_takes_ours(frame, own, image, at, end)

#endif

DW_INLINE int dw_judge_advertisement(const struct dw_frame *frame, const struct dw_packet *p, struct dw_link *link,
				     const struct dw_own *own, const struct dw_blob *image)
{
	const struct dw_router_advertisement *message = dw_at(frame, p->l4, sizeof(*message));
	struct dw_claim claim;
	int reason;

	if (!message || p->l4 + sizeof(*message) > p->end || p->src.hi != DW_LINK_LOCAL_HI || !p->src.lo)
		return DW_REASON_ND_INVALID;
	if (DW_TAKES_OURS(frame, own, image, p->l4 + sizeof(*message), p->end))
		return DW_REASON_ROGUE_ROUTER;
	claim.id = p->src.lo;
	claim.preference = dw_preference_of(message);
	claim.lifetime = dw_be16(message->lifetime);
	reason = dw_admit_router(link, &claim);
	if (reason == DW_REASON_ROGUE_ROUTER)
		return reason;
	return dw_over_limit(DW_METER_ADVERTISE, &p->src, 1) ? DW_REASON_LINK_LIMIT : reason;
}

/* NS and NA name a target, which is no group (RFC 4861 7.1). */
DW_INLINE int dw_names_target(const struct dw_frame *frame, const struct dw_packet *p)
{
	const __u8 *target = dw_at(frame, p->l4 + 8, sizeof(struct dw_wire_in6));

	return target && p->l4 + 8 + sizeof(struct dw_wire_in6) <= p->end && *target != 0xff;
}

DW_INLINE int dw_judge_discovery(const struct dw_frame *frame, const struct dw_packet *p, struct dw_link *link,
				 const struct dw_own *own, const struct dw_blob *image)
{
	if (!dw_is_from_link(p))
		return DW_REASON_ND_INVALID;
	switch (p->icmp_type) {
	case DW_ICMPV6_RA:
		return dw_judge_advertisement(frame, p, link, own, image);
	case DW_ICMPV6_NS:
		return dw_names_target(frame, p) ? dw_limit(DW_METER_SOLICIT, p, link, DW_REASON_NEIGHBOUR)
						 : DW_REASON_ND_INVALID;
	case DW_ICMPV6_NA:
		return dw_names_target(frame, p) ? dw_limit(DW_METER_NEIGHBOUR, p, link, DW_REASON_NEIGHBOUR)
						 : DW_REASON_ND_INVALID;
	case DW_ICMPV6_INVERSE_NS:
	case DW_ICMPV6_INVERSE_NA:
		return dw_limit(DW_METER_SOLICIT, p, link, DW_REASON_NEIGHBOUR);
	}
	return dw_limit(DW_METER_SOLICIT, p, link, DW_REASON_ROUTER); /* RS and SEND's path messages */
}

DW_INLINE int dw_judge_mld(const struct dw_packet *p, const struct dw_link *link)
{
	if (!dw_is_link_local(&p->src) || p->hop_limit != 1 || p->flags & (DW_PACKET_FRAGMENT | DW_PACKET_ATOMIC))
		return DW_REASON_ND_INVALID;
	return dw_limit(DW_METER_MLD, p, link, DW_REASON_MLD);
}

/* To this box or to the link. DW_GO_ON when the packet is nothing of the kind. `ours`: where its destination is. */
DW_INLINE int dw_link_control_in(const struct dw_frame *frame, const struct dw_packet *p, const struct dw_spot *ours,
				 const struct dw_own *own, const struct dw_blob *image)
{
	int to_box = dw_is_link_multicast(&p->dst) || ours->flags & DW_SPOT_SELF;
	struct dw_link *link;

	if (!to_box || p->flags & DW_PACKET_LATER)
		return DW_GO_ON;
	link = dw_mem_link();
	if (!link)
		return DW_REASON_INTERNAL;
	if (p->proto == DW_UDP) /* from any unicast source: this line's server answers from a global one */
		return p->sport == 547 && p->dport == 546 && dw_is_link_local(&p->dst) ? DW_REASON_DHCPV6
										      : DW_GO_ON;
	if (p->proto != DW_ICMPV6)
		return DW_GO_ON;
	switch (p->icmp_type) {
	case DW_ICMPV6_RS:
	case DW_ICMPV6_RA:
	case DW_ICMPV6_NS:
	case DW_ICMPV6_NA:
	case DW_ICMPV6_INVERSE_NS:
	case DW_ICMPV6_INVERSE_NA:
	case DW_ICMPV6_PATH_SOLICIT:
	case DW_ICMPV6_PATH_ADVERTISE:
		return dw_judge_discovery(frame, p, link, own, image);
	case DW_ICMPV6_REDIRECT:
		return DW_REASON_REDIRECT;
	case DW_ICMPV6_MLD_QUERY:
	case DW_ICMPV6_MLD_REPORT:
	case DW_ICMPV6_MLD_DONE:
	case DW_ICMPV6_MLD2_REPORT:
		return dw_judge_mld(p, link);
	}
	return DW_GO_ON;
}

/* What this box itself sends on the link. `ours`: where its source is. */
DW_INLINE int dw_link_control_out(const struct dw_packet *p, const struct dw_spot *ours)
{
	if (!dw_is_unspecified(&p->src) && !(ours->flags & DW_SPOT_SELF))
		return DW_GO_ON;
	if (p->flags & DW_PACKET_LATER)
		return DW_GO_ON;
	if (p->proto == DW_UDP)
		return p->sport == 546 && p->dport == 547 ? DW_REASON_DHCPV6 : DW_GO_ON;
	if (p->proto != DW_ICMPV6)
		return DW_GO_ON;
	switch (p->icmp_type) {
	case DW_ICMPV6_RS:
	case DW_ICMPV6_RA:
		return DW_REASON_ROUTER;
	case DW_ICMPV6_NS:
	case DW_ICMPV6_NA:
		return DW_REASON_NEIGHBOUR;
	case DW_ICMPV6_MLD_QUERY:
	case DW_ICMPV6_MLD_REPORT:
	case DW_ICMPV6_MLD_DONE:
	case DW_ICMPV6_MLD2_REPORT:
		return DW_REASON_MLD;
	}
	return DW_GO_ON;
}

#endif
