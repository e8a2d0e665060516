// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/concurrency_scenes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "tests/core/world.h"

namespace dishwall::test {
namespace {

constexpr const char* kPeer = "2001:db8:1::1";
constexpr const char* kNas = "2001:db8:aa00:1::10";
constexpr Direction kIn = Direction::inbound, kOut = Direction::outbound;

// Where all CPUs wait for the last one, so that what follows happens at once.
class Start {
public:
    explicit Start(unsigned cpus) : cpus_(cpus) {}
    void together() {
        const unsigned mine = arrived_.fetch_add(1) / cpus_ + 1;
        while (arrived_.load() < mine * cpus_) std::this_thread::yield();
    }

private:
    const unsigned cpus_;
    std::atomic<unsigned> arrived_{0};
};

// Plays `part(cpu)` on all CPUs.
void on_all_cpus(Machine& machine, const std::function<void(unsigned)>& part) {
    std::vector<std::thread> threads;
    for (unsigned cpu = 0; cpu < machine.cpus(); ++cpu)
        threads.emplace_back([&, cpu] {
            machine.enter(cpu);
            part(cpu);
        });
    for (std::thread& thread : threads) thread.join();
}

struct Held {
    unsigned slots = 0;
    dw_counter in{}, out{};
};

unsigned status_of(std::uint64_t word) { return word >> DW_SLOT_STATUS_SHIFT & 3; }

template <typename Entry>
std::string bytes_of(const Entry& key) {
    return {reinterpret_cast<const char*>(&key), sizeof key};
}

// All live flows by key. Nobody may be at work.
std::map<std::string, Held> live_flows(const Machine& machine) {
    std::map<std::string, Held> flows;
    for (std::size_t i = 0; i < machine.flows().size(); ++i) {
        const std::uint64_t word = machine.slots()[i / DW_WAYS].word[i % DW_WAYS];
        EXPECT_NE(status_of(word), DW_SLOT_BUSY) << "a slot stays busy";
        if (status_of(word) == 0) continue;
        const dw_flow& flow = machine.flows()[i];
        Held& held = flows[bytes_of(flow.key)];
        ++held.slots;
        held.in = flow.in;
        held.out = flow.out;
    }
    return flows;
}

// What stands in the second bucket of its key is counted in the first one, no more and no less: nothing is found
// there else, or looked for in vain for ever.
void expect_guests_are_counted(const Machine& machine) {
    std::uint64_t guests = 0, counted = 0;
    for (const dw_slots& line : machine.slots())
        for (const std::uint64_t word : line.word) {
            guests += status_of(word) != 0 && (word >> DW_SLOT_TAG_SHIFT & 1) != 0;
            counted += (word & DW_SLOT_GUESTS_MASK) >> DW_SLOT_GUESTS_SHIFT;
        }
    EXPECT_EQ(counted, guests);
}

void expect_one_slot_a_key(const Machine& machine) {
    expect_guests_are_counted(machine);
    for (const auto& [key, held] : live_flows(machine))
        EXPECT_EQ(held.slots, 1u) << "R27: a key has two live slots";
    std::map<std::string, unsigned> datagrams;
    for (const dw_fragment_bucket& bucket : machine.fragments())
        for (unsigned way = 0; way < DW_WAYS; ++way) {
            const std::uint64_t word = bucket.slot[way];
            EXPECT_TRUE(word == 0 || status_of(word) == DW_SLOT_LIVE) << "a fragment slot stays busy";
            const dw_datagram& datagram = bucket.datagram[way];
            if (word != 0 && datagram.cover >> 63 == 0) ++datagrams[bytes_of(datagram.key)];
        }
    for (const auto& [key, slots] : datagrams) EXPECT_EQ(slots, 1u) << "R11: a datagram has two live slots";
}

Bytes udp(Direction direction, std::uint16_t peer_port) {
    if (direction == kIn)
        return (Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} / Udp{.sport = peer_port, .dport = 443}).bytes();
    return (Ethernet{} / Ipv6{.src = kNas, .dst = kPeer} / Udp{.sport = 443, .dport = peer_port}).bytes();
}

Bytes tcp(Direction direction, std::uint16_t peer_port, std::uint8_t flags, std::uint32_t seq,
          std::uint32_t ack) {
    const bool in = direction == kIn;
    const Tcp segment{.sport = in ? peer_port : std::uint16_t{443},
                      .dport = in ? std::uint16_t{443} : peer_port,
                      .flags = flags,
                      .seq = seq,
                      .ack = ack};
    return (Ethernet{} / Ipv6{.src = in ? kPeer : kNas, .dst = in ? kNas : kPeer} / segment).bytes();
}

Bytes fragment(std::uint32_t id, std::uint16_t offset) {
    const Packet from = Ethernet{} / Ipv6{.src = kPeer, .dst = kNas} /
                        Fragment{.offset = offset, .more = offset < 12, .id = id, .next = 17};
    if (offset != 0) return (from / Payload{Bytes(48)}).bytes();
    return (from / Udp{.sport = 7, .dport = 443, .length = 152} / Payload{Bytes(40)}).bytes();
}

}  // namespace

std::string changing_rules(unsigned number) {
    switch (number % kChanges) {
        case 1:
            return world_rules_with("udp-without-checksum allow", "drop tcp 80 name changed");
        case 2:
            return world_rules_with(
                "grace 5m",
                "accept udp 444 to nas name more; accept udp 6100 to nas rate 500/d name shared; "
                "accept udp 6101 to nas rate 300/d per source/64 name each");
        default:
            return kWorldRules;
    }
}

Own changing_own(unsigned number) {
    Own own = world_own();
    own.prefixes[1].state = number % 2 == 0 ? DW_PREFIX_DEPRECATED : DW_PREFIX_GRACE;
    if (number % kChanges == 2) own.prefixes.erase(own.prefixes.begin() + 2);
    return own;
}

void rates_hold(Machine& machine) {
    constexpr unsigned kEach = 1000, kShared = 500, kPerSource = 300;
    Start start(machine.cpus());
    std::atomic<unsigned> shared{0}, per_source[2] = {0, 0};
    on_all_cpus(machine, [&](unsigned cpu) {
        machine.change(cpu, 2);
        start.together();
        const auto ask = [&](const char* source, std::uint16_t port, unsigned n) {
            const auto sport = static_cast<std::uint16_t>(1 + cpu * kEach + n);
            const Packet packet =
                Ethernet{} / Ipv6{.src = source, .dst = kNas} / Udp{.sport = sport, .dport = port};
            return machine.pass(cpu, kIn, packet.bytes(), 1);
        };
        for (unsigned n = 0; n < kEach; ++n) {
            shared += ask(kPeer, 6100, n);
            per_source[0] += ask("2001:db8:1::2", 6101, n);
            per_source[1] += ask("2001:db8:1:1::2", 6101, n);
        }
    });
    EXPECT_EQ(shared, kShared);
    for (const auto& passed : per_source) EXPECT_EQ(passed, kPerSource);
}

// Half of the CPUs see the first packet from inside, the others from outside.
void flows_open_once(Machine& machine, unsigned rounds) {
    Start start(machine.cpus());
    std::atomic<unsigned> refused{0};
    on_all_cpus(machine, [&](unsigned cpu) {
        const Direction direction = cpu % 2 == 0 ? kOut : kIn;
        for (unsigned round = 0; round < rounds; ++round) {
            const Bytes frame = udp(direction, static_cast<std::uint16_t>(1000 + round));
            start.together();
            if (!machine.pass(cpu, direction, frame, 1)) ++refused;
            if (!machine.pass(cpu, direction, frame, 1)) ++refused;
        }
    });
    EXPECT_EQ(refused, 0u);
    expect_one_slot_a_key(machine);
    const std::map<std::string, Held> flows = live_flows(machine);
    EXPECT_EQ(flows.size(), rounds);
    for (const auto& [key, held] : flows) {
        EXPECT_GE(held.in.packets + held.out.packets, 1u);
        EXPECT_LE(held.in.packets + held.out.packets, 2u * machine.cpus());
    }
}

// REC-31: both SYNs at the same moment, then both answers.
void simultaneous_opens_work(Machine& machine, unsigned rounds) {
    Start start(machine.cpus());
    std::atomic<unsigned> lost{0};
    const auto both = [&](unsigned cpu, Direction direction, const Bytes& frame) {
        if (!machine.pass(cpu, direction, frame, 1)) ++lost;
    };
    on_all_cpus(machine, [&](unsigned cpu) {
        for (unsigned round = 0; round < rounds; ++round) {
            const auto port = static_cast<std::uint16_t>(1000 + round);
            const Direction direction = cpu % 2 == 0 ? kOut : kIn;
            start.together();
            both(cpu, direction, tcp(direction, port, kSyn, direction == kOut ? 5000 : 1000, 0));
            start.together();
            if (cpu != 0) continue;
            both(cpu, kOut, tcp(kOut, port, kSyn | kAck, 5000, 1001));
            both(cpu, kIn, tcp(kIn, port, kSyn | kAck, 1000, 5001));
            both(cpu, kOut, tcp(kOut, port, kAck, 5001, 1001));
            both(cpu, kIn, tcp(kIn, port, kAck, 1001, 5001));
        }
    });
    EXPECT_EQ(lost, 0u);
    expect_one_slot_a_key(machine);
}

void counts_add_up(Machine& machine, unsigned rounds, unsigned times) {
    constexpr unsigned kFlows = 8;
    machine.enter(0);
    for (std::uint16_t flow = 0; flow < kFlows; ++flow)
        ASSERT_TRUE(machine.pass(0, kOut, udp(kOut, 1000 + flow), 1));
    Start start(machine.cpus());
    std::atomic<unsigned> refused{0};
    on_all_cpus(machine, [&](unsigned cpu) {
        start.together();
        for (unsigned round = 0; round < rounds; ++round)
            for (std::uint16_t flow = 0; flow < kFlows; ++flow)
                for (const Direction direction : {kIn, kOut})
                    if (!machine.pass(cpu, direction, udp(direction, 1000 + flow), times)) ++refused;
    });
    EXPECT_EQ(refused, 0u);
    const std::uint64_t sent = std::uint64_t{machine.cpus()} * rounds * times;
    const std::uint64_t length = udp(kIn, 1000).size();
    const std::map<std::string, Held> flows = live_flows(machine);
    EXPECT_EQ(flows.size(), kFlows);
    for (const auto& [key, held] : flows) {
        EXPECT_EQ(held.in.packets, sent);
        EXPECT_EQ(held.in.bytes, sent * length);
        EXPECT_EQ(held.out.packets, sent + 1);
        EXPECT_EQ(held.out.bytes, (sent + 1) * length);
    }
}

// R11: the same fragments come to all CPUs, but for the last one, since a whole datagram may come again. Each
// part passes once at most, whoever was first.
void datagrams_open_once(Machine& machine, unsigned rounds) {
    Start start(machine.cpus());
    constexpr unsigned kParts = 2;
    std::vector<std::atomic<unsigned>> passed(kParts * std::size_t{rounds});
    on_all_cpus(machine, [&](unsigned cpu) {
        for (unsigned round = 0; round < rounds; ++round) {
            start.together();
            for (unsigned part = 0; part < kParts; ++part)
                if (machine.pass(cpu, kIn, fragment(round + 1, static_cast<std::uint16_t>(part * 6)), 1))
                    ++passed[round * kParts + part];
        }
    });
    unsigned twice = 0;
    for (const std::atomic<unsigned>& count : passed) twice += count > 1;
    EXPECT_EQ(twice, 0u) << "R11: parts of datagrams passed twice";
    expect_one_slot_a_key(machine);
}

namespace {

// What is sent on all CPUs at once, and what nobody ever allows, whatever else is going on.
struct Sent {
    Direction direction;
    Bytes frame;
};

std::vector<Sent> traffic() {
    std::vector<Sent> all;
    for (std::uint16_t port = 1000; port < 1024; ++port) {
        for (const Direction direction : {kIn, kOut}) {
            const bool in = direction == kIn;
            const std::uint32_t seq = in ? 1000 : 5000, ack = in ? 5001 : 1001;
            all.push_back({direction, udp(direction, port)});
            all.push_back({direction, tcp(direction, port, kSyn, seq, 0)});
            all.push_back({direction, tcp(direction, port, kSyn | kAck, seq, ack)});
            all.push_back({direction, tcp(direction, port, kAck, seq + 1, ack)});
            all.push_back({direction, tcp(direction, port, kFin | kAck, seq + 1, ack)});
            all.push_back({direction, tcp(direction, port, kRst, seq + 1, 0)});
        }
    }
    for (std::uint32_t id = 1; id < 8; ++id)
        for (std::uint16_t offset = 0; offset <= 12; offset += 6) all.push_back({kIn, fragment(id, offset)});
    return all;
}

std::vector<Bytes> strangers() {
    std::vector<Bytes> all;
    const auto from = [](const char* dst) { return Ethernet{} / Ipv6{.src = "2001:db8:5::5", .dst = dst}; };
    for (std::uint16_t port = 1000; port < 1024; ++port) {
        all.push_back((from(kNas) / Udp{.sport = port, .dport = 53}).bytes());
        all.push_back((from(kNas) / Tcp{.sport = port, .dport = 443, .flags = kAck}).bytes());
        all.push_back((from(kNas) / Tcp{.sport = port, .dport = 22, .flags = kSyn}).bytes());
        all.push_back((from("2001:db8:cc00:1::10") / Udp{.sport = port, .dport = 8443}).bytes());
    }
    for (std::uint32_t id = 1; id < 8; ++id)
        all.push_back(
            (from(kNas) / Fragment{.offset = 6, .id = id, .next = 17} / Payload{Bytes(48)}).bytes());
    const Packet never_sent = Ethernet{} / Ipv6{.src = kNas, .dst = "2001:db8:5::5"} / Udp{};
    all.push_back((from(kNas) / Icmp{.type = 1, .code = 4} / Payload{never_sent.quoted()}).bytes());
    return all;
}

}  // namespace

void strangers_stay_out(Machine& machine, unsigned rounds) {
    const std::vector<Sent> sent = traffic();
    const std::vector<Bytes> forbidden = strangers();
    Start start(machine.cpus());
    std::atomic<unsigned> let_in{0}, accepted{0};
    on_all_cpus(machine, [&](unsigned cpu) {
        std::minstd_rand random(cpu + 1);
        start.together();
        for (unsigned round = 0; round < rounds; ++round) {
            const Sent& one = sent[random() % sent.size()];
            if (machine.pass(cpu, one.direction, one.frame, 1)) ++accepted;
            if (round % 4 == 0 && machine.pass(cpu, kIn, forbidden[random() % forbidden.size()], 1)) ++let_in;
            if (round % 64 == 0) machine.change(cpu, static_cast<unsigned>(random()));
        }
    });
    EXPECT_EQ(let_in, 0u) << "R27: a packet passed that nobody allowed";
    EXPECT_GT(accepted, rounds / 4);
    expect_one_slot_a_key(machine);
    machine.enter(0);
    EXPECT_TRUE(machine.pass(0, kOut, udp(kOut, 53), 1)) << "and the table still works";
    EXPECT_TRUE(machine.pass(0, kIn, udp(kIn, 53), 1));
}

}  // namespace dishwall::test
