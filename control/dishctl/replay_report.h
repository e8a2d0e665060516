// SPDX-License-Identifier: BSD-3-Clause
//
// What a replay came to, as one JSON document.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "control/dishctl/replay_line.h"
#include "dataplane/replay/replay.h"

namespace dishwall {

struct ReplayFiles {
    std::string capture, config, against;  // `against` may be empty
    std::optional<std::string> damage;     // why the capture could not be read to its end
};

[[nodiscard]] nlohmann::json replay_document(const ReplayFiles& files, const Replay& replay,
                                             const ReplayLine& line);

}  // namespace dishwall
