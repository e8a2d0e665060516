/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
#include "native.h"

#include <string.h>

#include "judge.h"
#include "reject.h"
#include "verdict.h"
#include "wide_sum.h"

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
	if (dw_parse(&frame, memory->own->mac, &work.packet) || !dw_came_in_whole(&frame, &work.packet) ||
	    !dw_may_reply(&work.packet, budget))
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

/* What adds up is right, whatever it is; dw_came_in_whole() knows what else counts as right, and takes its time. */
static int dw_adds_up(const struct dw_frame *frame, const struct dw_packet *p)
{
	const __u8 *l4 = (const __u8 *)frame->data + p->l4;

	return dw_fold(dw_pseudo_sum_of(p) + dw_wide_sum(l4, p->end - p->l4)) == 0;
}

int dw_native_look(struct dw_memory *memory, const void *data, __u32 length, int inbound, struct dw_sight *sight)
{
	static const __u8 any_mac[6];
	struct dw_frame frame = {data, (const __u8 *)data + length, 0};
	struct dw_packet packet;
	int bad;

	memset(&packet, 0, sizeof(packet));
	memset(sight, 0, sizeof(*sight));
	dw_memory = memory;
	packet.length = length;
	packet.segments = 1;
	packet.inbound = inbound;
	packet.vlan = DW_NO_VLAN;
	packet.options = DW_OPTION_ROUTING_HEADERS | DW_OPTION_UDP_NO_CHECKSUM; /* the programs let it pass */
	bad = dw_parse(&frame, any_mac, &packet);
	if (bad)
		return bad;
	dw_make_key(&packet, inbound, &sight->key);
	sight->l4 = packet.l4;
	sight->end = packet.end;
	sight->payload = packet.proto == DW_TCP ? packet.end - packet.segment_length :
			 packet.proto == DW_UDP ? packet.l4 + 8 : packet.l4;
	sight->seq = packet.seq;
	sight->ack = packet.ack;
	sight->proto = packet.proto;
	sight->tcp_flags = packet.tcp_flags;
	sight->fragment_id = packet.fragment_id;
	sight->fragment_offset = packet.fragment_offset;
	sight->fragment_at = packet.fragment_at;
	sight->is_fragment = !!(packet.flags & DW_PACKET_FRAGMENT);
	sight->is_last = !!(packet.flags & DW_PACKET_LAST);
	sight->whole = sight->is_fragment || dw_adds_up(&frame, &packet) || dw_came_in_whole(&frame, &packet);
	if (!(packet.flags & DW_PACKET_LATER))
		sight->flow = dw_flow_find((const struct dw_image *)memory->image, &sight->key);
	return 0;
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
