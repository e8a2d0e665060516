/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Finding one's way in the policy image and in its half of the table of ranges (layout.h). */
#ifndef DW_IMAGE_H
#define DW_IMAGE_H

#include "mem.h"

DW_INLINE const void *dw_image_at(const struct dw_blob *image, __u32 offset)
{
	if (offset > DW_IMAGE_SIZE - DW_LINE)
		return 0;
	return &image->bytes[offset];
}

DW_INLINE int dw_in6_less(struct dw_in6 a, struct dw_in6 b)
{
	return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

/* Is `key` in one of `count` sorted, disjoint ranges, the first of which is number `first` of the image's? */
DW_GLOBAL int dw_in_ranges(const struct dw_blob *image, __u32 first, __u32 count, const struct dw_in6 *key)
{
	__u32 low, high;

	if (!image || !key)
		return 0;
	low = ((const struct dw_image *)image)->ranges + first;
	high = low + count;
	for (int step = 0; step < 20; step++) { /* DW_RANGES is 1 << 18 */
		const struct dw_range *range;
		__u32 middle;

		if (low >= high)
			return 0;
		middle = low + (high - low) / 2;
		range = dw_mem_range(middle);
		if (!range)
			return 0;
		if (dw_in6_less(*key, range->first))
			high = middle;
		else if (dw_in6_less(range->last, *key))
			low = middle + 1;
		else
			return 1;
	}
	return 0;
}

#endif
