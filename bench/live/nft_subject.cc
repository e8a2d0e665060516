// SPDX-License-Identifier: BSD-3-Clause
//
// nftables in its best shape for this policy: one concatenated hash set, no linear rules. At netdev ingress
// it is stateless; in the forward hook it has conntrack, which is what a gateway really runs.

#include <nlohmann/json.hpp>

#include "bench/live/command.h"
#include "bench/live/conntrack.h"
#include "bench/live/subject.h"

namespace dishwall::bench {
namespace {

Result<void> load(const Site& site, const std::string& ruleset) {
    auto done = run(site.gateway(), {"nft", "-f", "-"}, ruleset);
    if (!done) return fail_with(done.error(), "cannot load the nftables rule set");
    return {};
}

// Packets of the counter in the rule with this comment.
Result<std::uint64_t> counter(const Site& site, std::vector<std::string> chain, std::string_view comment) {
    std::vector<std::string> command = {"nft", "-j", "list", "chain"};
    command.insert(command.end(), chain.begin(), chain.end());
    auto text = run(site.gateway(), command);
    if (!text) return tl::unexpected(text.error());
    const auto listing = nlohmann::json::parse(*text, nullptr, false);
    if (listing.is_discarded() || !listing.contains("nftables")) return fail("nft wrote no JSON: {}", *text);
    for (const auto& item : listing["nftables"]) {
        if (!item.contains("rule") || item["rule"].value("comment", "") != comment) continue;
        for (const auto& expression : item["rule"]["expr"])
            if (expression.contains("counter")) return expression["counter"]["packets"].get<std::uint64_t>();
    }
    return fail("nft lists no counter called {}", comment);
}

std::string service_set(const std::vector<PublishedService>& services) {
    std::vector<std::string> elements;
    for (const PublishedService& service : services)
        elements.push_back(fmt::format("{} . udp . {}", to_string(service.host()), service.port));
    return fmt::format(
        "  set services {{ type ipv6_addr . inet_proto . inet_service\n    elements = {{ {} }} }}\n",
        fmt::join(elements, ", "));
}

std::string_view comment_of(Fate fate) {
    if (fate == Fate::denied) return "denied";
    return fate == Fate::accepted_by_rule ? "rule" : "flow";
}

class NftNetdev : public Subject {
public:
    explicit NftNetdev(std::vector<PublishedService> services) : services_(std::move(services)) {}

    Result<void> arm(const Site& site) override {
        return load(site,
                    "table netdev gate {\n" + service_set(services_) +
                        "  chain in { type filter hook ingress device up0 priority 0; policy accept;\n"
                        "    ip6 daddr . meta l4proto . th dport @services counter accept comment \"rule\"\n"
                        "    counter drop comment \"denied\"\n  }\n}\n");
    }

    Result<std::uint64_t> counted(const Site& site, Fate fate) override {
        return counter(site, {"netdev", "gate", "in"}, comment_of(fate));
    }

private:
    std::vector<PublishedService> services_;
};

class NftForward : public Subject {
public:
    explicit NftForward(std::vector<PublishedService> services) : services_(std::move(services)) {}

    Result<void> arm(const Site& site) override {
        auto loaded = load(
            site, "table inet gate {\n" + service_set(services_) +
                      "  chain forward { type filter hook forward priority 0; policy drop;\n"
                      "    ct state established,related counter accept comment \"flow\"\n"
                      "    ip6 daddr . meta l4proto . th dport @services counter accept comment \"rule\"\n"
                      "    iifname \"dn0\" counter accept comment \"outbound\"\n"
                      "    counter drop comment \"denied\"\n  }\n}\n");
        if (!loaded) return loaded;
        // Longer than a session of the bench; the defaults (30 s, 120 s) would end flows between two repeats.
        for (const char* name : {"nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"})
            if (auto set = site.gateway().set_sysctl(fmt::format("net.netfilter.{}", name), "3600"); !set)
                return set;
        return {};
    }

    Result<std::uint64_t> counted(const Site& site, Fate fate) override {
        return counter(site, {"inet", "gate", "forward"}, comment_of(fate));
    }

    Result<void> forget(const Site& site) override { return flush_conntrack(site.gateway()); }

private:
    std::vector<PublishedService> services_;
};

}  // namespace

std::unique_ptr<Subject> nft_netdev(std::vector<PublishedService> services) {
    return std::make_unique<NftNetdev>(std::move(services));
}

std::unique_ptr<Subject> nft_forward(std::vector<PublishedService> services) {
    return std::make_unique<NftForward>(std::move(services));
}

Result<void> arm_ingress_end(const Site& site) {
    return load(site,
                "table netdev end {\n"
                "  chain in { type filter hook ingress device up0 priority 10; policy accept;\n"
                "    counter drop comment \"ended\"\n  }\n}\n");
}

Result<std::uint64_t> ended_at_ingress(const Site& site) {
    return counter(site, {"netdev", "end", "in"}, "ended");
}

}  // namespace dishwall::bench
