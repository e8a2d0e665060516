/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The Internet checksum (RFC 1071) over words of eight bytes, for what we send and for what changes a flow. */
#ifndef DW_CHECKSUM_H
#define DW_CHECKSUM_H

#include "mem.h"
#include "parse.h"
#include "wire.h"

#define DW_CHECKSUM_MAX 1536 /* bytes of a packet that are summed; a longer one is taken as it is */

DW_INLINE __u64 dw_sum16(__u64 sum, __u64 word)
{
	sum += word & 0xffff;
	sum += word >> 16 & 0xffff;
	sum += word >> 32 & 0xffff;
	return sum + (word >> 48);
}

DW_INLINE __u16 dw_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Of the pseudo-header (RFC 8200 8.1), all in the byte order of the wire. */
DW_INLINE __u64 dw_pseudo_sum(const struct dw_ipv6 *ip, __u32 length, __u8 proto)
{
	__u64 sum = dw_be16(length) + dw_be16(proto);

	sum = dw_sum16(sum, ip->src.hi);
	sum = dw_sum16(sum, ip->src.lo);
	sum = dw_sum16(sum, ip->dst.hi);
	return dw_sum16(sum, ip->dst.lo);
}

/* The last bytes of a sum, fewer than eight. */
DW_INLINE __u64 dw_read_tail(const struct dw_frame *frame, __u32 at, __u32 end)
{
	__u64 word = 0;

	for (int i = 0; i < 7; i++) {
		const __u8 *byte;

		if (at + i >= end)
			break;
		byte = dw_at(frame, at + i, 1);
		if (!byte)
			break;
		word |= (__u64)*byte << 8 * i;
	}
	return word;
}

DW_INLINE __u64 dw_sum_bytes(const struct dw_frame *frame, __u32 at, __u32 end)
{
	__u64 sum = 0;

	for (int i = 0; i < DW_CHECKSUM_MAX / 8; i++) {
		const struct dw_wire_word *word;

		if (at + 8 > end)
			break;
		word = dw_at(frame, at, sizeof(*word));
		if (!word)
			break;
		sum = dw_sum16(sum, word->word);
		at += 8;
	}
	return dw_sum16(sum, dw_read_tail(frame, at, end));
}

/* What the packet's own pseudo-header adds up to. */
DW_INLINE __u64 dw_pseudo_sum_of(const struct dw_packet *p)
{
	__u64 sum = dw_be16(p->end - p->l4) + dw_be16(p->proto);

	if (p->family == 4)
		return sum + dw_sum16(0, dw_be32(p->src.lo)) + dw_sum16(0, dw_be32(p->dst.lo));
	sum = dw_sum16(sum, __builtin_bswap64(p->src.hi));
	sum = dw_sum16(sum, __builtin_bswap64(p->src.lo));
	sum = dw_sum16(sum, __builtin_bswap64(p->dst.hi));
	return dw_sum16(sum, __builtin_bswap64(p->dst.lo));
}

/* Where the checksum stands behind the transport header's start; 0: this protocol has none that is checked here. */
DW_INLINE __u32 dw_checksum_at(const struct dw_packet *p)
{
	if (p->proto == DW_TCP)
		return 16;
	if (p->proto == DW_UDP)
		return 6;
	return p->proto == DW_ICMPV6 && p->family == 6 ? 2 : 0;
}

/*
 * Is the transport checksum right, as far as it can be told from this packet? A fragment alone cannot tell, nor a
 * source-routed packet. The bare sum of the pseudo-header counts as right: so looks a packet whose sender left the
 * rest to its NIC, and which then came over veth or virtio and never was on a wire.
 */
DW_INLINE int dw_checksum_is_right(const struct dw_frame *frame, const struct dw_packet *p)
{
	__u32 at = dw_checksum_at(p), length = p->end - p->l4;
	__u64 pseudo = dw_pseudo_sum_of(p);
	__u16 bare = ~dw_fold(pseudo);
	const struct dw_wire_short *field;

	if (!at || length > DW_CHECKSUM_MAX || p->flags & (DW_PACKET_FRAGMENT | DW_PACKET_ROUTED))
		return 1;
	field = dw_at(frame, p->l4 + at, sizeof(*field));
	if (!field)
		return 0;
	if (p->proto == DW_UDP && !field->value) /* none: the header walk has let it pass */
		return 1;
	if (field->value == bare)
		return 1;
	return dw_fold(pseudo + dw_sum_bytes(frame, p->l4, p->end)) == 0;
}

#endif
