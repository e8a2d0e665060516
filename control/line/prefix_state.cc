// SPDX-License-Identifier: BSD-3-Clause
//
// What a new daemon must know of the old one's prefixes (R33), as JSON. Live prefixes are saved too: one that
// vanished while no daemon ran is then found missing and gets its grace period like any other. How long a
// period still runs is saved as time left, beside the wall clock, since the monotonic clock does not survive
// a boot. A wall clock set forward ends the period early; set back, nothing of it counts as used.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/line/prefix_tracker.h"

namespace dishwall {
namespace {

constexpr int kFormat = 1;

constexpr const char* kStateNames[] = {"none", "preferred", "deprecated", "grace"};

std::optional<dw_prefix_state> state_named(const std::string& name) {
    for (dw_prefix_state state : {DW_PREFIX_PREFERRED, DW_PREFIX_DEPRECATED, DW_PREFIX_GRACE})
        if (name == kStateNames[state]) return state;
    return std::nullopt;
}

std::optional<Ipv6Prefix> prefix_in(const std::string& text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos) return std::nullopt;
    const std::optional<Ipv6Address> address = parse_ipv6(text.substr(0, slash));
    const std::string length = text.substr(slash + 1);
    if (!address || length.size() != 2 ||
        !std::ranges::all_of(length, [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    const unsigned bits =
        static_cast<unsigned>(length[0] - '0') * 10 + static_cast<unsigned>(length[1] - '0');
    if (bits < 48 || bits > 64) return std::nullopt;
    return Ipv6Prefix::make(*address, bits);
}

}  // namespace

nlohmann::json PrefixTracker::to_json(UnixTime now) const {
    std::vector<std::map<Key, Entry>::const_iterator> by_age;
    for (auto it = entries_.begin(); it != entries_.end(); ++it)
        if (it->second.served) by_age.push_back(it);
    std::ranges::sort(by_age, {}, [](const auto& it) { return it->second.order; });

    nlohmann::json prefixes = nlohmann::json::array();
    for (const auto& it : by_age) {
        const auto& [key, entry] = *it;
        nlohmann::json saved{{"source", sources_[key.source].name},
                             {"prefix", to_string(key.prefix)},
                             {"state", kStateNames[entry.state]}};
        if (entry.state == DW_PREFIX_GRACE) saved["grace_left_ns"] = entry.grace_left.count();
        prefixes.push_back(std::move(saved));
    }
    return {{"format", kFormat},
            {"uplink", uplink_name_},
            {"saved_at_ns", now.count()},
            {"line_up", timers_ran_},
            {"prefixes", prefixes}};
}

void PrefixTracker::restore_entry(const nlohmann::json& saved, std::chrono::nanoseconds grace_run) {
    const std::string name = saved.at("source");
    const auto source = std::ranges::find(sources_, name, &PrefixSource::name);
    const auto prefix = prefix_in(saved.at("prefix"));
    const auto state = state_named(saved.at("state"));
    if (source == sources_.end() || !prefix || !state) return;

    Entry entry{.state = *state, .found = {}, .order = next_order_++, .served = true, .announced = true};
    if (entry.state == DW_PREFIX_GRACE) {
        const std::chrono::nanoseconds left{saved.at("grace_left_ns").get<std::int64_t>()};
        entry.grace_left = std::min(left, grace_) - grace_run;
        if (entry.grace_left.count() <= 0) return;
    }
    entries_[{static_cast<unsigned>(source - sources_.begin()), *prefix}] = entry;
}

Result<void> PrefixTracker::from_json(const nlohmann::json& saved, UnixTime now) try {
    if (saved.is_null()) return {};
    if (saved.at("format") != kFormat) return fail("format {} is not known here", saved.at("format").dump());
    if (saved.at("uplink") != uplink_name_) return {};
    const UnixTime saved_at{std::max(saved.at("saved_at_ns").get<std::int64_t>(), std::int64_t{0})};
    const bool ran = saved.at("line_up");
    const auto grace_run = ran ? std::max(now - saved_at, UnixTime{0}) : UnixTime{0};
    for (const nlohmann::json& entry : saved.at("prefixes")) restore_entry(entry, grace_run);
    return {};
} catch (const nlohmann::json::exception& error) {
    entries_.clear();
    return fail("not a saved prefix state: {}", error.what());
}

}  // namespace dishwall
