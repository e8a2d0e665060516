/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Compiled with the core, as an engine that looked at many packets would be. */
#include "bpf/core/native.c"

#include "bench/tables/tuple.h"

__u32 dw_bench_judge(struct dw_memory *memory, const struct dw_tuple_key *keys, __u32 count, __u8 *accepted)
{
	struct dw_query query;
	struct dw_judgement judgement;
	struct dw_hunt hunt;
	__u32 failures = 0;

	memset(&query, 0, sizeof(query));
	query.inbound = 1;
	query.packets = 1;
	query.length = 74;
	dw_memory = memory;
	for (__u32 i = 0; i < count; i++) {
		const struct dw_tuple_key *key = &keys[i];

		dw_locate(memory->own, &key->peer, &query.peer);
		dw_locate(memory->own, &key->ours, &query.ours);
		query.sport = key->peer_port;
		query.dport = key->port;
		query.proto = key->proto;
		failures += !!dw_policy_judge(memory->image, &query, &judgement, &hunt);
		accepted[i] = judgement.verdict == DW_ACCEPT;
	}
	return failures;
}
