// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspection/report_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "control/inspection/inspection_event.h"

namespace dishwall {

std::optional<std::string> ReportLog::line(const nlohmann::json& event, MonotonicTime now) {
    const MonotonicTime paid = std::max(due_, now) + kEvery;
    if (paid > now + kAtOnce * kEvery) {
        ++left_out_;
        return std::nullopt;
    }
    due_ = paid;
    const std::uint64_t left_out = std::exchange(left_out_, 0);
    return left_out == 0
               ? event_text(event)
               : fmt::format("{} (before it {} more, see 'dishctl monitor')", event_text(event), left_out);
}

}  // namespace dishwall
