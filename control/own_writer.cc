// SPDX-License-Identifier: BSD-3-Clause
#include "control/own_writer.h"

#include <algorithm>
#include <atomic>
#include <span>
#include <thread>

namespace dishwall {
namespace {

LivePrefix live_prefix(const dw_prefix& slot) {
    const unsigned length = std::min<unsigned>(slot.length, 64);
    return {Ipv6Prefix::containing({slot.net, 0}, length), slot.source,
            static_cast<dw_prefix_state>(slot.state), (slot.flags & DW_PREFIX_ONLINK) != 0};
}

Own decode(const dw_own& encoded) {
    Own own;
    const std::size_t prefixes = std::min<std::size_t>(encoded.prefixes, DW_PREFIXES);
    for (std::size_t i = 0; i < prefixes; ++i) own.prefixes.push_back(live_prefix(encoded.prefix[i]));
    std::copy(std::begin(encoded.mac), std::end(encoded.mac), own.mac.begin());
    for (const auto& line : encoded.self)
        for (const dw_in6& way : line)
            if (way.hi != 0 || way.lo != 0) own.self.push_back({way.hi, way.lo});
    for (const auto& line : encoded.learnt)
        for (const dw_learnt& way : line)
            for (const std::uint32_t host : way.host)
                if (host != 0) own.learnt.push_back({{way.address.hi, way.address.lo}, host});
    tidy(&own.learnt);
    return own;
}

}  // namespace

Result<OwnWriter> OwnWriter::open(const KernelMaps& maps) {
    Result<Mapping> control = Mapping::of(maps.control.get(), sizeof(dw_control), Mapping::Access::write);
    if (!control) return fail_with(control.error(), "control");
    Result<Mapping> copies =
        Mapping::of(maps.own.get(), sizeof(dw_own) * DW_OWN_COPIES, Mapping::Access::write);
    if (!copies) return fail_with(copies.error(), "own");
    return OwnWriter(std::move(*control), std::move(*copies));
}

Own OwnWriter::in_force() const {
    const std::atomic_ref<__u32> index(control_.as<dw_control>()->own_index);
    const std::uint32_t current = index.load(std::memory_order_acquire) % DW_OWN_COPIES;
    return decode(copies_.as_array<dw_own>(DW_OWN_COPIES)[current]);
}

Result<void> OwnWriter::write(const Own& own) {
    const std::atomic_ref<__u32> index(control_.as<dw_control>()->own_index);
    const std::uint32_t current = index.load(std::memory_order_relaxed) % DW_OWN_COPIES;
    const std::uint32_t next = (current + 1) % DW_OWN_COPIES;
    const std::span<dw_own> copies = copies_.as_array<dw_own>(DW_OWN_COPIES);
    std::this_thread::sleep_until(written_at_ + kSpacing);
    if (Result<void> fits = encode(own, copies[current], &copies[next]); !fits) return fits;
    index.store(next, std::memory_order_release);
    written_at_ = std::chrono::steady_clock::now();
    return {};
}

Own common_part(const Own& before, const Own& after) {
    Own common;
    common.self = after.self;
    common.mac = after.mac;
    common.learnt = before.learnt;
    common.learnt.insert(common.learnt.end(), after.learnt.begin(), after.learnt.end());
    tidy(&common.learnt);
    for (const LivePrefix& live : after.prefixes) {
        const auto same = [&](const LivePrefix& other) {
            return other.prefix == live.prefix && other.source == live.source;
        };
        if (std::any_of(before.prefixes.begin(), before.prefixes.end(), same))
            common.prefixes.push_back(live);
    }
    return common;
}

}  // namespace dishwall
