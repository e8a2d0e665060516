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

static __always_inline void write_packet(void *data, __u64 cursor)
{
	const struct dw_varying packet = dw_varying_of(&traffic, cursor);
	__u64 inside = bpf_cpu_to_be64(packet.inside), peer = bpf_cpu_to_be64(packet.peer);
	__u64 source = traffic.outbound ? inside : peer;
	__u64 destination = traffic.outbound ? peer : inside;
	__u32 ports = traffic.outbound ? (__u32)packet.inside_port << 16 | packet.peer_port :
					 (__u32)packet.peer_port << 16 | packet.inside_port;
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
	write_packet(data, traffic.cursor++);
	return bpf_redirect(traffic.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
