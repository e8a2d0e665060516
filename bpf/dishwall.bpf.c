/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The two programs on the dish-facing NIC, one for what comes back from the inspector, and a clock for the loader.
 * They only fetch the frame and turn the verdict into the hook's own word; everything between is the packet core (core/judge.h).
 */
#include "core/inspect.h"
#include "core/judge.h"
#include "core/reject.h"
#include "core/verdict.h"

#define TC_ACT_UNSPEC (-1) /* go on to whatever stands behind us on this hook */
#define TC_ACT_SHOT 2
#define PACKET_HOST 0 /* __sk_buff.pkt_type */

#define DW_LINEAR_MAX 1024 /* bytes of an outgoing packet that are fetched when its headers are not at hand */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct dw_work);
} work SEC(".maps");

DW_INLINE struct dw_work *dw_workbench(__u32 direction)
{
	return bpf_map_lookup_elem(&work, &direction);
}

DW_INLINE void dw_trace(const struct dw_work *w)
{
	__u32 key = 0;
	struct dw_outcome *left;

	if (!settings.trace)
		return;
	left = bpf_map_lookup_elem(&outcome, &key);
	if (left)
		*left = w->outcome;
}

DW_INLINE void dw_swap_macs(struct dw_eth *eth)
{
	__u8 mac[6];

	__builtin_memcpy(mac, eth->dst, sizeof(mac));
	__builtin_memcpy(eth->dst, eth->src, sizeof(mac));
	__builtin_memcpy(eth->src, mac, sizeof(mac));
}

/* Turns the frame around as a TCP reset. */
DW_INLINE int dw_send_reset(struct xdp_md *ctx, const struct dw_packet *p)
{
	struct dw_eth *eth;

	if (bpf_xdp_adjust_tail(ctx, (int)(sizeof(*eth) + DW_RESET_LENGTH) - (int)p->length))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) + DW_RESET_LENGTH > (void *)(long)ctx->data_end)
		return XDP_DROP;
	dw_swap_macs(eth);
	dw_build_reset(p, (void *)(eth + 1));
	return XDP_TX;
}

/* Puts an ICMPv6 error in front of what it quotes. */
DW_INLINE int dw_send_unreachable(struct xdp_md *ctx, const struct dw_packet *p)
{
	const __u32 room = DW_UNREACHABLE_LENGTH;
	struct dw_frame frame = {0};
	struct dw_eth *eth, *was;

	if (bpf_xdp_adjust_tail(ctx, (int)(sizeof(*eth) + dw_quote_length(p)) - (int)p->length) ||
	    bpf_xdp_adjust_head(ctx, -(int)room))
		return XDP_DROP;
	frame.data = (void *)(long)ctx->data;
	frame.end = (void *)(long)ctx->data_end;
	eth = (void *)frame.data;
	was = (void *)frame.data + room;
	if ((void *)(was + 1) > frame.end)
		return XDP_DROP;
	*eth = *was;
	dw_swap_macs(eth);
	dw_build_unreachable(p, &frame, sizeof(*eth) + room, (void *)(eth + 1));
	return XDP_TX;
}

/* What no host would have taken gets no answer: it would tell that a firewall gave it (nmap --badsum). */
DW_INLINE int dw_reject(struct xdp_md *ctx, struct dw_work *w)
{
	if (!dw_checksum_ingress(ctx, &w->packet) || !dw_may_reply(&w->packet, &w->replies))
		return XDP_DROP;
	return w->packet.proto == DW_TCP && !w->late ? dw_send_reset(ctx, &w->packet) : dw_send_unreachable(ctx, &w->packet);
}

/* The guard behind us lets in only what carries the stamp: a driver may deliver frames that never came here. */
DW_INLINE int dw_pass(struct xdp_md *ctx)
{
	struct dw_eth *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	for (int i = 0; i < 6; i++) /* byte by byte: a memcpy would take the value of the source text, not the loader's */
		if (settings.stamp[0])
			eth->src[i] = settings.stamp[i];
	return XDP_PASS;
}

/* The detour of an inspected packet: out of our end of the pair to the worker, who hands it back there. */
DW_INLINE __u32 dw_give(__u32 word, __u32 frames, struct dw_inspection **inspection)
{
	__u32 number;

	*inspection = dw_mem_inspection();
	if (!*inspection || !(*inspection)->workers)
		return DW_WORKERS;
	number = dw_worker_of(*inspection, word);
	__sync_fetch_and_add(&(*inspection)->worker[number].given, frames);
	return number;
}

/* The frame gets the address of our end, so that it is ours when it comes back. */
DW_INLINE int dw_give_inbound(struct xdp_md *ctx, __u32 word)
{
	struct dw_eth *eth = (void *)(long)ctx->data;
	struct dw_inspection *inspection;
	__u32 number;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	number = dw_give(word, 1, &inspection);
	if (number >= DW_WORKERS)
		return XDP_DROP;
	__builtin_memcpy(eth->dst, inspection->mac[number], sizeof(eth->dst));
	return bpf_redirect(inspection->port[number], 0);
}

/* It keeps its addresses, and comes back through dw_return. What was put together by GRO or a sender goes into the pair as
 * so many frames. */
DW_INLINE int dw_give_outbound(const struct __sk_buff *skb, __u32 word)
{
	struct dw_inspection *inspection;
	__u32 frames = skb->gso_segs;
	__u32 number = dw_give(word, frames ? frames : 1, &inspection);

	return number < DW_WORKERS ? bpf_redirect(inspection->port[number], 0) : TC_ACT_SHOT;
}

SEC("xdp")
int dw_ingress(struct xdp_md *ctx)
{
	struct dw_frame frame = {(void *)(long)ctx->data, (void *)(long)ctx->data_end, ctx};
	struct dw_work *w = dw_workbench(0);
	int verdict;

	if (!w)
		return XDP_DROP;
	dw_work_begin(w, frame.end - frame.data, 1);
	verdict = dw_finish(w, dw_judge_frame(&frame, w, 1), 0);
	dw_trace(w);
	if (verdict == DW_REJECT)
		return dw_reject(ctx, w);
	if (w->outcome.reason == DW_REASON_INSPECT)
		return dw_give_inbound(ctx, w->outcome.inspect);
	return verdict == DW_ACCEPT ? dw_pass(ctx) : XDP_DROP;
}

/* One attempt with what is in the linear part of the packet. */
static __attribute__((noinline)) int dw_try_outbound(struct __sk_buff *skb, struct dw_work *w)
{
	struct dw_frame frame = {(void *)(long)skb->data, (void *)(long)skb->data_end, skb};

	if (!w)
		return DW_REASON_INTERNAL;
	dw_work_begin(w, skb->len, skb->gso_segs ? skb->gso_segs : 1);
	return dw_judge_frame(&frame, w, 0);
}

/* Most packets have all their headers in the linear part; the rest is fetched only when it is missed. */
DW_INLINE int dw_judge_outbound(struct __sk_buff *skb, struct dw_work *w)
{
	int reason = dw_try_outbound(skb, w);

	if (reason != DW_REASON_TRUNCATED && reason != DW_REASON_FRAGMENT_CHAIN && reason != DW_REASON_ICMP_NO_FLOW)
		return reason; /* none of these has changed anything */
	if (bpf_skb_pull_data(skb, skb->len < DW_LINEAR_MAX ? skb->len : DW_LINEAR_MAX))
		return reason;
	return dw_try_outbound(skb, w);
}

/* Does it come from a worker, which has it from this program? Only what was received somewhere can. */
DW_INLINE int dw_comes_back(const struct __sk_buff *skb)
{
	const struct dw_inspection *inspection;
	__u32 from = skb->ingress_ifindex;

	if (!from)
		return 0;
	inspection = dw_mem_inspection();
	if (!inspection || !inspection->workers)
		return 0;
	for (int i = 0; i < DW_WORKERS; i++)
		if (inspection->port[i] == from)
			return 1;
	return 0;
}

SEC("tc")
int dw_egress(struct __sk_buff *skb)
{
	struct dw_work *w = dw_workbench(1);
	int verdict;

	if (!w)
		return TC_ACT_SHOT;
	if (dw_comes_back(skb))
		return TC_ACT_UNSPEC;
	verdict = dw_finish(w, dw_judge_outbound(skb, w), 1);
	dw_trace(w);
	if (w->outcome.reason == DW_REASON_INSPECT)
		return dw_give_outbound(skb, w->outcome.inspect);
	return verdict == DW_ACCEPT ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/*
 * On our end of a pair: what a worker hands back. A frame for this machine came from the line, and goes up the stack as
 * if it had come from there now; another one is of our side, and leaves through the uplink.
 */
SEC("tc")
int dw_return(struct __sk_buff *skb)
{
	const struct dw_inspection *inspection = dw_mem_inspection();

	if (!inspection)
		return TC_ACT_SHOT;
	return skb->pkt_type == PACKET_HOST ? TC_ACT_UNSPEC : bpf_redirect(inspection->uplink, 0);
}

/* Run by the loader through BPF_PROG_TEST_RUN: what a jiffy is worth on this kernel. */
struct dw_clock {
	__u64 jiffies, ktime_ns;
};

SEC("syscall")
int dw_clock(struct dw_clock *now)
{
	now->jiffies = bpf_jiffies64();
	now->ktime_ns = bpf_ktime_get_ns();
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
