// SPDX-License-Identifier: BSD-3-Clause
//
// The image against the evaluator, through the core's own reading of it and without packets: random chains
// long enough for tuples, with every kind of end, service and verdict that rules have. tests/core asks the
// same of whole packets.
#include <gtest/gtest.h>

#include <random>

#include "rules/evaluate.h"
#include "rules/lower.h"
#include "tests/rules/image_reader.h"
#include "tests/rules/image_view.h"

namespace dishwall::test {
namespace {

constexpr Ipv6Address kSelf{0x2a01'0db8'0100'0001, 0x99};
constexpr std::array<std::uint32_t, 3> kLearnt = {11, 12, 0xffffffff};

class RandomChains {
public:
    explicit RandomChains(std::uint64_t seed) : random_(seed) {
        auto entries = std::make_shared<FeedEntries>();
        for (std::uint64_t i = 0; i < 40; ++i)
            entries->prefixes.push_back(
                Ipv6Prefix::containing({0x2600'0000'0000'0000 + (i << 40), i}, i % 3 ? 48 : 128));
        feed_ = {0, entries};
    }

    std::uint64_t below(std::uint64_t end) { return random_() % end; }

    Own own() {
        Own own;
        own.prefixes = {{Ipv6Prefix::containing({0x2a01'0db8'0100'0000, 0}, 56), 0},
                        {Ipv6Prefix::containing({0x2a02'0000'0000'0000, 0}, 64), 1}};
        own.self = {kSelf, {0xfe80'0000'0000'0000, 1}};
        for (std::uint64_t i = 0; i < 12; ++i)
            own.learnt.push_back({{0x2a01'0db8'0100'0000 + i % 3, 1 + i % 5}, kLearnt[i % 3]});
        tidy(&own.learnt);
        return own;
    }

    Policy policy(std::size_t rules) {
        Policy policy;
        policy.learnt.resize(kLearnt.size());
        for (std::size_t i = 0; i < rules; ++i) {
            policy.inbound.rules.push_back(rule(Direction::inbound));
            policy.outbound.rules.push_back(rule(Direction::outbound));
        }
        return policy;
    }

    // Often one that the rule means.
    Query query(const Policy& policy) {
        Query query;
        query.direction = below(2) ? Direction::inbound : Direction::outbound;
        const auto& rules =
            query.direction == Direction::inbound ? policy.inbound.rules : policy.outbound.rules;
        const Rule& rule = rules[below(rules.size())];
        query.peer = address(query.direction == Direction::inbound ? rule.from : rule.to, false);
        query.ours = address(query.direction == Direction::inbound ? rule.to : rule.from, true);
        const ProtocolMatch& match = rule.match[below(rule.match.size())];
        query.proto = match.proto.value_or(below(2) ? IPPROTO_TCP : IPPROTO_UDP);
        if (query.proto == IPPROTO_ICMPV6) {
            query.icmp_type =
                match.icmp_types.empty() ? 128 : match.icmp_types[below(match.icmp_types.size())];
        } else if (has_ports(query.proto)) {
            query.destination_port = port(match.ports);
            query.source_port = port(rule.from_ports);
        }
        return query;
    }

private:
    Ipv6Prefix prefix() {
        static constexpr std::array<std::uint8_t, 12> kLengths = {8,  16, 20, 32, 40, 44,
                                                                  48, 56, 60, 64, 96, 128};
        return Ipv6Prefix::containing(peer(), kLengths[below(kLengths.size())]);
    }
    Ipv6Address peer() {
        return {0x2600'0000'0000'0000 | below(4) << 48 | below(8) << 40 | below(4), below(3)};
    }

    Behind place(bool host) {
        Behind behind;
        behind.source = below(4) == 0;
        behind.subnet = static_cast<std::uint16_t>(behind.source ? 0 : below(3));
        if (host) behind.interface_id = 1 + below(12);
        return behind;
    }

    AddressElement element(bool ours) {
        switch (below(ours ? 10 : 14)) {
            case 0:
                return Learnt{kLearnt[below(kLearnt.size())]};
            case 1:
                return Self{};
            case 2:
                return Behind{static_cast<unsigned>(below(2)), {}, {}};
            case 3:
                return place(false);
            case 4:
                return prefix();
            case 5:
                return feed_;
            default:
                return ours ? AddressElement{place(true)} : AddressElement{prefix()};
        }
    }

    AddressSet set(bool ours) {
        AddressSet set;
        set.any = below(3) == 0;
        if (set.any && below(4)) return set;
        if (!set.any) {
            // Mostly of one kind, so that fine masks are in use.
            const std::size_t count = below(2) ? 1 : 1 + below(below(10) ? 4 : 90);
            const bool pure = below(4) != 0;
            for (std::size_t i = 0; i < count; ++i)
                set.include.push_back(!pure  ? element(ours)
                                      : ours ? AddressElement{place(below(5) != 0)}
                                             : AddressElement{prefix()});
        }
        if (set.any || below(6) == 0) set.exclude.push_back(element(ours));
        return set;
    }

    PortRange ports() {
        const auto first = static_cast<std::uint16_t>(below(2) ? below(20) : below(65536));
        const std::array<std::uint64_t, 6> widths = {0, 0, 3, 200, 3000, 65535};
        return {first, static_cast<std::uint16_t>(
                           std::min<std::uint64_t>(65535, first + below(1 + widths[below(6)])))};
    }

    ProtocolMatch match() {
        ProtocolMatch match;
        const auto kind = below(10);
        if (kind == 0) return match;
        static constexpr std::array<std::uint8_t, 10> kProtocols = {
            0,           IPPROTO_ICMPV6, IPPROTO_GRE, IPPROTO_TCP, IPPROTO_TCP,
            IPPROTO_TCP, IPPROTO_TCP,    IPPROTO_UDP, IPPROTO_UDP, IPPROTO_UDP};
        match.proto = kProtocols[kind];
        if (kind == 1)
            for (std::uint64_t i = below(3); i > 0; --i)
                match.icmp_types.push_back(static_cast<std::uint8_t>(128 + below(4)));
        if (kind > 2)
            for (std::uint64_t i = below(4); i > 0; --i) match.ports.push_back(ports());
        return match;
    }

    Rule rule(Direction direction) {
        static constexpr std::array<dw_verdict, 6> kVerdicts = {DW_ACCEPT, DW_DROP,  DW_REJECT,
                                                                DW_AUDIT,  DW_AUDIT, DW_REJECT_LATE};
        Rule rule;
        for (std::uint64_t i = below(5) ? 1 : 3; i > 0; --i) rule.match.push_back(match());
        if (below(10) == 0) rule.from_ports.push_back(ports());
        rule.from = set(direction == Direction::outbound);
        rule.to = set(direction == Direction::inbound);
        rule.verdict = kVerdicts[below(kVerdicts.size())];
        rule.log = below(2) != 0;
        if (below(8) == 0) rule.rate = Rate{};
        rule.name = "rule";
        return rule;
    }

    std::uint16_t port(const PortRanges& ranges) {
        if (ranges.empty() || below(8) == 0)
            return static_cast<std::uint16_t>(below(2) ? below(20) : below(65536));
        const PortRange& range = ranges[below(ranges.size())];
        return static_cast<std::uint16_t>(range.first + below(range.last - range.first + 1u));
    }

    Ipv6Address address(const AddressSet& set, bool ours) {
        const auto& from = set.include.empty() || below(8) == 0 ? set.exclude : set.include;
        if (from.empty() || below(8) == 0)
            return ours ? Ipv6Address{0x2a01'0db8'0100'0000 + below(3), 1 + below(12)} : peer();
        const AddressElement& element = from[below(from.size())];
        if (const auto* prefix = std::get_if<Ipv6Prefix>(&element))
            return {prefix->first().hi | (below(2) && prefix->length() < 64 ? 1 : 0), prefix->first().lo};
        if (const auto* behind = std::get_if<Behind>(&element))
            return {(behind->source ? 0x2a02'0000'0000'0000u : 0x2a01'0db8'0100'0000u) +
                        behind->subnet.value_or(0),
                    behind->interface_id.value_or(below(12))};
        if (std::holds_alternative<Self>(element)) return kSelf;
        if (const auto* in = std::get_if<InFeed>(&element))
            return in->entries->prefixes[below(in->entries->prefixes.size())].first();
        return {0x2a01'0db8'0100'0000 + below(3), 1 + below(5)};
    }

    std::mt19937_64 random_;
    InFeed feed_;
};

// One random policy after the other; how many answers were those of rules is the caller's to look at.
struct Outcome {
    unsigned asked = 0;
    unsigned by_rules = 0;
    unsigned audits = 0;
    unsigned in_tuples = 0;
};

class Comparison {
public:
    Comparison(std::uint64_t seed, std::size_t rules)
        : chains_(seed),
          own_(chains_.own()),
          policy_(chains_.policy(rules)),
          compiled_(compiled(policy_)),
          table_(std::make_unique<dw_own>()) {
        EXPECT_TRUE(encode(own_, table_.get()).has_value());
    }

    void ask(unsigned queries, Outcome* outcome) {
        outcome->in_tuples += compiled_.facts.inbound.tuples != 0;
        for (unsigned i = 0; i < queries && !testing::Test::HasFailure(); ++i)
            ask(chains_.query(policy_), outcome);
    }

private:
    void ask(const Query& query, Outcome* outcome) {
        const Judgement expected = evaluate(policy_, own_, query);
        const reader_query asked{
            {query.peer.hi, query.peer.lo},
            {query.ours.hi, query.ours.lo},
            query.source_port,
            query.proto == IPPROTO_ICMPV6 ? std::uint16_t{query.icmp_type} : query.destination_port,
            query.proto,
            query.direction == Direction::inbound,
        };
        const reader_answer answer = reader_judge({compiled_.image.data(), lines()}, table_.get(), &asked);
        const Rule* by = answer.rule == DW_NO_RULE ? nullptr : rule_at(policy_, answer.index);
        const std::string what =
            fmt::format("{} peer {} ours {} proto {} port {} from {} type {}",
                        asked.inbound ? "inbound" : "outbound", to_string(query.peer), to_string(query.ours),
                        query.proto, query.destination_port, query.source_port, query.icmp_type);
        ASSERT_EQ(answer.status, 0) << what;
        ASSERT_EQ(by, expected.rule) << what << ": rule " << answer.index << " instead of "
                                     << (expected.rule ? index_of(*expected.rule) : -1);
        ASSERT_EQ(answer.verdict, unsigned{expected.verdict}) << what;
        ASSERT_EQ(answer.audited, expected.audited.size()) << what;
        if (by) {
            ASSERT_EQ(answer.rule, DW_REASONS_MAX + answer.index) << what;
            ASSERT_EQ((answer.flags & DW_RULE_LOG) != 0, by->log) << what;
        }
        ++outcome->asked;
        outcome->by_rules += by != nullptr;
        outcome->audits += answer.audited;
    }

    [[nodiscard]] std::uint32_t lines() const {
        return static_cast<std::uint32_t>(compiled_.image.size() / DW_LINE);
    }
    [[nodiscard]] std::ptrdiff_t index_of(const Rule& rule) const {
        const auto& in = policy_.inbound.rules;
        if (&rule >= in.data() && &rule < in.data() + in.size()) return &rule - in.data();
        return &rule - policy_.outbound.rules.data() + static_cast<std::ptrdiff_t>(in.size());
    }

    RandomChains chains_;
    Own own_;
    Policy policy_;
    CompiledImage compiled_;
    std::unique_ptr<dw_own> table_;
};

TEST(Image, SaysWhatTheEvaluatorSays) {
    Outcome outcome;
    for (std::uint64_t seed = 0; seed < 300 && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        Comparison(seed, 1 + seed % 97).ask(400, &outcome);
    }
    EXPECT_GT(outcome.by_rules, outcome.asked / 3);
    EXPECT_GT(outcome.audits, outcome.asked / 10);
    EXPECT_GT(outcome.in_tuples, 150u);
}

TEST(Image, SaysSoOfLongChains) {
    Outcome outcome;
    for (std::uint64_t seed = 1000; seed < 1003 && !HasFailure(); ++seed) {
        SCOPED_TRACE(fmt::format("seed {}", seed));
        Comparison(seed, 2000).ask(2000, &outcome);
    }
    EXPECT_EQ(outcome.in_tuples, 3u);
}

}  // namespace
}  // namespace dishwall::test
