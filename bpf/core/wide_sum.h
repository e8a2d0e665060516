/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The sum of the Internet checksum (RFC 1071) over many bytes, for CPUs with vectors: in user space only,
 * since BPF has none. An inspector sums every byte that it searches, and word by word that took longer than
 * the search.
 */
#ifndef DW_WIDE_SUM_H
#define DW_WIDE_SUM_H

#include <linux/types.h>
#include <string.h>

typedef __u64 dw_wide __attribute__((vector_size(32)));

/* Of words as they stand in memory; an odd byte stands before a zero. To be folded. */
static inline __attribute__((always_inline)) __u64 dw_short_sum(const __u8 *at, __u64 size)
{
	__u64 sum = 0, word;
	__u32 half;
	__u16 quarter;

	for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum += (word & 0xffffffff) + (word >> 32);
	}
	if (size & 4) {
		memcpy(&half, at, sizeof(half));
		sum += half;
		at += sizeof(half);
	}
	if (size & 2) {
		memcpy(&quarter, at, sizeof(quarter));
		sum += quarter;
		at += sizeof(quarter);
	}
	quarter = 0;
	if (size & 1)
		memcpy(&quarter, at, 1);
	return sum + quarter;
}

static inline __attribute__((always_inline)) __u64 dw_wide_sum_of(const __u8 *at, __u64 size)
{
	dw_wide low = {0, 0, 0, 0}, high = {0, 0, 0, 0}, one, other;
	__u64 sum = 0;

	for (; size >= 2 * sizeof(one); at += 2 * sizeof(one), size -= 2 * sizeof(one)) {
		memcpy(&one, at, sizeof(one));
		memcpy(&other, at + sizeof(one), sizeof(other));
		low += (one & 0xffffffff) + (other & 0xffffffff);
		high += (one >> 32) + (other >> 32);
	}
	low += high;
	for (int i = 0; i < 4; i++)
		sum += (low[i] & 0xffffffff) + (low[i] >> 32);
	return sum + dw_short_sum(at, size);
}

#ifdef __x86_64__

static __attribute__((target("avx2"), unused)) __u64 dw_wide_sum_avx2(const __u8 *at, __u64 size)
{
	return dw_wide_sum_of(at, size);
}

static inline __u64 dw_wide_sum(const void *bytes, __u64 size)
{
	const __u8 *at = (const __u8 *)bytes;

	return __builtin_cpu_supports("avx2") ? dw_wide_sum_avx2(at, size) : dw_wide_sum_of(at, size);
}

#else

static inline __u64 dw_wide_sum(const void *bytes, __u64 size)
{
	return dw_wide_sum_of((const __u8 *)bytes, size);
}

#endif

#endif
