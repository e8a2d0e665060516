// SPDX-License-Identifier: BSD-3-Clause
//
// What the table of vectors cannot say: the core without a policy, time, loads while flows are open, and a
// flow table under pressure.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "bpf/core/native.h"
#include "bpf/core/reason.h"
#include "rules/lower.h"
#include "tests/core/executor.h"
#include "tests/core/names.h"
#include "tests/core/native_image.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

constexpr const char* kPeer = "2001:db8:1::1";
constexpr const char* kNas = "2001:db8:aa00:1::10";

// The native core with its tables in the open.
class NativeCore : public testing::Test {
protected:
    void SetUp() override { make(64); }

    void make(unsigned buckets) {
        slots_.assign(buckets, dw_slots{});
        flows_.assign(std::size_t{buckets} * DW_WAYS, dw_flow{});
        memory_.settings.bucket_mask = buckets - 1;
        memory_.settings.hz = 100;
        for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) memory_.settings.secret[i] = kTestSecret * (i + 1);
        ASSERT_TRUE(encode(world_own(), &own_));
        memory_.own = &own_;
        memory_.slots = slots_.data();
        memory_.flows = flows_.data();
        memory_.fragments = fragments_.data();
        memory_.link = &link_;
        memory_.rates = rates_.get();
        memory_.counters = counters_.data();
        memory_.now = 5'000'000;
        load(kWorldRules, 1);
    }
    void load(const std::string& rules, std::uint32_t generation) {
        image_ = NativeImage(lower_or_throw(read_or_throw(rules)));
        image_.put_in_force(&memory_, generation);
    }
    std::string in(const Packet& packet) { return judge(dw_native_inbound, packet); }
    std::string out(const Packet& packet) { return judge(dw_native_outbound, packet); }
    std::string judge(decltype(dw_native_inbound)* run, const Packet& packet) {
        const Bytes frame = packet.bytes();
        run(&memory_, frame.data(), static_cast<std::uint32_t>(frame.size()), &outcome_);
        return reason_name(outcome_.reason);
    }
    void wait_s(std::uint64_t seconds) { memory_.now += seconds * memory_.settings.hz; }
    [[nodiscard]] unsigned live_slots() const {
        unsigned count = 0;
        for (const dw_slots& slots : slots_)
            for (const std::uint64_t word : slots.word) count += (word >> DW_SLOT_STATUS_SHIFT & 3) != 0;
        return count;
    }
    // Flows that stand in their second bucket, and how many the buckets know of.
    [[nodiscard]] std::pair<unsigned, unsigned> guests() const {
        std::pair<unsigned, unsigned> found{0, 0};
        for (const dw_slots& slots : slots_)
            for (const std::uint64_t word : slots.word) {
                found.first += word >> DW_SLOT_TAG_SHIFT & 1;
                found.second += (word & DW_SLOT_GUESTS_MASK) >> DW_SLOT_GUESTS_SHIFT;
            }
        return found;
    }

    static Packet syn(const char* src, std::uint16_t sport, std::uint16_t dport = 443) {
        return Ethernet{} / Ipv6{.src = src, .dst = kNas} / Tcp{.sport = sport, .dport = dport};
    }
    static Packet udp_out(std::uint16_t sport) {
        return Ethernet{} / Ipv6{.src = kNas, .dst = kPeer} / Udp{.sport = sport, .dport = 53};
    }
    static Packet udp_in(std::uint16_t dport) {
        return Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Udp{.sport = 53, .dport = dport};
    }

    std::vector<dw_slots> slots_;
    std::vector<dw_flow> flows_;
    std::vector<dw_fragment_bucket> fragments_ = std::vector<dw_fragment_bucket>(DW_FRAGMENT_BUCKETS);
    dw_link link_{};
    std::unique_ptr<dw_rates> rates_ = std::make_unique<dw_rates>();
    std::vector<dw_counter> counters_ = std::vector<dw_counter>(DW_COUNTERS);
    NativeImage image_;
    dw_own own_{};
    dw_memory memory_{};
    dw_outcome outcome_{};
};

TEST_F(NativeCore, DropsEverythingWithoutAPolicy) {
    memory_.image = nullptr;
    EXPECT_EQ(in(syn(kPeer, 1)), "no-policy");
    EXPECT_EQ(outcome_.verdict, DW_DROP);
    EXPECT_EQ(out(udp_out(1)), "no-policy");
}

TEST_F(NativeCore, Ipv4ModesOfTheUplink) {
    dw_image* header = image_.header();
    const Packet unsolicited = Ethernet{} / Ipv4{} / Tcp{};
    header->ipv4 = DW_IPV4_PASS;
    EXPECT_EQ(in(unsolicited), "ipv4-pass");
    EXPECT_EQ(outcome_.verdict, DW_ACCEPT);
    header->ipv4 = DW_IPV4_DROP;
    EXPECT_EQ(in(unsolicited), "ipv4-drop");
    EXPECT_EQ(out(Ethernet{} / Ipv4{.src = "100.64.0.2", .dst = "198.51.100.1"} / Tcp{}), "ipv4-drop");
}

TEST_F(NativeCore, ADefaultMayReject) {
    load(
        "version 1\nuplink dish { interface e; prefix pd from dhcpv6-pd; documentation-prefixes allow }\n"
        "network lan = dish.pd subnet 1\npolicy inbound on dish { default reject }\n",
        1);
    EXPECT_EQ(in(syn(kPeer, 1)), "default-reject");
    EXPECT_EQ(outcome_.verdict, DW_REJECT);
}

TEST_F(NativeCore, AFlowThatSleptTooLongOpensAgain) {
    EXPECT_EQ(out(udp_out(1000)), "default-accept");
    wait_s(301);
    EXPECT_EQ(out(udp_out(1000)), "default-accept");
    EXPECT_EQ(in(udp_in(1000)), "flow") << "the dead slot must not win over the new one";
    EXPECT_EQ(live_slots(), 1u) << "and it is cleared";
}

TEST_F(NativeCore, TimeMayBeALittleBehindOnAnotherCpu) {
    EXPECT_EQ(out(udp_out(1000)), "default-accept");
    memory_.now -= 5;
    EXPECT_EQ(in(udp_in(1000)), "flow");
}

TEST_F(NativeCore, AFloodFromOutsideEvictsNothingThatWasOpenedFromInside) {
    for (std::uint16_t port = 1000; port < 1060; ++port) EXPECT_EQ(out(udp_out(port)), "default-accept");
    for (unsigned i = 0; i < 20'000; ++i)
        in(syn(("2001:db8:2::" + fmt::format("{:x}", i + 1)).c_str(), static_cast<std::uint16_t>(i)));
    for (std::uint16_t port = 1000; port < 1060; ++port)
        EXPECT_EQ(in(udp_in(port)), "flow") << "R25: port " << port;
    EXPECT_EQ(out(udp_out(2000)), "default-accept") << "R25: new flows from inside still open";
}

TEST_F(NativeCore, AFloodFromOutsideEvictsNoEstablishedConnection) {
    EXPECT_EQ(in(syn(kPeer, 7)), "rule-accept");
    EXPECT_EQ(out(Ethernet{} / Ipv6{.src = kNas, .dst = kPeer} /
                  Tcp{.sport = 443, .dport = 7, .flags = kSyn | kAck}),
              "flow");
    const Packet ack =
        Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Tcp{.sport = 7, .dport = 443, .flags = kAck};
    EXPECT_EQ(in(ack), "flow");
    for (unsigned i = 0; i < 20'000; ++i)
        in(syn(("2001:db8:2::" + fmt::format("{:x}", i + 1)).c_str(), static_cast<std::uint16_t>(i)));
    EXPECT_EQ(in(ack), "flow");
}

TEST_F(NativeCore, AFullTableRefusesWithAReason) {
    make(1);
    for (std::uint16_t port = 1000; port < 1000 + 2 * DW_WAYS; ++port) {
        out(udp_out(port));
        in(udp_in(port));  // the reply establishes it
    }
    EXPECT_EQ(in(syn(kPeer, 7)), "flow-table-full");
    EXPECT_EQ(outcome_.verdict, DW_DROP);
}

TEST_F(NativeCore, NobodyInsideTakesMoreThanAShareOfAFullTable) {
    make(64);  // 512 flows
    const auto flow_of = [&](const char* host, std::uint16_t port, bool inbound) {
        const Packet packet =
            inbound ? Ethernet{} / Ipv6{.src = kPeer, .dst = host} / Udp{.sport = 53, .dport = port}
                    : Ethernet{} / Ipv6{.src = host, .dst = kPeer} / Udp{.sport = port, .dport = 53};
        return inbound ? in(packet) : out(packet);
    };
    const char* greedy = "2001:db8:aa00:1::66";
    for (std::uint16_t port = 1000; port < 3000; ++port) {
        flow_of(greedy, port, false);
        flow_of(greedy, port, true);  // established: nothing evicts it by worth
    }
    EXPECT_GT(live_slots(), 500u);
    unsigned alive = 0;
    for (std::uint16_t port = 1; port <= 60; ++port) {
        EXPECT_EQ(flow_of(kNas, port, false), "default-accept") << "R25: port " << port;
        flow_of(kNas, port, true);
    }
    for (std::uint16_t port = 1; port <= 60; ++port) alive += flow_of(kNas, port, true) == "flow";
    EXPECT_EQ(alive, 60u) << "R25: and they stay";
    EXPECT_EQ(in(syn(kPeer, 7)), "flow-table-full") << "a stranger has no share of what hosts inside hold";
}

TEST_F(NativeCore, AFullFragmentTableRefusesWithAReason) {
    make(1024);
    const auto first = [](std::uint32_t id) {
        return Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Fragment{.more = true, .id = id} /
               Udp{.length = 128} / Payload{Bytes(40)};
    };
    const auto later = [](std::uint32_t id) {
        return Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Fragment{.offset = 6, .id = id, .next = 17} /
               Payload{Bytes(40)};
    };
    std::uint32_t refused = 0;
    constexpr std::uint32_t kFlood = 60'000;
    for (std::uint32_t id = 1; id <= kFlood; ++id) {
        const std::string reason = in(first(id));
        if (reason == "fragment-table-full") ++refused;
    }
    EXPECT_GT(refused, 30'000u);
    EXPECT_EQ(in(later(1)), "fragment") << "R39: what was on its way before the flood arrives";
    const Packet ours = Ethernet{} / Ipv6{.src = kNas, .dst = kPeer} / Fragment{.more = true, .id = 7} /
                        Udp{.length = 56} / Payload{Bytes(40)};
    EXPECT_EQ(out(ours), "default-accept") << "R39: our side's datagrams have their place";
    wait_s(2);
    EXPECT_EQ(in(first(70'000)), "flow") << "R39: what is a second old makes way";
    EXPECT_EQ(in(later(70'000)), "fragment");
}

TEST_F(NativeCore, DeniedPacketsLeaveNoState) {
    for (std::uint16_t port = 1; port < 500; ++port) EXPECT_EQ(in(syn(kPeer, port, 22)), "default-drop");
    EXPECT_EQ(live_slots(), 0u) << "R25";
}

TEST_F(NativeCore, ManyFlowsFitWithoutLosingOne) {
    make(2048);  // 16,384 slots, 70 % full
    constexpr unsigned kMany = 11'468;
    for (unsigned i = 0; i < kMany; ++i) {
        const Packet packet = Ethernet{} /
                              Ipv6{.src = kNas, .dst = fmt::format("2001:db8:{:x}::{:x}", i % 97 + 2, i)} /
                              Udp{.sport = static_cast<std::uint16_t>(i * 7), .dport = 53};
        ASSERT_EQ(out(packet), "default-accept") << i;
    }
    EXPECT_EQ(live_slots(), kMany);
    const auto [guests, counted] = this->guests();
    EXPECT_EQ(counted, guests);
    EXPECT_GT(guests, 500u);
    EXPECT_LT(guests, 3'000u) << "most flows stand in their first bucket, which is all that a search reads";
}

TEST_F(NativeCore, GuestsAreForgottenWithTheirFlows) {
    make(64);
    for (unsigned round = 0; round < 50; ++round) {
        for (std::uint16_t port = 1000; port < 1400; ++port) {
            out(udp_out(static_cast<std::uint16_t>(port + 400 * round)));
            if (port % 3 == 0) in(udp_in(static_cast<std::uint16_t>(port + 400 * round)));
        }
        const auto [guests, counted] = this->guests();
        ASSERT_EQ(counted, guests) << "round " << round;
        if (round % 2 == 0) wait_s(301);
    }
}

TEST_F(NativeCore, KeysInASequenceDoNotCluster) {
    for (unsigned secret = 1; secret <= 8; ++secret) {
        make(2048);
        for (unsigned i = 0; i < DW_SECRET_WORDS; ++i)
            memory_.settings.secret[i] = (kTestSecret * (i + 1)) ^ (0xd1342543de82ef95 * secret * (i + 7));
        for (unsigned i = 0; i < 8'192; ++i)
            out(Ethernet{} / Ipv6{.src = kNas, .dst = fmt::format("2001:db8:2::{:x}", i + 1)} / Udp{});
        EXPECT_EQ(live_slots(), 8'192u) << "half full, peers differ by a counter, secret " << secret;
    }
}

TEST_F(NativeCore, CountersAddUpPacketsAndBytes) {
    const Packet packet = syn(kPeer, 7, 22);
    in(packet);
    in(packet);
    EXPECT_EQ(counters_[DW_REASON_DEFAULT_DROP].packets, 2u);
    EXPECT_EQ(counters_[DW_REASON_DEFAULT_DROP].bytes, 2 * packet.bytes().size());
    in(syn(kPeer, 7));
    EXPECT_EQ(counters_[1000].packets, 1u) << "the rule `web` is the first";
    in(syn(kPeer, 7, 23));
    EXPECT_EQ(counters_[1007].packets, 1u) << "the audit rule counts too";
    EXPECT_EQ(outcome_.audited, 1u);
}

TEST_F(NativeCore, AFlowCountsBothWays) {
    out(udp_out(1000));
    out(udp_out(1000));
    in(udp_in(1000));
    const dw_flow& flow = flows_[outcome_.flow - 1];
    EXPECT_EQ(flow.out.packets, 2u);
    EXPECT_EQ(flow.in.packets, 1u);
    EXPECT_EQ(flow.in.bytes, udp_in(1000).bytes().size());
    EXPECT_EQ(flow.origin, DW_INSIDE);
    EXPECT_TRUE(flow.seen & DW_SEEN_ESTABLISHED);
}

TEST_F(NativeCore, DryJudgesAndChangesNothing) {
    memory_.settings.dry = 1;
    EXPECT_EQ(in(syn(kPeer, 7)), "rule-accept");
    EXPECT_EQ(out(udp_out(1000)), "default-accept");
    EXPECT_EQ(live_slots(), 0u);
    EXPECT_EQ(counters_[DW_REASON_RULE_ACCEPT].packets, 0u);
}

TEST_F(NativeCore, EventsAreASampleThatSaysWhatItLeftOut) {
    dw_event event{};
    memory_.event = &event;
    in(syn(kPeer, 7, 22));
    EXPECT_EQ(memory_.events, 1u);
    EXPECT_EQ(event.reason, DW_REASON_DEFAULT_DROP);
    EXPECT_EQ(event.dport, 22);
}

}  // namespace
}  // namespace dishwall::test
