/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The one exit (design D6): a reason becomes a verdict, is counted, and leaves a sampled event. */
#ifndef DW_VERDICT_H
#define DW_VERDICT_H

#include "work.h"

DW_INLINE int dw_verdict_of(int reason)
{
	if (dw_reason_accepts(reason))
		return DW_ACCEPT;
	if (reason == DW_REASON_RULE_REJECT || reason == DW_REASON_DEFAULT_REJECT)
		return DW_REJECT;
	return DW_DROP;
}

DW_INLINE void dw_fill_event(struct dw_event *event, const struct dw_work *w, int outbound)
{
	const struct dw_packet *p = &w->packet;
	int icmp = dw_is_icmp(p);

	event->time_ns = dw_mem_clock_ns();
	event->src = p->src;
	event->dst = p->dst;
	event->sport = icmp ? p->icmp_type : p->sport;
	event->dport = icmp ? p->icmp_code : p->dport;
	event->proto = p->proto;
	event->verdict = w->outcome.verdict;
	event->reason = w->outcome.reason;
	event->direction = outbound;
	event->rule = w->outcome.rule;
	event->audit_rule = w->judgement.audited ? w->judgement.audit_rule : DW_NO_RULE;
	event->length = p->length;
	event->skipped = w->skipped;
	event->missed = w->missed;
	event->kind = (w->judgement.audited ? DW_EVENT_AUDIT : 0) | (w->told ? DW_EVENT_JUDGED : 0);
}

/* Is it this packet's turn, by `log sample 1/N` of the chain that judged it? */
DW_INLINE int dw_is_sampled(struct dw_work *w)
{
	return w->judgement.log_sample < 2 || w->sampled++ % w->judgement.log_sample == 0;
}

/* Each CPU and direction sends one event every 10 ms at the most, and says how many it kept back. While somebody
 * compares policies, what a chain judges is sent at once. */
DW_INLINE void dw_report(struct dw_work *w, int outbound)
{
	__u64 now = dw_mem_now();
	struct dw_event *event;

	if (!w->told && (!dw_is_sampled(w) || (__s64)(now - w->next_event) < 0)) {
		w->skipped++;
		return;
	}
	event = dw_mem_event();
	if (!event) {
		w->skipped++;
		w->missed += w->told;
		return;
	}
	dw_fill_event(event, w, outbound);
	dw_mem_send(event);
	w->skipped = 0;
	w->missed = 0;
	w->next_event = now + DW_SETTING(hz) / 100;
}

/* Returns the verdict. Nothing leaves dishwall's hands but through here. */
DW_INLINE int dw_finish(struct dw_work *w, int reason, int outbound)
{
	int verdict = dw_verdict_of(reason);

	w->outcome.verdict = verdict;
	w->outcome.reason = reason;
	w->outcome.proto = w->packet.proto;
	w->outcome.l4_offset = w->packet.l4;
	if (DW_SETTING(dry))
		return verdict;
	dw_count(reason, w->packet.segments, w->packet.length);
	if (w->judgement.rule != DW_NO_RULE)
		dw_count(w->judgement.rule, w->packet.segments, w->packet.length);
	if (verdict != DW_ACCEPT || w->told || w->judgement.flags & DW_RULE_LOG || w->judgement.audited ||
	    reason == DW_REASON_SECOND_ROUTER)
		dw_report(w, outbound);
	return verdict;
}

#endif
