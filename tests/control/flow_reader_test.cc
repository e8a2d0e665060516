// SPDX-License-Identifier: BSD-3-Clause
#include "control/flow_reader.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <array>

#include "control/flow_json.h"

namespace dishwall {
namespace {

constexpr std::uint64_t kNow = 0x1'0000'0000;
constexpr std::uint32_t kHz = 250;
constexpr std::array<__u32, DW_TIMEOUTS> kTimeouts{240, 7440, 240, 300, 60, 300, 0, 0};

FlowTimes times() { return {kNow, kHz, kTimeouts}; }

std::uint64_t slot(std::uint64_t status, dw_class worth, dw_timeout timeout, std::uint64_t time) {
    return std::uint64_t{0xabcd} << DW_SLOT_TAG_SHIFT | std::uint64_t{worth} << DW_SLOT_CLASS_SHIFT |
           std::uint64_t{timeout} << DW_SLOT_TIMEOUT_SHIFT | status << DW_SLOT_STATUS_SHIFT |
           (time & DW_SLOT_TIME_MASK);
}

dw_flow web_flow() {
    dw_flow flow{};
    flow.key.inside = {0x20010db8aa000001, 0x10};
    flow.key.outside = {0x20010db800010000, 1};
    flow.key.inside_port = 443;
    flow.key.outside_port = 40000;
    flow.key.proto = IPPROTO_TCP;
    flow.origin = DW_OUTSIDE;
    flow.rule = DW_REASONS_MAX;
    flow.reason = 2;
    flow.generation = 7;
    flow.seen = DW_SEEN_IN | DW_SEEN_OUT | DW_SEEN_ESTABLISHED;
    flow.first_seen = kNow - 20 * kHz;
    flow.last_seen = kNow - 10 * kHz;
    flow.in = {3, 300};
    flow.out = {2, 2000};
    return flow;
}

struct Table {
    std::vector<dw_slots> slots = std::vector<dw_slots>(4);
    std::vector<dw_flow> flows = std::vector<dw_flow>(4 * DW_WAYS);
    void put(std::size_t bucket, std::size_t way, std::uint64_t word) {
        flows[bucket * DW_WAYS + way] = web_flow();
        slots[bucket].word[way] = word;
    }
    FlowTable view() { return {slots, flows}; }
};

TEST(FlowReader, TakesLiveFlowsOnly) {
    Table table;
    table.put(0, 0, 0);
    table.put(1, 3, slot(DW_SLOT_BUSY, DW_OUTSIDE_ESTABLISHED, DW_TIMEOUT_TCP_ESTABLISHED, kNow));
    table.put(2, 7, slot(DW_SLOT_LIVE, DW_OUTSIDE_ESTABLISHED, DW_TIMEOUT_TCP_ESTABLISHED, kNow - 10 * kHz));
    const FlowDump dump = read_flows(table.view(), times(), 100);
    ASSERT_EQ(dump.flows.size(), 1u);
    EXPECT_EQ(dump.used, 1u);
    EXPECT_TRUE(dump.flows[0].established());
    EXPECT_EQ(dump.flows[0].idle, 10u * kHz);
    EXPECT_EQ(dump.flows[0].timeout, 7440u * kHz);
}

TEST(FlowReader, LeavesOutExpiredByTheSlotsOwnTimeout) {
    Table table;
    table.put(0, 0, slot(DW_SLOT_LIVE, DW_INSIDE_EMBRYONIC, DW_TIMEOUT_ICMP, kNow - 60 * kHz));
    table.put(0, 1, slot(DW_SLOT_LIVE, DW_INSIDE_EMBRYONIC, DW_TIMEOUT_ICMP, kNow - 60 * kHz - 1));
    table.put(0, 2, slot(DW_SLOT_LIVE, DW_INSIDE_EMBRYONIC, DW_TIMEOUT_UDP, kNow - 61 * kHz));
    EXPECT_EQ(read_flows(table.view(), times(), 100).used, 2u);
}

TEST(FlowReader, ASlotWrittenAfterTheClockWasReadIsFresh) {
    Table table;
    table.put(0, 0, slot(DW_SLOT_LIVE, DW_INSIDE_EMBRYONIC, DW_TIMEOUT_ICMP, kNow + 5));
    EXPECT_EQ(read_flows(table.view(), times(), 100).used, 1u);
}

TEST(FlowReader, CountsBeyondTheLimit) {
    Table table;
    for (std::size_t way = 0; way < DW_WAYS; ++way)
        table.put(3, way, slot(DW_SLOT_LIVE, DW_INSIDE_ESTABLISHED, DW_TIMEOUT_UDP, kNow));
    const FlowDump dump = read_flows(table.view(), times(), 3);
    EXPECT_EQ(dump.flows.size(), 3u);
    EXPECT_EQ(dump.used, 8u);
}

TEST(FlowReader, ABucketIsATableOfItsOwn) {
    Table table;
    table.put(1, 7, slot(DW_SLOT_LIVE, DW_INSIDE_ESTABLISHED, DW_TIMEOUT_UDP, kNow));
    table.flows[DW_WAYS + 7].key.inside_port = 4711;
    EXPECT_EQ(read_flows(table.view().bucket(0), times(), 100).used, 0u);
    EXPECT_EQ(read_flows(table.view().bucket(1), times(), 100).flows.at(0).flow.key.inside_port, 4711);
}

TEST(FlowReader, CountersOfLiveFlowsWithTheirNumbers) {
    Table table;
    table.put(0, 0, slot(DW_SLOT_BUSY, DW_INSIDE_ESTABLISHED, DW_TIMEOUT_UDP, kNow));
    table.put(0, 5, slot(DW_SLOT_LIVE, DW_INSIDE_ESTABLISHED, DW_TIMEOUT_UDP, kNow));
    table.put(3, 1, slot(DW_SLOT_LIVE, DW_INSIDE_ESTABLISHED, DW_TIMEOUT_UDP, kNow - 301 * kHz));
    table.put(3, 2, slot(DW_SLOT_LIVE, DW_INSIDE_ESTABLISHED, DW_TIMEOUT_UDP, kNow - 300 * kHz));
    table.flows[3 * DW_WAYS + 2].in.packets = 99;
    std::vector<FlowCounters> counters(7);  // of a former look
    read_counters(table.view(), times(), &counters);
    ASSERT_EQ(counters.size(), 2u);
    EXPECT_EQ(counters[0].flow, 5u);
    EXPECT_EQ(counters[0].tag, 0xabcd);
    EXPECT_EQ(counters[0].in.bytes, 300u);
    EXPECT_EQ(counters[0].out.packets, 2u);
    EXPECT_EQ(counters[1].flow, 3 * DW_WAYS + 2);
    EXPECT_EQ(counters[1].in.packets, 99u);
}

TEST(FlowJson, TheSideThatOpenedTheFlowIsTheSource) {
    FlowSnapshot snapshot{web_flow(), DW_OUTSIDE_ESTABLISHED, 10 * kHz, 7440 * kHz};
    const WallClock clock{kNow, 1'800'000'000'250'000'000, kHz};
    nlohmann::json json = flow_json(snapshot, CounterRegistry(), clock);
    EXPECT_EQ(json["IP"].dump(),
              R"({"destination":"2001:db8:aa00:1::10","ipVersion":"IPv6","source":"2001:db8:1::1"})");
    EXPECT_EQ(json["l4"].dump(), R"({"TCP":{"destination_port":443,"source_port":40000}})");
    EXPECT_EQ(json["origin"], "outside");
    EXPECT_EQ(json["stage"], "established");
    EXPECT_EQ(json["state"], "established");
    EXPECT_EQ(json["reason"], "rule-accept");
    EXPECT_EQ(json["first_seen"], "2027-01-15T07:59:40.250Z");
    EXPECT_EQ(json["last_seen"], "2027-01-15T07:59:50.250Z");
    EXPECT_EQ(json["timeout_in"], 7430);
    EXPECT_EQ(json["bytes_out"], 2000);

    snapshot.flow.origin = DW_INSIDE;
    json = flow_json(snapshot, CounterRegistry(), clock);
    EXPECT_EQ(json["IP"]["source"], "2001:db8:aa00:1::10");
    EXPECT_EQ(json["l4"]["TCP"]["source_port"], 443);
}

TEST(FlowJson, Ipv4AndPingAreShownAsSuch) {
    FlowSnapshot snapshot{};
    snapshot.flow.key.inside = {0, 0xffff'c000'0202};
    snapshot.flow.key.outside = {0, 0xffff'0808'0404};
    snapshot.flow.key.inside_port = 77;
    snapshot.flow.key.proto = IPPROTO_ICMP;
    snapshot.flow.origin = DW_INSIDE;
    const nlohmann::json json = flow_json(snapshot, CounterRegistry(), WallClock{kNow, 0, kHz});
    EXPECT_EQ(json["IP"].dump(), R"({"destination":"8.8.4.4","ipVersion":"IPv4","source":"192.0.2.2"})");
    EXPECT_EQ(json["l4"].dump(), R"({"ICMPv4":{"identifier":77}})");
    EXPECT_EQ(json["rule"], nullptr);
}

TEST(FlowJson, StateFollowsWhatWasSeen) {
    const auto state = [](std::uint8_t proto, std::uint32_t seen) {
        dw_flow flow{};
        flow.key.proto = proto;
        flow.seen = seen;
        return std::string(flow_state(flow));
    };
    EXPECT_EQ(state(IPPROTO_TCP, DW_SEEN_OUT | DW_SEEN_OUT_SYN), "opening");
    EXPECT_EQ(state(IPPROTO_TCP, DW_SEEN_ESTABLISHED), "established");
    EXPECT_EQ(state(IPPROTO_TCP, DW_SEEN_ESTABLISHED | DW_SEEN_IN_FIN), "closing");
    EXPECT_EQ(state(IPPROTO_TCP, DW_SEEN_ESTABLISHED | DW_SEEN_OUT_RST | DW_SEEN_IN_FIN), "reset");
    EXPECT_EQ(state(IPPROTO_UDP, DW_SEEN_OUT), "unanswered");
    EXPECT_EQ(state(IPPROTO_UDP, DW_SEEN_OUT | DW_SEEN_IN), "answered");
    EXPECT_EQ(state(IPPROTO_UDP, DW_SEEN_OUT | DW_SEEN_IN | DW_SEEN_ESTABLISHED), "established");
}

}  // namespace
}  // namespace dishwall
