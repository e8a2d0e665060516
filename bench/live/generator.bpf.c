/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Makes the traffic. The harness runs one of these programs under BPF_PROG_TEST_RUN with live frames: the
 * kernel hands it pages, it writes a packet into each and redirects it to one end of a veth pair, and the
 * frame arrives at the other end in NAPI on the same CPU, exactly as from a NIC. No socket, no copy, no skb.
 *
 * Pages are recycled with the last trip's edits in them (a forwarded frame has new MACs and a lower hop
 * limit), so every byte of the frame is written every time.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "traffic.h"

struct dw_traffic traffic;
struct dw_traffic tcp_traffic; /* listed sets: the template of their TCP packets; `traffic` is that of UDP */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DW_LISTED);
	__type(key, __u32);
	__type(value, struct dw_listed);
	__uint(map_flags, BPF_F_MMAPABLE);
} listed SEC(".maps");

static __always_inline __u64 halves(__u64 word)
{
	return (word & 0xffffffff) + (word >> 32);
}

static __always_inline __u16 finished_sum(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	return sum ? sum : 0xffff; /* zero would say "no checksum" in UDP; for TCP both are right */
}

static __always_inline void write_short_template(void *data, const struct dw_traffic *set)
{
	__u64 *word = data;

#pragma unroll
	for (int i = 0; i < DW_FRAME_WORDS; i++)
		word[i] = set->frame[i];
	*(__u16 *)(word + DW_FRAME_WORDS) = (__u16)set->frame[DW_FRAME_WORDS];
}

/* What a long frame has more. */
static __always_inline void write_long_template(void *data, const struct dw_traffic *set)
{
	__u64 *word = data;

#pragma unroll
	for (int i = DW_FRAME_WORDS; i < DW_LONG_FRAME_WORDS - 1; i++)
		word[i] = set->frame[i];
	*(__u32 *)(data + DW_LONG_FRAME_LENGTH - 6) = (__u32)set->frame[DW_LONG_FRAME_WORDS - 1];
	*(__u16 *)(data + DW_LONG_FRAME_LENGTH - 2) = (__u16)(set->frame[DW_LONG_FRAME_WORDS - 1] >> 32);
}

static __always_inline int write_template(struct xdp_md *ctx, const struct dw_traffic *set)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;

	if (data + DW_FRAME_LENGTH > data_end)
		return -1;
	write_short_template(data, set);
	if (set->length != DW_LONG_FRAME_LENGTH)
		return 0;
	if (data + DW_LONG_FRAME_LENGTH > data_end)
		return -1;
	write_long_template(data, set);
	return 0;
}

/* Ports, in the frame's order of bytes and directions, and the checksum over all that varies. */
static __always_inline int write_layer4(struct xdp_md *ctx, const struct dw_traffic *set, __u32 ports, __u64 sum)
{
	void *data_end = (void *)(long)ctx->data_end;
	void *layer4 = (void *)(long)ctx->data + DW_AT_LAYER4 + (set->extensions & 0x18);
	__u16 checksum = finished_sum(sum + set->base_sum + ports);

	if (layer4 + 20 > data_end)
		return -1;
	*(__u32 *)layer4 = ports;
	if (set->udp)
		*(__u16 *)(layer4 + DW_UDP_CHECKSUM) = checksum;
	else
		*(__u16 *)(layer4 + DW_TCP_CHECKSUM) = checksum;
	return 0;
}

static __always_inline int write_packet(struct xdp_md *ctx, __u64 cursor)
{
	const struct dw_varying packet = dw_varying_of(&traffic, cursor);
	__u64 inside = bpf_cpu_to_be64(packet.inside), peer = bpf_cpu_to_be64(packet.peer);
	__u32 ports = traffic.outbound ? (__u32)packet.inside_port << 16 | packet.peer_port :
					 (__u32)packet.peer_port << 16 | packet.inside_port;
	void *data;

	if (write_template(ctx, &traffic))
		return -1;
	data = (void *)(long)ctx->data;
	if (data + DW_FRAME_LENGTH > (void *)(long)ctx->data_end)
		return -1;
	*(__u64 *)(data + DW_AT_SOURCE_LOW) = traffic.outbound ? inside : peer;
	*(__u64 *)(data + DW_AT_DESTINATION_LOW) = traffic.outbound ? peer : inside;
	return write_layer4(ctx, &traffic, bpf_htonl(ports), halves(inside) + halves(peer));
}

static __always_inline int write_listed(struct xdp_md *ctx, const struct dw_listed *packet,
					const struct dw_traffic *set, __u64 cursor)
{
	__u64 source_high = bpf_cpu_to_be64(packet->peer_high), source = dw_scatter64(cursor);
	__u64 high = bpf_cpu_to_be64(packet->inside_high), low = bpf_cpu_to_be64(packet->inside_low);
	__u32 ports = (__u32)packet->peer_port << 16 | packet->inside_port;
	void *data;

	if (write_template(ctx, set))
		return -1;
	data = (void *)(long)ctx->data;
	if (data + DW_FRAME_LENGTH > (void *)(long)ctx->data_end)
		return -1;
	*(__u64 *)(data + DW_AT_SOURCE) = source_high;
	*(__u64 *)(data + DW_AT_SOURCE_LOW) = source;
	*(__u64 *)(data + DW_AT_DESTINATION) = high;
	*(__u64 *)(data + DW_AT_DESTINATION_LOW) = low;
	return write_layer4(ctx, set, bpf_htonl(ports), halves(source_high) + halves(source) + halves(high) + halves(low));
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	if (write_packet(ctx, traffic.cursor++))
		return XDP_ABORTED;
	return bpf_redirect(traffic.ifindex, 0);
}

SEC("xdp")
int generate_listed(struct xdp_md *ctx)
{
	__u64 cursor = traffic.cursor++;
	__u32 at = cursor & (DW_LISTED - 1);
	const struct dw_listed *packet = bpf_map_lookup_elem(&listed, &at);

	if (!packet || write_listed(ctx, packet, packet->udp ? &traffic : &tcp_traffic, cursor))
		return XDP_ABORTED;
	return bpf_redirect(traffic.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
