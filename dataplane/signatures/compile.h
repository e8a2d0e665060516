// SPDX-License-Identifier: BSD-3-Clause
//
// Patterns to one database, or every pattern that cannot be in it. Hyperscan names one culprit at a time;
// whoever mends a file wants to see all of them. All are compiled together first, since that is what succeeds
// nearly always, and the search for culprits is paid only when there is one.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/signatures/hyperscan.h"
#include "rules/signatures.h"

namespace dishwall {

enum class ScanMode : std::uint8_t {
    stream,  // TCP: patterns are found across calls
    block,   // datagrams: each for itself
};

struct BadPattern {
    unsigned line = 0;  // 0: not about one pattern (no memory, a processor that Hyperscan does not know)
    std::uint32_t id = 0;
    std::string why;
};
inline constexpr std::size_t kMostBadPatterns = 100;

struct CompiledPatterns {
    Database database;            // null when something is bad, or when there are no patterns
    std::vector<BadPattern> bad;  // by line, the first hundred that were found
};

// Letters of "imsHV8WPLCQ" (read_signatures() lets no other pass) as HS_FLAG_*. `C` makes the regex a logical
// combination of other IDs, `Q` keeps a pattern silent that only stands in one. `P` may match more than it
// says.
[[nodiscard]] unsigned hyperscan_flags(std::string_view letters);

// May take seconds for thousands of patterns.
[[nodiscard]] CompiledPatterns compile(std::span<const SignaturePattern> patterns, ScanMode mode);

}  // namespace dishwall
