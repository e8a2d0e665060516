/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The classifier by itself: five fields in, verdict out. For dishwall that is finding the addresses' places
 * behind the line and judging them by the policy, nothing before (the header walk) and nothing after (flows,
 * counters).
 */
#ifndef DW_BENCH_TUPLE_H
#define DW_BENCH_TUPLE_H

#include "bpf/core/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dw_tuple_key {
    struct dw_in6 peer, ours;
    __u16 peer_port, port; /* host order */
    __u8 proto;
    __u8 pad[3];
};

struct dw_memory;

/* accepted[i]: whether the policy in `memory` accepts keys[i], inbound. Returns how many could not be judged.
 */
__u32 dw_bench_judge(struct dw_memory* memory, const struct dw_tuple_key* keys, __u32 count, __u8* accepted);

#ifdef __cplusplus
}
#endif

#endif
