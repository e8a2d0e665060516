// SPDX-License-Identifier: BSD-3-Clause
//
// A rule file on disk, with what stands beside it in conf.d and what it includes -> a policy, with this
// machine's /etc/services, or what to tell its author. The same policy can be made again from the texts as
// they were then (control/policies keeps them): going back must not depend on what became of the files since.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/frontend.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

struct LoadedConfig {
    Policy policy;
    std::string warnings;         // rendered; may be empty
    std::vector<RuleText> texts;  // every rule file that was read, included ones too; names are absolute
    // Feeds and signature files that could not be used and were taken as empty (`load_texts` only).
    std::vector<std::string> missing;
    std::shared_ptr<const void> leftovers;  // Compiled::leftovers
};

struct ConfigFailure {
    std::string message;          // one line
    std::string diagnostics;      // rendered, without colours; empty when the file could not even be read
    std::string interface;        // the uplink's; empty when the file does not tell
    std::vector<RuleText> texts;  // as far as they were read
    // When nothing but its own `protect` lines stands against the file (E0602): what `load --force` takes.
    std::optional<LoadedConfig> unprotected;
};

using ConfigResult = tl::expected<LoadedConfig, ConfigFailure>;

// What to do with a long policy in which nothing is wrong so far, beside the rest of the checks
// (Environment::meanwhile). It comes to nothing when there is no `LoadedConfig` in the end.
using Meanwhile = std::function<void(const Policy& policy)>;

// The file and, in name order, conf.d/*.conf in its directory.
[[nodiscard]] ConfigResult load_config(const std::string& path, const Meanwhile& meanwhile = {});

// What `load_config` gives to `read_policy`.
[[nodiscard]] Environment environment_of(const std::string& path, const Meanwhile& meanwhile = {});

// Rule files as they were loaded once, the rule file first. What they include is served from the texts, feeds
// and signatures are read from disk; when one of those cannot be used, all of them are taken as empty
// (`missing`). Tests and protect lines were proven then, and are not proven again.
[[nodiscard]] ConfigResult load_texts(const std::vector<RuleText>& texts);

// The uplink's interface, even if the file has errors elsewhere; empty when it cannot be told.
[[nodiscard]] std::string interface_in(const std::string& path);

// What stands in a regular file of at most 64 MiB, or why it cannot be had: "No such file or directory".
[[nodiscard]] tl::expected<std::string, std::string> read_regular_file(const std::string& path);

}  // namespace dishwall
