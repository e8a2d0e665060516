/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The token buckets of rules. A rule that limits all its packets together has a meter of its own; one that limits
 * each source has a meter for each prefix that was seen, in a line of four found by a keyed hash. Prefixes are told
 * apart by 64 bits of two independent hashes, so that strangers share a meter with probability 2^-64.
 *
 * A line that is full of sources gives up the one that would be forgotten first. Whoever can send from so many
 * prefixes that this matters (65,536) is not bounded by a limit per source anyway.
 */
#ifndef DW_RATE_H
#define DW_RATE_H

#include "meter.h"
#include "image.h"

/* Names a source of a rule; never 0. */
DW_INLINE __u64 dw_source_tag(__u32 counter, struct dw_in6 source, __u32 length)
{
	struct dw_in6 prefix = {dw_mask_high(source.hi, length), dw_mask_low(source.lo, length)};
	__u64 one = dw_hash3(prefix.hi, prefix.lo, counter), other = dw_hash3_other(prefix.hi, prefix.lo, counter);

	return (one >> 32 << 32 | other >> 32) | 1;
}

DW_INLINE __u32 dw_source_line(__u64 tag)
{
	return dw_hash_top(tag) & (DW_RATE_LINES - 1);
}

/* The first meter of the line with this tag; 0: none. */
DW_INLINE __u64 *dw_tagged_meter(struct dw_source_meter *line, __u64 tag)
{
	for (int way = 0; way < DW_RATE_WAYS; way++)
		if (DW_READ(line[way].tag) == tag)
			return &line[way].until;
	return 0;
}

/* The meter of a source: its own, or one that it takes over. 0: another CPU was faster. Two CPUs that take one each for
 * the same source both look again, and the first of the line is the one. */
DW_INLINE __u64 *dw_source_meter(struct dw_rates *rates, __u64 tag)
{
	struct dw_source_meter *line = rates->by_source[dw_source_line(tag)], *oldest = &line[0];
	__u64 *meter = dw_tagged_meter(line, tag), least = DW_READ(line[0].until), was;

	if (meter || DW_SETTING(dry))
		return meter;
	for (int way = 1; way < DW_RATE_WAYS; way++)
		if (DW_READ(line[way].until) < least) {
			least = DW_READ(line[way].until);
			oldest = &line[way];
		}
	was = DW_READ(oldest->tag);
	if (dw_cas(&oldest->tag, was, tag) != was)
		return dw_tagged_meter(line, tag);
	dw_cas(&oldest->until, least, 0); /* another CPU may have spent of it already */
	meter = dw_tagged_meter(line, tag);
	if (meter != &oldest->until)
		dw_cas(&oldest->tag, tag, 0);
	return meter;
}

/* Is a packet of this sender over the rate? If not, it spends a token. Non-zero also when there is nothing to ask. */
DW_GLOBAL int dw_over_rate(const struct dw_blob *image, __u32 number, __u32 counter, const struct dw_in6 *sender)
{
	const struct dw_image *header = (const struct dw_image *)image;
	struct dw_rates *rates = dw_mem_rates();
	const struct dw_rate *rate;
	struct dw_pace pace;
	__u32 rule = counter - DW_REASONS_MAX;
	__u64 *meter;

	if (!image || !sender || !rates || number > header->rates.count)
		return 1;
	rate = (const void *)dw_line_at(image, header->rates.line + (number - 1) / DW_RATES_A_LINE);
	if (!rate)
		return 1;
	rate += (number - 1) % DW_RATES_A_LINE;
	pace.step = rate->step;
	pace.depth = rate->depth;
	if (rate->length == DW_RATE_OF_RULE) {
		if (rule >= DW_RULES_MAX)
			return 1;
		meter = &rates->by_rule[rule];
	} else {
		meter = dw_source_meter(rates, dw_source_tag(counter, *sender, rate->length));
		if (!meter) /* dry: a source that was not seen lately has all its tokens. Else: see above */
			return !DW_SETTING(dry);
	}
	return dw_meter_is_full(meter, pace, dw_time_ns());
}

#endif
