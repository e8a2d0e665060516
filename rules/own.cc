// SPDX-License-Identifier: BSD-3-Clause
#include "rules/own.h"

#include <algorithm>
#include <cstring>

namespace dishwall {
namespace {

// Writes the self set with this seed, or says that a line overflows.
bool place_self(const std::vector<Ipv6Address>& self, std::uint64_t seed, dw_own* out) {
    out->self_seed = seed;
    std::memset(out->self, 0, sizeof out->self);
    for (const Ipv6Address& address : self) {
        const dw_in6 wanted{address.hi, address.lo};
        dw_in6* line = out->self[dw_self_line(seed, wanted)];
        dw_in6* end = line + DW_SELF_WAYS;
        dw_in6* way = std::find_if(line, end, [](const dw_in6& a) { return a.hi == 0 && a.lo == 0; });
        if (way == end) return false;
        *way = wanted;
    }
    return true;
}

}  // namespace

std::optional<Located> locate(const Own& own, const Ipv6Address& address) {
    std::optional<Located> best;
    for (unsigned slot = 0; slot < own.prefixes.size(); ++slot) {
        const Ipv6Prefix& prefix = own.prefixes[slot].prefix;
        if (!prefix.contains(address)) continue;
        if (best && own.prefixes[best->slot].prefix.length() >= prefix.length()) continue;
        const std::uint64_t subnet = address.hi ^ prefix.first().hi;
        best = Located{slot, static_cast<std::uint16_t>(subnet)};
    }
    return best;
}

bool is_self(const Own& own, const Ipv6Address& address) {
    return std::find(own.self.begin(), own.self.end(), address) != own.self.end();
}

Result<void> encode(const Own& own, dw_own* out) {
    if (own.prefixes.size() > DW_PREFIXES)
        return fail("{} live prefixes, at most {} can be followed", own.prefixes.size(), DW_PREFIXES);

    std::vector<Ipv6Address> self = own.self;
    std::sort(self.begin(), self.end());
    self.erase(std::unique(self.begin(), self.end()), self.end());

    dw_own made{};
    std::copy(own.mac.begin(), own.mac.end(), made.mac);
    constexpr std::uint64_t kSeedsTried = 10'000;
    std::uint64_t seed = 1;
    while (seed < kSeedsTried && !place_self(self, seed, &made)) ++seed;
    if (seed == kSeedsTried)
        return fail("{} addresses on this box, about {} can be told apart", self.size(),
                    DW_SELF_LINES * DW_SELF_WAYS / 2);

    for (const LivePrefix& live : own.prefixes) {
        dw_prefix& slot = made.prefix[made.prefixes++];
        slot.net = live.prefix.first().hi;
        slot.length = static_cast<std::uint8_t>(live.prefix.length());
        slot.state = static_cast<std::uint8_t>(live.state);
        slot.source = static_cast<std::uint8_t>(live.source);
        slot.flags = live.onlink ? DW_PREFIX_ONLINK : 0;
    }
    *out = made;
    return {};
}

}  // namespace dishwall
