// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/rows.h"

#include <algorithm>

#include "bench/shapes/shape.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kFlowTable = 131072;  // what a rule file gets that does not say
constexpr unsigned kRangeOfPorts = 4;
constexpr unsigned kTenthOf1024 = 102;
constexpr unsigned kMostConntrackFlows =
    131072;  // half of the usual nf_conntrack_max, which is the machine's

struct System {
    const char *id, *name;
    unsigned ports_each;
    bool forwards;  // it can only decide where packets are forwarded
};
constexpr System kDishwallPorts = {"dishwall", kDishwall, 1, false},
                 kDishwallRanges = {"dishwall-ranges", "dishwall, port ranges", kRangeOfPorts, false},
                 kNetdevHash = {"nft-netdev-hash", "nft netdev, hash set", 1, false},
                 kNetdevInterval = {"nft-netdev-interval", "nft netdev, interval set, port ranges",
                                    kRangeOfPorts, false},
                 kNetdevLinear = {"nft-netdev-linear", "nft netdev, linear", 1, false},
                 kForwardHash = {"nft-forward-hash", "nft forward, conntrack, hash set", 1, true},
                 kForwardInterval = {"nft-forward-interval",
                                     "nft forward, conntrack, interval set, port ranges", kRangeOfPorts,
                                     true},
                 kForwardLinear = {"nft-forward-linear", "nft forward, conntrack, linear", 1, true},
                 kIp6tables = {"ip6tables", "ip6tables-legacy forward, linear", 1, true},
                 kXdpFilter = {"xdp-filter", "xdp-filter, hosts only", 1, false};

SubjectPtr peer(const System& system, unsigned services) {
    auto list = published_services(services, system.ports_each);
    const std::string_view id = system.id;
    const NftHook hook = system.forwards ? NftHook::forward : NftHook::netdev;
    if (id == kIp6tables.id) return legacy_ip6tables(std::move(list));
    if (id == kXdpFilter.id) return xdp_filter(std::move(list));
    if (id.ends_with("-hash")) return nftables(hook, NftShape::hash_set, std::move(list));
    if (id.ends_with("-interval")) return nftables(hook, NftShape::interval_set, std::move(list));
    return nftables(hook, NftShape::linear, std::move(list));
}

class RowList {
public:
    explicit RowList(const RowOptions& options) : options_(options), sizes_(options.sizes) {}

    Rows take() {
        floors();
        for (const unsigned size : sizes_.services) services_of(size);
        for (const unsigned size : sizes_.ranges) ranges_of(size);
        for (const unsigned size : sizes_.linear) linear_of(size);
        most_services();
        established();
        shapes();
        return std::move(rows_);
    }

private:
    // ---- stations

    std::string station(const std::string& name, End end, SubjectPtr subject) {
        rows_.stations.push_back({name, std::move(subject), end});
        return name;
    }

    [[nodiscard]] bool has(const std::string& name) const {
        return std::any_of(rows_.stations.begin(), rows_.stations.end(),
                           [&](const StationPlan& plan) { return plan.name == name; });
    }

    [[nodiscard]] SubjectPtr dishwall_at(const std::string& name, std::string rules) const {
        return dishwall(
            {options_.daemon, options_.control, options_.directory + "/" + name, options_.pins + "/" + name},
            std::move(rules));
    }

    // The station of a system with so many services; it is made when it is first asked for.
    std::string at(const System& system, unsigned services, End end = End::ingress) {
        if (system.forwards) end = End::lan;
        const std::string name = fmt::format("{}-{}{}", system.id, services, end == End::lan ? "-lan" : "");
        if (has(name)) return name;
        const bool own = std::string_view(system.name).starts_with(kDishwall);
        return station(
            name, end,
            own ? dishwall_at(name, rule_file(published_services(services, system.ports_each), kFlowTable))
                : peer(system, services));
    }

    // ---- rows

    RowPlan& add(std::string id, std::string system, std::string does, std::string at, PacketSet packets) {
        RowPlan plan;
        plan.id = std::move(id);
        plan.system = std::move(system);
        plan.does = std::move(does);
        plan.station = std::move(at);
        plan.packets = std::move(packets);
        return rows_.rows.emplace_back(std::move(plan));
    }

    // One row of a system with so many services. `kind` ends its id.
    RowPlan& add(const System& system, unsigned services, const std::string& kind, std::string does,
                 PacketSet packets, End end = End::ingress) {
        RowPlan& row = add(fmt::format("{}-{}-{}", system.id, services, kind), system.name, std::move(does),
                           at(system, services, end), std::move(packets));
        row.rules = services;
        return row;
    }

    void add_bare(const std::string& id, const std::string& does, BareProgram program, PacketSet packets,
                  End end = End::ingress) {
        const std::string name = program == BareProgram::drop          ? "bare XDP_DROP"
                                 : program == BareProgram::drop_parsed ? "XDP: parse, count, drop"
                                 : program == BareProgram::pass        ? "XDP_PASS"
                                                                       : "kernel forwarding, no filter";
        add(id, name, does, station(id, end, bare(program)), std::move(packets));
    }

    void floors() {
        const PacketSet hits = to_services({.services = sizes_.services.back()});
        add_bare(kFloor, "deny sweep", BareProgram::drop, deny_sweep());
        add_bare("bare-parse", "deny sweep", BareProgram::drop_parsed, deny_sweep());
        add_bare(kLongFloor, "deny sweep, long frames", BareProgram::drop,
                 deny_sweep(true, Extensions::three_headers));
        add_bare(kPassIngress, "ends at ingress", BareProgram::pass, hits);
        add_bare(kPassForward, "forwarded", BareProgram::pass, hits, End::lan);
        add_bare(kKernelForward, "forwarded", BareProgram::none, hits, End::lan);
        add("guard-forward", "XDP_PASS, dishwall's guard", "forwarded",
            station("guard-forward", End::lan, guarded(BareProgram::pass)), hits)
            .base = kPassForward;
    }

    void deny(const System& system, unsigned services) {
        add(system, services, "deny", "deny sweep", deny_sweep()).plotted = true;
    }

    void hit(const System& system, unsigned services, End end = End::ingress) {
        const bool forwarded = end == End::lan || system.forwards;
        RowPlan& row = add(system, services, forwarded ? "hit-lan" : "hit",
                           forwarded ? "hits, uniform, forwarded" : "hits, uniform, end at ingress",
                           to_services({services, system.ports_each}), end);
        row.base = !forwarded                                                          ? kPassIngress
                   : system.id == kDishwallPorts.id || system.id == kDishwallRanges.id ? kPassForward
                                                                                       : kKernelForward;
    }

    void services_of(unsigned size) {
        deny(kDishwallPorts, size);
        hit(kDishwallPorts, size);
        deny(kNetdevHash, size);
        deny(kForwardHash, size);
        if (size / 2 <= kMostXdpFilterHosts) deny(kXdpFilter, size);
    }

    void ranges_of(unsigned size) {
        deny(kDishwallRanges, size);
        deny(kNetdevInterval, size);
        if (size != sizes_.ranges.back()) return;
        hit(kDishwallRanges, size);
        hit(kNetdevInterval, size);
        deny(kForwardInterval, size);
        hit(kDishwallRanges, size, End::lan);
        hit(kForwardInterval, size);
    }

    void linear_of(unsigned size) {
        deny(kNetdevLinear, size);
        deny(kForwardLinear, size);
        deny(kIp6tables, size);
        if (size == sizes_.linear.front()) return;
        hit(kNetdevLinear, size);
        hit(kForwardLinear, size);
    }

    // The largest policy: every kind of packets.
    void most_services() {
        const unsigned size = sizes_.services.back();
        const System *const ours = &kDishwallPorts, *const theirs = &kNetdevHash;
        hit(kNetdevHash, size);
        for (const System* system : {ours, theirs}) {
            const auto at_ingress = [&](const std::string& kind, const std::string& does, PacketSet packets) {
                add(*system, size, kind, does + ", end at ingress", std::move(packets)).base = kPassIngress;
            };
            at_ingress("mix", "90 % hits, 10 % denied",
                       to_services({.services = size, .unpublished_of_1024 = kTenthOf1024}));
            at_ingress("zipf", "hits, Zipf", to_services({.services = size, .zipf = true}));
            at_ingress("syn-flood", "SYN flood to a service", syn_flood());
            add(*system, size, "deny-syn", "deny sweep, TCP SYN", deny_sweep(false));
            odd_packets(*system, size);
        }
        for (const System* system : {ours, theirs, &kForwardHash}) {
            hit(*system, size, End::lan);
            add(*system, size, "syn-flood-lan", "SYN flood to a service, forwarded", syn_flood(), End::lan)
                .base = system == ours ? kPassForward : kKernelForward;
        }
    }

    void odd_packets(const System& system, unsigned size) {
        const auto deny = [&](const std::string& kind, const std::string& does, Extensions extensions) {
            add(system, size, kind, does, deny_sweep(true, extensions)).floor = kLongFloor;
        };
        deny("headers", "deny sweep behind 3 extension headers", Extensions::three_headers);
        deny("first-fragments", "first fragments, denied", Extensions::first_fragment);
        deny("later-fragments", "later fragments of nothing", Extensions::later_fragment);
    }

    // On stations of their own: the flows must stay.
    void established() {
        for (const unsigned flows : sizes_.flows) {
            established_with(kDishwallPorts, flows, End::ingress);
            if (flows > kMostConntrackFlows) continue;
            established_with(kDishwallPorts, flows, End::lan);
            established_with(kForwardHash, flows, End::lan);
        }
    }

    void established_with(const System& system, unsigned flows, End end) {
        const unsigned services = sizes_.services.front();
        const bool own = system.id == kDishwallPorts.id, forwarded = end == End::lan;
        const std::string id = fmt::format("{}-flows-{}{}", system.id, flows, forwarded ? "-lan" : "");
        auto subject =
            own ? dishwall_at(id, rule_file(published_services(services), std::max(2 * flows, kFlowTable)))
                : peer(system, services);
        RowPlan& row =
            add(id, system.name,
                fmt::format("replies, {} flows, {}", flows, forwarded ? "forwarded" : "end at ingress"),
                station(id, end, std::move(subject)), replies(flows));
        row.flows = flows;
        row.rules = services;
        row.base = !forwarded ? kPassIngress : own ? kPassForward : kKernelForward;
    }

    void shapes() {
        for (const ShapeKind kind : {ShapeKind::acl, ShapeKind::fw, ShapeKind::ipc})
            for (const unsigned size : sizes_.shapes) {
                Shape shape = make_shape(kind, size);
                const std::string id = fmt::format("dishwall-{}-{}", shape.name, size);
                const PacketSet packets = listed(std::move(shape.packets), std::move(shape.accepted));
                if (kind == ShapeKind::acl && size == sizes_.shapes.front())
                    add_bare(kListedFloor, "listed packets", BareProgram::drop, packets);
                RowPlan& row =
                    add(id, kDishwall,
                        fmt::format("{} rules of shape {}, their packets, end at ingress", size, shape.name),
                        station(id, End::ingress, dishwall_at(id, std::move(shape.rules))), packets);
                row.rules = size;
                row.floor = kListedFloor;
                row.base = kPassIngress;
            }
    }

    static constexpr const char *kLongFloor = "bare-drop-long", *kListedFloor = "bare-drop-listed",
                                *kPassIngress = "pass-ingress", *kPassForward = "pass-forward",
                                *kKernelForward = "kernel-forward";

    const RowOptions& options_;
    const RowSizes& sizes_;
    Rows rows_;
};

}  // namespace

bool RowOptions::wants(const std::string& id) const {
    return only.empty() || std::find(only.begin(), only.end(), id) != only.end();
}

RowSizes quick_sizes() { return {{100, 1000}, {1024}, {100, 200}, {1024}, {1000}}; }

Rows all_rows(const RowOptions& options) { return RowList(options).take(); }

}  // namespace dishwall::bench
