/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The loops over a frame's bytes, each as a function of its own in the kernel. The verifier proves such a function
 * once, from the hook's context, instead of following its loops again for each way that leads to it; and behind the
 * call it has one state to go on with instead of hundreds (bpf/README.md has the numbers). Elsewhere these are the
 * plain calls.
 */
#ifndef DW_WALK_H
#define DW_WALK_H

#include "checksum.h"
#include "parse.h"

/* The packet at `at` that an ICMP error of this family quotes. */
DW_INLINE int dw_parse_quoted(const struct dw_frame *frame, __u32 at, __u32 family, struct dw_packet *p)
{
	return family == 6 ? dw_parse_ipv6(frame, at, p, 1) : dw_parse_ipv4(frame, at, p, 1);
}

#ifdef __bpf__

#define DW_FRAME_OF(ctx) {(void *)(long)(ctx)->data, (void *)(long)(ctx)->data_end, ctx}

DW_GLOBAL int dw_parse_ingress(struct xdp_md *ctx, const struct dw_own *own, struct dw_packet *p)
{
	struct dw_frame frame = DW_FRAME_OF(ctx);

	return own && p ? dw_parse(&frame, own->mac, p) : DW_REASON_INTERNAL;
}

DW_GLOBAL int dw_parse_egress(struct __sk_buff *ctx, const struct dw_own *own, struct dw_packet *p)
{
	struct dw_frame frame = DW_FRAME_OF(ctx);

	return own && p ? dw_parse(&frame, own->mac, p) : DW_REASON_INTERNAL;
}

DW_GLOBAL int dw_quoted_ingress(struct xdp_md *ctx, __u32 at, __u32 family, struct dw_packet *p)
{
	struct dw_frame frame = DW_FRAME_OF(ctx);

	return p ? dw_parse_quoted(&frame, at, family, p) : DW_REASON_INTERNAL;
}

DW_GLOBAL int dw_quoted_egress(struct __sk_buff *ctx, __u32 at, __u32 family, struct dw_packet *p)
{
	struct dw_frame frame = DW_FRAME_OF(ctx);

	return p ? dw_parse_quoted(&frame, at, family, p) : DW_REASON_INTERNAL;
}

DW_GLOBAL int dw_checksum_ingress(struct xdp_md *ctx, const struct dw_packet *p)
{
	struct dw_frame frame = DW_FRAME_OF(ctx);

	return p && dw_checksum_is_right(&frame, p);
}

DW_INLINE int dw_walk(const struct dw_frame *frame, const struct dw_own *own, struct dw_packet *p, int inbound)
{
	return inbound ? dw_parse_ingress(frame->context, own, p) : dw_parse_egress(frame->context, own, p);
}

DW_INLINE int dw_walk_quoted(const struct dw_frame *frame, __u32 at, __u32 family, struct dw_packet *p, int inbound)
{
	return inbound ? dw_quoted_ingress(frame->context, at, family, p)
		       : dw_quoted_egress(frame->context, at, family, p);
}

DW_INLINE int dw_came_in_whole(const struct dw_frame *frame, const struct dw_packet *p)
{
	return dw_checksum_ingress(frame->context, p);
}

#else

DW_INLINE int dw_walk(const struct dw_frame *frame, const struct dw_own *own, struct dw_packet *p, int inbound)
{
	(void)inbound;
	return dw_parse(frame, own->mac, p);
}

DW_INLINE int dw_walk_quoted(const struct dw_frame *frame, __u32 at, __u32 family, struct dw_packet *p, int inbound)
{
	(void)inbound;
	return dw_parse_quoted(frame, at, family, p);
}

DW_INLINE int dw_came_in_whole(const struct dw_frame *frame, const struct dw_packet *p)
{
	return dw_checksum_is_right(frame, p);
}

#endif

#endif
