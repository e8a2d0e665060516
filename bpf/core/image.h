/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Finding one's way in the policy image (image_layout.h): its lines, and the trees of prefixes in them. */
#ifndef DW_IMAGE_H
#define DW_IMAGE_H

#include "mem.h"

/* Line number `line` of an image. Those of its first chunk need no look-up. */
DW_INLINE const struct dw_line *dw_line_at(const struct dw_blob *image, __u32 line)
{
	if (line < DW_CHUNK_LINES)
		return &image->line[line];
	return dw_mem_far_line(((const struct dw_image *)image)->bank, line);
}

/* Word number `i` of the 64-bit words from line `line` on; 0 where nothing is. */
DW_INLINE __u64 dw_word_at(const struct dw_blob *image, __u32 line, __u32 i)
{
	const struct dw_line *at = dw_line_at(image, line + i / 8);

	return at ? at->word[i % 8] : 0;
}

/* The same of 32-bit words. */
DW_INLINE __u32 dw_number_at(const struct dw_blob *image, __u32 line, __u32 i)
{
	const struct dw_line *at = dw_line_at(image, line + i / DW_NUMBERS_A_LINE);

	return at ? ((const __u32 *)at)[i % DW_NUMBERS_A_LINE] : 0;
}

DW_INLINE int dw_in6_less(struct dw_in6 a, struct dw_in6 b)
{
	return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}

/* Where the search of a tree for a key begins: at its root, or where its table says; 0: it is in no prefix. */
DW_INLINE __u32 dw_tree_start(const struct dw_blob *image, __u32 tree, __u64 hi)
{
	const struct dw_line *before;

	if (!(tree >> DW_TREE_BITS_SHIFT))
		return tree;
	before = dw_line_at(image, tree & DW_TREE_LINE);
	if (!before || dw_tree_shared(tree, before->word[0] ^ hi))
		return 0;
	return dw_number_at(image, (tree & DW_TREE_LINE) + 1, dw_tree_entry(tree, hi));
}

/* The line of an inner node's child number `child`. */
DW_INLINE __u32 dw_child_line(__u64 tail, __u32 child)
{
	__u32 last = tail >> 32 & 0xff;

	return (__u32)tail + (child < last ? child : last);
}

/* Is a key in the last of `count` prefixes of a leaf, from which it differs so? */
DW_INLINE int dw_leaf_holds(__u64 tail, __u32 count, __u64 hi, __u64 lo)
{
	__u32 length;

	if (!count)
		return 0;
	length = tail >> 8 * (count - 1) & 0xff;
	return !(dw_mask_high(hi, length) | dw_mask_low(lo, length));
}

/* Is `hi` in a prefix of this wide tree? */
DW_GLOBAL int dw_in_wide_tree(const struct dw_blob *image, __u32 tree, __u64 hi)
{
	__u32 line;

	if (!image)
		return 0;
	line = dw_tree_start(image, tree, hi);
	if (!line)
		return 0;
	for (__u32 depth = 0; depth < DW_TREE_DEPTH; depth++) {
		const struct dw_wide_node *node = (const struct dw_wide_node *)dw_line_at(image, line);
		__u64 last = 0;
		__u32 count = 0;

		if (!node)
			return 0;
		for (int i = 0; i < (int)DW_WIDE_KEYS; i++) {
			__u64 key = node->key[i];

			if (key > hi)
				break;
			last = key;
			count++;
		}
		if (node->tail & DW_NODE_LEAF)
			return dw_leaf_holds(node->tail, count, last ^ hi, 0);
		line = dw_child_line(node->tail, count);
	}
	return 0;
}

/* Is `key` in a prefix of this full tree? */
DW_GLOBAL int dw_in_full_tree(const struct dw_blob *image, __u32 tree, const struct dw_in6 *key)
{
	__u32 line;

	if (!image || !key)
		return 0;
	line = dw_tree_start(image, tree, key->hi);
	if (!line)
		return 0;
	for (__u32 depth = 0; depth < DW_TREE_DEPTH; depth++) {
		const struct dw_full_node *node = (const struct dw_full_node *)dw_line_at(image, line);
		struct dw_in6 last = {};
		__u32 count = 0;

		if (!node)
			return 0;
		for (int i = 0; i < (int)DW_FULL_KEYS; i++) {
			struct dw_in6 at = node->key[i];

			if (dw_in6_less(*key, at))
				break;
			last = at;
			count++;
		}
		if (node->tail & DW_NODE_LEAF)
			return dw_leaf_holds(node->tail, count, last.hi ^ key->hi, last.lo ^ key->lo);
		line = dw_child_line(node->tail, count);
	}
	return 0;
}

#endif
