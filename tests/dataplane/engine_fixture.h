// SPDX-License-Identifier: BSD-3-Clause
//
// A packet's whole way without kernel, DPDK or privileges: the packet core opens flows in its tables and
// sends to the inspector, and an engine on the same tables judges.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/core/reason.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/frame_edit.h"
#include "tests/core/native_executor.h"
#include "tests/core/packet.h"
#include "tests/core/world.h"

namespace dishwall::test {

using Frames = std::vector<std::vector<std::uint8_t>>;

inline std::ostream& operator<<(std::ostream& out, Fate fate) {
    constexpr const char* kNames[] = {"forward", "drop", "held"};
    return out << kNames[static_cast<int>(fate)];
}

inline SignatureSetPtr signatures_of(std::string_view text) {
    const auto loaded = load_signatures("test", "test.hs", text, nullptr);
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    return loaded ? loaded->set : nullptr;
}

// The packet core and what it shares with the inspector.
class CoreWorld final : public NativeExecutor {
public:
    explicit CoreWorld(const std::string& inbound_rules) : NativeExecutor(TableSetup{}) {
        std::string rules = world_rules_with("", inbound_rules);
        rules.insert(rules.find("host nas"),
                     "signatures web = file \"web.hs\"\n"
                     "signatures both = file \"web.hs\" both-directions\n");
        policy = read_or_throw(rules);
        set_own(world_own());
        install(lower_or_throw(policy));
        set_inspector(Inspector::works);
        std::memcpy(inspection().mac[0], kOurEnd.data(), kOurEnd.size());
    }
    [[nodiscard]] EngineTables tables() {
        dw_control control{};
        control.bucket_mask = memory_.settings.bucket_mask;
        control.hz = memory_.settings.hz;
        std::copy(std::begin(memory_.settings.secret), std::end(memory_.settings.secret), control.secret);
        return EngineTables::of(control, slots_.get(), flows_.get(), inspection_.get(), 0);
    }
    [[nodiscard]] std::uint16_t set_id(std::string_view name) const {
        for (const Signatures& set : policy.signatures)
            if (set.name == name) return set.id;
        throw std::runtime_error("no such signatures");
    }
    dw_flow& flow_at(std::uint32_t id) { return flows_[id - 1]; }

    static constexpr MacAddress kOurEnd{2, 0, 0, 0, 0, 9};
    Policy policy;
};

class EngineTest : public ::testing::Test, public FrameSender, public InspectEventSink {
protected:
    static constexpr const char* kRules =
        "accept tcp 8000 to nas inspect web on-failure drop   name strict\n"
        "accept tcp 8001 to nas inspect web on-failure accept name lenient\n"
        "accept udp 8002 to nas inspect web on-failure drop   name games\n"
        "accept udp 8003 to nas inspect web on-failure accept name lenient-games\n"
        "accept tcp 8004 to nas inspect both on-failure drop  name two-way";
    static constexpr MacAddress kUplink{2, 0, 0, 0, 0, 2};
    static constexpr MacAddress kRouterMac{2, 0, 0, 0, 0, 1};  // of Ethernet{}

    EngineTest() { begin_engine({}); }

    void begin_engine(const EngineLimits& limits) {
        engine = std::make_unique<Engine>(world.tables(), limits, *this, *this);
        configure("1:/attack/\n");
    }
    void configure(std::string_view text, const std::function<void(InspectedSignatures&)>& change = {}) {
        EngineConfig config{.uplink_mac = kUplink, .signatures = {}};
        for (const char* name : {"web", "both"}) {
            InspectedSignatures one{.set = signatures_of(text), .id = world.set_id(name)};
            if (change) change(one);
            config.signatures[one.id] = std::make_shared<const InspectedSignatures>(one);
        }
        engine->configure(std::move(config));
        engine->tick(world.clock_ns());
    }

    // Through the core, which must send it to the inspector, and then through the engine.
    Fate in(std::vector<std::uint8_t> frame) {
        last_outcome = world.run(Direction::inbound, frame);
        EXPECT_EQ(last_outcome.reason, DW_REASON_INSPECT) << describe(last_outcome);
        return behind_core(std::move(frame));
    }
    Fate in(const Packet& packet) { return in(packet.bytes()); }
    Fate behind_core(std::vector<std::uint8_t> frame) {
        std::copy(CoreWorld::kOurEnd.begin(), CoreWorld::kOurEnd.end(), frame.begin());
        return to_engine(std::move(frame));
    }
    Fate to_engine(std::vector<std::uint8_t> frame) {
        judged = std::move(frame);
        const auto length = static_cast<std::uint32_t>(judged.size());
        return engine->inspect({judged.data(), length, length}, world.clock_ns());
    }
    dw_outcome out(const Packet& packet) { return world.run(Direction::outbound, packet.bytes()); }

    [[nodiscard]] std::uint64_t tally(dw_tally which) { return world.inspection().worker[0].tally[which]; }
    [[nodiscard]] std::uint32_t word() { return world.flow(last_outcome.flow).inspect; }

    bool send(std::span<const std::uint8_t> frame) override {
        sent.emplace_back(frame.begin(), frame.end());
        return true;
    }
    void report(const InspectEvent& event) override { events.push_back(event); }

    CoreWorld world{kRules};
    std::unique_ptr<Engine> engine;
    dw_outcome last_outcome{};
    std::vector<std::uint8_t> judged;  // as the engine left it
    Frames sent;
    std::vector<InspectEvent> events;
};

// A connection from kPeer to the NAS: numbers count from each side's first byte behind the SYN.
struct Connection {
    std::uint16_t port = 8000, peer_port = 40000;
    const char* peer = "2001:db8:1::1";
    std::uint32_t peer_isn = 1000, our_isn = 5000;

    [[nodiscard]] Packet from_peer(std::uint8_t flags, std::uint32_t at, std::string_view text = "",
                                   std::uint32_t acked = 0) const {
        return Ethernet{} / Ipv6{.src = peer} /
               Tcp{.sport = peer_port,
                   .dport = port,
                   .flags = flags,
                   .seq = peer_isn + (flags & kSyn ? 0 : 1) + at,
                   .ack = flags & kAck ? our_isn + 1 + acked : 0} /
               Payload{{text.begin(), text.end()}};
    }
    [[nodiscard]] Packet from_us(std::uint8_t flags, std::uint32_t at, std::string_view text = "",
                                 std::uint32_t acked = 0) const {
        return Ethernet{} / Ipv6{.src = "2001:db8:aa00:1::10", .dst = peer} /
               Tcp{.sport = port,
                   .dport = peer_port,
                   .flags = flags,
                   .seq = our_isn + (flags & kSyn ? 0 : 1) + at,
                   .ack = peer_isn + 1 + acked} /
               Payload{{text.begin(), text.end()}};
    }
    [[nodiscard]] Packet data(std::uint32_t at, std::string_view text) const {
        return from_peer(kAck, at, text);
    }
};

class EngineTcp : public EngineTest {
protected:
    void open(const Connection& c) {
        EXPECT_EQ(in(c.from_peer(kSyn, 0)), Fate::forward);
        out(c.from_us(kSyn | kAck, 0));
        EXPECT_EQ(in(c.from_peer(kAck, 0)), Fate::forward);
    }
    void acknowledge(const Connection& c, std::uint32_t at) { out(c.from_us(kAck, 0, "", at)); }
};

inline Packet game(std::string_view text, std::uint16_t port = 8002) {
    return Ethernet{} / Ipv6{} / Udp{.sport = 4000, .dport = port} / Payload{{text.begin(), text.end()}};
}

// Is the transport checksum in it right? A pure function of the bytes; for frames without extension headers.
inline bool is_whole(const std::vector<std::uint8_t>& frame) {
    const std::size_t at = kEthernetLength + (is_ipv6(frame.data()) ? 40 : 20);
    const std::uint8_t proto = frame[kEthernetLength + (is_ipv6(frame.data()) ? 6 : 9)];
    const std::span<const std::uint8_t> transport = std::span(frame).subspan(at);
    const WireSum pseudo = proto == 1 ? WireSum() : pseudo_sum(frame.data(), proto, transport.size());
    return WireSum(pseudo).add(transport).complement() == 0;
}

}  // namespace dishwall::test
