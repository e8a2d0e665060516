/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
#include "native.h"

#include <string.h>

#include "inbound.h"
#include "outbound.h"
#include "verdict.h"

_Thread_local struct dw_memory *dw_memory;

void dw_native_inbound(struct dw_memory *memory, const void *data, __u32 length, struct dw_outcome *outcome)
{
	struct dw_frame frame = {data, (const __u8 *)data + length};
	struct dw_work work;

	memset(&work, 0, sizeof(work));
	dw_memory = memory;
	dw_work_begin(&work, length);
	dw_finish(&work, dw_inbound(&frame, &work), 0);
	*outcome = work.outcome;
}

void dw_native_outbound(struct dw_memory *memory, const void *data, __u32 length, struct dw_outcome *outcome)
{
	struct dw_frame frame = {data, (const __u8 *)data + length};
	struct dw_work work;

	memset(&work, 0, sizeof(work));
	dw_memory = memory;
	dw_work_begin(&work, length);
	dw_finish(&work, dw_outbound(&frame, &work), 1);
	*outcome = work.outcome;
}
