// SPDX-License-Identifier: BSD-3-Clause
//
// Puts a table where people read it: between two marker lines of a Markdown file. Published numbers are
// written by the program that measured them, never by hand.
#pragma once

#include <string>
#include <string_view>

#include "rules/result.h"

namespace dishwall::bench {

// Replaces what stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`. Fails, with the file
// untouched, when the two lines are not there.
[[nodiscard]] Result<void> write_between_markers(const std::string& path, std::string_view name,
                                                 const std::string& content);

// Where a bench's result goes beside the terminal; empty: nowhere.
struct Destination {
    std::string json_file, readme;
};
[[nodiscard]] Result<void> publish(const Destination& to, std::string_view name, const std::string& json,
                                   const std::string& table);

}  // namespace dishwall::bench
