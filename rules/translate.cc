// SPDX-License-Identifier: BSD-3-Clause
#include <optional>

#include "rules/prove.h"

namespace dishwall {
namespace {

std::optional<unsigned> same_source(unsigned source, const Policy& from, const Policy& to) {
    const std::string& name = from.uplink.sources[source].name;
    for (unsigned i = 0; i < to.uplink.sources.size(); ++i)
        if (to.uplink.sources[i].name == name) return i;
    return std::nullopt;
}

// Hosts that are learnt have ids of their own, and feeds bring their entries along: both stay as they are.
AddressElements translate(const AddressElements& elements, const Policy& from,
                                      const Policy& to) {
    AddressElements translated;
    for (const AddressElement& element : elements) {
        const auto* place = std::get_if<Behind>(&element);
        if (!place)
            translated.push_back(element);
        else if (const auto source = same_source(place->source, from, to))
            translated.push_back(Behind{*source, place->subnet, place->interface_id});
    }
    return translated;
}

AddressSet translate(const AddressSet& set, const Policy& from, const Policy& to) {
    return {set.any, translate(set.include, from, to), translate(set.exclude, from, to)};
}

}  // namespace

std::vector<Protected> translate(const Policy& from, const Policy& to) {
    std::vector<Protected> lines = from.protects;
    for (Protected& line : lines) {
        line.traffic.from = translate(line.traffic.from, from, to);
        line.traffic.to = translate(line.traffic.to, from, to);
    }
    return lines;
}

}  // namespace dishwall
