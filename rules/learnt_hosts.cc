// SPDX-License-Identifier: BSD-3-Clause
#include "rules/learnt_hosts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "rules/stable_id.h"

namespace dishwall {

std::string definition_of(const PrefixSource& source, const Network& network, const MacAddress& mac) {
    return fmt::format("mac {} {:#x} {} {:02x}", source.name, network.subnet, network.interface,
                       fmt::join(mac, ":"));
}

std::string definition_of(const std::string& domain) { return "name " + domain; }

std::optional<Learnt> LearntHosts::add(Written host, std::vector<LearntHost>* learnt) {
    const std::uint32_t id = stable_id(host.definition);
    if (const auto known = known_.find(id); known != known_.end()) {
        if (known->second.definition == host.definition) return Learnt{id};
        diagnostics_.report(Code::same_id, host.name.span, fmt::format("its number is {:#010x}", id))
            .and_at(known->second.name, "by chance this one's too")
            .with_help("define one of them otherwise, for example by its address or interface id");
        return std::nullopt;
    }
    if (learnt->size() == kMostLearntHosts) {
        if (!std::exchange(over_limit_, true))
            diagnostics_.report(
                Code::over_limit, host.name.span,
                fmt::format("a file has at most {} hosts by `mac` and `name`", kMostLearntHosts));
        return std::nullopt;
    }
    known_.emplace(id, Known{std::move(host.definition), host.name.span});
    learnt->push_back({std::string(host.name.text), id, std::move(host.what), std::move(host.place)});
    return Learnt{id};
}

}  // namespace dishwall
