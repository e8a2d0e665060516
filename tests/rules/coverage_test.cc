// SPDX-License-Identifier: BSD-3-Clause
//
// What traffic comes to, against the oracle: evaluate() is asked for packets of every kind that the rules can
// tell apart, at a moment when every name has an address of its own. The rules and verdicts that it finds
// must be those that outcomes() names, no more and no fewer.
#include "rules/coverage.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <set>
#include <utility>

#include "rules/evaluate.h"
#include "rules/range_set.h"
#include "tests/sanitized.h"
#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

// ---- sets of keys

std::vector<KeyRange> random_ranges(std::mt19937* random) {
    std::vector<KeyRange> ranges;
    for (unsigned i = (*random)() % 5; i > 0; --i) {
        const std::uint64_t first = (*random)() % 24, last = first + (*random)() % 6;
        ranges.push_back({{first / 12, first % 12}, {last / 12, last % 12}});
    }
    return ranges;
}

TEST(RangeSet, IsReckonedWithKeyByKey) {
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        const RangeSet a(random_ranges(&random)), b(random_ranges(&random));
        const RangeSet both = intersection(a, b), rest = difference(a, b);
        bool any = false;
        for (std::uint64_t hi = 0; hi < 3; ++hi)
            for (std::uint64_t lo = 0; lo < 14; ++lo) {
                const Ipv6Address key{hi, lo};
                ASSERT_EQ(both.contains(key), a.contains(key) && b.contains(key));
                ASSERT_EQ(rest.contains(key), a.contains(key) && !b.contains(key));
                any |= both.contains(key);
            }
        ASSERT_EQ(any || !both.empty(), intersects(a, b));
    }
}

TEST(RangeSet, KnowsItsEnds) {
    const Ipv6Address last{~0ull, ~0ull};
    const RangeSet all({KeyRange{{0, 0}, last}});
    EXPECT_TRUE(difference(all, all).empty());
    EXPECT_EQ(difference(all, RangeSet({KeyRange{last, last}})),
              RangeSet({KeyRange{{0, 0}, {~0ull, ~0ull - 1}}}));
    EXPECT_EQ(difference(all, RangeSet({KeyRange{{0, 0}, {0, 0}}})), RangeSet({KeyRange{{0, 1}, last}}));
}

// ---- policies

constexpr const char* kNames =
    "network dmz = dish.pd subnet 2\nhost tv = lan mac 02:11:22:33:44:66\nhost cam = lan mac "
    "02:11:22:33:44:55\n"
    "host tokyo = name vpn.example.net\nhost berlin = name berlin.example.net\nhost vm = dmz ::5\n";

constexpr const char* kOurs[] = {"any",
                                 "self",
                                 "lan",
                                 "dmz",
                                 "nas",
                                 "vm",
                                 "cam",
                                 "{ tv, nas }",
                                 "not cam",
                                 "not self",
                                 "{ lan, not { nas, cam } }",
                                 "dish.pd",
                                 "not lan",
                                 "{ self, dmz }",
                                 "not { nas, vm }"};
constexpr const char* kPeers[] = {"any",
                                  "tokyo",
                                  "berlin",
                                  "not tokyo",
                                  "2a00::/32",
                                  "2a00:1::/48",
                                  "dish.onlink",
                                  "{ 2a00::/31, not 2a00:1::/48 }",
                                  "not 2a00::/32",
                                  "{ berlin, 2a00:1::/48, 2c00::/16 }",
                                  "not dish.onlink",
                                  "{ 2a00::5, tokyo }"};
constexpr unsigned kPorts[] = {1, 2, 3, 4, 32767, 32768, 65535};

class Texts {
public:
    explicit Texts(unsigned seed) : generator_(seed) {}

    std::string rules(int count, bool inbound) {
        std::string text;
        const char* verdicts[] = {"accept", "drop", inbound ? "reject" : "drop", "audit"};
        for (int i = 0; i < count; ++i) text += fmt::format("{} {}\n", verdicts[below(4)], traffic(inbound));
        return text;
    }
    std::string traffic(bool inbound) {
        const char* ours = below(3) == 0 ? "any" : kOurs[below(std::size(kOurs))];
        const char* peer = below(3) == 0 ? "any" : kPeers[below(std::size(kPeers))];
        const std::string protocol = match();
        const std::string sender =
            below(8) == 0 && protocol.find("icmp") == protocol.npos ? " port " + range() : "";
        return fmt::format("{} from {}{} to {}", protocol, inbound ? peer : ours, sender,
                           inbound ? ours : peer);
    }
    bool one_in(unsigned count) { return below(count) == 0; }

private:
    unsigned below(std::size_t bound) { return static_cast<unsigned>(generator_() % bound); }
    std::string range() {
        const unsigned a = kPorts[below(std::size(kPorts))], b = kPorts[below(std::size(kPorts))];
        return fmt::format("{}-{}", std::min(a, b), std::max(a, b));
    }
    std::string match() {
        const unsigned kind = below(16);
        if (kind == 0) return "";
        if (kind == 1) return "icmpv6 { 1, 3 }";
        if (kind == 2) return "icmpv6";
        const char* proto = kind < 12 ? "tcp" : "udp";
        return kind < 6 ? proto : fmt::format("{} {}", proto, range());
    }

    std::mt19937 generator_;
};

std::string in_block(bool inbound, const std::string& rules) {
    return fmt::format("{}policy {} on dish {{\n{}\n}}\n", kNames, inbound ? "inbound" : "outbound", rules);
}

// One by one: together they may be refused for a rule that is never reached.
std::vector<Rule> rules_of(bool inbound, const std::string& text) {
    std::vector<Rule> rules;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = text.find('\n', begin);
        const Policy policy =
            policy_of(read_after_preamble(in_block(inbound, text.substr(begin, end - begin))));
        const Chain& chain = inbound ? policy.inbound : policy.outbound;
        if (!chain.rules.empty()) rules.push_back(chain.rules.front());
        begin = end + 1;
    }
    return rules;
}

// ---- the moment, and the packets of it

struct Moment {
    Own own;
    std::vector<Ipv6Address> ours, peers;
};

std::uint32_t id_of(const Policy& policy, std::string_view name) {
    for (const LearntHost& host : policy.learnt)
        if (host.name == name) return host.id;
    ADD_FAILURE() << name;
    return 0;
}

Moment moment_of(const Policy& policy) {
    const auto address = [](const char* text) { return *parse_ipv6(text); };
    Moment moment;
    Own& own = moment.own;
    own.prefixes = {{*parse_prefix("2001:db8:aa00::/56"), 0, DW_PREFIX_PREFERRED, false},
                    {*parse_prefix("2001:db8:bb00:1::/64"), 1, DW_PREFIX_PREFERRED, true}};
    // In a network, in one that is not assigned, on the dish's side, and nowhere.
    own.self = {address("2001:db8:aa00:1::1"), address("2001:db8:aa00:2::1"), address("2001:db8:aa00:9::1"),
                address("2001:db8:bb00:1::1"), address("2001:db8:cccc::1")};
    own.learnt = {{address("2001:db8:aa00:1::ca"), id_of(policy, "cam")},
                  {address("2001:db8:aa00:1::d7"), id_of(policy, "tv")},
                  {address("2001:db8:dddd::1"), id_of(policy, "tokyo")},
                  {address("2001:db8:dddd::2"), id_of(policy, "berlin")}};
    tidy(&own.learnt);
    moment.ours = own.self;
    for (const char* text : {"2001:db8:aa00:1::10", "2001:db8:aa00:1::ca", "2001:db8:aa00:1::d7",
                             "2001:db8:aa00:2::5", "2001:db8:aa00:1::77", "2001:db8:aa00:2::77"})
        moment.ours.push_back(address(text));
    for (const char* text : {"2001:db8:dddd::1", "2001:db8:dddd::2", "2a00::5", "2a00::6", "2a00:1::5",
                             "2a00:1:1::5", "2a01::5", "2c00::5", "2d00::5", "2001:db8:bb00:1::9"})
        moment.peers.push_back(address(text));
    return moment;
}

using Decided = std::set<std::pair<const Rule*, dw_verdict>>;

std::vector<Query> queries(Direction direction) {
    static constexpr std::uint16_t kSome[] = {0, 1, 2, 3, 4, 5, 32767, 32768, 32769, 65535};
    std::vector<Query> all;
    const auto add = [&](std::uint8_t proto, std::uint16_t from, std::uint16_t to) {
        all.push_back({direction,
                       {},
                       {},
                       proto,
                       from,
                       to,
                       static_cast<std::uint8_t>(proto == IPPROTO_ICMPV6 ? to : 0)});
    };
    for (const std::uint8_t proto : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP})
        for (const std::uint16_t from : kSome)
            for (const std::uint16_t to : kSome) add(proto, from, to);
    for (const std::uint16_t type : {1, 2, 3, 4}) add(IPPROTO_ICMPV6, 0, type);
    add(47, 0, 0);
    return all;
}

Decided asked(const Policy& policy, Direction direction, const Traffic& traffic) {
    const Moment moment = moment_of(policy);
    Decided decided;
    std::vector<Ipv6Address> ours = moment.ours;
    // Outbound, whoever is behind the line may send.
    if (direction == Direction::outbound) ours.push_back(*parse_ipv6("2001:db8:aa00:7::77"));
    for (Query query : queries(direction))
        for (const Ipv6Address& our : ours)
            for (const Ipv6Address& peer : moment.peers) {
                query.ours = our;
                query.peer = peer;
                if (!matches(traffic, moment.own, query)) continue;
                const Judgement judged = evaluate(policy, moment.own, query);
                decided.emplace(judged.rule, judged.verdict);
            }
    return decided;
}

std::string text_of(const Policy& policy, const Decided& decided) {
    std::string text;
    for (const auto& [rule, verdict] : decided)
        text += rule ? fmt::format("{} ", rule - (policy.inbound.rules.empty() ? policy.outbound.rules.data()
                                                                               : policy.inbound.rules.data()))
                     : fmt::format("default {} ", static_cast<int>(verdict));
    return text;
}

void compare(unsigned seed, Direction direction, std::size_t* decisions) {
    const bool inbound = direction == Direction::inbound;
    Texts texts(seed);
    const std::string text = texts.rules(12, inbound);
    Policy policy = policy_of(read_after_preamble(in_block(inbound, "")));
    Chain& chain = inbound ? policy.inbound : policy.outbound;
    chain.rules = rules_of(inbound, text);
    auto entries = std::make_shared<FeedEntries>();
    entries->prefixes = {*parse_prefix("2a00::6/128"), *parse_prefix("2a00:1::/48")};
    for (Rule& rule : chain.rules)
        if (texts.one_in(6)) (inbound ? rule.from : rule.to).exclude.push_back(InFeed{0, entries});
    for (int i = 0; i < 12; ++i) {
        const std::string wanted = texts.traffic(inbound);
        const std::vector<Rule> traffic = rules_of(inbound, "accept " + wanted + "\n");
        ASSERT_EQ(traffic.size(), 1u);
        Decided found;
        for (const Outcome& outcome : outcomes(policy, direction, traffic[0])) {
            found.emplace(outcome.rule, outcome.verdict);
            EXPECT_NE(outcome.example, "");
        }
        const Decided expected = asked(policy, direction, traffic[0]);
        ASSERT_EQ(text_of(policy, found), text_of(policy, expected)) << "seed " << seed << "\n"
                                                                     << text << wanted;
        *decisions += found.size();
    }
}

constexpr unsigned kPolicies = 40 / kRandomRunsDividedBy;

TEST(Coverage, OutcomesAreThoseOfEveryPacketInbound) {
    std::size_t decisions = 0;
    for (unsigned seed = 1; seed <= kPolicies && !HasFatalFailure(); ++seed)
        compare(seed, Direction::inbound, &decisions);
    EXPECT_GT(decisions, 25 * kPolicies);
}

TEST(Coverage, OutcomesAreThoseOfEveryPacketOutbound) {
    std::size_t decisions = 0;
    for (unsigned seed = 1; seed <= kPolicies && !HasFatalFailure(); ++seed)
        compare(seed, Direction::outbound, &decisions);
    EXPECT_GT(decisions, 25 * kPolicies);
}

}  // namespace
}  // namespace dishwall::test
