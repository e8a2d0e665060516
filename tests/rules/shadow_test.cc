// SPDX-License-Identifier: BSD-3-Clause
//
// Which rules are said to be never reached, against the plain way: every pair of rules compared by itself,
// port by port. Random rules over few addresses and ports, so that many of them cover each other.
#include "rules/shadow.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "rules/address_set.h"
#include "rules/evaluate.h"
#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

constexpr const char* kAddresses[] = {"any",
                                      "self",
                                      "lan",
                                      "dmz",
                                      "nas",
                                      "printer",
                                      "cam",
                                      "tv",
                                      "tokyo",
                                      "not cam",
                                      "not { nas, tokyo }",
                                      "{ lan, not cam }",
                                      "{ cam, tv }",
                                      "{ tv, nas, cam }",
                                      "dish.pd",
                                      "2a00::/32",
                                      "2a00:1::/48",
                                      "{ 2a00::/32, not 2a00:1::/48 }"};
constexpr unsigned kPorts[] = {1, 2, 3, 4, 32767, 32768, 65535};

class Rules {
public:
    explicit Rules(unsigned seed) : generator_(seed) {}

    std::string text(int count) {
        std::string rules;
        for (int i = 0; i < count; ++i)
            rules += fmt::format("{} {} from {} to {}\n", below(5) == 0 ? "audit" : "accept", match(),
                                 below(2) == 0 ? "any" : address(), below(3) == 0 ? "any" : address());
        return rules;
    }

private:
    unsigned below(std::size_t bound) { return static_cast<unsigned>(generator_() % bound); }
    const char* address() { return kAddresses[below(std::size(kAddresses))]; }
    std::string match() {
        const char* proto = below(2) == 0 ? "tcp" : "udp";
        const unsigned a = kPorts[below(std::size(kPorts))], b = kPorts[below(std::size(kPorts))];
        if (below(12) == 0) return "";
        if (below(6) == 0) return proto;
        return fmt::format("{} {}-{}", proto, std::min(a, b), std::max(a, b));
    }

    std::mt19937 generator_;
};

bool takes(const Rule& rule, std::uint8_t proto, unsigned port) {
    return std::any_of(rule.match.begin(), rule.match.end(), [&](const ProtocolMatch& match) {
        if (match.proto && *match.proto != proto) return false;
        return match.ports.empty() ||
               std::any_of(match.ports.begin(), match.ports.end(),
                           [&](const PortRange& range) { return range.first <= port && port <= range.last; });
    });
}

bool covers_plainly(const Rule& outer, const Rule& inner) {
    for (const std::uint8_t proto : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP})
        for (const unsigned port : {0u, 1u, 2u, 3u, 4u, 5u, 32767u, 32768u, 32769u, 65535u})
            if (takes(inner, proto, port) && !takes(outer, proto, port)) return false;
    WorkBudget budget{1'000'000};
    return covers(outer.to, inner.to, &budget) && covers(outer.from, inner.from, &budget);
}

std::map<std::size_t, std::size_t> shadowed_plainly(const std::vector<Rule>& rules) {
    std::map<std::size_t, std::size_t> found;
    for (std::size_t rule = 0; rule < rules.size(); ++rule)
        for (std::size_t by = 0; by < rule && found.count(rule) == 0; ++by)
            if (rules[by].verdict != DW_AUDIT && covers_plainly(rules[by], rules[rule])) found[rule] = by;
    return found;
}

// The rules of a policy that may have been refused for the very thing that is looked for.
std::vector<Rule> rules_of(const std::string& text) {
    std::vector<Rule> rules;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        const Policy policy = policy_of(read_after_preamble(fmt::format(
            "{}policy inbound on dish {{\n{}\n}}\n", kMoreNames, text.substr(begin, end - begin))));
        if (!policy.inbound.rules.empty()) rules.push_back(policy.inbound.rules.front());
        begin = end + 1;
    }
    return rules;
}

TEST(Shadow, FindsWhatComparingAllPairsFinds) {
    std::size_t covered = 0;
    for (unsigned seed = 1; seed <= 60; ++seed) {
        const std::string text = Rules(seed).text(40);
        const std::vector<Rule> rules = rules_of(text);
        std::map<std::size_t, std::size_t> found;
        for (const auto& [rule, by] : find_shadowed(rules)) found[rule] = by;
        ASSERT_EQ(found, shadowed_plainly(rules)) << text;
        covered += found.size();
    }
    EXPECT_GT(covered, 100u);
}

// A moment that makes the worst of what is not known: each learnt host is where it does most harm.
TEST(Shadow, NeverClaimsALearntHostToBeElsewhere) {
    const std::vector<Rule> rules = rules_of(
        "accept tcp 1 to not cam\naccept tcp 1 to nas\naccept tcp 1 to tv\naccept tcp 1 to lan\n"
        "accept tcp 1 to printer\naccept tcp 1 to cam\n");
    EXPECT_TRUE(find_shadowed(rules).empty());
    const std::uint32_t cam = std::get<Learnt>(rules[5].to.include.front()).host;
    const std::uint32_t tv = std::get<Learnt>(rules[2].to.include.front()).host;
    const Ipv6Address nas = *parse_ipv6("2001:db8:aa00:1::10");
    Own own;
    own.prefixes.push_back({*Ipv6Prefix::make({0x20010db8aa000000, 0}, 56), 0, DW_PREFIX_PREFERRED, false});
    own.learnt = {{nas, cam}, {nas, tv}};
    tidy(&own.learnt);
    for (std::size_t rule = 1; rule < rules.size(); ++rule) {
        EXPECT_TRUE(contains(rules[rule].to, own, nas)) << rule;
        EXPECT_FALSE(contains(rules[0].to, own, nas)) << "a packet to nas passes the first rule by";
    }
}

}  // namespace
}  // namespace dishwall::test
