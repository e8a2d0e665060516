/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Makes the traffic. The harness runs this program under BPF_PROG_TEST_RUN with live frames: the kernel
 * hands it pages, it writes a packet into each and redirects it to one end of a veth pair, and the frame
 * arrives at the other end in NAPI on the same CPU, exactly as from a NIC. No socket, no copy, no skb.
 *
 * Pages are recycled with the last trip's edits in them (a forwarded frame has new MACs and a lower hop
 * limit), so every byte of the frame is written every time.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "traffic.h"

struct dw_traffic traffic;

/* A bijection on 64 bits (MurmurHash3's finaliser): distinct numbers stay distinct. */
static __always_inline __u64 scatter(__u64 n)
{
	n ^= n >> 33;
	n *= 0xff51afd7ed558ccdull;
	n ^= n >> 33;
	n *= 0xc4ceb9fe1a85ec53ull;
	return n ^ n >> 33;
}

static __always_inline __u64 next_number(void)
{
	__u64 n = traffic.cursor++;

	if (traffic.random)
		n = scatter(n + 0x9e3779b97f4a7c15ull);
	return n & traffic.number_mask;
}

static __always_inline __u16 finished_sum(__u64 sum, __u64 source, __u64 destination, __u32 ports)
{
	sum += (source & 0xffffffff) + (source >> 32);
	sum += (destination & 0xffffffff) + (destination >> 32);
	sum += ports;
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	return sum ? sum : 0xffff; /* zero would say "no checksum" in UDP; for TCP both are right */
}

static __always_inline void write_template(void *data)
{
	__u64 *word = data;

#pragma unroll
	for (int i = 0; i < DW_FRAME_WORDS; i++)
		word[i] = traffic.frame[i];
	*(__u16 *)(word + DW_FRAME_WORDS) = traffic.frame_tail;
}

static __always_inline void write_packet(void *data, __u64 n)
{
	__u64 hash = scatter(n);
	__u64 host = hash >> 8 & traffic.inside_mask;
	__u64 inside = bpf_cpu_to_be64(traffic.inside_base + host);
	__u64 peer = bpf_cpu_to_be64(traffic.peer_base + (n & traffic.peer_mask));
	__u16 inside_port = traffic.inside_port_base + (host & traffic.inside_port_follows) +
			    (hash >> 32 & traffic.inside_port_mask);
	__u16 peer_port = traffic.peer_port_base + (hash >> 48 & traffic.peer_port_mask);
	__u64 source = traffic.outbound ? inside : peer;
	__u64 destination = traffic.outbound ? peer : inside;
	__u32 ports =
	    traffic.outbound ? (__u32)inside_port << 16 | peer_port : (__u32)peer_port << 16 | inside_port;
	__u16 checksum;

	ports = bpf_htonl(ports);
	checksum = finished_sum(traffic.base_sum, source, destination, ports);
	write_template(data);
	*(__u64 *)(data + DW_AT_SOURCE_LOW) = source;
	*(__u64 *)(data + DW_AT_DESTINATION_LOW) = destination;
	*(__u32 *)(data + DW_AT_PORTS) = ports;
	if (traffic.udp)
		*(__u16 *)(data + DW_AT_UDP_CHECKSUM) = checksum;
	else
		*(__u16 *)(data + DW_AT_TCP_CHECKSUM) = checksum;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if (data + DW_FRAME_LENGTH > data_end)
		return XDP_ABORTED;
	write_packet(data, next_number());
	return bpf_redirect(traffic.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
