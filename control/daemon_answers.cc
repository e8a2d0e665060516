// SPDX-License-Identifier: BSD-3-Clause
//
// What the daemon answers about policies: those that were in force, what differs between two of them, and the
// names of the one in force for completion.
#include <algorithm>
#include <chrono>

#include "control/daemon.h"
#include "control/ended_flows.h"
#include "control/packet_json.h"
#include "control/policies/policy_diff.h"
#include "rules/lexer.h"

namespace dishwall {
namespace {

using nlohmann::json;

// Each flow is asked of up to 100,000 rules, on the loop that also follows the line.
constexpr std::chrono::milliseconds kLongestLook{500};
constexpr std::size_t kFlowsAtATime = 64;
constexpr std::size_t kFlowsShown = 1000;

const char* state_of(const StoredPolicy& policy, const Standing& standing) {
    if (policy.number == standing.in_force)
        return standing.unconfirmed ? "in force, unconfirmed" : "in force";
    const auto& reverted = standing.reverted;
    return std::find(reverted.begin(), reverted.end(), policy.number) == reverted.end() ? "was in force"
                                                                                        : "reverted";
}

// `set NAME = ...`: sets are gone once a policy is resolved.
json names_of_sets(const std::vector<RuleText>& texts) {
    json names = json::array();
    for (const RuleText& one : texts) {
        SourceMap sources;
        Diagnostics ignored;
        const TokenList tokens = lex(sources, sources.add(one.name, one.text, one.name), &ignored);
        for (std::size_t i = 0; i + 2 < tokens.size(); ++i)
            if (tokens[i].kind == Token::Kind::word && tokens[i].text == "set" &&
                tokens[i + 1].kind == Token::Kind::word && tokens[i + 2].kind == Token::Kind::equals)
                names.push_back(tokens[i + 1].text);
    }
    return names;
}

template <typename List>
json names_of(const List& list) {
    json names = json::array();
    for (const auto& one : list) names.push_back(one.name);
    return names;
}

}  // namespace

json Daemon::policies_json(std::size_t limit) const {
    const Standing& standing = store_.standing();
    json list = json::array();
    for (auto one = store_.all().rbegin(); one != store_.all().rend() && list.size() < limit; ++one) {
        json fields{
            {"number", one->number}, {"time", iso_time(one->time)},
            {"path", one->path},     {"by", to_string(one->by)},
            {"of", one->of},         {"state", state_of(*one, standing)},
            {"confirm_by", nullptr}, {"rules", {{"inbound", one->inbound}, {"outbound", one->outbound}}}};
        if (one->number == standing.in_force && standing.unconfirmed)
            fields["confirm_by"] = iso_time(standing.unconfirmed->deadline.wall);
        list.push_back(std::move(fields));
    }
    return list;
}

json Daemon::standing_json() const {
    const Standing& standing = store_.standing();
    json fields{{"policy_number", standing.in_force}, {"confirm", nullptr}};
    if (standing.unconfirmed) {
        const auto left = standing.unconfirmed->deadline.at - read_clock(CLOCK_BOOTTIME);
        fields["confirm"] = {{"by", iso_time(standing.unconfirmed->deadline.wall)},
                             {"seconds_left", std::max<std::int64_t>(0, whole_seconds(left))},
                             {"back_to", standing.unconfirmed->back_to}};
    }
    return fields;
}

json Daemon::names_json() const {
    const Policy& policy = *policy_;
    json rules = names_of(policy.inbound.rules);
    for (const Rule& rule : policy.outbound.rules) rules.push_back(rule.name);
    json sources = json::array(), numbers = json::array();
    for (const PrefixSource& source : policy.uplink.sources)
        sources.push_back(policy.uplink.name + "." + source.name);
    for (const StoredPolicy& one : store_.all()) numbers.push_back(one.number);
    const Result<std::vector<RuleText>> texts = store_.texts(store_.standing().in_force);
    return {{"rules", std::move(rules)},
            {"hosts", names_of(policy.hosts)},
            {"networks", names_of(policy.networks)},
            {"sets", texts ? names_of_sets(*texts) : json::array()},
            {"feeds", names_of(policy.feeds)},
            {"sources", std::move(sources)},
            {"policies", std::move(numbers)}};
}

// ---- diff

struct Daemon::Side {
    Policy policy;
    std::vector<RuleText> texts;
    json description;
};

tl::expected<Daemon::Side, LoadFailure> Daemon::side_of(const DiffChoice& choice,
                                                        bool file_by_default) const {
    const unsigned in_force = store_.standing().in_force;
    if (choice.path || (!choice.number && file_by_default)) {
        const std::string path = choice.path.value_or(options_.config);
        ConfigResult config = load_config(path);
        if (!config && config.error().unprotected) config = std::move(*config.error().unprotected);
        if (!config)
            return tl::unexpected(LoadFailure{false, config.error().message, config.error().diagnostics});
        return Side{
            std::move(config->policy), std::move(config->texts), {{"number", nullptr}, {"path", path}}};
    }
    const unsigned number = choice.number.value_or(in_force);
    const StoredPolicy* stored = store_.find(number);
    if (stored == nullptr && number == in_force)
        return Side{*policy_, {}, {{"number", nullptr}, {"path", options_.config}}};
    if (stored == nullptr)
        return tl::unexpected(
            LoadFailure{false, fmt::format("there is no policy {}; 'dishctl history' lists them", number)});
    json description{{"number", number}, {"path", stored->path}, {"time", iso_time(stored->time)}};
    Result<std::vector<RuleText>> texts = store_.texts(number);
    if (!texts) return tl::unexpected(LoadFailure{false, texts.error().message});
    if (number == in_force) return Side{*policy_, std::move(*texts), std::move(description)};
    ConfigResult config = load_texts(*texts);
    if (!config)
        return tl::unexpected(LoadFailure{false, config.error().message, config.error().diagnostics});
    return Side{std::move(config->policy), std::move(*texts), std::move(description)};
}

tl::expected<json, LoadFailure> Daemon::diff_json(const DiffChoice& a, const DiffChoice& b) {
    const auto before = side_of(a, false);
    if (!before) return tl::unexpected(before.error());
    const auto after = side_of(b, true);
    if (!after) return tl::unexpected(after.error());
    json rules = json::array();
    for (const RuleChange& change :
         diff_rules({before->policy, before->texts}, {after->policy, after->texts})) {
        const auto text = [](const std::string& one) { return one.empty() ? json(nullptr) : json(one); };
        rules.push_back({{"change", to_string(change.kind)},
                         {"chain", change.chain},
                         {"name", change.name},
                         {"before", text(change.before)},
                         {"after", text(change.after)}});
    }
    json reply{{"a", before->description}, {"b", after->description}, {"rules", std::move(rules)}};
    add_ended_flows(after->policy, &reply);
    return reply;
}

// "flows", "flows_total": those that would end; "flows_judged" of "flows_open": how many there was time to
// look at.
void Daemon::add_ended_flows(const Policy& then, json* reply) {
    json list = json::array();
    std::size_t ended_total = 0, judged = 0;
    FlowDump dump;
    if (const Result<KernelInstant> now = datapath_->now()) {
        dump = read_flows(datapath_->flows(), datapath_->flow_times(*now), std::size_t{1} << 22);
        std::erase_if(dump.flows, [](const FlowSnapshot& flow) { return !first_question(flow.flow); });
        const Own own = own_for(line_.own(), policy_->uplink, then.uplink);
        const WallClock clock = datapath_->wall_clock(*now);
        const MonotonicTime until = monotonic_time() + kLongestLook;
        while (judged < dump.flows.size() && monotonic_time() < until) {
            const std::size_t count = std::min(kFlowsAtATime, dump.flows.size() - judged);
            for (const FlowSnapshot& flow :
                 ended_flows(then, own, std::span(dump.flows).subspan(judged, count))) {
                ++ended_total;
                if (list.size() < kFlowsShown) list.push_back(flow_json(flow, names_, clock));
            }
            judged += count;
        }
    }
    reply->update({{"flows", std::move(list)},
                   {"flows_total", ended_total},
                   {"flows_judged", judged},
                   {"flows_open", dump.flows.size()}});
}

}  // namespace dishwall
