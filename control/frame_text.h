// SPDX-License-Identifier: BSD-3-Clause
//
// A captured frame in a line, in explain's form where that form can say it, so that it can be asked about
// again.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "rules/policy.h"

namespace dishwall {

[[nodiscard]] std::string frame_text(std::span<const std::uint8_t> frame, Direction direction);

}  // namespace dishwall
