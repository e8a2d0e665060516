// SPDX-License-Identifier: BSD-3-Clause
#include "rules/own.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace dishwall {
namespace {

struct SelfTable {
    std::uint64_t seed = 0;
    dw_in6 lines[DW_SELF_LINES][DW_SELF_WAYS] = {};
};

// The self set with this seed, or nothing when a line overflows.
std::optional<SelfTable> place_self(const std::vector<Ipv6Address>& self, std::uint64_t seed) {
    SelfTable table{.seed = seed};
    for (const Ipv6Address& address : self) {
        const dw_in6 wanted{address.hi, address.lo};
        dw_in6* line = table.lines[dw_self_line(seed, wanted)];
        dw_in6* end = line + DW_SELF_WAYS;
        dw_in6* way = std::find_if(line, end, [](const dw_in6& a) { return a.hi == 0 && a.lo == 0; });
        if (way == end) return std::nullopt;
        *way = wanted;
    }
    return table;
}

std::optional<SelfTable> self_table(std::vector<Ipv6Address> self) {
    constexpr std::uint64_t kSeedsTried = 10'000;
    std::sort(self.begin(), self.end());
    self.erase(std::unique(self.begin(), self.end()), self.end());
    for (std::uint64_t seed = 1; seed < kSeedsTried; ++seed)
        if (std::optional<SelfTable> table = place_self(self, seed)) return table;
    return std::nullopt;
}

// A free way in one of the address's two lines, made by sending others to their other line where need be (cuckoo
// hashing). The table is at most half full, so this ends; a walk that is unlucky nevertheless says no.
bool place_learnt(dw_learnt entry, dw_own* out) {
    constexpr unsigned kMovesTried = 500;
    std::uint32_t driven_out_of = DW_LEARNT_LINES;
    for (unsigned move = 0; move < kMovesTried; ++move) {
        const std::uint32_t lines[] = {dw_learnt_line(entry.address, 0), dw_learnt_line(entry.address, 1)};
        for (const std::uint32_t line : lines)
            for (dw_learnt& way : out->learnt[line])
                if (way.host[0] == 0) {
                    way = entry;
                    return true;
                }
        driven_out_of = lines[0] == driven_out_of ? lines[1] : lines[0];
        std::swap(entry, out->learnt[driven_out_of][move % DW_LEARNT_WAYS]);
    }
    return false;
}

void place_all_learnt(const std::vector<LearntAddress>& tidy, dw_own* out) {
    for (auto at = tidy.begin(); at != tidy.end();) {
        dw_learnt entry{{at->address.hi, at->address.lo}, {}};
        const Ipv6Address address = at->address;
        for (unsigned i = 0; at != tidy.end() && at->address == address; ++at) entry.host[i++] = at->host;
        if (place_learnt(entry, out)) ++out->learnt_count;
    }
}

// Was an address some host's that is not that host's any more?
bool lost_any(const dw_own& before, const std::vector<LearntAddress>& now) {
    if (before.learnt_count == 0) return false;
    for (const auto& line : before.learnt)
        for (const dw_learnt& way : line)
            for (const std::uint32_t host : way.host)
                if (host != 0 && !std::binary_search(now.begin(), now.end(),
                                                     LearntAddress{{way.address.hi, way.address.lo}, host}))
                    return true;
    return false;
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

bool is_learnt(const Own& own, const Ipv6Address& address, std::uint32_t host) {
    return std::binary_search(own.learnt.begin(), own.learnt.end(), LearntAddress{address, host});
}

std::size_t tidy(std::vector<LearntAddress>* learnt) {
    std::sort(learnt->begin(), learnt->end());
    learnt->erase(std::unique(learnt->begin(), learnt->end()), learnt->end());
    std::vector<LearntAddress> kept;
    std::size_t addresses = 0, hosts = 0;
    for (const LearntAddress& each : *learnt) {
        const bool same = !kept.empty() && kept.back().address == each.address;
        hosts = same ? hosts + 1 : 1;
        if (hosts > DW_LEARNT_HOSTS || (!same && addresses == DW_LEARNT_MAX)) continue;
        addresses += same ? 0 : 1;
        kept.push_back(each);
    }
    const std::size_t left_out = learnt->size() - kept.size();
    *learnt = std::move(kept);
    return left_out;
}

Result<void> encode(const Own& own, const dw_own& before, dw_own* out) {
    if (own.prefixes.size() > DW_PREFIXES)
        return fail("{} live prefixes, at most {} can be followed", own.prefixes.size(), DW_PREFIXES);
    const std::optional<SelfTable> self = self_table(own.self);
    if (!self)
        return fail("{} addresses on this box, about {} can be told apart", own.self.size(),
                    DW_SELF_LINES * DW_SELF_WAYS / 2);

    std::fill(std::begin(out->prefix), std::end(out->prefix), dw_prefix{});
    out->prefixes = 0;
    for (const LivePrefix& live : own.prefixes) {
        dw_prefix& slot = out->prefix[out->prefixes++];
        slot.net = live.prefix.first().hi;
        slot.length = static_cast<std::uint8_t>(live.prefix.length());
        slot.state = static_cast<std::uint8_t>(live.state);
        slot.source = static_cast<std::uint8_t>(live.source);
        slot.flags = live.onlink ? DW_PREFIX_ONLINK : 0;
    }
    std::copy(own.mac.begin(), own.mac.end(), out->mac);
    out->self_seed = self->seed;
    std::memcpy(out->self, self->lines, sizeof out->self);

    std::vector<LearntAddress> learnt = own.learnt;
    tidy(&learnt);
    out->losses = before.losses + (lost_any(before, learnt) ? 1 : 0);
    // 256 KiB that most policies never use.
    if (out->learnt_count != 0) std::memset(out->learnt, 0, sizeof out->learnt);
    out->learnt_count = 0;
    place_all_learnt(learnt, out);
    return {};
}

Result<void> encode(const Own& own, dw_own* table) {
    const auto before = std::make_unique<dw_own>(*table);
    return encode(own, *before, table);
}

}  // namespace dishwall
