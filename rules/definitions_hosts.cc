// SPDX-License-Identifier: BSD-3-Clause
//
// The forms of `host`: each names places behind the line, one address, or something that is learnt.
#include <fmt/format.h>

#include <utility>

#include "rules/definitions.h"
#include "rules/literal.h"

namespace dishwall {

// ::10. The first that anybody looks for has a warning.
std::optional<std::uint64_t> Definitions::host_id(const ast::Word& word) {
    const auto id = read_interface_id(word, &diagnostics_);
    if (id == 1)
        diagnostics_.report(Code::first_address, word.span, "easily guessed")
            .with_help("number the host otherwise, or follow it by its device: `mac`");
    return id;
}

std::optional<AddressElement> Definitions::by_literal(const ast::Host& host) {
    if (host.kind != ast::Host::Kind::plain) {
        diagnostics_.report(Code::wrong_kind, host.base.span, "a network is needed here")
            .with_help("a MAC address says which device of a network is meant");
        return std::nullopt;
    }
    if (host.value) {
        diagnostics_.report(Code::syntax, host.value->span, "expected the end of the line");
        return std::nullopt;
    }
    const auto address = read_prefix(host.base, &diagnostics_);
    if (!address || address->length() == 128) return address;
    diagnostics_.report(Code::bad_address, host.base.span, "a host has one address")
        .with_help("a prefix can stand in a rule or a set as it is");
    return std::nullopt;
}

std::optional<AddressElement> Definitions::by_interface_id(const ast::Host& host, std::size_t network) {
    if (!host.value) {
        diagnostics_.report(Code::missing, host.base.span, "an interface id belongs behind the network")
            .with_help(fmt::format("for example `host {} = {} ::10`", host.name.text, host.base.text));
        return std::nullopt;
    }
    const auto id = host_id(*host.value);
    if (!id || !networks_[network]) return std::nullopt;
    Behind place = std::get<Behind>(*networks_[network]);
    place.interface_id = *id;
    return place;
}

// Only in networks of the file: an address elsewhere in the delegation stays unassigned.
AddressElements Definitions::in_any_network(const ast::Host& host) {
    const auto id = host_id(*host.value);
    if (!id) return {};
    if (file_.networks.empty() && file_.broken_names.empty() && !file_.incomplete) {
        diagnostics_.report(Code::missing, host.base.span, "the file has no network")
            .with_help("add `network NAME = UPLINK.PREFIX subnet NUMBER on INTERFACE`");
        return {};
    }
    AddressSet places{false, {}, {}};
    for (const auto& network : networks_) {
        if (!network) continue;
        Behind place = std::get<Behind>(*network);
        place.interface_id = *id;
        places.include.emplace_back(place);
    }
    remove_duplicates(&places);
    if (!spend_elements(places.include.size(), host.name.span)) return {};
    return places.include;
}

std::optional<AddressElement> Definitions::by_mac(const ast::Host& host, std::size_t network) {
    const auto mac = read_mac(*host.value, &diagnostics_);
    if (!mac || !networks_[network]) return std::nullopt;
    const ast::Network& written = file_.networks[network];
    if (!written.interface) {
        diagnostics_.report(Code::missing, host.base.span, "devices are looked for on an interface")
            .and_at(written.name.span, "this network has none")
            .with_help(fmt::format("write `network {} = ... on INTERFACE`", written.name.text));
        return std::nullopt;
    }
    const unsigned number = network_numbers_[network];
    const Network& resolved = policy_->networks[number];
    const std::string definition = definition_of(policy_->uplink.sources[resolved.source], resolved, *mac);
    return learnt_.add({host.name, sources_.place(host.name.span), DeviceHost{number, *mac}, definition},
                       &policy_->learnt);
}

std::optional<AddressElement> Definitions::by_eui64(const ast::Host& host, std::size_t network) {
    const auto mac = read_mac(*host.value, &diagnostics_);
    if (!mac || !networks_[network]) return std::nullopt;
    Behind place = std::get<Behind>(*networks_[network]);
    place.interface_id = interface_id_of(*mac);
    return place;
}

std::optional<AddressElement> Definitions::by_domain(const ast::Host& host) {
    if (parse_ipv6(host.value->text)) {
        diagnostics_.report(Code::bad_domain, host.value->span, "an address")
            .with_help(fmt::format("leave `name` out: `host {} = {}`", host.name.text, host.value->text));
        return std::nullopt;
    }
    auto domain = read_domain(*host.value, "", &diagnostics_);
    if (!domain) return std::nullopt;
    const std::string definition = definition_of(*domain);
    return learnt_.add(
        {host.name, sources_.place(host.name.span), DomainHost{std::move(*domain)}, definition},
        &policy_->learnt);
}

AddressElements Definitions::host_elements(const ast::Host& host) {
    using Kind = ast::Host::Kind;
    const auto just = [](const std::optional<AddressElement>& element) {
        return element ? AddressElements{*element} : AddressElements{};
    };
    if (host.kind == Kind::any_network) return in_any_network(host);
    if (host.kind == Kind::domain) return just(by_domain(host));
    if (host.base.text.find_first_of(":/") != std::string_view::npos) return just(by_literal(host));
    const auto network = find_network(host.base);
    if (!network) return {};
    check_side(host, *network);
    if (host.kind == Kind::mac) return just(by_mac(host, *network));
    if (host.kind == Kind::eui64) return just(by_eui64(host, *network));
    return just(by_interface_id(host, *network));
}

// Warns of a host in a network that was warned of.
void Definitions::check_side(const ast::Host& host, std::size_t network) {
    const ast::Network& written = file_.networks[network];
    if (!networks_[network] || !is_dish_side(written, std::get<Behind>(*networks_[network]).source)) return;
    diagnostics_.report(Code::dish_side, host.base.span, "this host is not on the dish's side")
        .and_at(written.source.span, "its network is")
        .with_help("put the host into a network of a delegation");
}

void Definitions::define(const ast::Host& from, std::size_t index) {
    hosts_[index] = host_elements(from);
    if (hosts_[index].empty()) return;
    host_numbers_[index] = static_cast<unsigned>(policy_->hosts.size());
    policy_->hosts.push_back({std::string(from.name.text), hosts_[index], places_(from.name.span)});
}

std::optional<unsigned> Definitions::read_host(const ast::Word& word) {
    const Name* name = find_name(word);
    if (!name) {
        report_unknown(word, "host");
        return std::nullopt;
    }
    if (name->kind == Kind::broken) return std::nullopt;
    if (name->kind != Kind::host) {
        diagnostics_.report(Code::wrong_kind, word.span, "a host is needed here")
            .and_at(name->span, "defined here");
        return std::nullopt;
    }
    if (hosts_[name->index].empty()) return std::nullopt;
    return host_numbers_[name->index];
}

}  // namespace dishwall
