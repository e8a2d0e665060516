// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/replay_core.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "rules/lower.h"

namespace dishwall {
namespace {

constexpr std::uint64_t kStart = 10'000'000;  // jiffies: the core's times are never near zero
// Nobody sends against this run, so its hashes need no secret, and each run is like the one before.
constexpr std::uint64_t kSecret = 0x9e3779b97f4a7c15;
constexpr std::uint8_t kPortMac[6] = {0x02, 'd', 'w', 'r', 'p', 'l'};  // of the inspector's port: nobody's

// Counters in order, so that a rule's place follows from its counter.
CounterOf by_place() {
    return [next = std::uint32_t{DW_REASONS_MAX}](const Rule&) mutable {
        return std::min(next++, DW_COUNTERS - 1u);
    };
}

}  // namespace

template <typename T>
ReplayCore::Table<T> ReplayCore::make_table(std::size_t count) {
    void* memory = ::operator new(count * sizeof(T), kAlignment);
    std::memset(memory, 0, count * sizeof(T));
    return Table<T>(static_cast<T*>(memory));
}

ReplayCore::ReplayCore(std::vector<std::byte> image, unsigned flow_table)
    : image_(std::move(image)),
      own_(make_table<dw_own>(2)),
      slots_(make_table<dw_slots>(flow_table / DW_WAYS)),
      flows_(make_table<dw_flow>(flow_table)),
      fragments_(make_table<dw_fragment_bucket>(DW_FRAGMENT_BUCKETS)),
      link_(make_table<dw_link>(1)),
      rates_(make_table<dw_rates>(1)),
      inspection_(make_table<dw_inspection>(1)),
      counters_(make_table<dw_counter>(DW_COUNTERS)) {
    reinterpret_cast<dw_image*>(image_.data())->generation = 1;
    memory_.settings.bucket_mask = flow_table / DW_WAYS - 1;
    memory_.settings.hz = kHz;
    for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) memory_.settings.secret[i] = kSecret * (i + 1);
    memory_.own = own_.get();
    memory_.image = reinterpret_cast<const dw_blob*>(image_.data());
    memory_.image_lines = static_cast<std::uint32_t>(image_.size() / DW_LINE);
    memory_.slots = slots_.get();
    memory_.flows = flows_.get();
    memory_.fragments = fragments_.get();
    memory_.link = link_.get();
    memory_.rates = rates_.get();
    memory_.inspection = inspection_.get();
    memory_.counters = counters_.get();
    memory_.now = kStart;
    inspection_[0].workers = 1;
    inspection_[0].port[0] = 1;
    std::copy(std::begin(kPortMac), std::end(kPortMac), inspection_[0].mac[0]);
}

Result<std::unique_ptr<ReplayCore>> ReplayCore::make(const Policy& policy) {
    Result<CompiledImage> compiled = lower(policy, by_place());
    if (!compiled) return tl::unexpected(compiled.error());
    return std::unique_ptr<ReplayCore>(new ReplayCore(std::move(compiled->image), policy.uplink.flow_table));
}

Result<void> ReplayCore::set_own(const Own& own) {
    const unsigned next = 1 - own_in_force_;
    if (Result<void> done = encode(own, own_[own_in_force_], &own_[next]); !done) return done;
    own_in_force_ = next;
    memory_.own = &own_[next];
    return {};
}

void ReplayCore::set_time(std::int64_t time_ns) {
    if (!started_) started_ns_ = time_ns;
    started_ = true;
    const std::int64_t passed = std::max<std::int64_t>(0, time_ns - started_ns_) / (1'000'000'000 / kHz);
    memory_.now = std::max<std::uint64_t>(memory_.now, kStart + static_cast<std::uint64_t>(passed));
    inspection_[0].worker[0].beat_ns = clock_ns();
}

dw_outcome ReplayCore::judge(Direction direction, std::span<const std::uint8_t> frame) {
    dw_outcome outcome;
    const auto judge = direction == Direction::inbound ? dw_native_inbound : dw_native_outbound;
    judge(&memory_, frame.data(), static_cast<std::uint32_t>(frame.size()), &outcome);
    return outcome;
}

// As dw_flow_is_live, without a search. The marks of endpoint-independent ports are no flows.
std::uint64_t ReplayCore::open_flows() const {
    const auto* image = reinterpret_cast<const dw_image*>(image_.data());
    std::uint64_t open = 0;
    for (std::size_t i = 0; i < flow_slots(); ++i) {
        const std::uint64_t word = slots_[i / DW_WAYS].word[i % DW_WAYS];
        const std::uint64_t idle = (memory_.now - word) & DW_SLOT_TIME_MASK;
        const std::uint64_t limit =
            image->timeout_s[word >> DW_SLOT_TIMEOUT_SHIFT & (DW_TIMEOUTS - 1)] * std::uint64_t{kHz};
        const dw_in6& outside = flows_[i].key.outside;
        const bool is_mark = outside.hi == 0 && outside.lo == 0;
        if ((word >> DW_SLOT_STATUS_SHIFT & 3) == DW_SLOT_LIVE && idle <= limit && !is_mark) ++open;
    }
    return open;
}

}  // namespace dishwall
