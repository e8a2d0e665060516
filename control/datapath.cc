// SPDX-License-Identifier: BSD-3-Clause
#include "control/datapath.h"

#include <spdlog/spdlog.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "control/clock.h"
#include "control/packet_json.h"

namespace dishwall {
namespace {

// Whoever knows the secret can fill one bucket: it never leaves the kernel and this process.
Result<void> fill_secret(dw_settings* settings) {
    const ssize_t got = ::getrandom(settings->secret, sizeof settings->secret, 0);
    if (got != static_cast<ssize_t>(sizeof settings->secret))
        return fail("cannot get random numbers: {}", std::strerror(errno));
    return {};
}

// A locally administered unicast address that the dish segment cannot know.
Result<void> draw_stamp(dw_settings* settings) {
    const ssize_t got = ::getrandom(settings->stamp, sizeof settings->stamp, 0);
    if (got != static_cast<ssize_t>(sizeof settings->stamp))
        return fail("cannot get random numbers: {}", std::strerror(errno));
    settings->stamp[0] = static_cast<__u8>((settings->stamp[0] & 0xfc) | 2);
    return {};
}

dw_control describe(const dw_settings& settings, std::uint32_t cpus) {
    dw_control control{};
    control.magic = DW_MAGIC;
    control.layout = DW_LAYOUT_VERSION;
    control.bucket_mask = settings.bucket_mask;
    control.hz = settings.hz;
    control.cpus = cpus;
    std::copy(std::begin(settings.secret), std::end(settings.secret), control.secret);
    std::copy(std::begin(settings.stamp), std::end(settings.stamp), control.stamp);
    control.armed_at = static_cast<std::uint64_t>(unix_time().count());
    return control;
}

dw_settings settings_from(const dw_control& control) {
    dw_settings settings{};
    settings.bucket_mask = control.bucket_mask;
    settings.hz = control.hz;
    settings.ask_neighbours = 1;
    std::copy(std::begin(control.secret), std::end(control.secret), settings.secret);
    std::copy(std::begin(control.stamp), std::end(control.stamp), settings.stamp);
    return settings;
}

}  // namespace

Result<Datapath::Parts> Datapath::adopt(KernelClock clock, PinnedMaps* pinned, std::uint32_t cpus) {
    const dw_settings settings = settings_from(pinned->control);
    Result<Programs> programs = Programs::load(settings, cpus, &*pinned->maps);
    if (!programs) return tl::unexpected(programs.error());
    return Parts{std::move(clock), settings, cpus, std::move(*pinned->maps), std::move(*programs)};
}

Result<Datapath::Parts> Datapath::make(KernelClock clock, const MapSizes& sizes) {
    dw_settings settings{};
    settings.bucket_mask = sizes.buckets - 1;
    settings.ask_neighbours = 1;
    const Result<std::uint32_t> hz = clock.measure_hz();
    if (!hz) return tl::unexpected(hz.error());
    settings.hz = *hz;
    if (Result<void> filled = fill_secret(&settings); !filled) return tl::unexpected(filled.error());
    if (Result<void> drawn = draw_stamp(&settings); !drawn) return tl::unexpected(drawn.error());
    Result<Programs> programs = Programs::load(settings, sizes.cpus, nullptr);
    if (!programs) return tl::unexpected(programs.error());
    Result<KernelMaps> maps = programs->maps();
    if (!maps) return tl::unexpected(maps.error());
    if (Result<void> written = write_control(*maps, describe(settings, sizes.cpus)); !written)
        return tl::unexpected(written.error());
    return Parts{std::move(clock), settings, sizes.cpus, std::move(*maps), std::move(*programs)};
}

Result<Datapath> Datapath::open(const PinDirectory& pins, unsigned flow_table) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) return fail("cannot tell how many CPUs there are: {}", std::strerror(-cpus));
    const MapSizes sizes{flow_table / DW_WAYS, static_cast<std::uint32_t>(cpus)};
    Result<KernelClock> clock = KernelClock::load();
    if (!clock) return tl::unexpected(clock.error());
    Result<PinnedMaps> pinned = find_pinned_maps(pins, sizes);
    if (!pinned) return tl::unexpected(pinned.error());
    if (!pinned->why_not.empty())
        spdlog::warn(
            "the maps pinned in {} cannot be taken over: {}. Open flows start anew and counters at zero",
            pins.path(), pinned->why_not);
    const bool adopted = pinned->maps.has_value();
    Result<Parts> parts =
        adopted ? adopt(std::move(*clock), &*pinned, sizes.cpus) : make(std::move(*clock), sizes);
    if (!parts) return tl::unexpected(parts.error());

    Result<OwnWriter> own = OwnWriter::open(parts->maps);
    if (!own) return tl::unexpected(own.error());
    Result<PolicyInstaller> policy = adopted
                                         ? PolicyInstaller::adopt(parts->maps, std::move(pinned->banks), pins)
                                         : PolicyInstaller::open(parts->maps);
    if (!policy) return tl::unexpected(policy.error());
    Result<CounterReader> counters = CounterReader::open(parts->maps, sizes.cpus);
    if (!counters) return tl::unexpected(counters.error());
    Result<Mapping> slots =
        Mapping::of(parts->maps.slots.get(), sizes.buckets * sizeof(dw_slots), Mapping::Access::read);
    if (!slots) return fail_with(slots.error(), "slots");
    Result<Mapping> flows =
        Mapping::of(parts->maps.flows.get(), sizes.buckets * DW_WAYS * sizeof(dw_flow), Mapping::Access::read);
    if (!flows) return fail_with(flows.error(), "flows");
    return Datapath(adopted, std::move(*parts), std::move(*own), std::move(*policy), std::move(*counters),
                    std::move(*slots), std::move(*flows));
}

Result<std::uint32_t> Datapath::put_in_force(const CompiledImage& image, const Own& own) {
    // What would not fit is found out before anything is touched.
    if (Result<void> fits = encode(own, std::make_unique<dw_own>().get()); !fits)
        return tl::unexpected(fits.error());
    const Own before = own_.in_force();
    const Own meanwhile = policy_.generation() == 0 ? own : common_part(before, own);
    if (Result<void> written = own_.write(meanwhile); !written) return tl::unexpected(written.error());
    Result<std::uint32_t> generation = policy_.install(image);
    if (!generation) {
        if (Result<void> back = own_.write(before); !back)
            return fail_with(back.error(), generation.error().message + "; and cannot restore our prefixes");
        return generation;
    }
    if (Result<void> written = own_.write(own); !written) return tl::unexpected(written.error());
    return generation;
}

Result<void> Datapath::pin(const PinDirectory& pins) {
    if (Result<void> pinned = pin_maps(pins, parts_.maps); !pinned) return pinned;
    if (Result<void> pinned = policy_.keep_pinned(pins); !pinned) return pinned;
    return seal_maps(pins, parts_.maps);
}

FlowTimes Datapath::flow_times(const KernelInstant& now) const {
    return {now.jiffies, parts_.settings.hz,
            std::span<const __u32, DW_TIMEOUTS>(policy_.in_force()->timeout_s)};
}

WallClock Datapath::wall_clock(const KernelInstant& now) const {
    return {now.jiffies, unix_time().count(), parts_.settings.hz};
}

}  // namespace dishwall
