/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * `reject-late` (R26, RFC 6092 REC-34): a refused packet is dropped in silence at first, since our side may be
 * about to open the same flow; who still asks after six seconds is told. An XDP program has no timer, and needs
 * none: TCP sends its SYN again after 1, 3 and 7 seconds, and the one that comes after the sixth is answered.
 *
 * What is remembered is one line in a small table with no chains: a newcomer replaces who was there, and the worst
 * that a flood can do is that nobody is told.
 */
#ifndef DW_LATE_H
#define DW_LATE_H

#include "hash.h"
#include "mem.h"

#define DW_LATE_S 6
#define DW_LATE_FORGET_S 120

/* Has this flow been refused for six seconds? Notes it, if it is new. Not inlined for its frame's sake. */
DW_GLOBAL int dw_is_late(const struct dw_flow_key *key)
{
	struct dw_link *link = dw_mem_link();
	__u64 now = dw_mem_now(), hash, waited;
	struct dw_late *late;

	if (!key || !link || DW_SETTING(dry))
		return 0;
	hash = dw_hash(key);
	late = &link->late[dw_hash_top(hash) & (DW_LATE - 1)];
	waited = now - DW_READ(late->since);
	if (DW_READ(late->tag) != (hash | 1) || waited > (__u64)DW_LATE_FORGET_S * DW_SETTING(hz)) {
		DW_WRITE(late->tag, hash | 1);
		DW_WRITE(late->since, now);
		return 0;
	}
	return waited >= (__u64)DW_LATE_S * DW_SETTING(hz);
}

#endif
