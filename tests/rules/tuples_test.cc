// SPDX-License-Identifier: BSD-3-Clause
//
// Which masks lines get. That every packet of a line is led to it is shown by image_test.cc; here also for a
// chain with every combination of masks that there is, twice as many as have room.
#include "rules/image/tuples.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>

#include "rules/evaluate.h"
#include "tests/rules/image_reader.h"
#include "tests/rules/image_view.h"
#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

ChainLines lines_of_inbound(const Policy& policy) {
    std::uint32_t index = 0;
    std::vector<dw_rate> rates;
    auto lines = lines_of(
        policy, Direction::inbound, [](const Rule&) { return DW_REASONS_MAX; }, &index, &rates);
    EXPECT_TRUE(lines.has_value());
    return lines ? std::move(*lines) : ChainLines{};
}

struct Masks {
    const char* rule;
    unsigned local, service, peer_length;
    std::size_t keys;
};

constexpr Masks kMasks[] = {
    {"accept from 2600::/32 to nas", DW_LOCAL_EXACT, DW_SERVICE_ANY, 32, 1},
    {"accept tcp 22 to nas rate 10/s", DW_LOCAL_EXACT, DW_SERVICE_PORT, 0, 1},
    {"accept tcp 22 to lan", DW_LOCAL_SUBNET, DW_SERVICE_PORT, 0, 1},
    {"accept tcp 22 to { lan, nas }", DW_LOCAL_SUBNET, DW_SERVICE_PORT, 0, 1},
    {"accept tcp 22-23 to { nas, pi }", DW_LOCAL_EXACT, DW_SERVICE_BLOCK_16, 0, 2},
    {"accept tcp 22 to { lan, self }", DW_LOCAL_ANY, DW_SERVICE_PORT, 0, 1},
    {"accept tcp 22 to not nas", DW_LOCAL_ANY, DW_SERVICE_PORT, 0, 1},
    {"accept tcp 22 to { lan, not nas }", DW_LOCAL_SUBNET, DW_SERVICE_PORT, 0, 1},
    {"accept tcp to nas", DW_LOCAL_EXACT, DW_SERVICE_PROTO, 0, 1},
    {"accept tcp 0-65535 to nas", DW_LOCAL_EXACT, DW_SERVICE_PROTO, 0, 1},
    {"accept tcp 16-31 to lan", DW_LOCAL_SUBNET, DW_SERVICE_BLOCK_16, 0, 1},
    {"accept tcp 15-256 to lan", DW_LOCAL_SUBNET, DW_SERVICE_BLOCK_256, 0, 2},
    {"accept tcp 1024-1279 to lan", DW_LOCAL_SUBNET, DW_SERVICE_BLOCK_16, 0, 16},
    {"accept tcp 1024-1280 to lan", DW_LOCAL_SUBNET, DW_SERVICE_BLOCK_256, 0, 2},
    {"accept tcp 1024-65535 to lan", DW_LOCAL_SUBNET, DW_SERVICE_PROTO, 0, 1},
    {"accept tcp 22 from 2600::/12 to lan", DW_LOCAL_SUBNET, DW_SERVICE_PORT, 0, 1},
    {"accept tcp 22 from 2600::/31 to lan", DW_LOCAL_SUBNET, DW_SERVICE_PORT, 24, 1},
    {"accept tcp 22 from { 2600::/48, 2700::/33 } to lan", DW_LOCAL_SUBNET, DW_SERVICE_PORT, 32, 2},
    {"accept tcp 22 from { 2600::1, 2600::2 } to lan", DW_LOCAL_SUBNET, DW_SERVICE_PORT, 128, 2},
    {"accept tcp 22 from { 2600::/32, not 2600::1 } to lan", DW_LOCAL_SUBNET, DW_SERVICE_PORT, 32, 1},
    {"accept tcp 22 from not 2600::/32 to lan", DW_LOCAL_SUBNET, DW_SERVICE_PORT, 0, 1},
};

TEST(Tuples, TheFinestMasksThatNeedFewKeys) {
    for (const Masks& expected : kMasks) {
        const Policy policy = policy_of(read_after_preamble(
            fmt::format("host pi = lan ::11\npolicy inbound on dish {{\n{}\n}}\n", expected.rule)));
        const ChainLines lines = lines_of_inbound(policy);
        const TuplePlan plan = plan_tuples(lines);
        ASSERT_EQ(plan.tuples.size(), 1u) << expected.rule;
        EXPECT_EQ(plan.tuples[0].local, expected.local) << expected.rule;
        EXPECT_EQ(plan.tuples[0].service, expected.service) << expected.rule;
        EXPECT_EQ(plan.tuples[0].peer_length, expected.peer_length) << expected.rule;
        EXPECT_EQ(plan.keys, expected.keys) << expected.rule;
    }
}

TEST(Tuples, ALineOfManyValuesGivesUpBits) {
    std::string peers, hosts, names;
    for (int i = 0; i < 40; ++i) {
        peers += fmt::format("{}2600:{:x}::/32", i ? ", " : "", i);
        hosts += fmt::format("host h{} = lan ::{:x}\n", i, i + 100);
        names += fmt::format("{}h{}", i ? ", " : "", i);
    }
    const Policy policy = policy_of(read_after_preamble(fmt::format(
        "{}policy inbound on dish {{\naccept tcp 1-2 from {{ {} }} to {{ {} }}\n}}\n", hosts, peers, names)));
    const ChainLines lines = lines_of_inbound(policy);
    const TuplePlan plan = plan_tuples(lines);
    KeyParts parts;
    find_key_parts(lines.heads[0], lines.general[0], plan.masks[0], &parts);
    EXPECT_EQ(parts.keys(), plan.keys);
    EXPECT_LE(plan.keys, 64u) << "of 1600";
    EXPECT_EQ(plan.tuples[0].local, DW_LOCAL_SUBNET) << "40 hosts of one network";
    EXPECT_EQ(plan.tuples[0].peer_length, 32);
}

// ---- every combination of masks

AddressSet one(const AddressElement& element) { return {false, {element}, {}}; }

Rule rule_with(unsigned local, unsigned service, unsigned peer) {
    static constexpr PortRange kPorts[] = {{0, 65535}, {0, 65535}, {300, 3000}, {1000, 1002}, {7, 7}};
    Rule rule;
    rule.match = {ProtocolMatch{}};
    if (service != DW_SERVICE_ANY) rule.match[0].proto = IPPROTO_TCP;
    if (service > DW_SERVICE_PROTO) rule.match[0].ports = {kPorts[service]};
    if (local == DW_LOCAL_SUBNET) rule.to = one(Behind{0, std::uint16_t{1}, {}});
    if (local == DW_LOCAL_EXACT) rule.to = one(Behind{0, std::uint16_t{1}, 0x10});
    if (peer != 0) rule.from = one(Ipv6Prefix::containing({0x2600'0001'0001'0001, 5}, kPeerLengths[peer]));
    // Each by its own, so that no rule hides what is behind it: a packet is audited by all that mean it.
    rule.verdict = DW_AUDIT;
    if (service == DW_SERVICE_PORT && local == DW_LOCAL_EXACT) rule.rate = Rate{};  // else it were a service
    rule.name = "rule";
    return rule;
}

TEST(Tuples, SeldomUsedOnesAreFolded) {
    Policy policy;
    for (unsigned local = 3; local-- > 0;)
        for (unsigned service = 5; service-- > 0;)
            for (unsigned peer = 9; peer-- > 0;)
                policy.inbound.rules.push_back(rule_with(local, service, peer));
    const ChainLines lines = lines_of_inbound(policy);
    ASSERT_EQ(lines.general.size(), 135u);
    const TuplePlan plan = plan_tuples(lines);
    EXPECT_EQ(plan.tuples.size(), std::size_t{DW_TUPLES_MAX});
    for (std::size_t i = 1; i < plan.tuples.size(); ++i)
        EXPECT_LE(plan.tuples[i - 1].first, plan.tuples[i].first);
    for (std::size_t i = 0; i < lines.general.size(); ++i) {
        const TupleMasks mine{static_cast<std::uint8_t>(2 - i / 45), static_cast<std::uint8_t>(4 - i / 9 % 5),
                              static_cast<std::uint8_t>(8 - i % 9)};
        EXPECT_TRUE(plan.masks[plan.of_line[i]].covers(mine)) << i;
        EXPECT_LE(plan.tuples[plan.of_line[i]].first, i);
    }

    Own own;
    own.prefixes = {{Ipv6Prefix::containing({0x2a01'0db8'0100'0000, 0}, 56), 0}};
    const auto table = std::make_unique<dw_own>();
    ASSERT_TRUE(encode(own, table.get()).has_value());
    const CompiledImage image = compiled(policy);
    EXPECT_EQ(image.facts.inbound.tuples, std::size_t{DW_TUPLES_MAX});
    unsigned most = 0;
    for (const unsigned bit : {128u, 100u, 64u, 60u, 50u, 45u, 39u, 31u, 23u, 10u})
        for (const std::uint64_t subnet : {1, 2})
            for (const std::uint64_t host : {0x10, 0x11})
                for (const std::uint16_t port : {7, 8, 1001, 1003, 299, 300, 3000, 3001}) {
                    Query query;
                    query.peer = {0x2600'0001'0001'0001 ^ (bit < 64 ? 1ull << (63 - bit) : 0),
                                  5ull ^ (bit >= 64 && bit < 128 ? 1ull << (127 - bit) : 0)};
                    query.ours = {0x2a01'0db8'0100'0000 + subnet, host};
                    query.proto = IPPROTO_TCP;
                    query.destination_port = port;
                    const reader_query asked{{query.peer.hi, query.peer.lo},
                                             {query.ours.hi, query.ours.lo},
                                             0,
                                             port,
                                             IPPROTO_TCP,
                                             1};
                    const reader_answer answer =
                        reader_judge({image.image.data(), static_cast<__u32>(image.image.size() / DW_LINE)},
                                     table.get(), &asked);
                    ASSERT_EQ(answer.status, 0);
                    ASSERT_EQ(answer.audited, evaluate(policy, own, query).audited.size())
                        << "peer bit " << bit << " subnet " << subnet << " host " << host << " port " << port;
                    most = std::max(most, answer.audited);
                }
    EXPECT_GT(most, 70u);
}

}  // namespace
}  // namespace dishwall::test
