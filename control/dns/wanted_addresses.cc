// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/wanted_addresses.h"

#include <algorithm>
#include <tuple>

namespace dishwall {
namespace {

// The device's MAC, or nothing for a host that is no device.
std::optional<MacAddress> mac_of(const Policy& policy, std::uint32_t id) {
    for (const LearntHost& host : policy.learnt)
        if (host.id == id)
            if (const auto* device = std::get_if<DeviceHost>(&host.what)) return device->mac;
    return std::nullopt;
}

struct Candidates {
    const Own& own;
    std::array<Addresses, DW_PREFIX_GRACE + 1> by_state;

    // An address that lies in this prefix, and in no longer one.
    void add(unsigned slot, const Ipv6Address& address) {
        const std::optional<Located> located = locate(own, address);
        if (located && located->slot == slot) by_state[own.prefixes[slot].state].insert(address);
    }
    [[nodiscard]] const Addresses& best() const {
        const Addresses& preferred = by_state[DW_PREFIX_PREFERRED];
        return preferred.empty() ? by_state[DW_PREFIX_DEPRECATED] : preferred;
    }
};

void add_behind(const Behind& behind, Candidates* all) {
    if (!behind.subnet || !behind.interface_id) return;  // a network, not a host
    for (unsigned slot = 0; slot < all->own.prefixes.size(); ++slot) {
        const LivePrefix& live = all->own.prefixes[slot];
        const unsigned subnet_bits = 64 - live.prefix.length();
        if (live.source != behind.source || *behind.subnet >> subnet_bits != 0) continue;
        all->add(slot, {live.prefix.first().hi | *behind.subnet, *behind.interface_id});
    }
}

void add_self(Candidates* all) {
    for (const Ipv6Address& address : all->own.self)
        if (const std::optional<Located> located = locate(all->own, address))
            all->add(located->slot, address);
}

void add_device(std::uint32_t id, const MacAddress& mac, const Acquaintance& known,
                const Addresses& published, Candidates* all) {
    const auto worth = [&](const LearntAddress& each) {  // the least is the best
        return std::tuple(each.address.lo != interface_id_of(mac), !published.contains(each.address),
                          known.since(each));
    };
    std::map<unsigned, LearntAddress> best;  // by prefix
    for (const LearntAddress& each : all->own.learnt) {
        if (each.host != id) continue;
        const std::optional<Located> located = locate(all->own, each.address);
        if (!located) continue;
        const auto [at, first] = best.try_emplace(located->slot, each);
        if (!first && worth(each) < worth(at->second)) at->second = each;
    }
    for (const auto& [slot, each] : best) all->add(slot, each.address);
}

}  // namespace

void Acquaintance::see(const std::vector<LearntAddress>& learnt) {
    std::map<LearntAddress, std::uint64_t> still;
    for (const LearntAddress& each : learnt) {
        const auto before = since_.find(each);
        still.emplace(each, before == since_.end() ? next_++ : before->second);
    }
    since_ = std::move(still);
}

std::uint64_t Acquaintance::since(const LearntAddress& address) const {
    const auto at = since_.find(address);
    return at == since_.end() ? next_ : at->second;
}

Addresses wanted_addresses(const NamedAddress& host, const Policy& policy, const Own& own,
                           const Acquaintance& known, const Addresses& published) {
    Candidates all{own, {}};
    Addresses fixed;
    for (const AddressElement& element : host.elements) {
        if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) {
            if (prefix->length() == 128) fixed.insert(prefix->first());
        } else if (const auto* behind = std::get_if<Behind>(&element)) {
            add_behind(*behind, &all);
        } else if (const auto* learnt = std::get_if<Learnt>(&element)) {
            if (const std::optional<MacAddress> mac = mac_of(policy, learnt->host))
                add_device(learnt->host, *mac, known, published, &all);
        } else {
            add_self(&all);
        }
    }
    fixed.insert(all.best().begin(), all.best().end());
    return fixed;
}

}  // namespace dishwall
