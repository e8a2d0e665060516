// SPDX-License-Identifier: BSD-3-Clause
//
// Fragments that wait for their datagram to be whole, so that it can be searched as one, and goes on as a
// whole or not at all. The packet core has refused before what makes fragments dangerous: no overlaps, at
// most one hole, the whole header chain in the first one (bpf/core/fragment.h). Here frames are copied,
// counted, and kept for as long as a receiver would (60 s since the first to come, RFC 8200 4.5). IPv4
// likewise.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bpf/core/native.h"

namespace dishwall {

struct HeldFragment {
    std::vector<std::uint8_t> frame;
    dw_sight sight;
};

// Whole: fragments by offset.
using HeldDatagram = std::vector<HeldFragment>;

class FragmentHold {
public:
    static constexpr std::uint64_t kLifetime_ns = 60'000'000'000;
    // Nobody younger makes way for a newcomer when all room is taken (as in bpf/core/fragment.h).
    static constexpr std::uint64_t kMercy_ns = 1'000'000'000;

    FragmentHold(std::size_t most_datagrams, std::size_t most_bytes)
        : most_datagrams_(most_datagrams), most_bytes_(most_bytes) {}

    struct Answer {
        enum class Is : std::uint8_t { held, whole, refused } is = Is::held;
        HeldDatagram datagram;  // when it is whole now; it is held no longer
    };
    // `refused`: no room, or it does not fit the others (all of them are forgotten then).
    [[nodiscard]] Answer add(std::span<const std::uint8_t> frame, const dw_sight& sight, bool inbound,
                             std::uint64_t now_ns);
    void expire(std::uint64_t now_ns);

    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::size_t datagrams() const { return datagrams_.size(); }

private:
    using Key = std::array<std::uint64_t, 5>;  // addresses, identification, direction
    struct Waiting {
        Key key;
        HeldDatagram fragments;
        std::size_t bytes = 0;             // of frames
        std::size_t covered = 0;           // of the datagram
        std::optional<std::size_t> total;  // of the datagram
        std::uint64_t since_ns = 0;
    };
    using Place = std::list<Waiting>::iterator;

    [[nodiscard]] static Key key_of(const dw_sight& sight, bool inbound);
    [[nodiscard]] bool make_room(bool is_new, std::size_t bytes, std::uint64_t now_ns);
    [[nodiscard]] static bool insert(Waiting& waiting, std::span<const std::uint8_t> frame,
                                     const dw_sight& sight);
    void forget(Place place);

    std::size_t most_datagrams_, most_bytes_;
    std::size_t bytes_ = 0;
    std::list<Waiting> datagrams_;  // the oldest first
    std::map<Key, Place> places_;
};

// The datagram's bytes behind its last header that every fragment has.
void assemble(const HeldDatagram& datagram, std::vector<std::uint8_t>* bytes);

}  // namespace dishwall
