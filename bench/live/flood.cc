// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-flood: unwelcome packets by live frames, for the end-to-end tests (tests/e2e/test_floods.py). A
// sender with sockets would be the bottleneck of such a test long before the gateway is.
//
// It sends from the network namespace it is started in, out of one device, from random sources: a new random
// /64 of --sources every few thousand frames, random hosts in it. The rate is held by pausing between those
// groups, so that the flood lasts as long as the test wants to watch the gateway under it.
#include <net/if.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <random>
#include <thread>

#include "bench/live/generator.h"
#include "bench/live/packet_set.h"
#include "rules/ipv6.h"

namespace dishwall::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kGroup = 4096;  // frames from one source /64

struct Options {
    std::string device, from_mac, to_mac, sources, to, protocol = "udp";
    std::uint16_t port = 0;  // 0: random, 32768 or above
    std::uint64_t frames = 1'000'000;
    double seconds = 0;  // 0: as fast as it goes
};

struct Plan {
    Hop hop;
    Ipv6Prefix sources, to;
    unsigned device = 0;
};

Result<Mac> mac_of(const std::string& text) {
    Mac mac;
    int used = 0;
    const int fields = std::sscanf(text.c_str(), "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1],
                                   &mac[2], &mac[3], &mac[4], &mac[5], &used);
    if (fields != 6 || static_cast<std::size_t>(used) != text.size())
        return fail("{} is not a MAC address", text);
    return mac;
}

Result<Ipv6Prefix> prefix_of(const std::string& text) {
    const auto prefix = parse_prefix(text.find('/') == text.npos ? text + "/128" : text);
    if (!prefix) return fail("{} is not an IPv6 prefix", text);
    return *prefix;
}

Result<Plan> plan_of(const Options& options) {
    const auto from = mac_of(options.from_mac), to = mac_of(options.to_mac);
    if (!from) return tl::unexpected(from.error());
    if (!to) return tl::unexpected(to.error());
    const auto sources = prefix_of(options.sources), target = prefix_of(options.to);
    if (!sources) return tl::unexpected(sources.error());
    if (!target) return tl::unexpected(target.error());
    if (sources->length() > 64 || target->length() < 64)
        return fail("--sources must be a /64 or shorter, --to a /64 or longer");
    const unsigned device = ::if_nametoindex(options.device.c_str());
    if (device == 0) return fail("there is no device {} in this network namespace", options.device);
    return Plan{{*from, *to, 0, target->first().hi}, *sources, *target, device};
}

// Ones in the last `bits` bits.
std::uint64_t low_bits(unsigned bits) { return bits >= 64 ? ~0ull : (1ull << bits) - 1; }

// The next group's packets: everything about them is random but what the options say.
dw_traffic group(const Options& options, const Plan& plan, std::mt19937_64& random) {
    Hop hop = plan.hop;
    hop.source_network = plan.sources.first().hi | (random() & low_bits(64 - plan.sources.length()));
    dw_traffic set = inbound_traffic(options.protocol == "udp", hop);
    set.random = 1;
    set.peer_mask = ~0ull;
    set.peer_port_base = 1024;
    set.peer_port_mask = 0x7fff;
    set.inside_base = plan.to.first().lo;
    set.inside_mask = low_bits(128 - plan.to.length());
    set.inside_port_base = options.port != 0 ? options.port : 0x8000;
    set.inside_port_mask = options.port != 0 ? 0 : 0x7fff;
    return set;
}

Result<std::uint64_t> send_all(const Options& options, const Plan& plan) {
    auto here = NetworkNamespace::current();
    if (!here) return tl::unexpected(here.error());
    auto generator = Generator::load();
    if (!generator) return tl::unexpected(generator.error());
    std::mt19937_64 random(std::random_device{}());
    const auto began = Clock::now();
    std::uint64_t sent = 0;
    while (sent < options.frames) {
        const auto frames = std::min<std::uint64_t>(kGroup, options.frames - sent);
        auto offered = generator->send(*here, plan.device, group(options, plan, random), random(),
                                       static_cast<std::uint32_t>(frames));
        if (!offered) return tl::unexpected(offered.error());
        sent += offered->frames;
        const double due = options.seconds * static_cast<double>(sent) / static_cast<double>(options.frames);
        std::this_thread::sleep_until(began + std::chrono::duration<double>(due));
    }
    return sent;
}

void declare(CLI::App& app, Options& options) {
    app.add_option("--device", options.device, "send out of this device")->required();
    app.add_option("--from-mac", options.from_mac, "of that device")->required();
    app.add_option("--to-mac", options.to_mac, "of the gateway")->required();
    app.add_option("--sources", options.sources, "random sources in this prefix")->required();
    app.add_option("--to", options.to, "one address, or random hosts in this prefix")->required();
    app.add_option("--protocol", options.protocol, "udp or tcp (SYN)")->check(CLI::IsMember({"udp", "tcp"}));
    app.add_option("--port", options.port, "of the target; default: random ones from 32768 on");
    app.add_option("--frames", options.frames, "how many");
    app.add_option("--seconds", options.seconds, "spread over this time; default: as fast as it goes");
}

}  // namespace
}  // namespace dishwall::bench

int main(int argc, char** argv) {
    using namespace dishwall::bench;
    Options options;
    CLI::App app("a flood of IPv6 packets from random sources");
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    auto plan = plan_of(options);
    const auto sent = plan ? send_all(options, *plan) : tl::unexpected(plan.error());
    if (sent) {
        fmt::print("{}\n", *sent);
        return 0;
    }
    fmt::print(stderr, "dishwall-flood: {}\n", sent.error().message);
    return 1;
}
