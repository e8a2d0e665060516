/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A frame's way through the core, either direction: what is in force is read once, so that no packet is
 * judged by a mixture of two policies; then the header walk; then the direction's own steps.
 */
#ifndef DW_JUDGE_H
#define DW_JUDGE_H

#include "inbound.h"
#include "outbound.h"

DW_INLINE int dw_judge_frame(const struct dw_frame *frame, struct dw_work *w, int inbound)
{
	const struct dw_blob *image = dw_mem_image();
	const struct dw_own *own = dw_mem_own();
	int bad;

	if (!image)
		return DW_REASON_NO_POLICY;
	if (!own)
		return DW_REASON_INTERNAL;
	w->outcome.generation = ((const struct dw_image *)image)->generation;
	bad = dw_parse(frame, &w->packet);
	if (bad)
		return bad;
	if (!w->packet.family)
		return DW_REASON_ARP;
	dw_make_passage(w, inbound, image);
	if (inbound)
		return w->packet.family == 6 ? dw_inbound_ipv6(frame, w, image, own)
					     : dw_inbound_ipv4(frame, w, image, own);
	return w->packet.family == 6 ? dw_outbound_ipv6(w, image, own) : dw_outbound_ipv4(w, image, own);
}

#endif
