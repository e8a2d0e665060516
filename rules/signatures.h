// SPDX-License-Identifier: BSD-3-Clause
//
// What a signature file says: Hyperscan patterns, one `ID:/regex/flags` a line, as its own tools read them;
// empty lines and lines that begin with `#` are left out. It is UTF-8, since it is passed on as JSON. Whether
// a regex compiles is for the inspector to say (dataplane/signatures), so that rules can be checked where
// Hyperscan is not installed.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "rules/feed.h"
#include "rules/policy.h"

namespace dishwall {

// One line of a signature file. The views are into the text that was read and live as long as it does.
struct SignaturePattern {
    std::uint32_t id = 0;
    std::string_view regex;  // without the slashes; never empty, no NUL in it
    std::string_view flags;  // letters of "imsHV8WPLCQ"
    unsigned line = 0;       // from 1
};

struct SignatureReading {
    std::vector<SignaturePattern> patterns;  // in the file's order; each ID once
    std::vector<FeedReading::BadLine> bad;   // the first hundred; not empty: the file cannot be used
};

[[nodiscard]] SignatureReading read_signatures(std::string_view text);

// As a rule file writes it: "drop", "alert", "reject".
[[nodiscard]] const char* name_of(Signatures::OnMatch action);

}  // namespace dishwall
