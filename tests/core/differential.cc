// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/differential.h"

#include <fmt/format.h>

#include "bpf/core/reason.h"
#include "rules/lower.h"
#include "tests/core/names.h"
#include "tests/core/random_policy.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

bool decided_by_rules(unsigned reason) {
    return reason == DW_REASON_RULE_ACCEPT || reason == DW_REASON_DEFAULT_ACCEPT ||
           reason == DW_REASON_RULE_DROP || reason == DW_REASON_DEFAULT_DROP ||
           reason == DW_REASON_RULE_REJECT || reason == DW_REASON_DEFAULT_REJECT ||
           reason == DW_REASON_RULE_REJECT_LATE || reason == DW_REASON_DEFAULT_REJECT_LATE;
}

std::string hex(const Bytes& bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

// What the evaluator says against what the core did; empty when they agree.
std::string compare_with_evaluator(const Policy& policy, const Own& own, const Query& query,
                                   const dw_outcome& outcome) {
    const Judgement judgement = evaluate(policy, own, query);
    const Rule* rule = outcome.rule == DW_NO_RULE ? nullptr : rule_at(policy, outcome.rule_index);
    if (comes_to(judgement.verdict, static_cast<dw_verdict>(outcome.verdict)) && judgement.rule == rule) return "";
    return fmt::format("evaluator: {} by {}, core: {}", verdict_name(judgement.verdict),
                       judgement.rule == nullptr ? "default" : judgement.rule->name, describe(outcome));
}

}  // namespace

DifferentialResult compare_random(unsigned policies, unsigned packets_each, std::uint64_t seed, Executor& native,
                                  Executor* bpf) {
    DifferentialResult result;
    RandomPolicy random(seed);
    for (unsigned p = 0; p < policies; ++p) {
        const Policy policy = random.policy();
        const Own own = random.own();
        const std::vector<std::byte> image = lower_or_throw(policy);
        for (Executor* executor : {&native, bpf}) {
            if (executor == nullptr) continue;
            executor->install(image);
            executor->set_own(own);
            executor->forget();
        }
        for (unsigned k = 0; k < packets_each; ++k) {
            const Shot shot = random.shot(own);
            const bool mutated = k % 4 == 3;
            const Bytes frame = mutated ? random.mutate(shot.frame) : shot.frame;
            const dw_outcome outcome = native.run(shot.query.direction, frame);
            std::string difference;
            ++result.pairs;
            result.accepted += outcome.verdict == DW_ACCEPT;
            if (!mutated && decided_by_rules(outcome.reason)) {
                ++result.judged_by_rules;
                difference = compare_with_evaluator(policy, own, shot.query, outcome);
            }
            if (bpf != nullptr) {
                const dw_outcome loaded = bpf->run(shot.query.direction, frame);
                if (!same(loaded, outcome))
                    difference += fmt::format("\nbpf: {}\nnative: {}", describe(loaded), describe(outcome));
                else if (outcome.flow != 0 && !same(bpf->flow(outcome.flow), native.flow(outcome.flow)))
                    difference += "\nthe flow differs";
            }
            if (!difference.empty() && result.first_difference.empty())
                result.first_difference =
                    fmt::format("seed {} policy {} packet {} ({}): {}", seed, p, k, hex(frame), difference);
        }
    }
    return result;
}

}  // namespace dishwall::test
