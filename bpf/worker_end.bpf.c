/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * On the inspector's end of a pair: every frame goes into the worker's socket. DPDK would take libxdp's program for
 * this, which wants a bpffs and CAP_SYS_ADMIN. This one outlives the worker, so that without one its frames are
 * dropped here and never meet the stack behind this end.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} xsks_map SEC(".maps"); /* the name that DPDK looks for */

SEC("xdp")
int dw_worker_end(struct xdp_md *ctx)
{
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_DROP);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
