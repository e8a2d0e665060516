/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet core's reading of an image, without packets: the functions of bpf/core/policy.h and image.h, which are
 * C, for tests in C++. So a hundred thousand questions to an image take a moment.
 */
#pragma once

#include "bpf/core/image_layout.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reader_image {
	const void *lines;
	__u32 count;
};

struct reader_query {
	struct dw_in6 peer, ours;
	__u16 sport, dport; /* dport: the ICMP type for ICMP */
	__u8 proto, inbound;
};

struct reader_answer {
	__u32 verdict, rule, index, flags, audited, over_rate;
	int status; /* 0, or what dw_policy_judge() gives when it cannot judge */
};

int reader_in_wide_tree(struct reader_image image, __u32 root, __u64 hi);
int reader_in_full_tree(struct reader_image image, __u32 root, struct dw_in6 key);
int reader_is_bogon(struct reader_image image, struct dw_in6 address);
/* As if every rule with a rate had tokens. */
struct reader_answer reader_judge(struct reader_image image, const struct dw_own *own,
				  const struct reader_query *query);

#ifdef __cplusplus
}
#endif
