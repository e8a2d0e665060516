// SPDX-License-Identifier: BSD-3-Clause
//
// Files over a limit are errors that name it, and neither long nor hostile files take long.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <string>

#include "rules/definitions.h"
#include "rules/lower.h"
#include "tests/rules/text.h"
#include "tests/sanitized.h"

namespace dishwall::test {
namespace {

// Of CPU time. Generous: these run under sanitizers too. What is quadratic takes minutes.
constexpr double kSoonSeconds = 20;

template <typename Line>
std::string lines(std::size_t count, Line line) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += line(i) + "\n";
    return text;
}

// The label of the first error.
std::string first_error(const Compiled& compiled) {
    for (const Diagnostic& diagnostic : compiled.diagnostics)
        if (severity_of(diagnostic.code) == Severity::error) return diagnostic.primary.text;
    return "no error";
}

std::string rule(std::size_t i) {
    return fmt::format("accept tcp {} from 2a00:{:x}::/32 to nas", i % 60000 + 1000, i / 60000);
}

TEST(Limits, RulesAreCountedPerFile) {
    EXPECT_EQ(first_error(read_inbound(lines(DW_RULES_MAX + 1, rule))), "a file has at most 100000 rules");
    if (kSanitized) return;
    const Policy most = policy_of(read_inbound(lines(DW_RULES_MAX, rule)));
    EXPECT_EQ(most.inbound.rules.size(), 100000u);
    EXPECT_TRUE(lower(most, [](const Rule&) { return DW_REASONS_MAX; }).has_value());
}

TEST(Limits, NetworksAreCounted) {
    const auto network = [](std::size_t i) {
        return fmt::format("network n{} = dish.pd subnet {}", i, i + 2);
    };
    EXPECT_TRUE(read_after_preamble(lines(999, network)).policy.has_value());
    EXPECT_EQ(first_error(read_after_preamble(lines(1000, network))), "a file has at most 1000 networks");
}

TEST(Limits, HostsAreCounted) {
    const auto host = [](std::size_t i) { return fmt::format("host h{} = lan ::{:x}", i, i); };
    EXPECT_TRUE(read_after_preamble(lines(65535, host)).policy.has_value());
    EXPECT_EQ(first_error(read_after_preamble(lines(65536, host))), "a file has at most 65536 hosts");
}

TEST(Limits, LearntHostsAreCountedByWhatTheyMean) {
    const auto device = [](std::size_t i) {
        return fmt::format("host h{} = lan mac 02:00:00:00:{:02x}:{:02x}", i, i >> 8, i & 0xff);
    };
    const std::string most = lines(4096, device);
    EXPECT_EQ(policy_of(read_after_preamble(most)).learnt.size(), 4096u);
    EXPECT_TRUE(read_after_preamble(most + "host again = lan mac 02:00:00:00:00:07\n").policy.has_value());
    const Compiled more = read_after_preamble(most + "host a = name a.example\nhost b = name b.example\n");
    EXPECT_EQ(first_error(more), "a file has at most 4096 hosts by `mac` and `name`");
    EXPECT_EQ(more.diagnostics.size(), 1u);
}

TEST(Limits, RecordsAreCounted) {
    const auto record = [](std::size_t i) { return fmt::format("record r{} AAAA nas", i); };
    const auto update = [&](std::size_t count) {
        return "dns-update home.example { server ns1\n" + lines(count, record) + "}\n";
    };
    EXPECT_TRUE(read_after_preamble(update(4096)).policy.has_value());
    EXPECT_EQ(first_error(read_after_preamble(update(4097))), "a file has at most 4096 records");
}

TEST(Limits, HostsInAnyNetworkCountWhereverTheyAreUsed) {
    std::string text =
        lines(900, [](std::size_t i) { return fmt::format("network n{} = dish.pd subnet {}", i, i + 2); });
    text += "host n = any ::10\npolicy inbound on dish {\n";
    const auto rules = [&](std::size_t count) {
        return text + lines(count, [](std::size_t i) { return fmt::format("accept tcp {} to n", i); }) + "}";
    };
    EXPECT_TRUE(read_after_preamble(rules(100)).policy.has_value());
    EXPECT_EQ(first_error(read_after_preamble(rules(5000))),
              "with this the sets and rules of the file have more than 4000000 elements");
}

TEST(Limits, PortsCountAsOftenAsTheSendersPortsRepeatThem) {
    std::string ports;
    for (int i = 0; i < 3000; ++i) ports += fmt::format("{}, ", 2 * i);
    EXPECT_TRUE(read_inbound("accept tcp { " + ports + " } from any port 5 to nas").policy.has_value());
    EXPECT_EQ(first_error(read_inbound("accept tcp { " + ports + " } from any port { " + ports + " }")),
              "with this the sets and rules of the file have more than 4000000 elements");
}

TEST(Limits, TheImageIsLimited) {
    std::string ports;
    for (int i = 0; i < 3000; ++i) ports += fmt::format("{}{}", i ? ", " : "", 2 * i);
    const std::string rules =
        lines(340, [](std::size_t i) { return fmt::format("accept service many from 2a00:{:x}::/32", i); });
    const Compiled compiled = read_after_preamble(
        fmt::format("service many = tcp {{ {} }}\npolicy inbound on dish {{\n{}}}\n", ports, rules));
    const auto image = lower(policy_of(compiled), [](const Rule&) { return DW_REASONS_MAX; });
    ASSERT_FALSE(image.has_value());
    EXPECT_EQ(image.error().message.substr(0, 26), "the compiled policy takes ");
    EXPECT_NE(image.error().message.find(
                  "MiB, the limit is 64; 62.3 MiB of them are lines of rules: one for each port "
                  "or range of ports of a rule"),
              std::string::npos)
        << image.error().message;
}

// Of these not even the beginnings are kept.
TEST(Limits, LinesOfRulesAreCounted) {
    Policy policy = policy_of(read_inbound("accept tcp 1 from any port 1 to nas"));
    Rule& rule = policy.inbound.rules[0];
    rule.name = "wide";
    rule.match[0].ports.assign(2000, {5, 5});
    rule.from_ports.assign(1000, {5, 5});
    const auto image = lower(policy, [](const Rule&) { return DW_REASONS_MAX; });
    ASSERT_FALSE(image.has_value());
    EXPECT_EQ(
        image.error().message,
        "up to rule wide, the inbound chain takes more lines of one protocol and one range of ports than an "
        "image of 64 MiB can hold; write ports as ranges");
}

TEST(Limits, SetsAreCounted) {
    const auto set = [](std::size_t i) { return fmt::format("set s{} = {{ nas }}", i); };
    EXPECT_TRUE(read_after_preamble(lines(kMostSets, set)).policy.has_value());
    EXPECT_EQ(first_error(read_after_preamble(lines(kMostSets + 1, set))), "a file has at most 65535 sets");
}

TEST(Limits, SetsDefinedLaterNestOnlySoDeep) {
    const auto set = [](std::size_t i) {
        return fmt::format("set s{} = {{ s{}, 2a00:{:x}::/32 }}", i, i + 1, i);
    };
    EXPECT_TRUE(read_after_preamble(lines(63, set) + "set s63 = { nas }").policy.has_value());
    EXPECT_EQ(first_error(read_after_preamble(lines(5000, set) + "set s5000 = { nas }")),
              "sets can hold sets defined later 64 deep");
}

TEST(Limits, ElementsAreCountedWhereverASetIsUsed) {
    std::string text = "set wide = { ";
    for (int i = 0; i < 1000; ++i) text += fmt::format("2a00:{:x}::/32, ", i);
    text += "}\npolicy inbound on dish {\n";
    const std::string few =
        text + lines(1000, [](std::size_t i) { return fmt::format("accept tcp {} from wide", i); });
    EXPECT_TRUE(read_after_preamble(few + "}").policy.has_value());
    const std::string many =
        text + lines(4000, [](std::size_t i) { return fmt::format("accept tcp {} from wide", i); });
    EXPECT_EQ(first_error(read_after_preamble(many + "}")),
              "with this the sets and rules of the file have more than 4000000 elements");
}

TEST(Limits, TextIsLimited) {
    EXPECT_EQ(first_error(read_policy("big.conf", std::string((64u << 20) + 1, '\n'), few_services())),
              "rule files have at most 64 MiB in all");
}

// These are counted while the text is read, before there is anything to look at: nothing else is said then.
void expect_only(const Compiled& compiled, std::string_view label) {
    ASSERT_EQ(compiled.diagnostics.size(), 1u) << errors_of(compiled);
    EXPECT_EQ(compiled.diagnostics[0].code, Code::over_limit);
    EXPECT_EQ(compiled.diagnostics[0].primary.text, label);
    EXPECT_FALSE(compiled.policy || compiled.unprotected);
}

std::string times(std::size_t count, std::string_view text) {
    std::string made;
    made.reserve(count * text.size());
    for (std::size_t i = 0; i < count; ++i) made += text;
    return made;
}

TEST(Limits, WordsAndSignsAreCounted) {
    expect_only(read_after_preamble("set a = {" + times(2'000'000, "b,") + "}"),
                "a file has at most 4000000 words and signs");
}

TEST(Limits, StatementsAreCounted) {
    expect_only(read_inbound(times(250'000, "drop;")), "rule files have at most 250000 statements");
}

TEST(Limits, AddressesInListsAreCounted) {
    expect_only(read_after_preamble(times(101, "set a = {" + times(10'000, "nas,") + "}\n")),
                "rule files have at most 1000000 addresses in lists");
}

TEST(Limits, LinesOfTestsAndProtectBlocksAreCounted) {
    const std::string some = "test a { " + times(5'000, "inbound to nas expect drop;") + " }\n";
    expect_only(read_after_preamble(some + some + "protect b { tcp }"),
                "rule files have at most 10000 lines in `test` and `protect` blocks");
}

TEST(Limits, WhatIsNoRuleFileIsNotReadToItsEnd) {
    const Compiled compiled = read_after_preamble(times(20'000, "! "));
    EXPECT_EQ(compiled.diagnostics.size(), 101u);
    EXPECT_EQ(compiled.diagnostics.back().help, "at least 10000 errors in all; mend the ones above first");
}

TEST(Limits, ErrorsAreBoundedAndWarningsDoNotHideThem) {
    std::string text = lines(300, [](std::size_t i) { return fmt::format("set w{} = {{ lan, nas }}", i); });
    text += lines(300, [](std::size_t i) { return fmt::format("set e{} = {{ nobody{} }}", i, i); });
    const Compiled compiled = read_after_preamble(text);
    EXPECT_EQ(compiled.diagnostics.size(), 201u);
    EXPECT_EQ(compiled.diagnostics.back().code, Code::too_many);
    EXPECT_EQ(compiled.diagnostics.back().help, "300 errors in all; mend the ones above first");
}

// ---- time

void expect_soon(const std::string& text) {
    const std::clock_t start = std::clock();
    const Compiled compiled = read_after_preamble(text);
    const std::string said = errors_of(compiled);
    EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, kSoonSeconds)
        << text.substr(0, 100) << said.substr(0, 100);
}

TEST(Time, LongFilesAreReadAtOnce) {
    expect_soon("policy inbound on dish {\n" + lines(100000, rule) + "}");
    expect_soon(
        "policy inbound on dish {\n" +
        lines(DW_RULES_MAX, [](std::size_t i) { return fmt::format("accept tcp {} to nas", i + 1); }) + "}");
    expect_soon(
        lines(100000, [](std::size_t i) { return fmt::format("network n{} = dish.pd subnet 1", i); }));
}

TEST(Time, ALineMayHoldAWholeFile) {
    std::string line = "policy inbound on dish { ";
    for (std::size_t i = 0; i < DW_RULES_MAX; ++i) line += rule(i) + "; ";
    expect_soon(line + "}");
}

// Compared one by one these were five thousand million pairs, and the analysis gave up on them.
TEST(Time, ALongFileIsComparedToItsEnd) {
    const auto range = [](std::size_t i) {
        const char* proto = i < 32768 ? "tcp" : i < 65536 ? "udp" : "sctp";
        return fmt::format("accept {} {}-{} to nas", proto, i % 32768 * 2, i % 32768 * 2 + 1);
    };
    const std::string most = lines(98304, range);
    EXPECT_TRUE(read_inbound(most).policy.has_value());
    EXPECT_EQ(first_error(read_inbound(most + "accept sctp 65535 from self to nas")), "never reached");
    EXPECT_EQ(first_error(read_inbound(most + "accept tcp 5-6 to nas")), "never reached")
        << "two rules together cover it, none alone";
}

TEST(Time, HostileFilesAreReadAtOnce) {
    expect_soon(std::string(1000000, '{'));
    expect_soon("set s = " + std::string(1000000, '{'));
    expect_soon(std::string(1000000, '}'));
    expect_soon(std::string(1000000, '"'));
    expect_soon(std::string(1000000, '\''));
    expect_soon(std::string(1000000, '\\'));
    expect_soon(std::string(1000000, '('));
    expect_soon("service s = tcp " + std::string(1000000, ','));
    expect_soon("host " + std::string(1000000, 'x') + " = lan ::1\nhost y = " + std::string(1000000, 'x'));
    expect_soon(std::string(1000000, '\x01') + "x");
    expect_soon("policy inbound on dish { accept from " + std::string(500000, '{') + "\n}");
    expect_soon(lines(65536, [](std::size_t i) { return fmt::format("host h{} = lan ::{:x}", i, i); }) +
                "policy inbound on dish {\n" +
                lines(10000, [](std::size_t i) { return fmt::format("accept tcp {} to hh{}x", i, i); }) +
                "}");
    expect_soon(
        "set s = { lan, not { " +
        lines(100000,
              [](std::size_t i) { return fmt::format("2a00:{:x}:{:x}::/48,", i >> 16, i & 0xffff); }) +
        "}, { nas, not self } }");
    std::string exclusions = "set s = { ";
    for (int i = 0; i < 20000; ++i)
        exclusions += fmt::format("{{ 2a00:{:x}::/32, not 2a00:{:x}:1::/48 }}, ", i, i);
    expect_soon(exclusions + "}");
    std::string ports;
    for (int i = 0; i < 60000; ++i) ports += fmt::format("{}, ", i);
    expect_soon("service wide = tcp { " + ports + "}\npolicy inbound on dish {\n" +
                lines(16000, [](std::size_t) { return std::string("accept service wide to nas"); }) + "}");
}

#ifndef DISHWALL_SANITIZED
// What a process holds at this moment, in KiB.
long resident_kib() {
    long all = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> all >> resident;
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

// What reading a text costs, in a process of its own. What that one has from the tests before (and Meson's
// MALLOC_PERTURB_, which touches memory that the reading never does) is not the reading's.
rusage cost_of(const std::string& text) {
    mallopt(M_PERTURB, 0);
    malloc_trim(0);
    const long before_kib = resident_kib() - static_cast<long>(text.size() / 1024);
    const pid_t child = fork();
    if (child == 0) {
        const Compiled compiled = read_policy("hostile.conf", text, few_services());
        const bool refused = !compiled.policy && !errors_of(compiled).empty();
        _exit(refused ? 0 : 1);
    }
    int status = 0;
    rusage usage{};
    EXPECT_EQ(wait4(child, &status, 0, &usage), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "not refused";
    usage.ru_maxrss -= before_kib;
    return usage;
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// A hostile file of 64 MiB ends in an error within 512 MiB and, on a quiet machine, 2 s (rules/README.md has
// the numbers). Here the time only tells what does not grow with the text: that took 11 s and more.
TEST(Time, SixtyFourMebibytesOfAnythingEndInAnErrorSoon) {
    const std::string preamble = "version 1\nuplink dish {\n interface eth0\n prefix pd from dhcpv6-pd\n}\n";
    const std::pair<std::string, std::string> shapes[] = {
        {"", "\n"},
        {"", "{"},
        {"",
         "\x01"
         "a"},
        {preamble + "policy inbound on dish {",
         "drop log name a-rule-with-a-name-that-is-not-short-and-not-its-own;"},
        {preamble + "policy inbound on dish { accept from { =", "\n#\n"},
        {preamble + "set a = {", "2a00:1234:5678:9abc::/64 ,        "},
    };
    for (const auto& [head, unit] : shapes) {
        constexpr std::size_t kMost = 64u << 20;
        const std::string text = head + times((kMost - head.size()) / unit.size(), unit);
        const rusage usage = cost_of(text);
        EXPECT_LT(seconds(usage.ru_utime) + seconds(usage.ru_stime), 8) << text.substr(0, 200);
        EXPECT_LT(usage.ru_maxrss, 512 * 1024) << text.substr(0, 200);
    }
}
#endif

}  // namespace
}  // namespace dishwall::test
