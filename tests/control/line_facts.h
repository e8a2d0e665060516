// SPDX-License-Identifier: BSD-3-Clause
//
// Short words for schedules of line events.
#pragma once

#include <chrono>
#include <string>

#include "control/line/prefix_tracker.h"

namespace dishwall {

using std::chrono::seconds;

inline Ipv6Address addr(const std::string& text) { return parse_ipv6(text).value(); }

inline Ipv6Prefix pfx(const std::string& text) {
    const std::size_t slash = text.find('/');
    return Ipv6Prefix::make(addr(text.substr(0, slash)),
                            static_cast<unsigned>(std::stoul(text.substr(slash + 1))))
        .value();
}

constexpr unsigned kLo = 1, kDish = 2, kLan = 3, kDish2 = 4;

// Leases of the dish: online, and rebooting.
constexpr std::uint32_t kCgnat = 100u << 24 | 101u << 16 | 102u << 8 | 103u;
constexpr std::uint32_t kRebooting = 192u << 24 | 168u << 16 | 100u << 8 | 100u;

// uplink dish { interface wan; prefix pd from dhcpv6-pd; prefix onlink from ra; prefix lan from addresses on
// br;
//               prefix fixed static ... }, with the sources that are asked for
inline Uplink uplink_with(std::vector<PrefixSource> sources, unsigned grace_s = 300) {
    Uplink uplink;
    uplink.name = "dish";
    uplink.interface = "wan";
    uplink.sources = std::move(sources);
    uplink.grace_s = grace_s;
    return uplink;
}
inline PrefixSource pd(std::optional<std::uint32_t> metric = {}) { return {"pd", FromDhcpv6Pd{metric}, {}}; }
inline PrefixSource ra() { return {"onlink", FromRouterAdvertisement{}, {}}; }
inline PrefixSource lan() { return {"lan", FromAddresses{"br"}, {}}; }
inline PrefixSource fixed(const std::string& prefix) { return {"fixed", Static{pfx(prefix)}, {}}; }

inline LinkFact wan(bool up, unsigned index = kDish) { return {index, "wan", up, up, {}}; }

inline AddressFact address_on(unsigned link, const std::string& text, unsigned length = 64) {
    AddressFact fact;
    fact.link = link;
    fact.address = addr(text);
    fact.length = length;
    return fact;
}

// "dish.pd 2001:db8::/56 preferred, ..."
inline std::string prefixes_of(const PrefixTracker& tracker) {
    static const char* const kStates[] = {"none", "preferred", "deprecated", "grace"};
    std::string all;
    for (const PrefixStatus& status : tracker.list()) {
        if (!status.served) continue;
        all += (all.empty() ? "" : ", ") + status.source + " " + to_string(status.live.prefix) + " " +
               kStates[status.live.state] + (status.live.onlink ? " onlink" : "");
    }
    return all;
}

inline std::string texts_of(const std::vector<LineChange>& changes) {
    std::string all;
    for (const LineChange& change : changes) all += (all.empty() ? "" : "; ") + change.text;
    return all;
}

}  // namespace dishwall
