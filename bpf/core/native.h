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
	struct dw_inspection *inspection; /* NULL: nothing inspects */
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

/* What the inspector must know of a frame that it was given: the same walk as the programs', and the flow it is of. */
struct dw_sight {
	struct dw_flow_key key;
	__u32 flow;            /* its id; 0: none is known */
	__u32 seq, ack;        /* TCP, host order */
	__u32 fragment_id;
	__u16 l4, payload, end;/* offsets in the frame: transport header, what it carries, behind the last byte */
	__u16 fragment_offset; /* of the part in the datagram, in units of 8 bytes */
	__u16 fragment_at;     /* offset in the frame at which the part begins */
	__u8 proto;
	__u8 tcp_flags;
	__u8 is_fragment;      /* not the whole datagram; a later one has no transport header */
	__u8 is_last;          /* of the fragments */
	__u8 whole;            /* the transport checksum is right, or it cannot be told of a fragment */
	__u8 pad[5];
};

/* Of `memory` the settings (bucket_mask, hz, secret), slots and flows are read, and the image for its timeouts.
 * Returns 0, or the reason for which the frame cannot be walked. */
int dw_native_look(struct dw_memory *memory, const void *frame, __u32 length, int inbound, struct dw_sight *sight);

/* Where the bucket of a source is in `rates`, as the programs find it; NULL: it has none, so it is full. `counter` is
 * the rule's, `length` that of the source prefix; of `settings` only the secret counts. */
const __u64 *dw_native_source_meter(const struct dw_settings *settings, struct dw_rates *rates, __u32 counter,
				    const struct dw_in6 *source, __u32 length);

#ifdef __cplusplus
}
#endif

#endif
