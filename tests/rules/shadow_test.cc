// SPDX-License-Identifier: BSD-3-Clause
//
// Which rules are said to be never reached, against the plain way: every packet of a small world is shown to
// every rule. The world is coarse enough to be gone through and fine enough to tell any two of the rules'
// words apart, and an address in it may be anything at once: at a place, this box's, a learnt host's.
#include "rules/shadow.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "rules/evaluate.h"
#include "rules/rules_above.h"
#include "tests/rules/text.h"
#include "tests/sanitized.h"

namespace dishwall::test {
namespace {

constexpr const char* kAddresses[] = {"any",
                                      "self",
                                      "not self",
                                      "lan",
                                      "dmz",
                                      "{ lan, dmz }",
                                      "nas",
                                      "printer",
                                      "cam",
                                      "tokyo",
                                      "not cam",
                                      "not { nas, tokyo }",
                                      "{ lan, not cam }",
                                      "{ tokyo, nas, cam }",
                                      "dish.pd",
                                      "2a00::/32",
                                      "not 2a00::/32",
                                      "2a00:1::/48",
                                      "{ 2a00::/33, 2a00:0:8000::/33 }",
                                      "{ 2a00::/31, not 2a00:1::/48 }"};
constexpr unsigned kPorts[] = {1, 2, 3, 4, 32767, 32768, 65535};

class Rules {
public:
    explicit Rules(unsigned seed) : generator_(seed) {}

    std::string text(int count) {
        std::string rules;
        for (int i = 0; i < count; ++i) {
            const char* verdict = below(6) == 0 ? "audit" : "accept";
            const std::string protocol = match(), sender = ports_of_sender(protocol);
            const char* from = below(2) == 0 ? "any" : address();
            const char* to = below(3) == 0 ? "any" : address();
            const char* rate = below(12) == 0 ? " rate 1/s" : "";
            rules += fmt::format("{} {} from {}{} to {}{}\n", verdict, protocol, from, sender, to, rate);
        }
        return rules;
    }

private:
    unsigned below(std::size_t bound) { return static_cast<unsigned>(generator_() % bound); }
    const char* address() { return kAddresses[below(std::size(kAddresses))]; }
    std::string range() {
        const unsigned a = kPorts[below(std::size(kPorts))], b = kPorts[below(std::size(kPorts))];
        return fmt::format("{}-{}", std::min(a, b), std::max(a, b));
    }
    std::string ports_of_sender(const std::string& protocol) {
        const bool has_none = protocol.find("icmp") != std::string::npos;
        return has_none || below(8) != 0 ? "" : " port " + range();
    }
    std::string match() {
        const unsigned kind = below(16);
        if (kind == 0) return "";
        if (kind == 1) return below(2) == 0 ? "icmpv6" : "icmpv6 { 1, 2, 3 }";
        const char* proto = kind < 12 ? "tcp" : "udp";
        return kind < 5 ? proto : fmt::format("{} {}", proto, range());
    }

    std::mt19937 generator_;
};

// ---- the small world

struct Spot {
    Ipv6Address literal;
    std::optional<Behind> place;
    bool self = false;
    bool cam = false, tokyo = false;
};

std::vector<Spot> spots(bool ours) {
    std::vector<Spot> all;
    std::vector<std::optional<Behind>> places = {std::nullopt, Behind{1, 0, 0x10}};
    for (const std::uint16_t subnet : {1, 2})
        for (const std::uint64_t id : {0x10, 0x77}) places.push_back(Behind{0, subnet, id});
    places.push_back(Behind{0, 3, 0x10});
    for (const char* literal : {"2a00::5", "2a00:0:8000::5", "2a00:1::5", "2a00:1:1::5", "2c00::5"})
        for (const auto& place : places)
            for (unsigned flags = 0; flags < 8; ++flags) {
                const Spot spot{*parse_ipv6(literal), place, (flags & 1) != 0, (flags & 2) != 0,
                                (flags & 4) != 0};
                // Only networks of the file, and this box.
                const bool reached = spot.self || (place && place->source == 0 && place->subnet != 3);
                if (!ours || reached) all.push_back(spot);
            }
    return all;
}

bool is_at(const AddressElement& element, const Spot& spot, const Policy& policy) {
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) return prefix->contains(spot.literal);
    if (std::holds_alternative<Self>(element)) return spot.self;
    if (const auto* learnt = std::get_if<Learnt>(&element))
        return policy.learnt[0].id == learnt->host ? spot.cam
                                                   : policy.learnt[2].id == learnt->host && spot.tokyo;
    const Behind& behind = std::get<Behind>(element);
    return spot.place && spot.place->source == behind.source &&
           (!behind.subnet || behind.subnet == spot.place->subnet) &&
           (!behind.interface_id || behind.interface_id == spot.place->interface_id);
}

bool has(const AddressSet& set, const Spot& spot, const Policy& policy) {
    const auto holds = [&](const AddressElement& element) { return is_at(element, spot, policy); };
    return (set.any || std::any_of(set.include.begin(), set.include.end(), holds)) &&
           std::none_of(set.exclude.begin(), set.exclude.end(), holds);
}

struct Port {
    std::uint8_t proto;
    std::uint16_t to, from;
};

std::vector<Port> ports() {
    static constexpr std::uint16_t kSome[] = {0, 1, 2, 3, 4, 5, 32767, 32768, 32769, 65535};
    std::vector<Port> all = {{IPPROTO_ICMPV6, 1, 0}, {IPPROTO_ICMPV6, 4, 0}, {47, 0, 0}};
    for (const std::uint8_t proto : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP})
        for (const std::uint16_t to : kSome)
            for (const std::uint16_t from : kSome) all.push_back({proto, to, from});
    return all;
}

bool has(const Rule& rule, const Port& port) {
    Query query;
    query.proto = port.proto;
    query.source_port = port.from;
    query.destination_port = port.to;
    query.icmp_type = static_cast<std::uint8_t>(port.to);
    Traffic anywhere = rule;
    anywhere.from = anywhere.to = AddressSet{};
    return matches(anywhere, Own{}, query);
}

// A bit for each rule. Things that all rules treat alike are one thing.
using Bits = std::uint64_t;

template <typename Things, typename Has>
std::set<Bits> told_apart(const Things& things, const std::vector<Rule>& rules, Has has_it) {
    std::set<Bits> found;
    for (const auto& thing : things) {
        Bits bits = 0;
        for (std::size_t i = 0; i < rules.size(); ++i) bits |= Bits{has_it(rules[i], thing)} << i;
        found.insert(bits);
    }
    return found;
}

std::set<std::size_t> shadowed_plainly(const Policy& policy) {
    const std::vector<Rule>& rules = policy.inbound.rules;
    const auto lanes =
        told_apart(ports(), rules, [](const Rule& rule, const Port& port) { return has(rule, port); });
    const auto peers = told_apart(spots(false), rules, [&](const Rule& rule, const Spot& spot) {
        return has(rule.from, spot, policy);
    });
    const auto ours = told_apart(
        spots(true), rules, [&](const Rule& rule, const Spot& spot) { return has(rule.to, spot, policy); });
    Bits takers = 0, matched = 0, reached = 0;
    for (std::size_t i = 0; i < rules.size(); ++i)
        takers |= Bits{rules[i].verdict != DW_AUDIT && !rules[i].rate} << i;
    for (const Bits lane : lanes)
        for (const Bits peer : peers)
            for (const Bits our : ours) {
                const Bits bits = lane & peer & our, taker = bits & takers;
                matched |= bits;
                reached |= bits & (taker ^ (taker - 1));  // as far as the first that takes it
            }
    std::set<std::size_t> found;
    for (std::size_t i = 0; i < rules.size(); ++i)
        if (matched >> i & 1 && !(reached >> i & 1)) found.insert(i);
    return found;
}

// The policy of these rules, though it may be refused for the very thing that is looked for.
Policy policy_with(const std::string& text) {
    Policy policy;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        const Policy one = policy_of(read_after_preamble(fmt::format(
            "{}policy inbound on dish {{\n{}\n}}\n", kMoreNames, text.substr(begin, end - begin))));
        std::vector<Rule> rules = std::move(policy.inbound.rules);
        policy = one;
        if (!one.inbound.rules.empty()) rules.push_back(one.inbound.rules.front());
        policy.inbound.rules = std::move(rules);
        begin = end + 1;
    }
    return policy;
}

TEST(Shadow, FindsWhatShowingEveryPacketFinds) {
    std::size_t alone = 0, together = 0, by_one_packet = 0, reached = 0;
    constexpr unsigned kPolicies = 100 / kRandomRunsDividedBy;
    for (unsigned seed = 1; seed <= kPolicies; ++seed) {
        const std::string text = Rules(seed).text(40);
        const Policy policy = policy_with(text);
        std::set<std::size_t> found;
        for (const auto& [rule, by] : Shadows(policy, Direction::inbound).find()) {
            found.insert(rule);
            (by.size() == 1 ? alone : together) += 1;
        }
        ASSERT_EQ(found, shadowed_plainly(policy)) << text;
        // What a single packet proves, before sets of them are asked.
        RulesAbove above(policy, Direction::inbound);
        for (std::size_t rule = 0; rule < policy.inbound.rules.size(); ++rule) {
            const bool proven = above.leave_some_of(policy.inbound.rules[rule]);
            ASSERT_FALSE(proven && found.count(rule) != 0) << "rule " << rule << " of\n" << text;
            by_one_packet += proven;
            reached += found.count(rule) == 0;
            above.add(rule);
        }
    }
    if (kRandomRunsDividedBy > 1) return;  // too few policies to say how often
    EXPECT_GT(10 * by_one_packet, 6 * reached);
    EXPECT_GT(alone, 3 * kPolicies);
    EXPECT_GE(together, kPolicies / 2);
}

TEST(Shadow, NamesNoRuleThatIsNotNeeded) {
    std::size_t several = 0;
    for (unsigned seed = 100; seed < 100 + 80 / kRandomRunsDividedBy; ++seed) {
        const Policy policy = policy_with(Rules(seed).text(40));
        for (const auto& [rule, by] : Shadows(policy, Direction::inbound).find()) {
            several += by.size() > 1;
            for (std::size_t i = 0; i <= by.size(); ++i) {
                Policy fewer = policy;
                fewer.inbound.rules.clear();
                for (std::size_t j = 0; j < by.size(); ++j)
                    if (j != i) fewer.inbound.rules.push_back(policy.inbound.rules[by[j]]);
                fewer.inbound.rules.push_back(policy.inbound.rules[rule]);
                const auto found = Shadows(fewer, Direction::inbound).find();
                const bool still = !found.empty() && found.back().rule + 1 == fewer.inbound.rules.size();
                EXPECT_EQ(still, i == by.size())
                    << "rule " << rule << " without the " << i << "th of " << by.size();
            }
        }
    }
    EXPECT_GT(several, std::size_t{20 / kRandomRunsDividedBy});
}

// A moment that makes the worst of what is not known: each learnt host is where it does most harm.
TEST(Shadow, NeverClaimsALearntHostToBeElsewhere) {
    const Policy policy = policy_with(
        "accept tcp 1 to not cam\naccept tcp 1 to nas\naccept tcp 1 to tv\naccept tcp 1 to lan\n"
        "accept tcp 1 to printer\naccept tcp 1 to cam\n");
    const std::vector<Rule>& rules = policy.inbound.rules;
    // Only the last is: what is cam's is in the first, or it is at one of the places in between.
    EXPECT_TRUE(Shadows(policy, Direction::inbound).find().empty());
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

// Feeds are read again while the policy is in force: today's entries cover nothing of tomorrow.
TEST(Shadow, AFeedCoversOnlyItself) {
    Policy policy = policy_with("drop\ndrop from 2a00::/32\ndrop\n");
    auto entries = std::make_shared<FeedEntries>();
    entries->prefixes = {*parse_prefix("2a00::/16")};
    std::vector<Rule>& rules = policy.inbound.rules;
    rules[0].from = AddressSet{false, {InFeed{0, entries}}, {}};
    EXPECT_TRUE(Shadows(policy, Direction::inbound).find().empty());
    rules[2].from = rules[0].from;
    rules[2].to = AddressSet{false, {Self{}}, {}};
    const auto found = Shadows(policy, Direction::inbound).find();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].rule, 2u);
    EXPECT_EQ(found[0].by, std::vector<std::size_t>{0});
}

}  // namespace
}  // namespace dishwall::test
