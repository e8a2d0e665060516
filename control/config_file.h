// SPDX-License-Identifier: BSD-3-Clause
//
// A rule file on disk -> a policy, with this machine's /etc/services, or what to tell its author.
#pragma once

#include <string>

#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

struct ConfigFailure {
    std::string message;      // one line
    std::string diagnostics;  // rendered, without colours; empty when the file could not even be read
    std::string interface;    // the uplink's; empty when the file does not tell
};

struct LoadedConfig {
    Policy policy;
    std::string warnings;  // rendered; may be empty
};

[[nodiscard]] tl::expected<LoadedConfig, ConfigFailure> load_config(const std::string& path);
// The uplink's interface, even if the file has errors elsewhere; empty when it cannot be told.
[[nodiscard]] std::string interface_in(const std::string& path);

}  // namespace dishwall
