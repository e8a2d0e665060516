// SPDX-License-Identifier: BSD-3-Clause
//
// Which of the inspector's reports become lines of the log. Strangers decide how many there are, so a flood
// of them must not fill the journal: a few at once, then one a second, and it is said how many were left
// out. `monitor` and the counters have all of them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "control/clock.h"

namespace dishwall {

class ReportLog {
public:
    static constexpr MonotonicTime kEvery = std::chrono::seconds(1);
    static constexpr unsigned kAtOnce = 20;

    // The line for this event (inspection_event.h), or nothing when there were too many.
    [[nodiscard]] std::optional<std::string> line(const nlohmann::json& event, MonotonicTime now);

private:
    MonotonicTime due_{0};  // when the lines so far are paid for, one each kEvery
    std::uint64_t left_out_ = 0;
};

}  // namespace dishwall
