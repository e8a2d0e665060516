/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The one header walk (design D1): Ethernet, IPv6 with its whole extension chain or IPv4, then the
 * transport header. It reads, checks what RFC 8200, 7045, 7112 and 6946 demand of the form, and fills a
 * dw_packet; judging addresses and flows comes later. What it cannot walk to the end it names and refuses.
 *
 * Every access is "offset within the IP packet's own length" and then "pointer within the frame", so bytes
 * behind the payload are never read (R40). The same walk serves the packet that an ICMP error quotes.
 */
#ifndef DW_PARSE_H
#define DW_PARSE_H

#include "mem.h"
#include "reason.h"
#include "wire.h"

#define DW_CHAIN_MAX 8         /* extension headers walked; longer chains are dropped (R7) */
#define DW_OFFSET_MAX 0x3fff   /* no header starts behind this */

enum dw_packet_flag {
	DW_PACKET_FRAGMENT = 1, /* has a fragment header and is not atomic */
	DW_PACKET_LATER = 2,    /* a fragment with a non-zero offset: no transport header was read */
	DW_PACKET_LAST = 4,     /* a fragment without more behind it */
	DW_PACKET_ATOMIC = 8,   /* has a fragment header and is the whole datagram (RFC 6946) */
	DW_PACKET_TAGGED = 16,  /* carries the uplink's VLAN tag */
	DW_PACKET_GROUP = 32,   /* its frame is for a group or for all */
	DW_PACKET_ROUTED = 128, /* has a routing header */
	DW_PACKET_QUOTED = 64,  /* by an ICMP error, which quotes as much as fits */
};

struct dw_packet {
	struct dw_in6 src, dst;
	__u16 sport, dport;    /* host order; ICMP echo: the identifier in both */
	__u32 length;          /* of the frame on the wire; what can be read of it may be shorter */
	__u32 segments;        /* packets on the wire: more than one when the NIC will cut it (GSO) */
	__u32 seq, ack;        /* TCP, host order */
	__u16 l4, end;         /* offsets of the transport header and of the IP packet's end */
	__u16 segment_length;  /* bytes of TCP payload */
	__u16 window;          /* TCP, as it stands in the header */
	__u32 fragment_id;     /* IPv4: with the protocol in the upper half */
	__u16 fragment_offset; /* of a fragment's first byte in the datagram, in units of 8 bytes */
	__u16 fragment_at;     /* offset in the frame at which the fragment's part begins */
	__u8 family;           /* 6, 4, or 0 for ARP and what the rule file passes */
	__u8 proto;            /* behind the extension chain */
	__u8 hop_limit;
	__u8 flags;            /* enum dw_packet_flag */
	__u8 tcp_flags;
	__u8 icmp_type, icmp_code;
	__u8 scale;            /* of a SYN: its window scale option, or DW_SCALE_NONE */
	__u8 options;          /* DW_OPTION_*: what the walk lets through */
	__u8 inbound;
	__u16 vlan;            /* the only tag that it may carry, or DW_NO_VLAN */
	__u16 pad;
};

DW_INLINE const void *dw_at(const struct dw_frame *frame, __u32 offset, __u32 size)
{
	const __u8 *p;

	if (offset > DW_OFFSET_MAX)
		return 0;
	DW_FORGET(offset); /* so that the bound below is in the very register that the verifier sees */
	p = (const __u8 *)frame->data + (offset & DW_OFFSET_MAX);
	if (p + size > (const __u8 *)frame->end)
		return 0;
	return p;
}

DW_INLINE struct dw_in6 dw_in6_from_wire(const struct dw_wire_in6 *wire)
{
	struct dw_in6 address = {__builtin_bswap64(wire->hi), __builtin_bswap64(wire->lo)};

	return address;
}

DW_INLINE struct dw_in6 dw_in6_from_ipv4(__u32 be)
{
	struct dw_in6 address = {0, 0xffffull << 32 | dw_be32(be)};

	return address;
}

DW_INLINE int dw_is_extension(__u32 next_header)
{
	return next_header == DW_HOPOPTS || next_header == DW_ROUTING || next_header == DW_FRAGMENT ||
	       next_header == DW_DSTOPTS || next_header == DW_AH || next_header == DW_SHIM6;
}

/* Registered as extension headers by IANA, but with no walk here: nothing behind them can be judged. A mobility
 * header has nothing behind it (RFC 6275 6.1.1): it is judged like any protocol. */
DW_INLINE int dw_is_unknown_extension(__u32 next_header)
{
	return next_header == DW_EXPERIMENT_1 || next_header == DW_EXPERIMENT_2;
}

/* Length in bytes of the extension header at `ext` (RFC 8200 4, RFC 4302 2.2). */
DW_INLINE __u32 dw_extension_length(__u32 kind, const struct dw_ext *ext)
{
	if (kind == DW_FRAGMENT)
		return sizeof(struct dw_frag); /* whatever its reserved byte says (R10) */
	if (kind == DW_AH)
		return (ext->length + 2) * 4;
	return (ext->length + 1) * 8;
}

/* Where a fragment lies: `offset` in units of 8 bytes, its part from p->fragment_at to the packet's end. Only the
 * last one may have an odd end, and none may reach beyond what a datagram can hold (RFC 8200 4.5). */
DW_INLINE int dw_place_fragment(struct dw_packet *p, __u16 offset, int more)
{
	__u32 length = p->end - p->fragment_at;

	p->fragment_offset = offset;
	p->flags |= DW_PACKET_FRAGMENT;
	if (offset)
		p->flags |= DW_PACKET_LATER;
	if (!more)
		p->flags |= DW_PACKET_LAST;
	if (p->flags & DW_PACKET_QUOTED)
		return 0;
	if (!length || (more && length & 7) || offset * 8u + length > 0xffff)
		return DW_REASON_FRAGMENT_BAD;
	return 0;
}

DW_INLINE int dw_read_fragment(const struct dw_frag *frag, __u32 at, struct dw_packet *p)
{
	__u16 offset_flags = dw_be16(frag->offset_flags);

	if (p->flags & (DW_PACKET_FRAGMENT | DW_PACKET_ATOMIC))
		return DW_REASON_FRAGMENT_BAD; /* a fragment in a fragment */
	p->fragment_id = dw_be32(frag->id);
	p->fragment_at = at + sizeof(*frag);
	if (offset_flags & 0xfff9)
		return dw_place_fragment(p, offset_flags >> 3, offset_flags & 1);
	p->flags |= DW_PACKET_ATOMIC;
	return 0;
}

/*
 * From the first next-header value to the transport header. `p->end` is where the packet ends, p->l4 where
 * the chain starts; on success p->proto and p->l4 are the transport's. A header that is not complete in a
 * fragment breaks RFC 7112; elsewhere it is a truncated packet.
 */
DW_INLINE int dw_walk_chain(const struct dw_frame *frame, struct dw_packet *p, __u32 kind)
{
	__u32 offset = p->l4;

	for (int i = 0; i <= DW_CHAIN_MAX; i++) {
		const struct dw_ext *ext;

		if (!dw_is_extension(kind)) {
			p->proto = kind;
			p->l4 = offset;
			return dw_is_unknown_extension(kind) ? DW_REASON_UNKNOWN_HEADER : 0;
		}
		if (kind == DW_HOPOPTS && i > 0)
			return DW_REASON_HOP_BY_HOP;
		ext = dw_at(frame, offset, sizeof(struct dw_frag));
		if (!ext || offset + sizeof(struct dw_frag) > p->end)
			return p->flags & DW_PACKET_FRAGMENT ? DW_REASON_FRAGMENT_CHAIN : DW_REASON_TRUNCATED;
		if (kind == DW_ROUTING && (!ext->type || !(p->options & DW_OPTION_ROUTING_HEADERS)))
			return DW_REASON_ROUTING_HEADER;
		if (kind == DW_ROUTING)
			p->flags |= DW_PACKET_ROUTED;
		if (kind == DW_FRAGMENT) {
			int bad = dw_read_fragment((const struct dw_frag *)ext, offset, p);

			if (bad)
				return bad;
		}
		offset += dw_extension_length(kind, ext);
		if (offset > p->end)
			return p->flags & DW_PACKET_FRAGMENT ? DW_REASON_FRAGMENT_CHAIN : DW_REASON_TRUNCATED;
		kind = ext->next_header;
		if (p->flags & DW_PACKET_LATER) { /* what follows is payload, not a header (N3) */
			p->proto = kind;
			p->l4 = offset;
			return 0;
		}
	}
	return DW_REASON_CHAIN_TOO_LONG;
}

DW_INLINE int dw_check_tcp(const struct dw_tcp *tcp, const struct dw_packet *p)
{
	__u8 flags = tcp->flags & (DW_FIN | DW_SYN | DW_RST | DW_ACK);
	__u32 offset = (tcp->offset >> 4) * 4;

	if (offset < sizeof(*tcp) || p->l4 + offset > p->end)
		return p->flags & DW_PACKET_FRAGMENT && offset >= sizeof(*tcp) ? DW_REASON_FRAGMENT_CHAIN
									       : DW_REASON_TCP_OFFSET;
	if (!(tcp->flags & 0x3f) || (flags & DW_SYN && flags & (DW_FIN | DW_RST)) ||
	    (flags & (DW_FIN | DW_ACK)) == DW_FIN || !(flags & (DW_SYN | DW_RST | DW_ACK)))
		return DW_REASON_TCP_FLAGS;
	return 0;
}

DW_INLINE int dw_check_udp(const struct dw_udp *udp, const struct dw_packet *p)
{
	__u32 length = dw_be16(udp->length);

	if (length < sizeof(*udp))
		return DW_REASON_UDP_LENGTH;
	if (!(p->flags & DW_PACKET_FRAGMENT) && p->l4 + length > p->end)
		return DW_REASON_UDP_LENGTH;
	if (p->family == 6 && !udp->checksum && !(p->options & DW_OPTION_UDP_NO_CHECKSUM))
		return DW_REASON_UDP_CHECKSUM; /* RFC 8200 8.1 */
	return 0;
}

/* The transport header: ports, flags, types. `quoted`: only its first eight bytes need be there. */
DW_INLINE int dw_read_transport(const struct dw_frame *frame, struct dw_packet *p, int quoted)
{
	__u32 proto = p->proto;
	__u32 need = proto == DW_TCP && !quoted ? sizeof(struct dw_tcp) : 8;
	const void *l4;

	if (proto != DW_TCP && proto != DW_UDP && proto != DW_SCTP && proto != DW_ICMPV6 && proto != DW_ICMP)
		return 0;
	if (p->l4 + need > p->end)
		return p->flags & DW_PACKET_FRAGMENT ? DW_REASON_FRAGMENT_CHAIN : DW_REASON_TRUNCATED;

	if (proto == DW_TCP && !quoted) {
		const struct dw_tcp *tcp = dw_at(frame, p->l4, sizeof(*tcp));

		if (!tcp)
			return DW_REASON_TRUNCATED;
		p->sport = dw_be16(tcp->sport);
		p->dport = dw_be16(tcp->dport);
		p->tcp_flags = tcp->flags;
		p->seq = dw_be32(tcp->seq);
		p->ack = dw_be32(tcp->ack);
		p->window = dw_be16(tcp->window);
		p->segment_length = p->end - p->l4 - (tcp->offset >> 4) * 4;
		return dw_check_tcp(tcp, p);
	}

	l4 = dw_at(frame, p->l4, 8);
	if (!l4)
		return DW_REASON_TRUNCATED;
	if (proto == DW_ICMPV6 || proto == DW_ICMP) {
		const struct dw_icmp *icmp = l4;

		p->icmp_type = icmp->type;
		p->icmp_code = icmp->code;
		p->sport = p->dport = dw_be16(icmp->id);
		return 0;
	}
	p->sport = dw_be16(((const struct dw_udp *)l4)->sport);
	p->dport = dw_be16(((const struct dw_udp *)l4)->dport);
	if (proto == DW_TCP)
		p->seq = dw_be32(((const struct dw_quoted_tcp *)l4)->seq);
	return proto == DW_UDP && !quoted ? dw_check_udp(l4, p) : 0;
}

DW_INLINE int dw_parse_ipv6(const struct dw_frame *frame, __u32 offset, struct dw_packet *p, int quoted)
{
	const struct dw_ipv6 *ip = dw_at(frame, offset, sizeof(*ip));
	__u32 end;
	int bad;

	if (!ip)
		return DW_REASON_TRUNCATED;
	if (ip->version_class >> 4 != 6)
		return DW_REASON_IP_VERSION;
	if (!ip->payload_length)
		return DW_REASON_JUMBOGRAM;
	end = offset + sizeof(*ip) + dw_be16(ip->payload_length);
	if (end > p->length) {
		if (!quoted)
			return DW_REASON_TRUNCATED;
		end = p->length;
	}
	p->family = 6;
	p->flags |= quoted ? DW_PACKET_QUOTED : 0;
	p->hop_limit = ip->hop_limit;
	p->src = dw_in6_from_wire(&ip->src);
	p->dst = dw_in6_from_wire(&ip->dst);
	p->l4 = offset + sizeof(*ip);
	p->end = end > 0xffff ? 0xffff : end;
	bad = dw_walk_chain(frame, p, ip->next_header);
	if (bad || p->flags & DW_PACKET_LATER)
		return bad;
	return dw_read_transport(frame, p, quoted);
}

DW_INLINE int dw_parse_ipv4(const struct dw_frame *frame, __u32 offset, struct dw_packet *p, int quoted)
{
	const struct dw_ipv4 *ip = dw_at(frame, offset, sizeof(*ip));
	__u32 header, length;

	if (!ip)
		return DW_REASON_TRUNCATED;
	if (ip->version_ihl >> 4 != 4)
		return DW_REASON_IP_VERSION;
	header = (ip->version_ihl & 15) * 4;
	length = dw_be16(ip->length);
	if (header < sizeof(*ip) || length < header)
		return DW_REASON_IPV4_HEADER;
	if (offset + length > p->length) {
		if (!quoted)
			return DW_REASON_TRUNCATED;
		length = p->length - offset;
	}
	p->family = 4;
	p->flags |= quoted ? DW_PACKET_QUOTED : 0;
	p->hop_limit = ip->ttl;
	p->src = dw_in6_from_ipv4(ip->src);
	p->dst = dw_in6_from_ipv4(ip->dst);
	p->proto = ip->proto;
	p->l4 = offset + header;
	p->end = offset + length;
	if (dw_be16(ip->offset_flags) & 0x3fff) {
		int bad;

		p->fragment_id = (__u32)ip->proto << 16 | dw_be16(ip->id);
		p->fragment_at = p->l4;
		bad = dw_place_fragment(p, dw_be16(ip->offset_flags) & 0x1fff, dw_be16(ip->offset_flags) >> 13 & 1);
		if (bad || p->flags & DW_PACKET_LATER)
			return bad;
	}
	return dw_read_transport(frame, p, quoted);
}

/* What the Ethernet header says comes next, and where: past the uplink's tag, if it has one. An outgoing frame
 * may still miss it. Zero: a tag where none belongs, another one, or none where one belongs. */
DW_INLINE __u32 dw_read_tag(const struct dw_frame *frame, struct dw_packet *p, __u32 type, __u32 *offset)
{
	int is_tag = type == DW_ETH_VLAN || type == DW_ETH_QINQ;
	const struct dw_tag *tag;

	if (!is_tag)
		return p->vlan == DW_NO_VLAN || !p->inbound ? type : 0;
	tag = dw_at(frame, *offset, sizeof(*tag));
	if (p->vlan == DW_NO_VLAN || !tag || (dw_be16(tag->control) & 0xfff) != p->vlan)
		return 0;
	*offset += sizeof(*tag);
	p->flags |= DW_PACKET_TAGGED;
	type = dw_be16(tag->type);
	return type == DW_ETH_VLAN || type == DW_ETH_QINQ ? 0 : type;
}

/* A frame that came in is for this MAC address or for a group. `mac` all zero: not known. */
DW_INLINE int dw_check_mac(const struct dw_eth *eth, const __u8 *mac, struct dw_packet *p)
{
	const struct dw_wire_mac *ours = (const void *)mac, *dst = (const void *)eth->dst;

	if (eth->dst[0] & 1) {
		p->flags |= DW_PACKET_GROUP;
		return 0;
	}
	if (!p->inbound || (ours->first == dst->first && ours->last == dst->last))
		return 0;
	return ours->first | ours->last ? DW_REASON_WRONG_MAC : 0;
}

/* An Ethernet frame. Zero, or the reason to drop it. */
DW_INLINE int dw_parse(const struct dw_frame *frame, const __u8 *mac, struct dw_packet *p)
{
	const struct dw_eth *eth = dw_at(frame, 0, sizeof(*eth));
	__u32 offset = sizeof(*eth), type;
	int bad;

	if (!eth)
		return DW_REASON_TRUNCATED;
	bad = dw_check_mac(eth, mac, p);
	if (bad)
		return bad;
	type = dw_read_tag(frame, p, dw_be16(eth->type), &offset);
	switch (type) {
	case 0:
		return DW_REASON_VLAN;
	case DW_ETH_IPV6:
		return dw_parse_ipv6(frame, offset, p, 0);
	case DW_ETH_IPV4:
		return dw_parse_ipv4(frame, offset, p, 0);
	case DW_ETH_ARP:
		return DW_REASON_ARP;
	}
	return p->options & DW_OPTION_ETHERTYPES ? DW_REASON_ETHERTYPE_PASS : DW_REASON_ETHERTYPE;
}

/* The options of a TCP header, as many as it has room for. */
struct dw_tcp_options {
	__u8 byte[40];
	__u8 length;
	__u8 at; /* how far it was read: kept here, because the verifier does not follow values through memory */
	__u8 pad[2];
};

/* The window scale option (RFC 7323 2.2), or DW_SCALE_NONE. */
DW_GLOBAL int dw_find_scale(struct dw_tcp_options *options)
{
	if (!options)
		return DW_SCALE_NONE;
	DW_WRITE(options->at, 0);
	for (int i = 0; i < 38; i++) {
		__u32 at = DW_READ(options->at), step = 1;
		__u8 kind;

		if (at > 37 || at + 3 > options->length)
			break;
		kind = options->byte[at];
		if (kind == DW_TCPOPT_END)
			break;
		if (kind == DW_TCPOPT_SCALE && options->byte[at + 1] == 3)
			return options->byte[at + 2] < DW_SCALE_MAX ? options->byte[at + 2] : DW_SCALE_MAX;
		if (kind != DW_TCPOPT_NOP)
			step = options->byte[at + 1];
		if (step < 1 || step > 40 || (step < 2 && kind != DW_TCPOPT_NOP))
			break;
		DW_WRITE(options->at, (__u8)(at + step));
	}
	return DW_SCALE_NONE;
}

/* The window scale of a SYN; `options` is room to work in. */
DW_INLINE __u8 dw_read_scale(const struct dw_frame *frame, const struct dw_packet *p,
			     struct dw_tcp_options *options)
{
	__u32 start = p->l4 + sizeof(struct dw_tcp), length = p->end - p->segment_length - start;

	options->length = 0;
	for (__u32 i = 0; i < 10; i++) {
		const struct dw_wire_u32 *from = dw_at(frame, start + i * 4, sizeof(*from));

		if (i * 4 + 4 > length)
			break;
		if (!from)
			break;
		((struct dw_wire_u32 *)options->byte)[i] = *from;
		options->length = i * 4 + 4;
	}
	return dw_find_scale(options);
}

#endif
