/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The packet core as a user-space library (`core_native`): the same headers, compiled by the host's
 * compiler, for tests, fuzzers, benches and the inspection engine. Callable from C and C++.
 */
#ifndef DW_NATIVE_H
#define DW_NATIVE_H

#include "image_layout.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dw_blob;

/* All tables are the caller's, 64-byte aligned, zero at first. */
struct dw_memory {
	struct dw_settings settings;   /* bucket_mask, hz and secret must be set */
	const struct dw_own *own;
	const struct dw_blob *image;   /* so many lines; NULL: no policy */
	__u32 image_lines;
	struct dw_slots *slots;        /* settings.bucket_mask + 1: the flow table's index */
	struct dw_flow *flows;         /* DW_WAYS times as many */
	struct dw_fragment_bucket *fragments; /* DW_FRAGMENT_BUCKETS */
	struct dw_link *link;
	struct dw_rates *rates;
	struct dw_counter *counters;   /* DW_COUNTERS */
	const struct dw_in6 *neighbours; /* hosts behind us that are known, when settings.ask_neighbours is set */
	__u32 neighbours_known;
	__u64 now;                     /* jiffies */
	struct dw_event *event;        /* where events are written; NULL: nobody listens */
	__u64 events;                  /* how many were */
};

/* Judges one Ethernet frame that came in from the line, or is about to leave to it; changes flows and
 * counters in `memory` as the kernel's program would. */
void dw_native_inbound(struct dw_memory *memory, const void *frame, __u32 length, struct dw_outcome *outcome);
void dw_native_outbound(struct dw_memory *memory, const void *frame, __u32 length, struct dw_outcome *outcome);

/* The frame that answers a rejected one, as the kernel's program would send it. Returns its length, or 0 when
 * such a packet gets no answer. `reply` has room for 1294 bytes; `budget` is the caller's, zero at first. */
__u32 dw_native_reject(struct dw_memory *memory, struct dw_reply_budget *budget, const void *frame, __u32 length,
		       void *reply);

/* Where the bucket of a source is in `rates`, as the programs find it; NULL: it has none, so it is full. `counter` is
 * the rule's, `length` that of the source prefix; of `settings` only the secret counts. */
const __u64 *dw_native_source_meter(const struct dw_settings *settings, struct dw_rates *rates, __u32 counter,
				    const struct dw_in6 *source, __u32 length);

#ifdef __cplusplus
}
#endif

#endif
