// SPDX-License-Identifier: BSD-3-Clause
#include "control/counter_registry.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace dishwall {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

json to_json(const RuleCounter& counter) {
    return {{"id", counter.id},       {"name", counter.name},       {"place", counter.place},
            {"chain", counter.chain}, {"verdict", counter.verdict}, {"gone_since", counter.gone_since}};
}

bool has_text(const json& object, const char* key) { return object.contains(key) && object[key].is_string(); }

bool has_number(const json& object, const char* key) {
    return object.contains(key) && object[key].is_number_unsigned();
}

bool is_registry(const json& value) {
    return value.is_object() && has_number(value, "format") && value["format"] == kFormat &&
           has_number(value, "loads") && value.contains("counters") && value["counters"].is_array();
}

bool is_counter(const json& value) {
    return value.is_object() && has_number(value, "id") && has_text(value, "name") &&
           has_text(value, "place") && has_text(value, "chain") && has_text(value, "verdict") &&
           has_number(value, "gone_since");
}

RuleCounter counter_of(const json& value) {
    return {value["id"].get<std::uint32_t>(),    value["name"].get<std::string>(),
            value["place"].get<std::string>(),   value["chain"].get<std::string>(),
            value["verdict"].get<std::string>(), value["gone_since"].get<std::uint64_t>()};
}

void describe(RuleCounter* counter, const Rule& rule, const char* chain) {
    counter->name = rule.name;
    counter->place = to_string(rule.place);
    counter->chain = chain;
    counter->verdict = to_string(rule.verdict);
    counter->gone_since = 0;
}

}  // namespace

std::string to_string(dw_verdict verdict) {
    switch (verdict) {
        case DW_ACCEPT:
            return "accept";
        case DW_DROP:
            return "drop";
        case DW_REJECT:
            return "reject";
        case DW_AUDIT:
            return "audit";
        case DW_REJECT_LATE:
            return "reject-late";
    }
    return "unknown";
}

std::string to_string(const Place& place) {
    return fmt::format("{}:{}", place.file.substr(place.file.rfind('/') + 1), place.line);
}

Result<void> CounterRegistry::from_json(std::string_view text) {
    const json saved = json::parse(text, nullptr, false);
    if (!is_registry(saved)) return fail("this is not a counter registry");
    CounterRegistry read(ids_);
    read.loads_ = saved["loads"].get<std::uint64_t>();
    for (const json& value : saved["counters"]) {
        if (!is_counter(value))
            return fail("an entry of the counter registry is malformed: {}", value.dump());
        RuleCounter counter = counter_of(value);
        if (counter.id < DW_REASONS_MAX || counter.id >= DW_REASONS_MAX + ids_)
            return fail("counter {} of the registry is out of range", counter.id);
        if (!read.by_id_.emplace(counter.id, counter.name).second)
            return fail("counter {} is in the registry twice", counter.id);
        if (!read.by_name_.emplace(counter.name, counter).second)
            return fail("'{}' is in the counter registry twice", counter.name);
    }
    *this = std::move(read);
    return {};
}

std::string CounterRegistry::to_json() const {
    json counters = json::array();
    for (const RuleCounter& counter : list()) counters.push_back(dishwall::to_json(counter));
    return json{{"format", kFormat}, {"loads", loads_}, {"counters", counters}}.dump(1) + "\n";
}

std::vector<std::uint32_t> CounterRegistry::available_ids() const {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t id = DW_REASONS_MAX; id < DW_REASONS_MAX + ids_; ++id)
        if (!by_id_.contains(id)) ids.push_back(id);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> gone;
    for (const auto& [name, counter] : by_name_)
        if (counter.is_gone()) gone.emplace_back(counter.gone_since, counter.id);
    std::sort(gone.begin(), gone.end());
    for (const auto& [since, id] : gone) ids.push_back(id);
    return ids;
}

Result<std::vector<std::uint32_t>> CounterRegistry::assign(const Policy& policy) {
    CounterRegistry next = *this;
    ++next.loads_;
    std::set<std::string> names;
    for (const Chain* chain : {&policy.inbound, &policy.outbound})
        for (const Rule& rule : chain->rules) names.insert(rule.name);
    if (names.size() > ids_)
        return fail("the policy has {} rules with counters of their own; the limit is {}", names.size(),
                    ids_);
    for (auto& [name, counter] : next.by_name_)
        if (!counter.is_gone() && !names.contains(name)) counter.gone_since = next.loads_;
    // Those that are back first, or a newcomer could be given the id of one.
    for (const std::string& name : names)
        if (const auto known = next.by_name_.find(name); known != next.by_name_.end())
            known->second.gone_since = 0;

    const std::vector<std::uint32_t> available = next.available_ids();
    std::size_t taken = 0;
    std::vector<std::uint32_t> reused;
    const auto take = [&](const Chain& chain, const char* chain_name) {
        for (const Rule& rule : chain.rules) {
            auto known = next.by_name_.find(rule.name);
            if (known == next.by_name_.end()) {
                const std::uint32_t id = available[taken++];
                if (const auto former = next.by_id_.find(id); former != next.by_id_.end()) {
                    next.by_name_.erase(former->second);
                    reused.push_back(id);
                }
                next.by_id_[id] = rule.name;
                known = next.by_name_.emplace(rule.name, RuleCounter{}).first;
                known->second.id = id;
            }
            describe(&known->second, rule, chain_name);
        }
    };
    take(policy.inbound, "inbound");
    take(policy.outbound, "outbound");
    *this = std::move(next);
    return reused;
}

const RuleCounter* CounterRegistry::find(std::uint32_t id) const {
    const auto name = by_id_.find(id);
    return name == by_id_.end() ? nullptr : &by_name_.at(name->second);
}

std::vector<RuleCounter> CounterRegistry::list() const {
    std::vector<RuleCounter> all;
    all.reserve(by_id_.size());
    for (const auto& [id, name] : by_id_) all.push_back(by_name_.at(name));
    return all;
}

}  // namespace dishwall
