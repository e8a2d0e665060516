/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The detour of a flow whose rule says `inspect` (design D8): which accepted packets leave for the inspector, and what
 * becomes of them when it has failed. A worker has failed when it did not come round for a quarter of a second, or
 * when so many frames are on their way to it that its ring would lose the next one.
 *
 * A flow that nobody inspects pays one load, of a line that its counters need anyway.
 */
#ifndef DW_INSPECT_H
#define DW_INSPECT_H

#include "mem.h"
#include "reason.h"

DW_INLINE __u32 dw_worker_of(const struct dw_inspection *inspection, __u32 word)
{
	__u32 number = (word >> DW_INSPECT_WORKER_SHIFT) % DW_WORKERS % inspection->workers;

	DW_FORGET(number); /* clang knows that it is small, the verifier does not */
	return number & (DW_WORKERS - 1);
}

DW_INLINE int dw_worker_takes(const struct dw_inspection *inspection, __u32 word)
{
	const struct dw_worker *worker;
	__u32 number;
	__s64 since_beat;

	if (!inspection || !inspection->workers)
		return 0;
	number = dw_worker_of(inspection, word);
	worker = &inspection->worker[number];
	since_beat = dw_mem_clock_ns() - DW_READ(worker->beat_ns);
	if (!inspection->port[number] || since_beat > (__s64)DW_INSPECT_STALE_NS)
		return 0;
	return DW_READ(worker->given) - DW_READ(worker->taken) < DW_INSPECT_BACKLOG;
}

/* The reason with which an accepted packet of an inspected flow goes on; `reason` is what it was accepted for.
 * Packets of our side are asked about only when the signatures are about both directions. */
DW_GLOBAL int dw_detour(__u32 word, int reason, int inbound)
{
	if (word & DW_INSPECT_ENDED)
		return DW_REASON_SIGNATURE;
	if (!inbound && !(word & DW_INSPECT_BOTH))
		return reason;
	if (word & DW_INSPECT_CLEAN)
		return DW_REASON_INSPECT_CLEAN;
	if (dw_worker_takes(dw_mem_inspection(), word))
		return DW_REASON_INSPECT;
	return word & DW_INSPECT_PASS_ON_FAILURE ? DW_REASON_INSPECT_AROUND : DW_REASON_INSPECT_FAILED;
}

/* Is this /64 refused for a while, for what it sent before? */
DW_GLOBAL int dw_is_banned(__u64 network)
{
	const struct dw_inspection *inspection = dw_mem_inspection();
	const struct dw_ban *line;

	if (!inspection || !inspection->bans)
		return 0;
	line = inspection->ban[dw_ban_line(network)];
	for (int way = 0; way < DW_BAN_WAYS; way++)
		if (DW_READ(line[way].network) == network)
			return dw_mem_clock_ns() < DW_READ(line[way].until_ns);
	return 0;
}

#endif
