// SPDX-License-Identifier: BSD-3-Clause
//
// The place one row is measured in: a gateway in its own network namespace, between two veth pairs.
//
//      world namespace                gateway namespace                 world namespace
//      g<n>  (generator, sink)  <-->  up0   [device under test]   dn0   <-->  l<n>  (generator, sink)
//
// Every row has its own site, so no row inherits the flows, the neighbour entries or the counters of another,
// and rows can be measured in any order, A B B A, without setting anything up in between.
// Hosts on the LAN are behind a next hop (fe80::4), so there is one neighbour entry, not one a host.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "bench/live/netns.h"
#include "bench/live/skeletons.h"
#include "bench/live/traffic.h"
#include "rules/result.h"

namespace dishwall::bench {

// MAC addresses, the same at every site.
using Mac = std::array<std::uint8_t, 6>;
inline constexpr Mac kIspMac = {2, 0, 0, 0, 0, 1};
inline constexpr Mac kUplinkMac = {2, 0, 0, 0, 0, 2};
inline constexpr Mac kLanMac = {2, 0, 0, 0, 0, 3};
inline constexpr Mac kHostsMac = {2, 0, 0, 0, 0, 4};

// What is attached to one device of a site; programs go with it.
struct LoadedDevice {
    struct Close {
        void operator()(device* skeleton) const { device__destroy(skeleton); }
    };
    std::unique_ptr<device, Close> skeleton;

    [[nodiscard]] static Result<LoadedDevice> load();
    [[nodiscard]] std::uint64_t frames() const { return skeleton->bss->seen.frames; }
};

// Attaches an XDP program to a device of the namespace; it stays until the device goes.
[[nodiscard]] Result<void> attach_xdp(const NetworkNamespace& where, const std::string& interface,
                                      const bpf_program* program);

class Site {
public:
    [[nodiscard]] static Result<Site> create(const NetworkNamespace& world, unsigned number);

    [[nodiscard]] const NetworkNamespace& gateway() const { return gateway_; }
    // Interface indexes in the world: where the generator sends from.
    [[nodiscard]] unsigned internet_end() const { return internet_end_; }
    [[nodiscard]] unsigned lan_end() const { return lan_end_; }
    // Generator frames that came out of the gateway at either end.
    [[nodiscard]] std::uint64_t reached_lan() const { return lan_sink_.frames(); }
    [[nodiscard]] std::uint64_t reached_internet() const { return internet_sink_.frames(); }

private:
    Site() = default;
    [[nodiscard]] Result<void> plug(const NetworkNamespace& world, unsigned number);
    [[nodiscard]] Result<void> arm_sinks(const NetworkNamespace& world, unsigned number);

    NetworkNamespace gateway_;
    unsigned internet_end_ = 0, lan_end_ = 0;
    LoadedDevice internet_sink_, lan_sink_;
};

}  // namespace dishwall::bench
