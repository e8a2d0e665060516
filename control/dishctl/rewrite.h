// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl fmt`: a rule file in the layout that all of them share, shown, compared or written back. A file
// that is written back keeps its owner and mode, and a link stays a link: /etc may be under somebody's
// version control.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "control/dishctl/verbs.h"
#include "rules/result.h"

namespace dishwall {

enum class FmtMode { print, check, write };

struct Rewritten {
    ExitCode code = kOk;  // kFailed: unreadable, or `check` found another layout; kCheckFailed: no rule file
    std::string out, err;
    nlohmann::json document;
};

// `file` may be "-": what comes in is printed, whatever the mode.
[[nodiscard]] Rewritten rewrite_rule_file(const std::string& file, FmtMode mode);

// "-": all of standard input.
[[nodiscard]] Result<std::string> read_whole(const std::string& file);
// Replaces the file, or makes it.
[[nodiscard]] Result<void> rewrite_file(const std::string& file, const std::string& text);

}  // namespace dishwall
