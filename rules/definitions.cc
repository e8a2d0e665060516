// SPDX-License-Identifier: BSD-3-Clause
#include "rules/definitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "rules/element_list.h"
#include "rules/literal.h"
#include "rules/names.h"

namespace dishwall {
namespace {

unsigned length_of(const PrefixSource& source) {
    if (const auto* fixed = std::get_if<Static>(&source.from)) return fixed->prefix.length();
    // The others but dhcpv6-pd are /64s; a delegation may be as short as /48.
    return std::holds_alternative<FromDhcpv6Pd>(source.from) ? 48 : 64;
}

}  // namespace

void Definitions::define_all(Policy* policy) {
    policy_ = policy;
    lists_.define_all(policy);
    check_count(file_.networks, kMostNetworks, "networks");
    check_count(file_.hosts, kMostHosts, "hosts");
    check_count(file_.sets, kMostSets, "sets");
    collect_names();
    networks_.resize(file_.networks.size());
    hosts_.resize(file_.hosts.size());
    network_numbers_.resize(file_.networks.size());
    host_numbers_.resize(file_.hosts.size());
    sets_.resize(file_.sets.size());
    for (std::size_t i = 0; i < file_.networks.size(); ++i) define(file_.networks[i], i);
    policy->hosts.reserve(std::min(file_.hosts.size(), kMostHosts));
    for (std::size_t i = 0; i < file_.hosts.size(); ++i) define(file_.hosts[i], i);
    for (std::size_t i = 0; i < file_.sets.size(); ++i) static_cast<void>(read_set(i, file_.sets[i].name));
    collect_services();
}

template <typename Items>
void Definitions::check_count(const Items& items, std::size_t most, std::string_view what) {
    if (items.size() <= most) return;
    diagnostics_.report(Code::over_limit, items[most].name.span,
                        fmt::format("a file has at most {} {}", most, what));
}

bool Definitions::spend_elements(std::size_t count, const Span& place) {
    const bool was_under = elements_ <= kMostElements;
    elements_ += count;
    if (elements_ <= kMostElements) return true;
    if (was_under)
        diagnostics_.report(Code::over_limit, place,
                            fmt::format("with this the sets and rules of the file have more than {} elements",
                                        kMostElements));
    return false;
}

// ---- names

void Definitions::collect_names() {
    std::vector<std::tuple<ast::Word, Kind, std::size_t>> all;
    all.reserve(file_.networks.size() + file_.hosts.size() + file_.sets.size() + file_.broken_names.size());
    for (std::size_t i = 0; i < file_.networks.size(); ++i)
        all.emplace_back(file_.networks[i].name, Kind::network, i);
    for (std::size_t i = 0; i < file_.hosts.size(); ++i) all.emplace_back(file_.hosts[i].name, Kind::host, i);
    for (std::size_t i = 0; i < file_.sets.size(); ++i) all.emplace_back(file_.sets[i].name, Kind::set, i);
    for (const ast::Word& word : file_.broken_names) all.emplace_back(word, Kind::broken, 0);
    const auto is_earlier = [](const auto& a, const auto& b) {
        return is_before(std::get<0>(a).span, std::get<0>(b).span);
    };
    if (!std::is_sorted(all.begin(), all.end(), is_earlier)) std::sort(all.begin(), all.end(), is_earlier);
    for (const auto& [word, kind, index] : all) {
        if (kind != Kind::broken && !check_name(word, &diagnostics_)) {
            names_.try_emplace(word.text, Name{Kind::broken, 0, word.span});
            continue;
        }
        const auto [first, is_new] = names_.try_emplace(word.text, Name{kind, index, word.span});
        if (is_new || kind == Kind::broken || first->kind == Kind::broken) continue;
        diagnostics_.report(Code::duplicate_name, word.span, "defined again")
            .and_at(first->span, "first defined here");
    }
}

void Definitions::collect_services() {
    std::unordered_map<std::string_view, Span> places;
    for (const ast::Word& word : file_.broken_names) services_.emplace(word.text, nullptr);
    for (const ast::Service& service : file_.services) {
        const auto [first, is_new] = places.try_emplace(service.name.text, service.name.span);
        if (!is_new) {
            diagnostics_.report(Code::duplicate_name, service.name.span, "defined again")
                .and_at(first->second, "first defined here");
            continue;
        }
        bool good = check_name(service.name, &diagnostics_);
        auto whole = std::make_shared<ResolvedService>();
        for (const ast::Match& member : service.members) {
            auto part = resolve_match(member, environment_, &diagnostics_);
            if (!part || !spend_elements(1 + part->ports.size() + part->icmp_types.size(), member.span)) {
                good = false;
                continue;
            }
            whole->alternatives.push_back(std::move(*part));
            whole->written.push_back(&member);
        }
        services_[service.name.text] = good ? whole : nullptr;
    }
}

// Nearness is worked out for the errors that are shown only: it looks at every name.
void Definitions::report_unknown(const ast::Word& word, std::string_view what) {
    if (file_.incomplete) return;
    Diagnostic& report =
        diagnostics_.report(Code::unknown_name, word.span, fmt::format("no {} has this name", what));
    if (!diagnostics_.keeps_errors()) return;
    if (sorted_names_.empty()) {
        for (const auto& [name, meaning] : names_.entries()) sorted_names_.push_back(name);
        std::sort(sorted_names_.begin(), sorted_names_.end());
    }
    report.help = did_you_mean(word.text, sorted_names_);
    if (report.help.empty() && services_.count(word.text) != 0)
        report.help = fmt::format("`{}` is a service: write it before `from` and `to`, as `service {}`",
                                  word.text, word.text);
    if (report.help.empty() && lists_.is_feed(word.text))
        report.help = fmt::format("`{}` is a feed: write `feed {}`", word.text, word.text);
}

const Definitions::Name* Definitions::find_name(const ast::Word& word) { return names_.find(word.text); }

// A network's number in the file.
std::optional<std::size_t> Definitions::find_network(const ast::Word& word) {
    const Name* network = find_name(word);
    if (!network) {
        report_unknown(word, "network");
        return std::nullopt;
    }
    if (network->kind == Kind::broken) return std::nullopt;
    if (network->kind == Kind::network) return network->index;
    diagnostics_.report(Code::wrong_kind, word.span, "a network is needed here")
        .and_at(network->span, "defined here");
    return std::nullopt;
}

// `dish.pd` -> its number. A prefix that is there but broken fails silently.
std::optional<unsigned> Definitions::find_source(const ast::Word& word) {
    const std::size_t dot = word.text.find('.');
    const std::string_view uplink = word.text.substr(0, dot);
    const std::string_view prefix = dot == std::string_view::npos ? "" : word.text.substr(dot + 1);
    const auto& sources = policy_->uplink.sources;
    if (uplink == policy_->uplink.name)
        for (unsigned i = 0; i < sources.size(); ++i)
            if (sources[i].name == prefix) return i;
    if (file_.uplinks.empty() || file_.incomplete) return std::nullopt;
    for (const ast::Uplink& each : file_.uplinks) {
        if (each.name.text.empty()) return std::nullopt;
        if (each.name.text != uplink) continue;
        if (each.broken || &each != &file_.uplinks.front()) return std::nullopt;
        for (const ast::Prefix& known : each.prefixes)
            if (known.name.text == prefix) return std::nullopt;
    }
    std::vector<std::string> names;
    names.reserve(sources.size());
    for (const PrefixSource& source : sources) names.push_back(policy_->uplink.name + "." + source.name);
    diagnostics_.report(Code::unknown_name, word.span, "no uplink has this prefix")
        .with_help(dot == std::string_view::npos ? "a prefix is written with its uplink, such as dish.pd"
                                                 : did_you_mean(word.text, {names.begin(), names.end()}));
    return std::nullopt;
}

// ---- networks

bool Definitions::subnet_fits(unsigned source, const ast::Word& subnet, std::uint64_t number) {
    const PrefixSource& prefix = policy_->uplink.sources[source];
    const unsigned length = length_of(prefix);
    const std::uint64_t count = std::uint64_t{1} << (64 - length);
    if (number < count) return true;
    diagnostics_
        .report(Code::subnet_does_not_fit, subnet.span,
                fmt::format("{}.{} is a /{}", policy_->uplink.name, prefix.name, length))
        .with_help(count == 1 ? "it is a single /64: leave `subnet` out"
                              : fmt::format("its subnets are 0 to {:#x}", count - 1));
    return false;
}

// The /64 on the uplink is shared with the dish and others there; nothing can be routed behind it.
bool Definitions::is_dish_side(const ast::Network& network, unsigned source) const {
    return std::holds_alternative<FromRouterAdvertisement>(policy_->uplink.sources[source].from) &&
           network.interface && network.interface->text != policy_->uplink.interface;
}

void Definitions::define(const ast::Network& from, std::size_t index) {
    const auto source = find_source(from.source);
    constexpr Bounds kSubnets{0, 0xffff};
    std::optional<std::uint64_t> subnet = 0;
    if (from.subnet) subnet = read_number(*from.subnet, "a subnet number", kSubnets, &diagnostics_);
    if (!source || !subnet || (from.subnet && !subnet_fits(*source, *from.subnet, *subnet))) return;
    const auto number = static_cast<std::uint16_t>(*subnet);
    networks_[index] = Behind{*source, number, std::nullopt};
    network_index_.visit_covers(*networks_[index], [&](std::size_t other) {
        diagnostics_.report(Code::same_network, from.name.span, "the same /64")
            .and_at(file_.networks[other].name.span, "as this");
        return true;
    });
    network_index_.insert(*networks_[index], index);
    if (is_dish_side(from, *source))
        diagnostics_
            .report(Code::dish_side, from.source.span,
                    fmt::format("{} is not the uplink's interface", from.interface->text))
            .with_help("networks behind this box get their /64 from a delegation: `from dhcpv6-pd`");
    network_numbers_[index] = static_cast<unsigned>(policy_->networks.size());
    const std::string_view interface = from.interface ? from.interface->text : std::string_view();
    policy_->networks.push_back({std::string(from.name.text), *source, number, std::string(interface),
                                 sources_.place(from.name.span)});
}

// ---- addresses

std::optional<AddressSet> Definitions::read_address(const ast::Address& address) {
    auto set = read_positive(address);
    if (!set || !address.negated) return set;
    auto negated = complement(*set);
    if (!negated) {
        diagnostics_.report(Code::not_exact, address.span, "this set has exclusions of its own")
            .with_help("write a rule for the excluded part above this one");
    } else if (matches_nothing(*negated)) {
        diagnostics_.report(Code::matches_nothing, address.span, "nothing is left");
        return std::nullopt;
    }
    return negated;
}

std::optional<AddressSet> Definitions::read_positive(const ast::Address& address) {
    const auto just = [](const AddressElement& element) { return AddressSet{false, {element}, {}}; };
    switch (address.kind) {
        case ast::Address::Kind::any:
            return AddressSet{};
        case ast::Address::Kind::self:
            return just(Self{});
        case ast::Address::Kind::name:
            return read_name(address.word);
        case ast::Address::Kind::list:
            return read_list(address);
        case ast::Address::Kind::feed: {
            const auto feed = lists_.find_feed(address.word);
            if (!feed) return std::nullopt;
            return just(InFeed{*feed, policy_->feeds[*feed].entries});
        }
        case ast::Address::Kind::broken:
            return std::nullopt;
        case ast::Address::Kind::source: {
            const auto source = find_source(address.word);
            if (!source) return std::nullopt;
            return just(Behind{*source, std::nullopt, std::nullopt});
        }
        case ast::Address::Kind::literal: {
            const auto prefix = read_prefix(address.word, &diagnostics_);
            if (!prefix) return std::nullopt;
            return prefix->length() == 0 ? AddressSet{} : just(*prefix);
        }
    }
    return std::nullopt;
}

std::optional<AddressSet> Definitions::read_name(const ast::Word& word) {
    const Name* name = find_name(word);
    if (!name) {
        report_unknown(word, "host, network or set");
        return std::nullopt;
    }
    if (name->kind == Kind::broken) return std::nullopt;
    if (name->kind == Kind::set) return read_set(name->index, word);
    if (name->kind == Kind::network) {
        const auto& element = networks_[name->index];
        return element ? std::optional(AddressSet{false, {*element}, {}}) : std::nullopt;
    }
    const AddressElements& elements = hosts_[name->index];
    if (elements.empty() || (elements.size() > 1 && !spend_elements(elements.size(), word.span)))
        return std::nullopt;
    return AddressSet{false, elements, {}};
}

std::optional<AddressSet> Definitions::read_list(const ast::Address& list) {
    std::vector<ListElement> elements;
    bool good = true;
    for (const ast::Address& each : list.elements) {
        auto set = read_positive(each);
        if (set)
            elements.push_back({std::move(*set), each.negated, each.span});
        else
            good = false;
    }
    if (!good) return std::nullopt;
    return fold_list(elements, list.span, &comparisons_, &diagnostics_);
}

std::optional<AddressSet> Definitions::read_set(std::size_t index, const ast::Word& use) {
    using Stage = SetState::Stage;
    if (sets_[index].stage == Stage::in_work) {
        diagnostics_.report(Code::circular_set, use.span, "used inside itself")
            .and_at(file_.sets[index].name.span, "this set");
        return std::nullopt;
    }
    if (sets_[index].stage == Stage::untouched) {
        if (depth_ == kDeepestSets) {
            diagnostics_.report(Code::over_limit, use.span,
                                fmt::format("sets can hold sets defined later {} deep", kDeepestSets));
            return std::nullopt;
        }
        sets_[index].stage = Stage::in_work;
        ++depth_;
        auto value = read_address(file_.sets[index].members);
        --depth_;
        sets_[index].stage = Stage::done;
        sets_[index].value = std::move(value);
    }
    const auto& value = sets_[index].value;
    if (value && !spend_elements(value->include.size() + value->exclude.size(), use.span))
        return std::nullopt;
    return value;
}

// ---- matches

std::shared_ptr<const ResolvedService> Definitions::read_service(const ast::Word& name) {
    const auto found = services_.find(name.text);
    if (found != services_.end()) return found->second;
    if (file_.incomplete) return nullptr;
    std::vector<std::string_view> known;
    for (const auto& [service, meaning] : services_) known.push_back(service);
    std::sort(known.begin(), known.end());
    Diagnostic& report = diagnostics_.report(Code::unknown_name, name.span, "no service has this name");
    if (diagnostics_.keeps_errors()) report.help = did_you_mean(name.text, known);
    return nullptr;
}

}  // namespace dishwall
