/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The two programs on the dish-facing NIC, and a clock for the loader. They only fetch the frame and turn
 * the verdict into the hook's own word; everything between is the packet core (core/inbound.h, outbound.h).
 */
#include "core/inbound.h"
#include "core/outbound.h"
#include "core/verdict.h"

#define TC_ACT_UNSPEC (-1) /* go on to whatever stands behind us on this hook */
#define TC_ACT_SHOT 2

#define DW_LINEAR_WANTED 128  /* bytes of an outgoing packet that usually hold all its headers */
#define DW_LINEAR_MAX 1024    /* fetched when they did not */

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

SEC("xdp")
int dw_ingress(struct xdp_md *ctx)
{
	struct dw_frame frame = {(void *)(long)ctx->data, (void *)(long)ctx->data_end};
	struct dw_work *w = dw_workbench(0);
	int verdict;

	if (!w)
		return XDP_DROP;
	dw_work_begin(w, frame.end - frame.data);
	verdict = dw_finish(w, dw_inbound(&frame, w), 0);
	dw_trace(w);
	return verdict == DW_ACCEPT ? XDP_PASS : XDP_DROP;
}

/* One attempt with what is in the linear part of the packet. */
DW_INLINE int dw_try_outbound(struct __sk_buff *skb, struct dw_work *w)
{
	struct dw_frame frame = {(void *)(long)skb->data, (void *)(long)skb->data_end};

	dw_work_begin(w, skb->len);
	return dw_outbound(&frame, w);
}

SEC("tc")
int dw_egress(struct __sk_buff *skb)
{
	struct dw_work *w = dw_workbench(1);
	int verdict;

	if (!w)
		return TC_ACT_SHOT;
	if (skb->data_end - skb->data < DW_LINEAR_WANTED && skb->len > skb->data_end - skb->data)
		bpf_skb_pull_data(skb, skb->len < DW_LINEAR_WANTED ? skb->len : DW_LINEAR_WANTED);
	verdict = dw_finish(w, dw_try_outbound(skb, w), 1);
	dw_trace(w);
	return verdict == DW_ACCEPT ? TC_ACT_UNSPEC : TC_ACT_SHOT;
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
