// SPDX-License-Identifier: BSD-3-Clause
//
// nftables, in its best shape for the policy and in the one that people write. Its counters are named
// objects, so that they can be read without listing rules or elements.
#include <linux/netfilter.h>

#include "bench/live/command.h"
#include "bench/live/conntrack.h"
#include "bench/live/nft_counters.h"
#include "bench/live/subject.h"

namespace dishwall::bench {
namespace {

constexpr std::string_view kCounters = "  counter by_rule { }\n  counter in_flow { }\n  counter denied { }\n";

Result<void> load(const Site& site, const std::string& ruleset) {
    auto done = run(site.gateway(), {"nft", "-f", "-"}, ruleset);
    if (!done) return fail_with(done.error(), "cannot load the nftables rule set");
    return {};
}

Result<Fates> fates_by(const Site& site, std::uint8_t family) {
    auto counters = nft_counters(site.gateway(), family, "gate");
    if (!counters) return tl::unexpected(counters.error());
    return Fates{(*counters)["denied"], (*counters)["by_rule"], (*counters)["in_flow"]};
}

std::string service_set(const std::vector<PublishedService>& services, bool intervals) {
    std::vector<std::string> elements;
    elements.reserve(services.size());
    for (const PublishedService& service : services)
        elements.push_back(
            fmt::format("{} . {} . {}", to_string(service.host()), service.protocol(), service.ports()));
    return fmt::format(
        "  set services {{ type ipv6_addr . inet_proto . inet_service\n{}    elements = {{ {} }} }}\n",
        intervals ? "    flags interval\n" : "", fmt::join(elements, ", "));
}

std::string rule_a_service(const std::vector<PublishedService>& services) {
    std::string rules;
    for (const PublishedService& service : services)
        rules += fmt::format("    ip6 daddr {} {} dport {} counter name by_rule accept\n",
                             to_string(service.host()), service.protocol(), service.ports());
    return rules;
}

class Nftables : public Subject {
public:
    Nftables(NftHook hook, NftShape shape, std::vector<PublishedService> services)
        : hook_(hook), shape_(shape), services_(std::move(services)) {}

    Result<void> arm(const Site& site) override {
        const bool linear = shape_ == NftShape::linear;
        const std::string set = linear ? "" : service_set(services_, shape_ == NftShape::interval_set);
        const std::string rules =
            linear ? rule_a_service(services_)
                   : "    ip6 daddr . meta l4proto . th dport @services counter name by_rule accept\n";
        services_.clear();
        if (hook_ == NftHook::netdev) return load(site, netdev_table(set, rules));
        if (auto loaded = load(site, forward_table(set, rules)); !loaded) return loaded;
        return keep_flows(site);
    }

    Result<Fates> counted(const Site& site) override {
        return fates_by(site, hook_ == NftHook::netdev ? NFPROTO_NETDEV : NFPROTO_INET);
    }

    Result<void> forget(const Site& site) override {
        return hook_ == NftHook::forward ? flush_conntrack(site.gateway()) : Result<void>();
    }

private:
    static std::string netdev_table(const std::string& set, const std::string& rules) {
        return fmt::format(
            "table netdev gate {{\n{}{}"
            "  chain in {{ type filter hook ingress device up0 priority 0; policy accept;\n{}"
            "    counter name denied drop\n  }}\n}}\n",
            kCounters, set, rules);
    }

    static std::string forward_table(const std::string& set, const std::string& rules) {
        return fmt::format(
            "table inet gate {{\n{}{}"
            "  chain forward {{ type filter hook forward priority 0; policy drop;\n"
            "    ct state established,related counter name in_flow accept\n"
            "    iifname \"dn0\" accept\n{}"
            "    counter name denied drop\n  }}\n}}\n",
            kCounters, set, rules);
    }

    // Longer than a session of the bench; the defaults (30 s, 120 s) would end flows between two repeats.
    static Result<void> keep_flows(const Site& site) {
        for (const char* name : {"nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"})
            if (auto set = site.gateway().set_sysctl(fmt::format("net.netfilter.{}", name), "3600"); !set)
                return set;
        return {};
    }

    NftHook hook_;
    NftShape shape_;
    std::vector<PublishedService> services_;
};

}  // namespace

SubjectPtr nftables(NftHook hook, NftShape shape, std::vector<PublishedService> services) {
    return std::make_unique<Nftables>(hook, shape, std::move(services));
}

Result<void> arm_ingress_end(const Site& site) {
    return load(site,
                "table netdev end {\n  counter ended { }\n"
                "  chain in { type filter hook ingress device up0 priority 10; policy accept;\n"
                "    counter name ended drop\n  }\n}\n");
}

Result<std::uint64_t> ended_at_ingress(const Site& site) {
    auto counters = nft_counters(site.gateway(), NFPROTO_NETDEV, "end");
    if (!counters) return tl::unexpected(counters.error());
    return (*counters)["ended"];
}

}  // namespace dishwall::bench
