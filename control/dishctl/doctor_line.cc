// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/doctor_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "control/dishctl/text.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Judgement = std::optional<Finding>;

// The line's own rhythm: addresses of the dish side are preferred for this long after an advertisement.
constexpr std::int64_t kPreferredLifetime_s = 150;

std::string full_name(const Policy& policy, std::size_t source) {
    return policy.uplink.name + "." + policy.uplink.sources[source].name;
}

// Those that new packets are let in to.
std::vector<Ipv6Prefix> live_prefixes(const MachineFacts& machine, const std::string& source) {
    std::vector<Ipv6Prefix> live;
    for (const json& one : machine.prefixes) {
        const auto prefix = parse_prefix(text_of(one, "prefix"));
        const bool usable = text_of(one, "state") != "grace" && !flag_of(one, "no_room");
        if (prefix && usable && text_of(one, "source") == source) live.push_back(*prefix);
    }
    return live;
}

std::string todo_without_prefix(const PrefixSource& source, const std::string& name,
                                const std::string& interface) {
    if (std::holds_alternative<FromDhcpv6Pd>(source.from))
        return fmt::format(
            "let a DHCPv6 client ask for a prefix on {} (dhcpcd: 'ia_pd 1 LAN/1'; networkd: DHCPv6 with "
            "DHCPPrefixDelegation=); if it has one and installs no unreachable route for it, its hook has to "
            "call "
            "'dishctl prefix set {} PREFIX valid SECONDS preferred SECONDS'",
            interface, name);
    if (const auto* other = std::get_if<FromAddresses>(&source.from))
        return fmt::format("{} needs a global address with a /64: 'ip -6 address show dev {}'",
                           other->interface, other->interface);
    return fmt::format("{} needs an address by a router advertisement: see accept_ra and RA", interface);
}

std::uint32_t subnets_of(const Ipv6Prefix& prefix) {
    return prefix.length() >= 64 ? 1 : std::uint32_t{1} << std::min(64 - prefix.length(), 16U);
}

std::string records_in_trouble(const json& dns, std::size_t* failing, std::size_t* all) {
    std::string first;
    for (const json& zone : dns)
        for (const json& record : part_of(zone, "records")) {
            ++*all;
            if (text_of(record, "state") != "failing") continue;
            ++*failing;
            if (first.empty()) first = text_of(record, "name") + ": " + text_of(record, "error");
        }
    return first;
}

}  // namespace

// The kernel ignores advertisements on a box that forwards unless accept_ra is 2. Clients that handle them in
// user space (networkd, dhcpcd, odhcp6c) set it to 0 themselves, and that is as good.
Judgement judge_accept_ra(const MachineFacts& machine) {
    const UplinkFacts& uplink = machine.uplink;
    if (uplink.index == 0 || !uplink.accept_ra) return std::nullopt;
    const std::string is = fmt::format("net.ipv6.conf.{}.accept_ra is {}", uplink.name, *uplink.accept_ra);
    const std::string set =
        fmt::format("sysctl -w net.ipv6.conf.{}.accept_ra=2, and the same in /etc/sysctl.d/", uplink.name);
    if (*uplink.accept_ra == 2)
        return good(is + ": the kernel takes router advertisements, though it forwards");
    if (*uplink.accept_ra == 1)
        return warn(
            is + ": the kernel takes no router advertisement while it forwards, and no client says that it "
                 "does instead",
            set + "; not needed if a client such as dhcpcd or systemd-networkd handles them");
    if (uplink.has_default_route)
        return good(is +
                    ": the kernel leaves router advertisements alone; a client handles them, as there is a "
                    "default route");
    return warn(is + ": the kernel takes no router advertisement, and there is no default route for IPv6",
                "if dhcpcd or systemd-networkd is to handle them, look why it does not; else: " + set);
}

Judgement judge_ra_age(const MachineFacts& machine) {
    if (machine.uplink.index == 0 || !machine.line.is_object()) return std::nullopt;
    const json& age = part_of(part_of(machine.line, "ipv6"), "ra_age_s");
    const std::string todo =
        fmt::format("does any arrive? tcpdump -ni {} 'icmp6 and ip6[40] == 134'", machine.uplink.name);
    if (!age.is_number()) return warn("no router advertisement was seen yet", todo);
    const std::string text =
        fmt::format("the last router advertisement came {} ago", duration_text(age.get<std::int64_t>()));
    if (age.get<std::int64_t>() <= kPreferredLifetime_s) return good(text);
    return warn(fmt::format("{}: addresses of the dish side stay preferred for {} only", text,
                            duration_text(kPreferredLifetime_s)),
                todo);
}

Judgement judge_line(const MachineFacts& machine) {
    if (machine.uplink.index == 0 || !machine.line.is_object()) return std::nullopt;
    const json &ipv4 = part_of(machine.line, "ipv4"), &ipv6 = part_of(machine.line, "ipv6");
    const std::string state = text_of(ipv4, "state"), advice = text_of(machine.line, "advice");
    const std::string text = fmt::format("IPv4: {}; IPv6: {}", text_of(ipv4, "text"), text_of(ipv6, "text"));
    if (state == "dish-not-connected" || state == "vendor-router") return bad(text, advice);
    return advice.empty() ? good(text) : warn(text, advice);
}

Judgement judge_delegation(const MachineFacts& machine) {
    if (!machine.rules.policy || machine.uplink.index == 0) return std::nullopt;
    const Policy& policy = *machine.rules.policy;
    std::string there;
    for (std::size_t n = 0; n < policy.uplink.sources.size(); ++n) {
        const std::string name = full_name(policy, n);
        const std::vector<Ipv6Prefix> live = live_prefixes(machine, name);
        if (live.empty())
            return bad(fmt::format("{} has no prefix: nothing behind it can be reached", name),
                       todo_without_prefix(policy.uplink.sources[n], name, machine.uplink.name));
        for (const Ipv6Prefix& prefix : live)
            there += fmt::format("{}{} {}", there.empty() ? "" : ", ", name, to_string(prefix));
    }
    if (there.empty()) return std::nullopt;  // the rule file has no source
    return good(there);
}

// A subnet that the delegation is too small for has no addresses, and no rule for it can match.
Judgement judge_networks(const MachineFacts& machine) {
    if (!machine.rules.policy || machine.rules.policy->networks.empty()) return std::nullopt;
    const Policy& policy = *machine.rules.policy;
    std::size_t seen = 0;
    for (const Network& network : policy.networks)
        for (const Ipv6Prefix& prefix : live_prefixes(machine, full_name(policy, network.source))) {
            ++seen;
            if (network.subnet < subnets_of(prefix)) continue;
            return bad(
                fmt::format("network {} is subnet {:#x}, and {} has {}", network.name, network.subnet,
                            to_string(prefix),
                            subnets_of(prefix) == 1 ? "subnet 0 only"
                                                    : fmt::format("0..{:#x}", subnets_of(prefix) - 1)),
                "ask for a larger delegation ('ia_pd 1/::/56' in dhcpcd.conf), or number the networks from "
                "0 in the rule file");
        }
    if (seen == 0) return std::nullopt;  // said by `delegation`
    return good(policy.networks.size() == 1
                    ? "the network of the rule file fits into the delegation"
                    : fmt::format("all {} networks of the rule file fit into the delegation",
                                  policy.networks.size()));
}

Judgement judge_dish_page(const MachineFacts& machine) {
    const UplinkFacts& uplink = machine.uplink;
    if (uplink.index == 0) return std::nullopt;
    if (machine.dish_page == uplink.name)
        return good("192.168.100.1, the dish's own page, is reached through " + uplink.name);
    const std::string todo = fmt::format("ip route replace 192.168.100.1/32 dev {}", uplink.name);
    if (machine.dish_page.empty())
        return warn("there is no route to 192.168.100.1, the dish's own page", todo);
    return warn(fmt::format("192.168.100.1, the dish's own page, is looked for behind {}, not {}",
                            machine.dish_page, uplink.name),
                todo);
}

Judgement judge_dns_programs(const MachineFacts& machine) {
    if (!machine.rules.policy || machine.rules.policy->dns_updates.empty()) return std::nullopt;
    bool wanted = false;
    for (const DnsUpdate& update : machine.rules.policy->dns_updates)
        wanted = wanted || std::holds_alternative<DnsUpdate::Nsupdate>(update.by);
    if (wanted && !machine.has_nsupdate)
        return bad("dns-update calls nsupdate, which is not in PATH", "apt install bind9-dnsutils");
    if (!machine.not_executable.empty())
        return bad(fmt::format("dns-update cannot run {}", fmt::join(machine.not_executable, ", ")),
                   "is it there, and may it be executed (chmod +x)?");
    return good("what dns-update calls is there");
}

Judgement judge_records(const MachineFacts& machine) {
    std::size_t failing = 0, all = 0;
    const std::string first = records_in_trouble(part_of(machine.daemon.status, "dns"), &failing, &all);
    if (all == 0) return std::nullopt;
    if (failing == 0) return good(fmt::format("no update of {} record{} fails", all, all == 1 ? "" : "s"));
    return bad(
        fmt::format("{} of {} record{} cannot be published; {}", failing, all, all == 1 ? "" : "s", first),
        "'dishctl status' shows each; is the name server reachable, and does it take the key for this zone?");
}

Judgement judge_hosts(const MachineFacts& machine) {
    const json& hosts = machine.daemon.hosts;
    if (!hosts.is_array() || hosts.empty()) return std::nullopt;
    for (const json& host : hosts) {
        if (text_of(host, "kind") != "domain") continue;
        const std::string error = text_of(host, "error");
        const bool known = !part_of(host, "addresses").empty();
        if (error.empty() && !flag_of(host, "stale")) continue;
        return warn(fmt::format("host {} ({}): {}; {}", text_of(host, "name"), text_of(host, "domain"),
                                error.empty() ? "its answer is out of date" : error,
                                known ? "the last good addresses are used" : "no address is known"),
                    "can this box resolve names? 'getent ahostsv6 " + text_of(host, "domain") + "'");
    }
    return good(fmt::format("{} host{} followed", hosts.size(), hosts.size() == 1 ? " is" : "s are"));
}

}  // namespace dishwall
