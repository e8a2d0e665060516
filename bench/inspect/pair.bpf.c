/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Both directions of a veth pair to a worker, as the gateway's programs use it. Frames go in from XDP, by a redirect
 * into our end: the harness runs pair_send under BPF_PROG_TEST_RUN with live frames. What the worker hands back meets
 * pair_back where dw_return would be, at our end's tc ingress, and ends there.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "pair.h"

#define AT_PAYLOAD_LENGTH (14 + 4) /* of IPv6 */
#define AT_TCP (14 + 40)
#define WAIT 256 /* looks, some microseconds */

struct dw_pair_state state;
const volatile __u64 frames_expected; /* of a lap */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DW_PAIR_FRAMES);
	__type(key, __u32);
	__type(value, struct dw_pair_frame);
	__uint(map_flags, BPF_F_MMAPABLE);
} frames SEC(".maps");

/* The sequence number behind what came back last, by flow. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DW_PAIR_FLOWS);
	__type(key, __u32);
	__type(value, __u64);
	__uint(map_flags, BPF_F_MMAPABLE);
} heard SEC(".maps");

static __always_inline int has_room(void)
{
	return state.next - state.known_back < state.under_way;
}

static long look_again(__u32 number, void *context)
{
	state.known_back = *(volatile __u64 *)&state.told_back;
	return has_room();
}

SEC("xdp")
int pair_send(struct xdp_md *ctx)
{
	const struct dw_pair_frame *frame;
	__u32 at = state.next, length;

	if (state.next >= state.end)
		return XDP_DROP;
	if (!has_room()) {
		bpf_loop(WAIT, look_again, 0, 0);
		if (!has_room())
			return XDP_DROP; /* this one is wasted: there is no end to waiting in a program */
	}
	frame = bpf_map_lookup_elem(&frames, &at);
	if (!frame)
		return XDP_ABORTED;
	length = frame->length;
	if (length < 64 || length > DW_PAIR_LONGEST || bpf_xdp_adjust_tail(ctx, (int)length - DW_PAIR_LONGEST))
		return XDP_ABORTED;
	if (bpf_xdp_store_bytes(ctx, 0, (void *)frame->bytes, length))
		return XDP_ABORTED;
	if (state.next++ == 0)
		state.first_ns = bpf_ktime_get_ns();
	return bpf_redirect(state.ifindex, 0);
}

SEC("tc")
int pair_back(struct __sk_buff *skb)
{
	struct {
		__be16 source, destination;
		__be32 sequence;
	} tcp;
	__be16 length;
	__u64 *last, back;
	__u32 flow;

	if (bpf_skb_load_bytes(skb, AT_PAYLOAD_LENGTH, &length, sizeof(length)) ||
	    bpf_skb_load_bytes(skb, AT_TCP, &tcp, sizeof(tcp)))
		return TC_ACT_SHOT;
	flow = bpf_ntohs(tcp.source) - DW_PAIR_FIRST_PORT;
	last = bpf_map_lookup_elem(&heard, &flow);
	if (last)
		*last = bpf_ntohl(tcp.sequence) + bpf_ntohs(length) - 20;
	back = __sync_fetch_and_add(&state.back, 1) + 1;
	if (back == frames_expected)
		state.last_ns = bpf_ktime_get_ns();
	if (back == frames_expected || !(back & (DW_PAIR_TOLD_EVERY - 1)))
		*(volatile __u64 *)&state.told_back = back;
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
