// SPDX-License-Identifier: BSD-3-Clause
//
// What would happen to this packet (design D7): it goes through a second instance of the very programs on the
// uplink, on the live maps, told to change nothing and to leave a trace. explanation.h puts the outcome into
// words and asks the evaluator too.
#pragma once

#include <nlohmann/json.hpp>
#include <span>

#include "control/datapath.h"
#include "control/explanation.h"
#include "control/programs.h"
#include "control/rate_reader.h"
#include "rules/result.h"

namespace dishwall {

// What packets are judged by at this moment.
struct InForce {
    const Policy& policy;
    const Own& own;
    const CounterRegistry& names;
    Datapath& datapath;
};

class Explainer {
public:
    // Loads the dry twin.
    [[nodiscard]] static Result<Explainer> load(const Datapath& datapath);

    [[nodiscard]] Result<Explanation> explain(const PacketSpec& packet, const InForce& now) const;
    // One of the results of ExplainFrames. The frame is judged as if it had been sent to our uplink: a
    // capture may be of another interface.
    [[nodiscard]] Result<nlohmann::json> judge_frame(std::vector<std::uint8_t> frame, Direction direction,
                                                     const InForce& now) const;

private:
    Explainer(Programs twin, RateReader rates) : twin_(std::move(twin)), rates_(std::move(rates)) {}
    [[nodiscard]] Result<dw_outcome> run(std::span<const std::uint8_t> frame, Direction direction) const;
    [[nodiscard]] Result<Explanation> explain_once(const PacketSpec& packet, const InForce& now) const;

    Programs twin_;
    RateReader rates_;
};

}  // namespace dishwall
