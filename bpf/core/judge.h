/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A frame's way through the core, either direction: what is in force is read once, so that no packet is
 * judged by a mixture of two policies; then the header walk; then the direction's own steps.
 */
#ifndef DW_JUDGE_H
#define DW_JUDGE_H

#include "admit.h"
#include "inbound.h"
#include "outbound.h"
#include "walk.h"

/* Writes into the packet what its walk must know of the policy. */
DW_INLINE void dw_prepare_walk(struct dw_packet *p, const struct dw_image *image, int inbound)
{
	p->options = image->options;
	p->vlan = image->vlan;
	p->inbound = inbound;
}

DW_INLINE int dw_judge_frame(const struct dw_frame *frame, struct dw_work *w, int inbound)
{
	const struct dw_blob *image = dw_mem_image();
	const struct dw_own *own = dw_mem_own();
	int reason;

	if (!image)
		return DW_REASON_NO_POLICY;
	if (!own)
		return DW_REASON_INTERNAL;
	w->outcome.generation = ((const struct dw_image *)image)->generation;
	dw_prepare_walk(&w->packet, (const struct dw_image *)image, inbound);
	reason = dw_walk(frame, own, &w->packet, inbound);
	if (reason)
		return reason;
	if (inbound)
		reason = w->packet.family == 6 ? dw_inbound_ipv6(frame, w, image, own)
					       : dw_inbound_ipv4(frame, w, image, own);
	else
		reason = w->packet.family == 6 ? dw_outbound_ipv6(frame, w, image, own)
					       : dw_outbound_ipv4(frame, w, image, own);
	return dw_reason_accepts(reason) ? dw_admit(frame, w, image, reason, inbound) : reason;
}

#endif
