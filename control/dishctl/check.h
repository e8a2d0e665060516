// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl check FILE`: the whole compiler, without a daemon and without rights, so that a rule file can be
// tried anywhere.
#pragma once

#include <cstddef>
#include <string>

namespace dishwall {

struct CheckReport {
    bool readable = true;  // false: `message` says why there is no text to check
    bool good = false;
    std::string message;      // one line
    std::string diagnostics;  // errors and warnings, rendered
    std::size_t inbound = 0, outbound = 0, networks = 0, image_bytes = 0;
};

[[nodiscard]] CheckReport check_rule_file(const std::string& path);

}  // namespace dishwall
