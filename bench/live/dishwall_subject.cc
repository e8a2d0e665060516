// SPDX-License-Identifier: BSD-3-Clause
//
// The built dishwalld, asked for its counters by the built dishctl.
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bench/live/dishwall_process.h"
#include "bench/live/subject.h"

namespace dishwall::bench {
namespace {

constexpr std::chrono::seconds kPatience{20};  // until READY; loading and verifying takes under one

std::string_view reason_of(Fate fate) {
    if (fate == Fate::denied) return "default-drop";
    return fate == Fate::accepted_by_rule ? "rule-accept" : "flow";
}

class Dishwall : public Subject {
public:
    Dishwall(DishwallSetup setup, std::vector<PublishedService> services)
        : setup_(std::move(setup)), services_(std::move(services)) {}

    Result<void> arm(const Site& site) override {
        for (const std::string& program : {setup_.daemon, setup_.control})
            if (::access(program.c_str(), X_OK) != 0)
                return fail("cannot run {}: {} (build it, or see --dishwalld and --dishctl)", program,
                            std::strerror(errno));
        auto daemon = DishwallProcess::start(site.gateway(), {setup_.daemon, setup_.directory, setup_.pins},
                                             rule_file(services_, setup_.flow_table), kPatience);
        if (!daemon) return tl::unexpected(daemon.error());
        daemon_ = std::move(*daemon);
        return {};
    }

    Result<std::uint64_t> counted(const Site& site, Fate fate) override {
        auto text = run(site.gateway(), {setup_.control, "--run-dir", setup_.directory, "-j", "counters"});
        if (!text) return tl::unexpected(text.error());
        const auto counters = nlohmann::json::parse(*text, nullptr, false);
        if (counters.is_discarded() || !counters.contains("reasons"))
            return fail("dishctl counters wrote no JSON with reasons: {}", *text);
        for (const auto& reason : counters["reasons"])
            if (reason.value("name", "") == reason_of(fate)) return reason.value("packets", std::uint64_t{0});
        return std::uint64_t{0};  // a reason that never happened need not be listed
    }

private:
    DishwallSetup setup_;
    std::vector<PublishedService> services_;
    DishwallProcess daemon_;
};

}  // namespace

std::unique_ptr<Subject> dishwall(DishwallSetup setup, std::vector<PublishedService> services) {
    return std::make_unique<Dishwall>(std::move(setup), std::move(services));
}

}  // namespace dishwall::bench
