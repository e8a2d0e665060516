// SPDX-License-Identifier: BSD-3-Clause
//
// The built dishwalld. Its counters are read where its program writes them, from the pinned map: `dishctl
// counters` would list 100,000 rules twice a measurement.
#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "bench/live/dishwall_process.h"
#include "bench/live/subject.h"
#include "bpf/core/image_layout.h"
#include "bpf/core/reason.h"
#include "control/image_bank.h"
#include "control/mapping.h"

namespace dishwall::bench {
namespace {

constexpr std::chrono::seconds kPatience{120};  // until READY; usually under one

// A map of the instance, read-only.
Result<Mapping> pinned(const std::string& path, std::size_t size) {
    const UniqueFd map(bpf_obj_get(path.c_str()));
    if (!map.is_open()) return fail("cannot open {}: {}", path, std::strerror(errno));
    return Mapping::of(map.get(), size, Mapping::Access::read);
}

class Dishwall : public Subject {
public:
    Dishwall(DishwallSetup setup, std::string rules) : setup_(std::move(setup)), rules_(std::move(rules)) {}

    Result<void> arm(const Site& site) override {
        if (::access(setup_.daemon.c_str(), X_OK) != 0)
            return fail("cannot run {}: {} (build it, or see --dishwalld)", setup_.daemon,
                        std::strerror(errno));
        auto daemon = DishwallProcess::start(site.gateway(), {setup_.daemon, setup_.directory, setup_.pins},
                                             rules_, kPatience);
        if (!daemon) return tl::unexpected(daemon.error());
        daemon_ = std::move(*daemon);
        rules_.clear();
        rules_.shrink_to_fit();
        return watch();
    }

    Result<Fates> counted(const Site&) override {
        return Fates{packets(DW_REASON_DEFAULT_DROP) + packets(DW_REASON_RULE_DROP) +
                         packets(DW_REASON_RULE_REJECT) + packets(DW_REASON_FRAGMENT_STRAY),
                     packets(DW_REASON_RULE_ACCEPT), packets(DW_REASON_FLOW)};
    }

    [[nodiscard]] std::optional<WorstSearch> worst() const override { return worst_; }

private:
    Result<void> watch() {
        auto control = pinned(setup_.pins + "/control", sizeof(dw_control));
        if (!control) return tl::unexpected(control.error());
        cpus_ = control->as<dw_control>()->cpus;
        auto counters = pinned(setup_.pins + "/counters", sizeof(dw_counter) * DW_COUNTERS * cpus_);
        if (!counters) return tl::unexpected(counters.error());
        counters_ = std::move(*counters);
        // The first policy of a daemon is in the first bank.
        auto image = pinned(setup_.pins + "/" + chunk_name(0, 0), sizeof(dw_image));
        if (!image) return tl::unexpected(image.error());
        const dw_chain& inbound = image->as<dw_image>()->inbound;
        worst_ = {inbound.worst_lines, inbound.worst_rules};
        return {};
    }

    [[nodiscard]] std::uint64_t packets(std::size_t reason) const {
        const auto all = counters_.as_array<dw_counter>(std::size_t{DW_COUNTERS} * cpus_);
        std::uint64_t sum = 0;
        for (std::size_t cpu = 0; cpu < cpus_; ++cpu) {
            const volatile __u64& word = all[cpu * DW_COUNTERS + reason].packets;
            sum += word;
        }
        return sum;
    }

    DishwallSetup setup_;
    std::string rules_;
    DishwallProcess daemon_;
    Mapping counters_;
    std::uint32_t cpus_ = 0;
    WorstSearch worst_;
};

}  // namespace

SubjectPtr dishwall(DishwallSetup setup, std::string rule_file) {
    return std::make_unique<Dishwall>(std::move(setup), std::move(rule_file));
}

}  // namespace dishwall::bench
