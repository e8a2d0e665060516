// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/rows.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kFlowTable = 131072;  // what a rule file gets that does not say

class RowList {
public:
    explicit RowList(const RowOptions& options)
        : options_(options), services_(published_services(options.services)) {}

    std::vector<RowPlan> take() {
        denied();
        accepted_and_ended_at_ingress();
        accepted_and_forwarded();
        return std::move(rows_);
    }

private:
    RowPlan& add(std::string id, std::string what, std::string does, std::unique_ptr<Subject> subject,
                 const dw_traffic& packets) {
        RowPlan plan;
        plan.id = std::move(id);
        plan.what = std::move(what);
        plan.does = std::move(does);
        plan.subject = std::move(subject);
        plan.packets = packets;
        return rows_.emplace_back(std::move(plan));
    }

    RowPlan& ends(RowPlan& row, Fate fate, End end, std::string base) {
        row.fate = fate;
        row.end = end;
        row.base = std::move(base);
        row.a_flow_a_packet = fate == Fate::accepted_by_rule;
        return row;
    }

    // Established: the flows are opened from inside before the row is measured.
    RowPlan& hits_flows(RowPlan& row, End end, std::string base) {
        row.needs_flows = true;
        return ends(row, Fate::belongs_to_flow, end, std::move(base));
    }

    std::unique_ptr<Subject> dishwall_for(const std::string& id, unsigned flow_table) {
        return dishwall({options_.daemon, options_.control, options_.directory + "/" + id,
                         options_.pins + "/" + id, flow_table},
                        services_);
    }

    void denied() {
        const dw_traffic sweep = deny_sweep();
        add(kFloor, "bare XDP_DROP", "deny sweep", bare(BareProgram::drop), sweep);
        add("bare-parse", "XDP: parse, count, drop", "deny sweep", bare(BareProgram::drop_parsed), sweep);
        add("dishwall-deny", "dishwall", "deny sweep", dishwall_for("dishwall-deny", kFlowTable), sweep);
        add("dishwall-deny-syn", "dishwall", "deny sweep, TCP SYN",
            dishwall_for("dishwall-deny-syn", kFlowTable), deny_sweep_syn());
        add("nft-netdev-deny", "nft netdev ingress, hash set", "deny sweep", nft_netdev(services_), sweep);
        add("nft-forward-deny", "nft inet forward, conntrack, hash set", "deny sweep", nft_forward(services_),
            sweep);
    }

    void accepted_and_ended_at_ingress() {
        const dw_traffic by_rule = accept_by_rule(options_.services);
        const std::string floor = "pass-ingress";
        ends(add(floor, "XDP_PASS", "ends at ingress", bare(BareProgram::pass), replies()),
             Fate::belongs_to_flow, End::ingress, "");
        ends(add("dishwall-accept-ingress", "dishwall", "accept by rule, ends at ingress",
                 dishwall_for("dishwall-accept-ingress", kFlowTable), by_rule),
             Fate::accepted_by_rule, End::ingress, floor);
        hits_flows(add("dishwall-flow-ingress", "dishwall", "established, 64k flows, ends at ingress",
                       dishwall_for("dishwall-flow-ingress", kFlowTable), replies()),
                   End::ingress, floor);
    }

    void accepted_and_forwarded() {
        const dw_traffic by_rule = accept_by_rule(options_.services);
        const std::string xdp_floor = "pass-forward", plain_floor = "kernel-forward";
        ends(
            add(plain_floor, "kernel forwarding, no filter", "forwarded", bare(BareProgram::none), replies()),
            Fate::belongs_to_flow, End::lan, "");
        ends(add(xdp_floor, "XDP_PASS", "forwarded", bare(BareProgram::pass), replies()),
             Fate::belongs_to_flow, End::lan, "");
        ends(add("guard-forward", "XDP_PASS, dishwall's guard", "forwarded", guarded(BareProgram::pass),
                 replies()),
             Fate::belongs_to_flow, End::lan, xdp_floor);
        ends(add("dishwall-accept", "dishwall", "accept by rule, forwarded",
                 dishwall_for("dishwall-accept", kFlowTable), by_rule),
             Fate::accepted_by_rule, End::lan, xdp_floor);
        ends(add("nft-netdev-accept", "nft netdev ingress, hash set (stateless)", "accept by rule, forwarded",
                 nft_netdev(services_), by_rule),
             Fate::accepted_by_rule, End::lan, plain_floor);
        ends(add("nft-forward-accept", "nft inet forward, conntrack, hash set", "accept by rule, forwarded",
                 nft_forward(services_), by_rule),
             Fate::accepted_by_rule, End::lan, plain_floor);
        hits_flows(add("dishwall-flow", "dishwall", "established, 64k flows, forwarded",
                       dishwall_for("dishwall-flow", kFlowTable), replies()),
                   End::lan, xdp_floor);
        hits_flows(add("nft-forward-flow", "nft inet forward, conntrack, hash set",
                       "established, 64k flows, forwarded", nft_forward(services_), replies()),
                   End::lan, plain_floor);
    }

    const RowOptions& options_;
    std::vector<PublishedService> services_;
    std::vector<RowPlan> rows_;
};

}  // namespace

std::vector<RowPlan> all_rows(const RowOptions& options) { return RowList(options).take(); }

}  // namespace dishwall::bench
