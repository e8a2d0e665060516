/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The packet core's memory in user space: whatever the caller put into `struct dw_memory`. Time stands
 * still unless the caller moves it. One thread works on one dw_memory at a time; several threads may
 * share the tables behind it, as CPUs do in the kernel.
 */
#ifndef DW_MEM_NATIVE_H
#define DW_MEM_NATIVE_H

#include "native.h"

extern _Thread_local struct dw_memory *dw_memory;

#define DW_SETTING(field) (dw_memory->settings.field)

DW_INLINE const struct dw_own *dw_mem_own(void)
{
	return dw_memory->own;
}

DW_INLINE const struct dw_blob *dw_mem_image(void)
{
	return dw_memory->image;
}

DW_INLINE struct dw_slots *dw_mem_slots(__u32 index)
{
	return &dw_memory->slots[index & dw_memory->settings.bucket_mask];
}

DW_INLINE struct dw_flow *dw_mem_flow(__u32 id)
{
	return (id - 1) / DW_WAYS <= dw_memory->settings.bucket_mask ? &dw_memory->flows[id - 1] : 0;
}

DW_INLINE struct dw_fragment_bucket *dw_mem_fragments(__u32 index)
{
	return &dw_memory->fragments[index & (DW_FRAGMENT_BUCKETS - 1)];
}

DW_INLINE struct dw_link *dw_mem_link(void)
{
	return dw_memory->link;
}

DW_INLINE struct dw_rates *dw_mem_rates(void)
{
	return dw_memory->rates;
}

DW_INLINE struct dw_inspection *dw_mem_inspection(void)
{
	return dw_memory->inspection;
}

/* Here all chunks stand in a row. */
DW_INLINE const struct dw_line *dw_mem_far_line(__u32 bank, __u32 line)
{
	(void)bank;
	return line < dw_memory->image_lines ? (const struct dw_line *)dw_memory->image + line : 0;
}

DW_INLINE int dw_mem_is_strange(const struct dw_frame *frame, const struct dw_in6 *src,
				const struct dw_in6 *dst)
{
	(void)frame;
	(void)src;
	if (!DW_SETTING(ask_neighbours))
		return 0;
	for (__u32 i = 0; i < dw_memory->neighbours_known; i++)
		if (dw_memory->neighbours[i].hi == dst->hi && dw_memory->neighbours[i].lo == dst->lo)
			return 0;
	return 1;
}

/* No routes are known here. */
DW_INLINE int dw_mem_goes_on(const struct dw_frame *frame, const struct dw_in6 *src, const struct dw_in6 *dst)
{
	(void)frame;
	(void)src;
	(void)dst;
	return 0;
}

DW_INLINE struct dw_counter *dw_mem_counter(__u32 index)
{
	return index < DW_COUNTERS ? &dw_memory->counters[index] : 0;
}

DW_INLINE struct dw_event *dw_mem_event(void)
{
	return dw_memory->event;
}

DW_INLINE void dw_mem_send(struct dw_event *event)
{
	(void)event;
	dw_memory->events++;
}

DW_INLINE __u64 dw_mem_now(void)
{
	return dw_memory->now;
}

DW_INLINE __u64 dw_mem_clock_ns(void)
{
	return dw_memory->now * (1000000000ull / dw_memory->settings.hz);
}

#define DW_LOOP(count, function, context)                                                          \
	for (__u32 loop_index_ = 0; loop_index_ < (count); loop_index_++)                          \
		if (function(loop_index_, context))                                                \
			break

#endif
