/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
#include "native.h"

#include <string.h>

#include "judge.h"
#include "reject.h"
#include "verdict.h"

_Thread_local struct dw_memory *dw_memory;

static void dw_native_judge(struct dw_memory *memory, const void *data, __u32 length, struct dw_outcome *outcome,
			    int inbound)
{
	struct dw_frame frame = {data, (const __u8 *)data + length, 0};
	struct dw_work work;

	memset(&work, 0, sizeof(work));
	dw_memory = memory;
	dw_work_begin(&work, length, 1);
	dw_finish(&work, dw_judge_frame(&frame, &work, inbound), !inbound);
	*outcome = work.outcome;
}

void dw_native_inbound(struct dw_memory *memory, const void *data, __u32 length, struct dw_outcome *outcome)
{
	dw_native_judge(memory, data, length, outcome, 1);
}

void dw_native_outbound(struct dw_memory *memory, const void *data, __u32 length, struct dw_outcome *outcome)
{
	dw_native_judge(memory, data, length, outcome, 0);
}

static void dw_swap_macs(const struct dw_eth *from, struct dw_eth *to)
{
	memcpy(to->dst, from->src, sizeof(to->dst));
	memcpy(to->src, from->dst, sizeof(to->src));
	to->type = from->type;
}

__u32 dw_native_reject(struct dw_memory *memory, struct dw_reply_budget *budget, const void *data, __u32 length,
		       void *reply)
{
	struct dw_frame frame = {data, (const __u8 *)data + length, 0};
	struct dw_eth *eth = reply;
	struct dw_work work;
	__u32 quoted;

	memset(&work, 0, sizeof(work));
	dw_memory = memory;
	dw_work_begin(&work, length, 1);
	if (!memory->image || !memory->own)
		return 0;
	dw_prepare_walk(&work.packet, (const struct dw_image *)memory->image, 1);
	if (dw_parse(&frame, memory->own->mac, &work.packet) || !dw_may_reply(&work.packet, budget))
		return 0;
	dw_swap_macs(data, eth);
	if (work.packet.proto == DW_TCP) {
		dw_build_reset(&work.packet, (struct dw_ipv6 *)(eth + 1));
		return sizeof(*eth) + DW_RESET_LENGTH;
	}
	quoted = dw_quote_length(&work.packet);
	dw_build_unreachable(&work.packet, &frame, sizeof(*eth), (struct dw_ipv6 *)(eth + 1));
	memcpy((__u8 *)(eth + 1) + DW_UNREACHABLE_LENGTH, (const __u8 *)data + sizeof(*eth), quoted);
	return sizeof(*eth) + DW_UNREACHABLE_LENGTH + quoted;
}

const __u64 *dw_native_source_meter(const struct dw_settings *settings, struct dw_rates *rates, __u32 counter,
				    const struct dw_in6 *source, __u32 length)
{
	struct dw_memory memory;
	const __u64 *meter;

	memset(&memory, 0, sizeof(memory));
	memory.settings = *settings;
	memory.settings.dry = 1;
	dw_memory = &memory;
	meter = dw_source_meter(rates, dw_source_tag(counter, *source, length));
	dw_memory = 0;
	return meter;
}
