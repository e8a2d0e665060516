/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The XDP programs that are not dishwall: the floor that every row stands on, and the sinks at the far
 * ends of the device under test.
 *
 * Counters are plain increments: everything of a row runs on one CPU, and if it did not, the row's gate
 * would fail.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "traffic.h"

struct dw_seen_frames seen;

/* The floor: nothing but the driver and the verdict. The kernel's own queue statistics count it. */
SEC("xdp")
int drop_bare(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* UDP, or TCP, whose ports are at the same place. */
static __always_inline int is_offered(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct ipv6hdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > (void *)(long)ctx->data_end)
		return 0;
	return eth->h_proto == bpf_htons(ETH_P_IPV6) && (ip->nexthdr == IPPROTO_UDP || ip->nexthdr == IPPROTO_TCP) &&
	       udp->dest;
}

/* The least that any filter does: look at the ports, count, drop. */
SEC("xdp")
int drop_parsed(struct xdp_md *ctx)
{
	if (is_offered(ctx))
		seen.frames++;
	return XDP_DROP;
}

/* The floor of every row that accepts: the frame becomes an skb and goes up the stack. */
SEC("xdp")
int pass_counted(struct xdp_md *ctx)
{
	if (is_offered(ctx))
		seen.frames++;
	return XDP_PASS;
}

/* The end of the line. Only the generator's frames count: the kernel's own multicast reports do not. */
SEC("xdp")
int sink(struct xdp_md *ctx)
{
	if (is_offered(ctx))
		seen.frames++;
	return XDP_DROP;
}

/* The end of the line where frames of several kinds arrive. */
SEC("xdp")
int sink_by_class(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct ipv6hdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	__u32 class;

	if (!is_offered(ctx) || (void *)(udp + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	class = bpf_ntohl(ip->saddr.in6_u.u6_addr32[2]) >> 31;
	class = class * DW_CLASS_PORTS + (bpf_ntohs(udp->dest) & (DW_CLASS_PORTS - 1));
	seen.by_class[class & (DW_CLASSES - 1)]++;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
