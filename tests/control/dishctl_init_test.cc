// SPDX-License-Identifier: BSD-3-Clause
//
// First rule files of made machines: each is a rule file, lets nothing in, and says what was seen.
#include <gtest/gtest.h>

#include "control/dishctl/init/first_rule_file.h"
#include "control/dishctl/init/sockets.h"
#include "tests/control/import_case.h"

namespace dishwall::test {
namespace {

Ipv6Address address(const char* text) { return parse_ipv6(text).value(); }

MachineView router() {
    MachineView view;
    view.host_name = "gw";
    view.uplink = "eth0";
    view.delegations = {{*parse_prefix("2a0d:3344:aa::/56"), 1024}};
    view.interfaces = {{"eth0", true, {{address("2a0d:3344:ff::2"), 64}}},
                       {"br-lan", true, {{address("2a0d:3344:aa:1::1"), 64}, {address("fe80::1"), 64}}},
                       {"br-iot", true, {{address("2a0d:3344:aa:2::1"), 64}}}};
    view.neighbours = {{"br-lan", address("2a0d:3344:aa:1::10"), {2, 0x11, 0x22, 0x33, 0x44, 0x55}},
                       {"br-lan", address("fe80::11:22ff:fe33:4455"), {2, 0x11, 0x22, 0x33, 0x44, 0x55}},
                       {"br-iot", address("fe80::9"), {2, 0x99, 0x22, 0x33, 0x44, 0x55}},
                       {"eth0", address("fe80::ff"), {2, 1, 1, 1, 1, 1}}};
    view.listeners = {{6, 22, {}, "sshd"},
                      {6, 22, address("2a0d:3344:ff::2"), "sshd"},
                      {17, 51820, {}, ""},
                      {17, 40000, {}, "chrony"},
                      {17, 546, {}, "dhcpcd"}};
    return view;
}

Policy policy_of(const std::string& text) {
    Compiled compiled = read_policy(
        "first.conf", text,
        {.service_port = [](std::string_view, std::string_view) { return std::optional<std::uint16_t>(); }});
    if (!compiled.policy) ADD_FAILURE() << render(compiled.diagnostics, compiled.sources, false) << text;
    return compiled.policy ? std::move(*compiled.policy) : Policy{};
}

TEST(Init, ARouterIsWrittenDown) {
    const std::string text = first_rule_file(router());
    const std::string path = std::string(IMPORT_DIR) + "/../init/router.conf";
    if (std::getenv("DISHWALL_UPDATE_GOLDEN")) std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(text_of_file(path), text);
    const Policy policy = policy_of(text);
    ASSERT_EQ(policy.networks.size(), 2u);
    EXPECT_EQ(policy.networks[0].name, "lan");
    EXPECT_EQ(policy.networks[0].subnet, 1);
    EXPECT_EQ(policy.networks[1].name, "iot");
    EXPECT_EQ(policy.learnt.size(), 2u)
        << "one for each device, whatever addresses it has, and none for the uplink's";
}

TEST(Init, NothingIsLetIn) {
    for (const MachineView& machine : {router(), MachineView{}}) {
        const Policy policy = policy_of(first_rule_file(machine));
        EXPECT_EQ(policy.inbound.default_verdict, DW_DROP);
        for (const Rule& rule : policy.inbound.rules) EXPECT_EQ(rule.verdict, DW_AUDIT) << rule.name;
        EXPECT_EQ(policy.outbound.default_verdict, DW_ACCEPT);
    }
}

TEST(Init, ProposalsAreRulesOnceTheirSignIsTaken) {
    MachineView machine = router();
    machine.ssh_client = "2a01:4f8:10::7";
    std::string text = first_rule_file(machine);
    for (const char* sign : {"# accept", "# test"})
        for (std::size_t at = text.find(sign); at != std::string::npos; at = text.find(sign))
            text.replace(at, 2, "");
    const Policy policy = policy_of(text);
    std::vector<std::string> accepts;
    for (const Rule& rule : policy.inbound.rules)
        if (rule.verdict == DW_ACCEPT) accepts.push_back(rule.name);
    EXPECT_EQ(accepts, (std::vector<std::string>{"ping", "my-session", "sshd-22", "udp-51820", "web"}));
    EXPECT_EQ(policy.tests.size(), 1u);
}

TEST(Init, OfSeveralDelegationsTheOneInUseIsTaken) {
    MachineView machine = router();
    machine.delegations.insert(machine.delegations.begin(), {*parse_prefix("2a0e:1:2::/48"), 512});
    const Policy policy = policy_of(first_rule_file(machine));
    ASSERT_TRUE(std::holds_alternative<FromDhcpv6Pd>(policy.uplink.sources.at(0).from));
    EXPECT_EQ(std::get<FromDhcpv6Pd>(policy.uplink.sources[0].from).metric, 1024u);
    EXPECT_EQ(policy.networks.size(), 2u);
}

TEST(Init, WithoutADelegationTheLansAddressesAreTheirPrefixes) {
    MachineView machine = router();
    machine.delegations.clear();
    const Policy policy = policy_of(first_rule_file(machine));
    ASSERT_EQ(policy.networks.size(), 2u);
    EXPECT_EQ(std::get<FromAddresses>(policy.uplink.sources.at(policy.networks[0].source).from).interface,
              "br-lan");
}

TEST(Init, WhateverIsSeenGivesARuleFile) {
    MachineView odd;
    odd.host_name = "x\n} policy";
    odd.uplink = "eth0.7:a";
    odd.troubles = {"no\nnetlink \\"};
    odd.delegations = {{*parse_prefix("2a0d:3344:aa::/48"), std::nullopt}, {*parse_prefix("fd00::/48"), 7}};
    for (int i = 0; i < 2000; ++i) {
        const auto n = static_cast<std::uint64_t>(i);
        const std::string name = i % 3 == 0 ? "any" : i % 3 == 1 ? "we\"ird" : "lan@" + std::to_string(i);
        odd.interfaces.push_back({name, true, {{{0x2a0d334400aa0000 + n, 1}, 64}}});
        odd.neighbours.push_back({name, {0xfe80ull << 48, n}, {static_cast<std::uint8_t>(i), 1, 2, 3, 4, 5}});
        odd.listeners.push_back(
            {static_cast<std::uint8_t>(i), static_cast<std::uint16_t>(i), {}, "a b\"\n}"});
    }
    odd.interfaces.resize(900);
    policy_of(first_rule_file(odd));
    policy_of(first_rule_file({}));
}

TEST(Init, ListenersAreReadAsTheKernelPrintsThem) {
    std::string inode;
    const auto ssh = listener_in(
        "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A "
        "00000000:00000000 "
        "00:00000000 00000000     0        0 12345 1 0000000000000000 100 0 0 10 0",
        6, &inode);
    ASSERT_TRUE(ssh);
    EXPECT_EQ(ssh->port, 22);
    EXPECT_EQ(inode, "12345");
    const auto at = [&](const char* local, const char* state, std::uint8_t proto) {
        return listener_in(std::string("0: ") + local + " 0:0 " + state + " 0:0 0:0 0 0 0 1 2", proto,
                           &inode);
    };
    EXPECT_TRUE(at("44330D2A0000FF000000000002000000:0050", "0A", 6));
    EXPECT_FALSE(at("44330D2A0000FF000000000002000000:0050", "01", 6)) << "a connection";
    EXPECT_FALSE(at("00000000000000000000000001000000:0050", "0A", 6)) << "::1";
    EXPECT_FALSE(at("000080FE000000000000000001000000:0050", "0A", 6)) << "fe80::1";
    EXPECT_FALSE(at("0000000000000000FFFF00000100007F:0050", "0A", 6)) << "IPv4";
    EXPECT_TRUE(at("00000000000000000000000000000000:CA6C", "07", 17));
}

}  // namespace
}  // namespace dishwall::test
