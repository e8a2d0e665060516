// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/differential.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>

#include "bpf/core/reason.h"
#include "rules/lower.h"
#include "rules/rate.h"
#include "tests/core/conversation.h"
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

bool left_to_inspection(unsigned reason) {
    return reason == DW_REASON_INSPECT || reason == DW_REASON_INSPECT_AROUND || reason == DW_REASON_INSPECT_FAILED;
}

bool has_rates(const Policy& policy) {
    const auto has = [](const Rule& rule) { return rule.rate.has_value(); };
    return std::any_of(policy.inbound.rules.begin(), policy.inbound.rules.end(), has) ||
           std::any_of(policy.outbound.rules.begin(), policy.outbound.rules.end(), has);
}

std::string hex(const Bytes& bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

// A packet of a known flow was not judged by the rules; one that opened its flow was, and one that opens none.
bool is_fresh(const dw_outcome& outcome, Executor& executor) {
    if (outcome.flow == 0) return true;
    if (outcome.reason == DW_REASON_INSPECT_FAILED || (outcome.flow_seen & DW_SEEN_INDEPENDENT) != 0) return false;
    const dw_flow flow = executor.flow(outcome.flow);
    return flow.in.packets + flow.out.packets == 1;
}

// Does the detour follow from the rule? Empty: it does.
std::string compare_detour(const Policy& policy, Direction direction, const dw_outcome& outcome,
                           const Rule* rule) {
    const bool inspected = rule != nullptr && rule->inspect && outcome.inspect != 0 &&
                           (direction == Direction::inbound ||
                            policy.signatures[rule->inspect->signatures].both_directions);
    if (left_to_inspection(outcome.reason) != inspected) return "inspected, or not, against its rule";
    if (outcome.reason == DW_REASON_INSPECT_AROUND && !rule->inspect->accept_on_failure) return "passed by";
    if (outcome.reason == DW_REASON_INSPECT_FAILED && rule->inspect->accept_on_failure) return "not passed by";
    return "";
}

// What the evaluator says against what the core did; empty when they agree.
std::string compare_with_evaluator(const Policy& policy, const Own& own, const Query& query,
                                   const dw_outcome& outcome, RateModel* rates) {
    // Rates of random policies are so low that no token comes back while a test runs.
    const Judgement judgement =
        evaluate(policy, own, query,
                 [&](const Rule& rule, const Ipv6Address& sender) { return rates->over(rule, sender, 0); });
    if (outcome.reason == DW_REASON_INDEPENDENT) return judgement.rule == nullptr ? "" : "a rule decides";
    // To a port that an endpoint-independent rule keeps open.
    if (left_to_inspection(outcome.reason) && judgement.rule == nullptr) return "";
    const Rule* rule = outcome.rule == DW_NO_RULE ? nullptr : rule_at(policy, outcome.rule_index);
    const dw_verdict verdict = outcome.reason == DW_REASON_INSPECT_FAILED
                                   ? DW_ACCEPT
                                   : static_cast<dw_verdict>(outcome.verdict);
    const std::string detour = compare_detour(policy, query.direction, outcome, rule);
    if (comes_to(judgement.verdict, verdict) && judgement.rule == rule && detour.empty()) return "";
    if (!detour.empty()) return fmt::format("{}: {}", detour, describe(outcome));
    return fmt::format("evaluator: {} by {}, core: {}", verdict_name(judgement.verdict),
                       judgement.rule == nullptr ? "default" : judgement.rule->name, describe(outcome));
}

}  // namespace

DifferentialResult compare_random(unsigned policies, unsigned packets_each, std::uint64_t seed,
                                  Executor& native, Executor* bpf) {
    DifferentialResult result;
    RandomPolicy random(seed);
    RateModel rates;
    for (unsigned p = 0; p < policies; ++p) {
        const Policy policy = random.policy();
        const Own own = random.own();
        const CompiledImage image = lower_or_throw(policy);
        const bool limited = has_rates(policy);
        rates.forget();
        for (Executor* executor : {&native, bpf}) {
            if (executor == nullptr) continue;
            executor->install(image);
            executor->set_own(own);
            executor->set_inspector(static_cast<Inspector>(p % 4));
            executor->forget();
        }
        for (unsigned k = 0; k < packets_each; ++k) {
            const Shot shot = random.shot(own);
            // What a mutated packet spends, the evaluator cannot know.
            const bool mutated = k % 4 == 3 && !limited;
            const Bytes frame = mutated ? random.mutate(shot.frame) : shot.frame;
            const dw_outcome outcome = native.run(shot.query.direction, frame);
            std::string difference;
            ++result.pairs;
            result.accepted += outcome.verdict == DW_ACCEPT;
            const bool judged = decided_by_rules(outcome.reason) || outcome.reason == DW_REASON_INDEPENDENT ||
                                (left_to_inspection(outcome.reason) && is_fresh(outcome, native));
            result.inspected += left_to_inspection(outcome.reason);
            if (!mutated && judged) {
                ++result.judged_by_rules;
                difference = compare_with_evaluator(policy, own, shot.query, outcome, &rates);
            }
            result.over_rate += outcome.over_rate != DW_NO_RULE;
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

namespace {

// What is wrong with what the core made of the packet; empty: nothing.
std::string compare_with_oracle(const LargePolicy& large, const Query& query, const dw_outcome& outcome) {
    const Rule* expected = large.decide(query);
    const Rule* rule = outcome.rule == DW_NO_RULE ? nullptr : rule_at(large.policy(), outcome.rule_index);
    const dw_verdict verdict =
        expected == nullptr ? large.policy().inbound.default_verdict : expected->verdict;
    if (rule == expected && comes_to(verdict, static_cast<dw_verdict>(outcome.verdict))) return "";
    return fmt::format("oracle: {} by {}, core: {}", verdict_name(verdict),
                       expected == nullptr ? "default" : expected->name, describe(outcome));
}

}  // namespace

DifferentialResult compare_large(Shape shape, unsigned size, unsigned packets, Executor& native,
                                 Executor* bpf) {
    constexpr unsigned kEpoch = 1000;  // then flows are forgotten, so that few packets belong to one
    LargePolicy large(shape, size, size + static_cast<unsigned>(shape));
    const CompiledImage image = lower_or_throw(large.policy());
    DifferentialResult result;
    for (Executor* executor : {&native, bpf}) {
        if (executor == nullptr) continue;
        executor->install(image);
        executor->set_own(large.own());
    }
    for (; result.pairs < packets && result.first_difference.empty(); ++result.pairs) {
        if (result.pairs % kEpoch == 0)
            for (Executor* executor : {&native, bpf})
                if (executor != nullptr) executor->forget();
        const Query query = large.query();
        const Bytes frame = frame_of(query);
        const dw_outcome outcome = native.run(query.direction, frame);
        std::string difference;
        result.accepted += outcome.verdict == DW_ACCEPT;
        if (decided_by_rules(outcome.reason)) {
            ++result.judged_by_rules;
            difference = compare_with_oracle(large, query, outcome);
        }
        if (bpf != nullptr) {
            const dw_outcome loaded = bpf->run(query.direction, frame);
            if (!same(loaded, outcome))
                difference += fmt::format("\nbpf: {}\nnative: {}", describe(loaded), describe(outcome));
        }
        if (!difference.empty())
            result.first_difference =
                fmt::format("{} {} packet {} ({}): {}", name_of(shape), size, result.pairs, hex(frame), difference);
    }
    return result;
}

namespace {

std::vector<CompiledImage> images_of_the_world() {
    const std::string independent =
        "accept udp 6000 endpoint-independent; accept tcp 6000 endpoint-independent";
    std::vector<CompiledImage> images;
    for (const std::string& rules :
         {std::string(kWorldRules), world_rules_with("", "reject-late tcp 79", independent),
          world_rules_with("routing-headers allow; udp-without-checksum allow; timeout udp 2m",
                           "drop tcp 443"),
          world_rules_with("ipv4 drop", "accept udp from 2001:db8:3::/48; accept sctp from 2001:db8:3::/48",
                           "drop udp 53")})
        images.push_back(lower_or_throw(read_or_throw(rules)));
    return images;
}

// What the two say of one packet, and what they remember of its flow. Empty: the same.
std::string compare_step(const Sent& sent, Executor& native, Executor& bpf, dw_outcome* outcome) {
    *outcome = native.run(sent.direction, sent.frame);
    const dw_outcome loaded = bpf.run(sent.direction, sent.frame);
    if (!same(loaded, *outcome))
        return fmt::format("\nbpf: {}\nnative: {}", describe(loaded), describe(*outcome));
    if (outcome->flow != 0 && !same(bpf.flow(outcome->flow), native.flow(outcome->flow)))
        return "the flow differs";
    return "";
}

}  // namespace

ConversationResult compare_conversations(unsigned packets, std::uint64_t seed, Executor& native,
                                         Executor& bpf) {
    constexpr unsigned kEpoch = 1000;  // then all is forgotten: the kernel's clock and ours drift apart
    const std::vector<CompiledImage> images = images_of_the_world();
    Traffic traffic(seed);
    std::mt19937_64 random(seed);
    std::set<unsigned> reasons;
    ConversationResult result;
    const auto both = [&](auto action) {
        action(native);
        action(bpf);
    };
    both([](Executor& executor) { executor.set_own(world_own()); });
    for (; result.packets < packets; ++result.packets) {
        if (result.packets % kEpoch == 0) both([](Executor& executor) { executor.forget(); });
        if (result.packets % (kEpoch * 2) == 0 || random() % 5000 == 0)
            both([&, which = random() % images.size()](Executor& executor) {
                executor.install(images[which]);
            });
        if (random() % 150 == 0)
            // 113 ms more than whole seconds: no sum of a few waits comes near a timeout, which are whole
            // seconds.
            both([time = std::chrono::milliseconds(113 + 1000 * (random() % 250))](Executor& executor) {
                executor.wait(time);
            });
        const Sent sent = traffic.next();
        dw_outcome outcome{};
        const std::string difference = compare_step(sent, native, bpf, &outcome);
        if (!difference.empty()) {
            result.first_difference =
                fmt::format("seed {} packet {} ({}): {}", seed, result.packets, hex(sent.frame), difference);
            return result;
        }
        reasons.insert(outcome.reason);
        result.in_flows += outcome.reason == DW_REASON_FLOW;
        result.established +=
            outcome.reason == DW_REASON_FLOW && (outcome.flow_seen & DW_SEEN_ESTABLISHED) != 0;
    }
    result.reasons = static_cast<unsigned>(reasons.size());
    return result;
}

}  // namespace dishwall::test
