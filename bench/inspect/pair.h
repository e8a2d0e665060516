/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What pair.bpf.c and the harness share. */
#ifndef DW_BENCH_PAIR_H
#define DW_BENCH_PAIR_H

#include <linux/types.h>

#define DW_PAIR_FRAMES 32768 /* at most; the harness asks for as many as it has */
#define DW_PAIR_FLOWS 1024
#define DW_PAIR_LONGEST 1514
#define DW_PAIR_FIRST_PORT 10000 /* of the peers, by flow */

struct dw_pair_frame {
    __u32 length;
    __u8 bytes[1532];
};

#define DW_PAIR_TOLD_EVERY 32 /* frames; a power of two */

/* Each line is written by one CPU. The sender, which waits by asking again and again, looks only at what is
 * told it now and then: otherwise each frame that comes back would have to take the line away from it. */
struct dw_pair_state {
    /* the sender */
    __u64 next, end; /* numbers of frames */
    __u64 under_way; /* at most, between `next` and `known_back` */
    __u64 known_back;
    __u64 first_ns; /* when the first was sent */
    __u32 ifindex;  /* of our end */
    __u32 pad;
    __u64 unused[2];
    /* who takes back */
    __u64 back;    /* how many came back */
    __u64 last_ns; /* when the last did */
    __u64 unused2[6];
    __u64 told_back;
    __u64 unused3[7];
} __attribute__((aligned(64)));

#endif
