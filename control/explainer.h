// SPDX-License-Identifier: BSD-3-Clause
//
// What would happen to this packet, and why (design D7). The packet goes through a second instance of the
// very programs on the uplink, on the live maps, told to change nothing and to leave a trace; and through the
// evaluator in rules/, which shares no code with them. When the two differ, one of them has a bug, and that
// is said loudly.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "control/counter_registry.h"
#include "control/device.h"
#include "control/flow_json.h"
#include "control/packet_text.h"
#include "control/programs.h"
#include "rules/own.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

// What a verdict is explained with; all as in force.
struct ExplainContext {
    const Policy& policy;
    const Own& own;
    const CounterRegistry& names;
    std::span<dw_bucket> flows;
    FlowTimes times;
    WallClock clock;
};

class Explainer {
public:
    // Loads the dry twin on `maps`. `settings` are those of the programs in force.
    [[nodiscard]] static Result<Explainer> load(const dw_settings& settings, std::uint32_t cpus,
                                                const KernelMaps& maps);

    // Runs the packet through the twin. `uplink`: the uplink's MAC address, as in force.
    [[nodiscard]] Result<dw_outcome> run(const PacketSpec& packet, const MacAddress& uplink) const;

private:
    explicit Explainer(Programs twin) : twin_(std::move(twin)) {}
    Programs twin_;
};

struct Explanation {
    nlohmann::json reply;  // the Explain reply
    bool agree = true;     // program and evaluator
};

// Puts an outcome into words and asks the evaluator too.
[[nodiscard]] Explanation explain(const PacketSpec& packet, const dw_outcome& outcome,
                                  const ExplainContext& context);

}  // namespace dishwall
