// SPDX-License-Identifier: BSD-3-Clause
//
// What a signature file says: Hyperscan patterns, one `ID:/regex/flags` a line, as its own tools read them;
// empty lines and lines that begin with `#` are left out. Whether a regex compiles is for the inspector to
// say.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "rules/feed.h"

namespace dishwall {

struct SignatureReading {
    std::size_t patterns = 0;
    std::vector<FeedReading::BadLine> bad;  // the first hundred
};

[[nodiscard]] SignatureReading read_signatures(std::string_view text);

}  // namespace dishwall
