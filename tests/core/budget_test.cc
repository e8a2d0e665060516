// SPDX-License-Identifier: BSD-3-Clause
//
// What a packet may cost, as numbers that do not depend on the machine: instructions of the built bytecode,
// calls of helpers (map look-ups among them, which the kernel's JIT inlines), and cold lines: lines of 64
// bytes of the shared memory that depend on the packet, so that under many different packets they are in no
// cache. A line that each of a row's packets touches is warm and does not count.
//
// A number grew? Then a packet has become dearer: find out why (BpfCost::by_function says where), and only
// then raise the budget. bpf/core/README.md quotes this table, and the test holds it to that.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "tests/core/interpreted_executor.h"
#include "tests/core/large_policy.h"
#include "tests/core/names.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

constexpr unsigned kPackets = 32;
constexpr Direction kIn = Direction::inbound, kOut = Direction::outbound;
constexpr std::uint64_t kXdpDrop = 1, kXdpPass = 2, kTcShot = 2, kTcGoOn = 0xffffffff;

struct Frame {
    Direction direction = kIn;
    Bytes bytes;
};
// Packet i of a row: what is sent before, and the one that is counted.
using Frames = std::function<std::vector<Frame>(unsigned i)>;

struct Budget {
    std::uint64_t instructions, helpers, cold_lines;
    bool operator==(const Budget&) const = default;
};

struct Row {
    const char* packet;
    const char* policy;
    dw_reason reason;
    Budget budget;
    Frames frames;
};

std::string peer(unsigned i) { return fmt::format("2001:db8:{:x}::{:x}", 1000 + i % 7, i * 7919 % 65521); }
// A host behind us that nobody publishes.
std::string some_host(unsigned i) { return fmt::format("2001:db8:aa00:1:{:x}::{:x}", i, i * 65537 % 65521); }
std::uint16_t port(unsigned i) { return static_cast<std::uint16_t>(20000 + i * 131); }

Packet ip_in(unsigned i, const std::string& to) { return Ethernet{} / Ipv6{.src = peer(i), .dst = to}; }
Packet ip_out(unsigned i) { return Ethernet{} / Ipv6{.src = some_host(i), .dst = peer(i)}; }
Packet question(unsigned i) { return ip_out(i) / Udp{.sport = port(i), .dport = 53}; }
Packet answer(unsigned i) { return ip_in(i, some_host(i)) / Udp{.sport = 53, .dport = port(i)}; }

std::vector<Frame> only(const Packet& packet, Direction direction = kIn) {
    return {{direction, packet.bytes()}};
}

// Service number n of a policy of Shape::services or Shape::feed, by its rule.
Packet to_service(const Policy& policy, std::size_t n, const std::string& from, std::uint16_t from_port) {
    const Rule& rule = policy.inbound.rules[n];
    const auto& place = std::get<Behind>(rule.to.include.front());
    const Ipv6Address to{(*parse_ipv6("2001:db8:aa00:1::")).hi, *place.interface_id};
    return Ethernet{} / Ipv6{.src = from, .dst = to_string(to)} /
           Udp{.sport = from_port, .dport = rule.match.front().ports.front().first};
}

// So many accepted services, spread over the policy.
std::size_t accepted_service(const Policy& policy, unsigned i) {
    const std::size_t count = policy.inbound.rules.size();
    std::size_t n = 1 + i * (count / kPackets);
    while (policy.inbound.rules[n % count].verdict != DW_ACCEPT ||
           policy.inbound.rules[n % count].to.include.empty())
        ++n;
    return n % count;
}

const Policy& services(unsigned count) {
    static std::map<unsigned, Policy> policies;
    if (!policies.contains(count)) policies.emplace(count, LargePolicy(Shape::services, count, 1).policy());
    return policies.at(count);
}
const Policy& feed() {
    static const Policy policy = LargePolicy(Shape::feed, 100'000, 1).policy();
    return policy;
}
const Policy& policy_named(const std::string& name) {
    static const Policy small = read_or_throw(kWorldRules);
    if (name == "12 rules") return small;
    if (name == "100 services") return services(100);
    if (name == "10,000 services") return services(10'000);
    return feed();
}

std::vector<Frame> refused(unsigned i) {
    return only(ip_in(i, some_host(i)) / Udp{.sport = port(i + 1), .dport = port(i)});
}
std::vector<Frame> unassigned(unsigned i) {
    return only(ip_in(i, fmt::format("2001:db8:aa00:{:x}::1", 0x40 + i)) /
                Udp{.sport = port(i), .dport = 443});
}
std::vector<Frame> first_out(unsigned i) { return only(question(i), kOut); }
std::vector<Frame> refused_syn(unsigned i) {
    return only(ip_in(i, some_host(i)) / Tcp{.sport = port(i + 1), .dport = port(i)});
}
Frames service_of(const char* policy) {
    return [policy](unsigned i) {
        const Policy& all = policy_named(policy);
        return only(to_service(all, accepted_service(all, i), peer(i), port(i)));
    };
}
std::vector<Frame> reply(unsigned i) {
    return {{kOut, question(i).bytes()}, {kIn, answer(i).bytes()}, {kIn, answer(i).bytes()}};
}
std::vector<Frame> more_out(unsigned i) {
    return {{kOut, question(i).bytes()}, {kIn, answer(i).bytes()}, {kOut, question(i).bytes()}};
}
Packet fragment(unsigned i, std::uint16_t offset) {
    const Packet head =
        ip_in(i, "2001:db8:aa00:1::10") / Fragment{.offset = offset, .more = offset == 0, .id = i};
    if (offset != 0) return head / Payload{Bytes(64), 17};
    return head / Udp{.sport = port(i), .dport = 443, .length = 64 + 64} / Payload{Bytes(56)};
}
std::vector<Frame> later_fragment(unsigned i) {
    return {{kIn, fragment(i, 0).bytes()}, {kIn, fragment(i, 8).bytes()}};
}
std::vector<Frame> error_for_flow(unsigned i) {
    const Packet error = Ethernet{} / Ipv6{.src = "2001:db8:99::1", .dst = some_host(i)} / Icmp{.type = 1} /
                         Payload{question(i).quoted()};
    return {{kOut, question(i).bytes()}, {kIn, error.bytes()}};
}
std::vector<Frame> solicitation(unsigned i) {
    const Bytes target{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2};
    return only(Ethernet{} /
                Ipv6{.src = fmt::format("fe80::{:x}", i + 2), .dst = "2001:db8:0:1::2", .hop_limit = 255} /
                Icmp{.type = 135, .id = 0, .seq = 0} / Payload{target});
}

// From a network that the feed names, or from the one behind it.
Frames from_feed(bool listed) {
    return [listed](unsigned i) {
        const auto& entries =
            std::get<InFeed>(feed().inbound.rules[0].from.include.front()).entries->prefixes;
        Ipv6Address from = entries[i * (entries.size() / kPackets)].first();
        if (!listed) from.hi ^= 0xffull << 48;
        const std::size_t service = accepted_service(feed(), i);
        return only(to_service(feed(), service, to_string(from), port(i)));
    };
}

const std::vector<Row>& rows() {
    static const std::vector<Row> all = {
        {"UDP to nobody's port", "12 rules", DW_REASON_DEFAULT_DROP, {1810, 11, 3}, refused},
        {"UDP to nobody's port", "100 services", DW_REASON_DEFAULT_DROP, {1200, 10, 4}, refused},
        {"UDP to nobody's port", "10,000 services", DW_REASON_DEFAULT_DROP, {1200, 10, 4}, refused},
        {"a SYN to nobody's port", "12 rules", DW_REASON_DEFAULT_DROP, {1870, 11, 3}, refused_syn},
        {"a SYN to nobody's port", "10,000 services", DW_REASON_DEFAULT_DROP, {1240, 10, 4}, refused_syn},
        {"UDP to no network of ours", "10,000 services", DW_REASON_UNASSIGNED, {730, 9, 2}, unassigned},
        {"from a listed network", "feed of 100,000", DW_REASON_RULE_DROP, {2050, 14, 15}, from_feed(true)},
        {"to a service, not listed",
         "feed of 100,000",
         DW_REASON_RULE_ACCEPT,
         {3090, 21, 10},
         from_feed(false)},
        {"to a service", "100 services", DW_REASON_RULE_ACCEPT, {2420, 17, 9}, service_of("100 services")},
        {"to a service",
         "10,000 services",
         DW_REASON_RULE_ACCEPT,
         {2420, 17, 9},
         service_of("10,000 services")},
        {"answer in a known flow", "12 rules", DW_REASON_FLOW, {1260, 16, 5}, reply},
        {"later fragment", "12 rules", DW_REASON_FRAGMENT, {1140, 11, 3}, later_fragment},
        {"ICMPv6 error for a known flow", "12 rules", DW_REASON_ICMP_ERROR, {1170, 11, 3}, error_for_flow},
        {"neighbour solicitation", "12 rules", DW_REASON_NEIGHBOUR, {800, 11, 1}, solicitation},
        {"outbound, opens a flow", "12 rules", DW_REASON_DEFAULT_ACCEPT, {1940, 15, 5}, first_out},
        {"outbound, in a known flow", "12 rules", DW_REASON_FLOW, {1120, 15, 5}, more_out},
    };
    return all;
}

class Measured {
public:
    explicit Measured(const Row& row) : row_(row) {
        const CompiledImage image = lower_or_throw(policy_named(row.policy));
        for (Executor* executor : {native_.get(), static_cast<Executor*>(bytecode_.get())}) {
            executor->set_own(world_own());
            executor->install(image);
        }
        for (unsigned i = 0; i < kPackets; ++i) run(i);
        for (const auto& lines : touched_) {
            const auto is_cold = [&](const auto& line) { return seen_[line] < touched_.size(); };
            const auto cold = static_cast<std::uint64_t>(std::ranges::count_if(lines, is_cold));
            cost_.cold_lines = std::max(cost_.cold_lines, cold);
        }
    }
    [[nodiscard]] const Budget& cost() const { return cost_; }
    // Where the instructions of the dearest packet were.
    [[nodiscard]] std::string profile() const {
        std::string text;
        for (const auto& [function, instructions] : by_function_)
            text += fmt::format("  {:6} {}\n", instructions, function);
        return text;
    }

private:
    void run(unsigned i) {
        const std::vector<Frame> frames = row_.frames(i);
        for (std::size_t n = 0; n < frames.size(); ++n) {
            const auto& [direction, bytes] = frames[n];
            const dw_outcome outcome = native_->run(direction, bytes);
            const std::uint64_t result = bytecode_->judge(direction, bytes);
            const bool accepted = outcome.verdict == DW_ACCEPT;
            const std::uint64_t expected =
                direction == kIn ? (accepted ? kXdpPass : kXdpDrop) : (accepted ? kTcGoOn : kTcShot);
            EXPECT_EQ(result, expected) << "packet " << i << ": the bytecode disagrees with the native core";
            if (n + 1 < frames.size()) continue;
            EXPECT_EQ(reason_name(outcome.reason), reason_name(row_.reason)) << "packet " << i;
        }
        const BpfCost& cost = bytecode_->cost();
        if (cost.instructions > cost_.instructions) {
            cost_.instructions = cost.instructions;
            by_function_ = cost.by_function;
        }
        cost_.helpers = std::max(cost_.helpers, cost.helpers);
        for (const auto& line : cost.lines) ++seen_[line];
        touched_.push_back(cost.lines);
    }

    const Row& row_;
    std::unique_ptr<Executor> native_ = make_native_executor({.buckets = 4096});
    std::unique_ptr<InterpretedExecutor> bytecode_ =
        make_interpreted_executor(DISHWALL_BPF_OBJECT, {.buckets = 4096}, false);
    Budget cost_{};
    std::map<std::string, std::uint64_t> by_function_;
    std::map<std::pair<std::string, std::size_t>, std::size_t> seen_;  // lines, by how many packets
    std::vector<std::set<std::pair<std::string, std::size_t>>> touched_;
};

std::string line_of(const Row& row, const Budget& cost) {
    return fmt::format("| {} | {} | {} | {} | {} |", row.packet, row.policy, cost.instructions, cost.helpers,
                       cost.cold_lines);
}

class Budgets : public testing::TestWithParam<std::size_t> {};

TEST_P(Budgets, AreKept) {
    const Row& row = rows()[GetParam()];
    const Measured measured(row);
    const Budget& cost = measured.cost();
    fmt::print("{}   measured: {} {} {}\n", line_of(row, row.budget), cost.instructions, cost.helpers,
               cost.cold_lines);
    EXPECT_LE(cost.instructions, row.budget.instructions) << "instructions:\n" << measured.profile();
    EXPECT_LE(cost.helpers, row.budget.helpers) << "calls of helpers";
    EXPECT_LE(cost.cold_lines, row.budget.cold_lines) << "cold lines";
}

INSTANTIATE_TEST_SUITE_P(Packets, Budgets, testing::Range(std::size_t{0}, rows().size()),
                         [](const auto& info) {
                             std::string name = fmt::format("{}_{}_{}", rows()[info.param].packet,
                                                            rows()[info.param].policy, info.param);
                             for (char& c : name)
                                 if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                             return name;
                         });

TEST(BudgetTable, IsWhatTheReadmeSays) {
    std::ifstream file(DISHWALL_SOURCE_ROOT "/bpf/core/README.md");
    std::stringstream text;
    text << file.rdbuf();
    for (const Row& row : rows())
        EXPECT_TRUE(text.str().find(line_of(row, row.budget)) != std::string::npos)
            << "bpf/core/README.md, \"What a packet touches\", misses this line:\n"
            << line_of(row, row.budget);
}

}  // namespace
}  // namespace dishwall::test
