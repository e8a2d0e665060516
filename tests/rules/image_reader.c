/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/rules/image_reader.h"

#include <string.h>

#include "bpf/core/policy.h"

/* The core, compiled once more: in its library these functions have no door of their own. */
_Thread_local struct dw_memory *dw_memory;

static struct dw_memory reader_memory;

static const struct dw_blob *reader_open(struct reader_image image)
{
	reader_memory.image = image.lines;
	reader_memory.image_lines = image.count;
	dw_memory = &reader_memory;
	return reader_memory.image;
}

int reader_in_wide_tree(struct reader_image image, __u32 root, __u64 hi)
{
	return root && dw_in_wide_tree(reader_open(image), root, hi);
}

int reader_in_full_tree(struct reader_image image, __u32 root, struct dw_in6 key)
{
	return root && dw_in_full_tree(reader_open(image), root, &key);
}

int reader_is_bogon(struct reader_image image, struct dw_in6 address)
{
	return dw_is_bogon(reader_open(image), &address);
}

static void reader_locate(const struct dw_own *own, struct dw_in6 address, struct dw_spot *spot)
{
	dw_locate(own, &address, spot);
	spot->flags |= dw_recall(own, spot);
}

struct reader_answer reader_judge(struct reader_image image, const struct dw_own *own,
				  const struct reader_query *query)
{
	struct reader_answer answer;
	struct dw_judgement judgement;
	struct dw_query asked;
	struct dw_hunt hunt;

	memset(&asked, 0, sizeof(asked));
	memset(&hunt, 0, sizeof(hunt));
	reader_locate(own, query->peer, &asked.peer);
	reader_locate(own, query->ours, &asked.ours);
	asked.sport = query->sport;
	asked.dport = query->dport;
	asked.proto = query->proto;
	asked.inbound = query->inbound;
	asked.again = 1;
	reader_memory.settings.dry = 1;
	answer.status = dw_policy_judge(reader_open(image), &asked, &judgement, &hunt);
	answer.verdict = judgement.verdict;
	answer.rule = judgement.rule;
	answer.index = judgement.index;
	answer.flags = judgement.flags;
	answer.audited = judgement.audited;
	answer.over_rate = judgement.over_rate;
	return answer;
}
