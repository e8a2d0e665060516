// SPDX-License-Identifier: BSD-3-Clause
//
// What a new daemon must know of the old one's prefixes (R33), as JSON. Live prefixes are saved too: one that
// vanished while no daemon ran is then found missing and gets its grace period like any other. Ends are saved
// as time left, since the monotonic clock does not survive a boot.
//
// How long no daemon ran is told by the monotonic clock within one boot. Across a boot only the wall clock
// can tell. Set forward, it ends things early. Set back, it tells nothing: a grace period then goes on where
// it stood (no flow outlived the boot), but a told prefix is no longer believed. What was known of routes is
// forgotten with the boot: those that stand now were set after it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/line/prefix_tracker.h"

namespace dishwall {
namespace {

// Format 1 had the prefixes only, and is read as well.
constexpr int kFormat = 2;

constexpr const char* kStateNames[] = {"none", "preferred", "deprecated", "grace"};

using Duration = std::chrono::nanoseconds;
constexpr Duration kLongestTime = std::chrono::hours(24 * 365 * 100);

std::optional<dw_prefix_state> state_named(const std::string& name) {
    for (dw_prefix_state state : {DW_PREFIX_PREFERRED, DW_PREFIX_DEPRECATED, DW_PREFIX_GRACE})
        if (name == kStateNames[state]) return state;
    return std::nullopt;
}

std::optional<Ipv6Prefix> prefix_in(const nlohmann::json& saved) {
    const std::optional<Ipv6Prefix> prefix = parse_prefix(saved.at("prefix").get<std::string>());
    if (!prefix || prefix->length() < 48 || prefix->length() > 64) return std::nullopt;
    return prefix;
}

// Whatever a file says, arithmetic with it cannot overflow.
Duration time_in(const nlohmann::json& saved, const char* key) {
    return std::clamp(Duration{saved.at(key).get<std::int64_t>()}, Duration{0}, kLongestTime);
}

// Absent: forever.
void save_end(const std::optional<MonotonicTime>& until, MonotonicTime now, const char* key,
              nlohmann::json* saved) {
    if (until) (*saved)[key] = std::max(*until - now, Duration{0}).count();
}

}  // namespace

// Between saving and now.
struct PrefixTracker::Elapsed {
    Elapsed(const nlohmann::json& saved, const Instant& at) : now(at.monotonic) {
        const Duration wall = at.wall - time_in(saved, "saved_at_ns");
        time = std::max(wall, Duration{0});
        clock_went_back = wall < Duration{0};
        same_boot = !at.boot.empty() && saved.value("boot", "") == at.boot;
        if (!same_boot) return;
        time = std::max(at.monotonic - time_in(saved, "monotonic_ns"), Duration{0});
        clock_went_back = false;
    }
    [[nodiscard]] std::optional<MonotonicTime> end_in(const nlohmann::json& saved, const char* key) const {
        if (!saved.contains(key)) return std::nullopt;
        return now + time_in(saved, key) - time;
    }

    MonotonicTime now;
    Duration time{0};
    bool same_boot = false, clock_went_back = false;
};

// ---- out

// Grace is told as of `now`: a reload long after the last event must not give it back what is used up.
nlohmann::json PrefixTracker::saved_prefixes(MonotonicTime now) const {
    std::vector<std::map<Key, Entry>::const_iterator> by_age;
    for (auto it = entries_.begin(); it != entries_.end(); ++it)
        if (it->second.served) by_age.push_back(it);
    std::ranges::sort(by_age, {}, [](const auto& it) { return it->second.order; });

    const bool runs = timers_ran_ && settled_;
    const Duration run = runs ? std::max(now - *settled_, Duration{0}) : Duration{0};
    nlohmann::json all = nlohmann::json::array();
    for (const auto& it : by_age) {
        const auto& [key, entry] = *it;
        nlohmann::json saved{{"source", sources_[key.source].name},
                             {"prefix", to_string(key.prefix)},
                             {"state", kStateNames[entry.state]}};
        if (entry.state == DW_PREFIX_GRACE)
            saved["grace_left_ns"] = std::max(entry.grace_left - run, Duration{0}).count();
        all.push_back(std::move(saved));
    }
    return all;
}

nlohmann::json PrefixTracker::to_json(const Instant& now) const {
    nlohmann::json state{{"format", kFormat},
                         {"uplink", uplink_name_},
                         {"saved_at_ns", now.wall.count()},
                         {"boot", now.boot},
                         {"monotonic_ns", now.monotonic.count()},
                         {"line_up", timers_ran_},
                         {"prefixes", saved_prefixes(now.monotonic)}};
    nlohmann::json &told = state["told"] = nlohmann::json::array(),
                   &spent = state["spent_routes"] = nlohmann::json::array(),
                   &leases = state["leases"] = nlohmann::json::array(),
                   &routers = state["routers"] = nlohmann::json::array();
    std::vector<std::pair<Key, Told>> by_age(told_.begin(), told_.end());
    std::ranges::sort(by_age, {}, [](const auto& item) { return item.second.order; });
    for (const auto& [key, end] : by_age) {
        nlohmann::json one{{"source", sources_[key.source].name}, {"prefix", to_string(key.prefix)}};
        save_end(end.valid_until, now.monotonic, "valid_left_ns", &one);
        save_end(end.preferred_until, now.monotonic, "preferred_left_ns", &one);
        told.push_back(std::move(one));
    }
    for (const auto& [source, route] : spent_)
        spent.push_back({{"source", sources_[source].name},
                         {"prefix", to_string(route.prefix)},
                         {"table", route.table},
                         {"metric", route.metric}});
    for (const auto& [key, until] : leases_) {
        nlohmann::json one{{"source", sources_[key.source].name}, {"prefix", to_string(key.prefix)}};
        save_end(until, now.monotonic, "valid_left_ns", &one);
        leases.push_back(std::move(one));
    }
    for (const auto& [link, heard] : router_advertised_)
        routers.push_back({{"link", link}, {"heard_ns", heard.count()}});
    return state;
}

// ---- in

std::optional<unsigned> PrefixTracker::source_saved_as(const nlohmann::json& saved) const {
    const std::string name = saved.at("source");
    const auto source = std::ranges::find(sources_, name, &PrefixSource::name);
    if (source == sources_.end()) return std::nullopt;
    return static_cast<unsigned>(source - sources_.begin());
}

void PrefixTracker::restore_prefix(const nlohmann::json& saved, std::chrono::nanoseconds grace_run) {
    const auto source = source_saved_as(saved);
    const auto prefix = prefix_in(saved);
    const auto state = state_named(saved.at("state"));
    if (!source || !prefix || !state) return;

    Entry entry{.state = *state, .found = {}, .order = next_order_++, .served = true, .announced = true};
    if (entry.state == DW_PREFIX_GRACE) {
        entry.grace_left = std::min(time_in(saved, "grace_left_ns"), grace_) - grace_run;
        if (entry.grace_left.count() <= 0) return;
    }
    entries_[{*source, *prefix}] = entry;
}

// One whose time is over is kept for the first settle, which ends it together with its routes.
void PrefixTracker::restore_told(const nlohmann::json& saved, const Elapsed& elapsed) {
    const auto source = source_saved_as(saved);
    const auto prefix = prefix_in(saved);
    if (!source || !prefix || !std::holds_alternative<FromDhcpv6Pd>(sources_[*source].from)) return;
    const auto valid_until = elapsed.end_in(saved, "valid_left_ns");
    if (valid_until && elapsed.clock_went_back) return;
    told_[{*source, *prefix}] = Told{valid_until, elapsed.end_in(saved, "preferred_left_ns"), next_order_++};
}

void PrefixTracker::restore_routes(const nlohmann::json& saved, const Elapsed& elapsed) {
    if (!elapsed.same_boot) return;
    for (const nlohmann::json& spent : saved.at("spent_routes")) {
        const auto source = source_saved_as(spent);
        const auto prefix = prefix_in(spent);
        if (source && prefix) spent_.insert({*source, {*prefix, spent.at("table"), spent.at("metric")}});
    }
    for (const nlohmann::json& lease : saved.at("leases")) {
        const auto source = source_saved_as(lease);
        const auto prefix = prefix_in(lease);
        const auto end = elapsed.end_in(lease, "valid_left_ns");
        if (source && prefix && end) leases_[{*source, *prefix}] = *end;
    }
    for (const nlohmann::json& router : saved.at("routers"))
        router_advertised_[router.at("link")] = time_in(router, "heard_ns");
}

Result<void> PrefixTracker::from_json(const nlohmann::json& saved, const Instant& now) try {
    if (saved.is_null()) return {};
    const nlohmann::json& format = saved.at("format");
    if (format != 1 && format != kFormat) return fail("format {} is not known here", format.dump());
    if (saved.at("uplink") != uplink_name_) return {};
    PrefixTracker restored = *this;
    const Elapsed elapsed(saved, now);
    const bool ran = saved.at("line_up");
    for (const nlohmann::json& prefix : saved.at("prefixes"))
        restored.restore_prefix(prefix, ran ? elapsed.time : Duration{0});
    if (format == kFormat) {
        for (const nlohmann::json& told : saved.at("told")) restored.restore_told(told, elapsed);
        restored.restore_routes(saved, elapsed);
    }
    *this = std::move(restored);
    return {};
} catch (const nlohmann::json::exception& error) {
    return fail("not a saved prefix state: {}", error.what());
}

}  // namespace dishwall
