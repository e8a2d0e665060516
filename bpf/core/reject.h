/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What a rejected sender is told: a TCP reset with the numbers that RFC 9293 3.10.7.1 demands, or ICMPv6
 * "administratively prohibited" (1/1, RFC 4443 3.1) with as much of the packet as fits 1280 bytes, in whole
 * words of eight. Never in answer to errors, fragments and frames for a group (RFC 4443 2.4 e), nor through a VLAN tag, and at most DW_REPLIES_A_SECOND for
 * each CPU (2.4 f). The reply carries the address that was asked as its source.
 */
#ifndef DW_REJECT_H
#define DW_REJECT_H

#include "checksum.h"
#include "work.h"

#define DW_REPLIES_A_SECOND 100
#define DW_REPLY_HOP_LIMIT 64
#define DW_QUOTE_MAX (1280 - 40 - 8)

/* Behind the Ethernet header. Not structs: sizeof would round a reset up to 64 in BPF. */
#define DW_RESET_LENGTH (sizeof(struct dw_ipv6) + sizeof(struct dw_tcp))
#define DW_UNREACHABLE_LENGTH (sizeof(struct dw_ipv6) + sizeof(struct dw_icmp)) /* without the quote */

DW_INLINE int dw_may_reply(const struct dw_packet *p, struct dw_reply_budget *budget)
{
	__u64 now = dw_mem_now();

	if (p->family != 6 || p->flags & (DW_PACKET_FRAGMENT | DW_PACKET_GROUP | DW_PACKET_TAGGED) || DW_SETTING(dry))
		return 0;
	if (p->proto == DW_ICMPV6 && p->icmp_type < 128)
		return 0;
	if (now - budget->since >= DW_SETTING(hz)) {
		budget->since = now;
		budget->sent = 0;
	}
	return budget->sent++ < DW_REPLIES_A_SECOND;
}

/* The IPv6 header of a reply to `p`. */
DW_INLINE void dw_build_ipv6(const struct dw_packet *p, struct dw_ipv6 *ip, __u32 length, __u8 proto)
{
	ip->version_class = 0x60;
	ip->class_flow = 0;
	ip->flow[0] = ip->flow[1] = 0;
	ip->payload_length = dw_be16(length);
	ip->next_header = proto;
	ip->hop_limit = DW_REPLY_HOP_LIMIT;
	ip->src.hi = __builtin_bswap64(p->dst.hi);
	ip->src.lo = __builtin_bswap64(p->dst.lo);
	ip->dst.hi = __builtin_bswap64(p->src.hi);
	ip->dst.lo = __builtin_bswap64(p->src.lo);
}

/* `ip` has room for DW_RESET_LENGTH bytes. */
DW_INLINE void dw_build_reset(const struct dw_packet *p, struct dw_ipv6 *ip)
{
	__u32 occupied = p->segment_length + !!(p->tcp_flags & DW_SYN) + !!(p->tcp_flags & DW_FIN);
	int acked = p->tcp_flags & DW_ACK;
	struct dw_tcp *tcp = (struct dw_tcp *)(ip + 1);
	__u64 sum;

	dw_build_ipv6(p, ip, sizeof(*tcp), DW_TCP);
	tcp->sport = dw_be16(p->dport);
	tcp->dport = dw_be16(p->sport);
	tcp->seq = acked ? dw_be32(p->ack) : 0;
	tcp->ack = acked ? 0 : dw_be32(p->seq + occupied);
	tcp->offset = sizeof(*tcp) / 4 << 4;
	tcp->flags = acked ? DW_RST : DW_RST | DW_ACK;
	tcp->window = 0;
	tcp->checksum = 0;
	tcp->urgent = 0;

	sum = dw_pseudo_sum(ip, sizeof(*tcp), DW_TCP);
	sum += tcp->sport + tcp->dport + (tcp->offset | tcp->flags << 8);
	sum = dw_sum16(sum, (__u64)tcp->seq << 32 | tcp->ack);
	tcp->checksum = dw_fold(sum);
}

/* How much of the packet behind its Ethernet header an error quotes. */
DW_INLINE __u32 dw_quote_length(const struct dw_packet *p)
{
	__u32 length = p->end - sizeof(struct dw_eth);

	return (length < DW_QUOTE_MAX ? length : DW_QUOTE_MAX) & ~7u;
}

/* `ip` has room for DW_UNREACHABLE_LENGTH bytes; `frame` holds what is quoted from `offset` on. */
DW_INLINE void dw_build_unreachable(const struct dw_packet *p, const struct dw_frame *frame, __u32 offset,
				    struct dw_ipv6 *ip)
{
	__u32 quoted = dw_quote_length(p), length = quoted + sizeof(struct dw_icmp);
	struct dw_icmp *icmp = (struct dw_icmp *)(ip + 1);
	__u64 sum;

	dw_build_ipv6(p, ip, length, DW_ICMPV6);
	icmp->type = DW_ICMPV6_UNREACHABLE;
	icmp->code = 1; /* administratively prohibited */
	icmp->checksum = 0;
	icmp->id = 0;
	icmp->seq = 0;

	sum = dw_pseudo_sum(ip, length, DW_ICMPV6) + (DW_ICMPV6_UNREACHABLE | 1 << 8);
	for (__u32 i = 0; i < DW_QUOTE_MAX / 8; i++) {
		const struct dw_wire_word *word;

		if (i * 8 >= quoted)
			break;
		word = dw_at(frame, offset + i * 8, sizeof(*word));
		if (!word)
			break;
		sum = dw_sum16(sum, word->word);
	}
	icmp->checksum = dw_fold(sum);
}

#endif
