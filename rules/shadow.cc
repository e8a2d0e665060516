// SPDX-License-Identifier: BSD-3-Clause
#include "rules/shadow.h"

#include <algorithm>
#include <set>
#include <utility>

namespace dishwall {

Shadows::Shadows(const Policy& policy, Direction direction)
    : space_(policy, direction, PacketSpace::View::all_times), shapes_(space_), index_(shapes_.chain()) {}

std::vector<std::size_t> Shadows::above(const Traffic& traffic, std::size_t end) {
    auto rules = index_.sharing(traffic, end, &work_);
    if (!rules) return {};
    // Those with a rate may leave packets to the rules below.
    std::erase_if(*rules, [&](std::size_t rule) { return shapes_.chain().rules[rule].rate.has_value(); });
    return std::move(*rules);
}

// ---- what is taken

// `used`: those that took something.
bool Shadows::takes_all(const Traffic& traffic, const std::vector<std::size_t>& rules,
                        std::vector<std::size_t>* used) {
    std::vector<Box> packets = space_.packets_of(traffic);
    if (packets.empty() || !work_.spend(10 * packets.size())) return false;
    std::vector<Station> stations;
    for (const std::size_t rule : rules) {
        const Rule& each = shapes_.chain().rules[rule];
        if (!work_.spend(1 + each.from.include.size() + each.to.include.size())) return false;
        stations.push_back({shapes_.at(rule), true});
    }
    std::set<std::size_t> taking;
    const Walked walked = walk(space_, stations, std::move(packets), &work_, [&](std::size_t at, const Box&) {
        if (at == rules.size()) return false;
        taking.insert(rules[at]);
        return true;
    });
    used->assign(taking.begin(), taking.end());
    return walked == Walked::whole;
}

std::vector<std::size_t> Shadows::covering(const Traffic& traffic, const std::vector<std::size_t>& above) {
    constexpr std::size_t kMostTried = 32;
    std::vector<std::size_t> used, rest;
    if (above.empty() || !takes_all(traffic, above, &used)) return {};
    // One of them alone, the first; else without those that are not needed, the last first.
    for (std::size_t i = 0; i < used.size() && i < kMostTried; ++i)
        if (takes_all(traffic, {used[i]}, &rest)) return {used[i]};
    for (std::size_t i = used.size(); i-- > 0 && used.size() <= kMostTried;) {
        std::vector<std::size_t> fewer = used;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (takes_all(traffic, fewer, &rest)) used = std::move(fewer);
    }
    return used;
}

std::vector<Shadowed> Shadows::find() {
    std::vector<Shadowed> found;
    for (std::size_t rule = 0; rule < shapes_.chain().rules.size(); ++rule) {
        const Rule& traffic = shapes_.chain().rules[rule];
        std::vector<std::size_t> by = covering(traffic, above(traffic, rule));
        if (!by.empty()) found.push_back({rule, std::move(by)});
    }
    return found;
}

}  // namespace dishwall
