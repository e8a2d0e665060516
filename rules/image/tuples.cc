// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/tuples.h"

#include <algorithm>
#include <optional>

namespace dishwall {
namespace {

constexpr std::size_t kMostKeysALine = 64;
constexpr std::size_t kMostKeys = std::size_t{1} << 22;  // of all lines, about
constexpr unsigned kMostPortBlocks = 16;                 // of a range of ports

constexpr std::size_t kLocals = 3, kServices = 5;
constexpr std::size_t kCombinations = kLocals * kServices * kPeerLengths.size();

std::size_t combination_of(const TupleMasks& masks) {
    return (masks.local * kServices + masks.service) * kPeerLengths.size() + masks.peer;
}

TupleMasks masks_of(std::size_t combination) {
    const std::size_t peers = kPeerLengths.size();
    return {static_cast<std::uint8_t>(combination / peers / kServices),
            static_cast<std::uint8_t>(combination / peers % kServices),
            static_cast<std::uint8_t>(combination % peers)};
}

// ---- what a mask leaves of a line

// Exclusions only narrow a set, so they never matter for keys.
std::uint8_t finest_local(const AddressSet& ours) {
    if (ours.any || ours.include.empty()) return DW_LOCAL_ANY;
    std::uint8_t finest = DW_LOCAL_EXACT;
    for (const AddressElement& element : ours.include) {
        const auto* place = std::get_if<Behind>(&element);
        if (!place || !place->subnet) return DW_LOCAL_ANY;
        if (!place->interface_id) finest = DW_LOCAL_SUBNET;
    }
    return finest;
}

std::uint8_t finest_peer(const AddressSet& peer) {
    if (peer.any || peer.include.empty()) return 0;
    unsigned shortest = 128;
    for (const AddressElement& element : peer.include) {
        const auto* prefix = std::get_if<Ipv6Prefix>(&element);
        if (!prefix) return 0;
        shortest = std::min(shortest, prefix->length());
    }
    const auto above = std::upper_bound(kPeerLengths.begin(), kPeerLengths.end(), shortest);
    return static_cast<std::uint8_t>(above - kPeerLengths.begin() - 1);
}

unsigned port_shift(std::uint8_t service) {
    return service == DW_SERVICE_PORT ? 0 : service == DW_SERVICE_BLOCK_16 ? 4 : 8;
}

std::size_t service_keys(const RuleLine& line, std::uint8_t service) {
    if (service <= DW_SERVICE_PROTO) return 1;
    const unsigned shift = port_shift(service);
    return static_cast<std::size_t>(line.port_last >> shift) - (line.port_first >> shift) + 1;
}

std::uint8_t finest_service(const RuleLine& line) {
    if (line.any_proto) return DW_SERVICE_ANY;
    if (line.port_first == line.port_last) return DW_SERVICE_PORT;
    for (const std::uint8_t service : {DW_SERVICE_BLOCK_16, DW_SERVICE_BLOCK_256})
        if (service_keys(line, service) <= kMostPortBlocks) return service;
    return DW_SERVICE_PROTO;
}

// Adds a value that is not there yet; false: there would be more than `most`.
bool add_new(std::vector<std::uint64_t>* values, std::uint64_t value, std::size_t most) {
    if (std::find(values->begin(), values->end(), value) != values->end()) return true;
    if (values->size() == most) return false;
    values->push_back(value);
    return true;
}

// Stops when there are more than `most`; one value when the mask is empty.
bool find_places(const AddressSet& ours, std::uint8_t local, std::size_t most,
                 std::vector<std::uint64_t>* found) {
    found->clear();
    if (local == DW_LOCAL_ANY) return add_new(found, 0, most);
    return std::all_of(ours.include.begin(), ours.include.end(), [&](const AddressElement& element) {
        const auto& place = std::get<Behind>(element);
        const Ipv6Address key = exact_key(place);
        return add_new(found, dw_place_hash(local, key.hi, key.lo), most);
    });
}

bool find_peers(const AddressSet& peer, std::uint8_t mask, std::size_t most,
                std::vector<std::uint64_t>* found) {
    found->clear();
    if (mask == 0) return add_new(found, 0, most);
    return std::all_of(peer.include.begin(), peer.include.end(), [&](const AddressElement& element) {
        const Ipv6Address first = std::get<Ipv6Prefix>(element).first();
        return add_new(found, dw_peer_hash(kPeerLengths[mask], first.hi, first.lo), most);
    });
}

void find_services(const RuleLine& line, std::uint8_t service, std::vector<std::uint64_t>* found) {
    found->clear();
    const unsigned shift = port_shift(service);
    for (std::size_t i = 0; i < service_keys(line, service); ++i) {
        const std::size_t block = (line.port_first >> shift) + i;
        found->push_back(dw_masked_service(service, line.proto, static_cast<std::uint32_t>(block << shift)));
    }
}

// ---- one line's choice

class MaskChooser {
public:
    explicit MaskChooser(std::size_t most) : most_(most) {}

    // The finest masks under which the line has at most so many keys. Lines of one rule are asked for in a
    // row.
    TupleMasks choose(const RuleHead& head, const RuleLine& line) {
        if (&head != head_) {
            head_ = &head;
            local_ = finest_local(*head.ours);
            peer_ = finest_peer(*head.peer);
            places_ = count_places(local_);
            peers_ = count_peers(peer_);
        }
        TupleMasks masks{local_, finest_service(line), peer_};
        std::size_t places = places_, services = service_keys(line, masks.service), peers = peers_;
        while (places * services * peers > most_) {
            if (places >= services && places >= peers)
                places = count_places(--masks.local);
            else if (peers >= services)
                peers = count_peers(--masks.peer);
            else
                services = service_keys(line, --masks.service);
        }
        keys_ = places * services * peers;
        return masks;
    }
    [[nodiscard]] std::size_t keys() const { return keys_; }  // of the line that was asked for last

private:
    // Exact up to most_; one more stands for any number.
    std::size_t count_places(std::uint8_t local) {
        return find_places(*head_->ours, local, most_, &scratch_) ? scratch_.size() : most_ + 1;
    }
    std::size_t count_peers(std::uint8_t peer) {
        return find_peers(*head_->peer, peer, most_, &scratch_) ? scratch_.size() : most_ + 1;
    }

    std::size_t most_;
    const RuleHead* head_ = nullptr;
    std::uint8_t local_ = 0, peer_ = 0;
    std::size_t places_ = 0, peers_ = 0;
    std::size_t keys_ = 0;
    std::vector<std::uint64_t> scratch_;
};

// ---- all lines' tuples

struct Combination {
    std::size_t keys = 0;
    std::uint32_t first = ~0u;  // least dw_rule.index
    std::size_t becomes = 0;    // itself, or the one that it was folded into
    bool used = false;
};
using Combinations = std::array<Combination, kCombinations>;

// The finest one in use that can take over what `from` has.
std::optional<std::size_t> coarser(const Combinations& all, std::size_t from) {
    std::optional<std::size_t> best;
    int best_bits = -1;
    for (std::size_t to = 0; to < all.size(); ++to) {
        const TupleMasks masks = masks_of(to);
        const int bits = masks.local + masks.service + masks.peer;
        if (to == from || !all[to].used || !masks.covers(masks_of(from)) || bits <= best_bits) continue;
        best = to;
        best_bits = bits;
    }
    return best;
}

// Of those that have one that covers them, the one with the fewest keys. Among 65 there always is one: no
// more than 15 combinations can be without.
std::size_t fold_one(Combinations* all) {
    std::size_t least = all->size();
    for (std::size_t i = 0; i < all->size(); ++i)
        if ((*all)[i].used && (least == all->size() || (*all)[i].keys < (*all)[least].keys) &&
            coarser(*all, i))
            least = i;
    return least;
}

void fold(Combinations* all, std::size_t from) {
    const std::size_t to = *coarser(*all, from);
    (*all)[to].keys += (*all)[from].keys;
    (*all)[to].first = std::min((*all)[to].first, (*all)[from].first);
    (*all)[from].used = false;
    for (Combination& combination : *all)
        if (combination.becomes == from) combination.becomes = to;
}

void fold_all(Combinations* all) {
    const auto used = [&] {
        return std::count_if(all->begin(), all->end(), [](const Combination& one) { return one.used; });
    };
    while (used() > DW_TUPLES_MAX) fold(all, fold_one(all));
}

// Numbers what is used by `first`; gives the number of each combination.
std::array<std::uint8_t, kCombinations> number(const Combinations& all, TuplePlan* plan) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i].used) order.push_back(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return all[a].first < all[b].first; });
    std::array<std::uint8_t, kCombinations> number_of{};
    for (const std::size_t i : order) {
        const TupleMasks masks = masks_of(i);
        number_of[i] = static_cast<std::uint8_t>(plan->tuples.size());
        plan->tuples.push_back({all[i].first, masks.local, masks.service, kPeerLengths[masks.peer], 0});
        plan->masks.push_back(masks);
    }
    return number_of;
}

}  // namespace

void find_key_parts(const RuleHead& head, const RuleLine& line, const TupleMasks& masks, KeyParts* parts) {
    find_places(*head.ours, masks.local, kMostKeysALine, &parts->place);
    find_services(line, masks.service, &parts->service);
    find_peers(*head.peer, masks.peer, kMostKeysALine, &parts->peer);
}

TuplePlan plan_tuples(const ChainLines& lines) {
    TuplePlan plan;
    const std::size_t count = lines.general.size();
    Combinations all;
    for (std::size_t i = 0; i < all.size(); ++i) all[i].becomes = i;
    plan.of_line.reserve(count);
    MaskChooser chooser(
        std::clamp<std::size_t>(kMostKeys / std::max<std::size_t>(count, 1), 4, kMostKeysALine));
    for (const RuleLine& line : lines.general) {
        const RuleHead& head = lines.heads[line.head];
        const std::size_t chosen = combination_of(chooser.choose(head, line));
        plan.of_line.push_back(static_cast<std::uint8_t>(chosen));
        plan.keys += chooser.keys();
        all[chosen].keys += chooser.keys();
        all[chosen].first = std::min(all[chosen].first, head.index);
        all[chosen].used = true;
    }
    fold_all(&all);
    const auto number_of = number(all, &plan);
    for (std::uint8_t& tuple : plan.of_line) tuple = number_of[all[tuple].becomes];
    return plan;
}

}  // namespace dishwall
