// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl shadow`: a candidate beside the policy in force, on live traffic. While a run lasts, the programs
// report every packet that a chain judges (DW_OPTION_REPORT_JUDGED); it costs each of them an event, and the
// daemon a look through the candidate's rules. So there is one run at a time, and it ends by itself when
// nobody asks for its report any more.
#pragma once

#include <systemd/sd-event.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "control/clock.h"
#include "control/config_file.h"
#include "control/event_source.h"
#include "control/explainer.h"
#include "control/shadow/comparison.h"

namespace dishwall {

class ShadowRuns {
public:
    // `in_force` is asked at each turn: policy and prefixes may change during a run.
    ShadowRuns(sd_event* loop, std::function<InForce()> in_force);
    ~ShadowRuns() { end(); }
    ShadowRuns(const ShadowRuns&) = delete;
    ShadowRuns& operator=(const ShadowRuns&) = delete;

    [[nodiscard]] bool is_running() const { return run_.has_value(); }
    // Reads and checks the file. Returns the run's id. Only when none is running.
    [[nodiscard]] tl::expected<std::uint64_t, ConfigFailure> start(const std::string& path);
    // Of the run with this id, which lasts on then; `with_flows`: also the open flows that would end, which
    // takes a look at each. Null: there is no such run (any more).
    [[nodiscard]] nlohmann::json report(std::uint64_t id, bool with_flows);
    void end();

    // An event with DW_EVENT_JUDGED.
    void take(const dw_event& event);

private:
    struct Run {
        Comparison comparison;
        MonotonicTime since;
        std::uint32_t generation = 0;  // of the policy that own is numbered from
        Own own;                       // as it was then
    };
    static int on_silence(sd_event_source* source, std::uint64_t time_us, void* self);
    void add_flows(nlohmann::json* reply) const;
    void follow_own();
    void stay_awake();

    std::function<InForce()> in_force_;
    EventSource silence_;
    std::uint64_t last_id_ = 0;
    MonotonicTime followed_{0};
    std::optional<Run> run_;
};

}  // namespace dishwall
