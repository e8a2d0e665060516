/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The sum of the Internet checksum (RFC 1071) over many bytes, for CPUs with vectors: in user space only, since BPF has
 * none. An inspector sums every byte that it searches, and word by word that took longer than the search.
 */
#ifndef DW_WIDE_SUM_H
#define DW_WIDE_SUM_H

#include <linux/types.h>
#include <string.h>

typedef __u64 dw_wide __attribute__((vector_size(32)));

/* Of words of four bytes as they stand in memory; what is missing from the last one is zero. To be folded. */
static inline __attribute__((always_inline)) __u64 dw_wide_sum_of(const __u8 *at, __u64 size)
{
	dw_wide low = {0, 0, 0, 0}, high = {0, 0, 0, 0}, four;
	__u64 sum = 0;
	__u32 word;

	for (; size >= sizeof(four); at += sizeof(four), size -= sizeof(four)) {
		memcpy(&four, at, sizeof(four));
		low += four & 0xffffffff;
		high += four >> 32;
	}
	low += high;
	for (int i = 0; i < 4; i++)
		sum += (low[i] & 0xffffffff) + (low[i] >> 32);
	for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, at, size);
	return sum + word;
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
