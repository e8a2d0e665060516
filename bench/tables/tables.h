/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the look-up programs are told, and what they tell (tables.bpf.c). */
#ifndef DW_BENCH_TABLES_H
#define DW_BENCH_TABLES_H

#include <linux/types.h>

#define DW_BENCH_PREFIX_LENGTH 48

struct dw_tables_job {
    __u32 count; /* look-ups, in a loop */
    __u32 set;   /* the address set that is asked */
    __u64 start; /* number of the first key; they come in no order that a prefetcher could learn */
    __u64 keys;  /* how many there are: numbers 0..keys - 1 */
    __u64 first; /* added to the number: keys that are not there yet */
    __u64 found; /* out */
};

/* A bijection (MurmurHash3's finaliser). */
static inline __attribute__((always_inline)) __u64 dw_bench_scatter(__u64 n) {
    n ^= n >> 33;
    n *= 0xff51afd7ed558ccdull;
    n ^= n >> 33;
    n *= 0xc4ceb9fe1a85ec53ull;
    return n ^ n >> 33;
}

/* Network number n of the feed: a /48 in 2400::/8. */
static inline __attribute__((always_inline)) __u64 dw_bench_network(__u64 n) {
    return 0x24ull << 56 | (dw_bench_scatter(n + 1) & 0xffffffffffull) << 16;
}

#endif
