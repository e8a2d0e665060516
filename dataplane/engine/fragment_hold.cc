// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/fragment_hold.h"

#include <algorithm>
#include <utility>

namespace dishwall {
namespace {

constexpr unsigned kExpiredATime = 64;

std::size_t begin_of(const dw_sight& sight) { return std::size_t{sight.fragment_offset} * 8; }
std::size_t length_of(const dw_sight& sight) { return sight.end - sight.fragment_at; }
std::size_t end_of(const dw_sight& sight) { return begin_of(sight) + length_of(sight); }

}  // namespace

FragmentHold::Key FragmentHold::key_of(const dw_sight& sight, bool inbound) {
    const dw_flow_key& key = sight.key;
    return {key.inside.hi, key.inside.lo, key.outside.hi, key.outside.lo,
            std::uint64_t{sight.fragment_id} << 1 | inbound};
}

FragmentHold::Answer FragmentHold::add(std::span<const std::uint8_t> frame, const dw_sight& sight,
                                       bool inbound, std::uint64_t now_ns) {
    const Key key = key_of(sight, inbound);
    auto found = places_.find(key);
    if (found != places_.end() && now_ns - found->second->since_ns >= kLifetime_ns) {
        forget(found->second);
        found = places_.end();
    }
    // Room first: it may be this very datagram that makes way.
    if (!make_room(found == places_.end(), frame.size(), now_ns)) return {Answer::Is::refused, {}};
    found = places_.find(key);
    if (found == places_.end()) {
        datagrams_.push_back({key, {}, 0, 0, std::nullopt, now_ns});
        found = places_.emplace(key, std::prev(datagrams_.end())).first;
    }
    const Place place = found->second;
    if (!insert(*place, frame, sight)) {
        forget(place);
        return {Answer::Is::refused, {}};
    }
    place->bytes += frame.size();
    bytes_ += frame.size();
    if (place->covered != place->total) return {Answer::Is::held, {}};
    Answer answer{Answer::Is::whole, std::move(place->fragments)};
    forget(place);
    return answer;
}

bool FragmentHold::make_room(bool is_new, std::size_t bytes, std::uint64_t now_ns) {
    const auto fits = [&] {
        return datagrams_.size() + is_new <= most_datagrams_ && bytes_ + bytes <= most_bytes_;
    };
    while (!fits() && !datagrams_.empty() && now_ns - datagrams_.front().since_ns >= kMercy_ns)
        forget(datagrams_.begin());
    return fits();
}

bool FragmentHold::insert(Waiting& waiting, std::span<const std::uint8_t> frame, const dw_sight& sight) {
    const auto next = std::find_if(
        waiting.fragments.begin(), waiting.fragments.end(),
        [&](const HeldFragment& held) { return held.sight.fragment_offset >= sight.fragment_offset; });
    if (next != waiting.fragments.end() && begin_of(next->sight) < end_of(sight)) return false;
    if (next != waiting.fragments.begin() && end_of(std::prev(next)->sight) > begin_of(sight)) return false;
    if (sight.is_last && (waiting.total || next != waiting.fragments.end())) return false;
    if (sight.is_last) waiting.total = end_of(sight);
    if (waiting.total && end_of(sight) > *waiting.total) return false;
    waiting.covered += length_of(sight);
    waiting.fragments.insert(next, {{frame.begin(), frame.end()}, sight});
    return true;
}

void FragmentHold::forget(Place place) {
    bytes_ -= place->bytes;
    places_.erase(place->key);
    datagrams_.erase(place);
}

void FragmentHold::expire(std::uint64_t now_ns) {
    for (unsigned i = 0; i < kExpiredATime && !datagrams_.empty(); ++i) {
        if (now_ns - datagrams_.front().since_ns < kLifetime_ns) return;
        forget(datagrams_.begin());
    }
}

void assemble(const HeldDatagram& datagram, std::vector<std::uint8_t>* bytes) {
    bytes->clear();
    for (const HeldFragment& held : datagram)
        bytes->insert(bytes->end(), held.frame.begin() + held.sight.fragment_at,
                      held.frame.begin() + held.sight.end);
}

}  // namespace dishwall
