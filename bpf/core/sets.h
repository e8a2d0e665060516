/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What is asked of one address: is it in a set of the image, in an assigned network, never valid? */
#ifndef DW_SETS_H
#define DW_SETS_H

#include "image.h"
#include "own.h"

/* Is the address one of a learnt host that is named in this tree? Inline, and without a key of its own: on
 * kernel 6.1 all frames together have 512 bytes of stack. */
DW_INLINE int dw_in_learnt(const struct dw_blob *image, __u32 tree, const struct dw_spot *spot)
{
	for (int i = 0; i < DW_LEARNT_HOSTS; i++) {
		if (!spot->learnt[i].hi)
			return 0;
		if (dw_in_full_tree(image, tree, &spot->learnt[i]))
			return 1;
	}
	return 0;
}

DW_INLINE int dw_in_part(const struct dw_blob *image, __u32 flags, __u32 wide, __u32 full, __u32 placed,
			 const struct dw_spot *spot)
{
	if (wide && dw_in_wide_tree(image, wide, spot->address.hi))
		return 1;
	if (full && dw_in_full_tree(image, full, &spot->address))
		return 1;
	if (!placed)
		return 0;
	if (spot->flags & DW_SPOT_PLACED && dw_in_full_tree(image, placed, &spot->place))
		return 1;
	return flags & DW_SET_LEARNT && spot->flags & DW_SPOT_LEARNT && dw_in_learnt(image, placed, spot);
}

DW_GLOBAL int dw_in_set(const struct dw_blob *image, __u32 number, const struct dw_spot *spot)
{
	const struct dw_image *header = (const struct dw_image *)image;
	const struct dw_set *set;
	int self;

	if (!image || !spot || number >= header->sets.count)
		return 0;
	set = (const struct dw_set *)dw_line_at(image, header->sets.line + number / DW_SETS_A_LINE);
	if (!set)
		return 0;
	set += number % DW_SETS_A_LINE;
	self = !!(spot->flags & DW_SPOT_SELF);
	if (!(set->flags & DW_SET_ANY) && !(self && set->flags & DW_SET_SELF) &&
	    !dw_in_part(image, set->flags, set->wide, set->full, set->placed, spot))
		return 0;
	if (self && set->flags & DW_SET_NOT_SELF)
		return 0;
	return !dw_in_part(image, set->flags, set->not_wide, set->not_full, set->not_placed, spot);
}

/* Is this subnet of this source a network that the rule file names? (R5) */
DW_INLINE int dw_is_assigned(const struct dw_blob *image, struct dw_in6 place)
{
	const struct dw_image *header = (const struct dw_image *)image;
	__u32 source = place.hi >> 16 & (DW_SOURCES - 1), subnet = place.hi & 0xffff;

	if (subnet >= header->networks[source].count)
		return 0;
	return dw_word_at(image, header->networks[source].line, subnet / 64) >> (subnet % 64) & 1;
}

/* Addresses that are never valid on the public Internet (R2). */
DW_INLINE int dw_is_bogon(const struct dw_blob *image, const struct dw_in6 *address)
{
	const struct dw_image *header = (const struct dw_image *)image;
	__u32 area = dw_bogon_area(address->hi) & (DW_BOGON_AREAS - 1);

	if (!(header->bogon_areas[area / 64] >> (area % 64) & 1))
		return 0;
	if (header->bogons_wide && dw_in_wide_tree(image, header->bogons_wide, address->hi))
		return 1;
	return header->bogons_full && dw_in_full_tree(image, header->bogons_full, address);
}

#endif
