/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The smallest XDP program. The lab puts it on the dish's end of the cable: what XDP sends back at the other
 * end (a reject's answer) crosses a veth only then. It is also the foreign program that dishwall must not
 * replace (R35).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
