// SPDX-License-Identifier: BSD-3-Clause
#include "bench/inspect/latency.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "bench/inspect/rule_file.h"
#include "bench/live/command.h"
#include "bench/live/dishwall_process.h"
#include "bench/live/site.h"
#include "tests/core/packet.h"

namespace dishwall::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kLost{200};
// A datagram's number, and its complement, so that the checksum stays right.
constexpr std::size_t kAtNumber = 14 + 40 + 8, kAtComplement = kAtNumber + 4;
constexpr ssize_t kShortest = kAtComplement + 4;

// One end of the gateway, as what is plugged into it sees it.
class Wire {
public:
    [[nodiscard]] static Result<Wire> on(const NetworkNamespace& world, unsigned index) {
        auto inside = Inside::enter(world);
        if (!inside) return tl::unexpected(inside.error());
        bpf_xdp_detach(static_cast<int>(index), 0, nullptr);  // the site's sink would eat what comes
        Wire wire;
        wire.socket_ = UniqueFd(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_ll here{};
        here.sll_family = AF_PACKET;
        here.sll_protocol = htons(0x86dd);
        here.sll_ifindex = static_cast<int>(index);
        if (::bind(wire.socket_.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) != 0)
            return fail("cannot listen on a packet socket: {}", std::strerror(errno));
        return wire;
    }

    bool give(const std::vector<std::uint8_t>& frame) const {
        return ::send(socket_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
    }
    // Waits for the datagram of this number, actively: sleeping would be measured, too.
    bool take(std::uint32_t number) const {
        for (const auto end = Clock::now() + kLost; Clock::now() < end;) {
            std::uint8_t got[2048];
            const ssize_t length = ::recv(socket_.get(), got, sizeof got, 0);
            std::uint32_t stands = 0;
            std::memcpy(&stands, got + kAtNumber, sizeof stands);
            if (length >= kShortest && got[20] == IPPROTO_UDP && stands == number) return true;
        }
        return false;
    }

private:
    UniqueFd socket_;
};

std::vector<std::uint8_t> datagram(std::uint16_t port) {
    std::vector<std::uint8_t> text{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
    for (const char letter : std::string_view("an ordinary datagram that nobody minds"))
        text.push_back(static_cast<std::uint8_t>(letter));
    auto frame = (test::Ethernet{} /
                  test::Ipv6{.src = to_string(Ipv6Address{kInternet, 7}),
                             .dst = to_string(Ipv6Address{kLan, kServiceHosts})} /
                  test::Udp{.sport = 40000, .dport = port} / test::Payload{text})
                     .bytes();
    std::copy(kUplinkMac.begin(), kUplinkMac.end(), frame.begin());
    std::copy(kIspMac.begin(), kIspMac.end(), frame.begin() + 6);
    return frame;
}

class Gateway {
public:
    explicit Gateway(const LatencyOptions& options) : options_(options) {}

    Result<void> start() {
        auto world = NetworkNamespace::create();
        if (!world) return tl::unexpected(world.error());
        world_ = std::move(*world);
        auto site = Site::create(world_, 0);
        if (!site) return tl::unexpected(site.error());
        site_.emplace(std::move(*site));
        const std::string directory = options_.directory + "/latency";
        std::error_code ignored;  // the daemon reports a directory that it cannot use
        std::filesystem::create_directories(directory, ignored);
        std::ofstream(directory + "/" + kSignatureFile) << "1:/attack-[0-9]{4}/\n2:/exploit/i\n";
        auto daemon =
            DishwallProcess::start(site_->gateway(), {options_.daemon, directory, options_.pins + "/latency"},
                                   with_two_ports(rule_file(published_services(2), 131072), true), kPatience);
        if (!daemon) return tl::unexpected(daemon.error());
        daemon_ = std::move(*daemon);
        auto inspector = Background::start(site_->gateway(),
                                           {options_.inspector, "--config", directory + "/inspect.json"}, {});
        if (!inspector) return tl::unexpected(inspector.error());
        inspector_ = std::move(*inspector);
        auto internet = Wire::on(world_, site_->internet_end()), lan = Wire::on(world_, site_->lan_end());
        if (!internet || !lan) return tl::unexpected((internet ? lan : internet).error());
        internet_ = std::move(*internet);
        lan_ = std::move(*lan);
        return wait_for_inspector();
    }

    // Microseconds; nothing: it was lost.
    std::optional<double> send(std::uint16_t port) {
        std::vector<std::uint8_t>& frame = port == kInspectedPort ? inspected_ : plain_;
        const std::uint32_t number = ++number_, complement = ~number;
        std::memcpy(&frame[kAtNumber], &number, sizeof number);
        std::memcpy(&frame[kAtComplement], &complement, sizeof complement);
        const auto begin = Clock::now();
        if (!internet_.give(frame) || !lan_.take(number)) return std::nullopt;
        return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
    }

private:
    Result<void> wait_for_inspector() {
        for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
            if (!inspector_.is_running()) return fail("dishwall-inspect ended:\n{}", inspector_.log());
            if (send(kInspectedPort)) return {};
        }
        return fail("nothing comes through dishwall-inspect in {} s:\n{}", kPatience.count(),
                    inspector_.log());
    }

    const LatencyOptions& options_;
    NetworkNamespace world_;
    std::optional<Site> site_;
    DishwallProcess daemon_;
    Background inspector_;
    Wire internet_, lan_;
    std::vector<std::uint8_t> plain_ = datagram(kPlainPort), inspected_ = datagram(kInspectedPort);
    std::uint32_t number_ = 0;
};

Result<LatencyRow> measure_pace(Gateway& gateway, const LatencyOptions& options, LatencyRow row,
                                std::chrono::microseconds pause) {
    for (unsigned i = 0; i < 2 * options.datagrams; ++i) {
        const bool inspected = i % 4 == 1 || i % 4 == 2;  // A B B A
        std::this_thread::sleep_for(pause);
        const auto us = gateway.send(inspected ? kInspectedPort : kPlainPort);
        if (!us) return fail("{}: datagram {} did not come through", row.id, i);
        (inspected ? row.inspected_us : row.plain_us).push_back(*us);
    }
    return row;
}

}  // namespace

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * share)];
}

Result<std::vector<LatencyRow>> measure_latency(const LatencyOptions& options) {
    Gateway gateway(options);
    if (auto started = gateway.start(); !started) return tl::unexpected(started.error());
    std::vector<LatencyRow> rows;
    for (auto& [row, pause] :
         {std::pair{LatencyRow{"latency-busy", "one after the other", {}, {}}, 0},
          std::pair{LatencyRow{"latency-idle", "a millisecond in between", {}, {}}, 1000}}) {
        auto measured = measure_pace(gateway, options, row, std::chrono::microseconds(pause));
        if (!measured) return tl::unexpected(measured.error());
        rows.push_back(std::move(*measured));
    }
    return rows;
}

}  // namespace dishwall::bench
