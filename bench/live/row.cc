// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/row.h"

#include <algorithm>

namespace dishwall::bench {
namespace {

constexpr std::uint32_t kLongestFlowRun = 131072;  // half of the usual nf_conntrack_max
constexpr std::uint32_t kVerdictCheck = 1024;  // frames that must meet their fate before anything is timed

// A frame with a wrong checksum would be cheap to refuse, and conntrack would call it invalid.
Result<void> check_checksums(Generator& generator, const PacketSet& packets) {
    for (std::uint64_t number = 0; packets.checksums && number < 64; ++number) {
        auto frame = generator.write_one(packets.traffic, number, packets.listing());
        if (!frame) return tl::unexpected(frame.error());
        const bool tcp = packets.list && !packets.list->listing.packets[number].udp;
        if (!checksum_is_right(tcp ? packets.list->listing.tcp : packets.traffic, *frame))
            return fail("packet {} of the set has a wrong checksum", number);
    }
    return {};
}

}  // namespace

bool Row::opens_flows() const { return plan_->packets.expected(0, kVerdictCheck).by_rule != 0; }

Result<Row> Row::build(const RowPlan& plan, Station* station, const NetworkNamespace& world,
                       Generator& generator, const RunLength& length, unsigned number) {
    Row row(plan, station, number);
    if (auto right = check_checksums(generator, plan.packets); !right) return tl::unexpected(right.error());
    if (plan.flows != 0)
        if (auto opened = station->open(world, generator, plan.flows); !opened)
            return tl::unexpected(opened.error());
    if (auto checked = row.choose_length(world, generator, length); !checked)
        return fail_with(checked.error(), "before timing");
    return row;
}

// The verdicts of the first packets, then a longer look at what one costs.
Result<void> Row::choose_length(const NetworkNamespace& world, Generator& generator,
                                const RunLength& length) {
    const double wanted_ns = length.milliseconds * 1e6;
    std::uint32_t frames = std::min(kVerdictCheck, length.least);
    for (int look = 0; look < 2; ++look) {
        auto sample = send(world, generator, frames);
        if (!sample) return tl::unexpected(sample.error());
        const auto fitting = static_cast<std::uint32_t>(std::min(wanted_ns / std::max(sample->ns, 1.0), 1e9));
        frames_ = std::clamp(fitting, length.least, length.most);
        if (opens_flows()) frames_ = std::min(frames_, kLongestFlowRun);
        frames = std::max(frames_ / 8, frames);
    }
    return {};
}

Result<Sample> Row::send(const NetworkNamespace& world, Generator& generator, std::uint32_t frames) {
    if (opens_flows())
        if (auto done = station_->forget(); !done) return tl::unexpected(done.error());
    auto offered = station_->pass(world, generator, {&plan_->packets, cursor_, frames});
    if (!offered) return tl::unexpected(offered.error());
    cursor_ += offered->frames;
    return Sample{offered->ns_per_frame, offered->frames, offered->preemptions};
}

Result<Sample> Row::measure(const NetworkNamespace& world, Generator& generator) {
    return send(world, generator, frames_);
}

}  // namespace dishwall::bench
