/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
#include "core/mem_bpf.h"

SEC("xdp")
int dw_ingress(struct xdp_md *ctx)
{
	__u32 zero = 0;
	if (!bpf_map_lookup_elem(&policy, &zero) || !bpf_map_lookup_elem(&own, &zero) ||
	    !bpf_map_lookup_elem(&control, &zero) || !bpf_map_lookup_elem(&flows, &zero) ||
	    !bpf_map_lookup_elem(&counters, &zero) || !bpf_map_lookup_elem(&outcome, &zero) || settings.hz)
		return XDP_DROP;
	__u64 *e = bpf_ringbuf_reserve(&events, 8, 0);
	if (e)
		bpf_ringbuf_discard(e, 0);
	return XDP_DROP;
}

SEC("tc")
int dw_egress(struct __sk_buff *ctx)
{
	return 2;
}

/* Run once by the loader through BPF_PROG_TEST_RUN: what a jiffy is worth on this kernel. */
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
