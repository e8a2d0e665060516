// SPDX-License-Identifier: BSD-3-Clause
//
// Small files read and replaced whole. A replaced file is the old one or the new one after a crash or a power
// cut, never a half: written beside it, synced, renamed, and the directory synced.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rules/result.h"

namespace dishwall {

// Empty when there is no such file. At most 64 MiB: a rule file or a state file is never larger.
[[nodiscard]] Result<std::optional<std::string>> read_file(const std::string& path);
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view text);

}  // namespace dishwall
