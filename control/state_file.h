// SPDX-License-Identifier: BSD-3-Clause
//
// Small files read and replaced whole: written beside the old one and renamed, so that a reader, or a daemon
// after a crash, finds the old or the new one. Synced to disk it is so after a power cut, too; but an SD card
// may take seconds for that, which the event loop does not have while it follows the line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/result.h"

namespace dishwall {

// Empty when there is no such file. At most 64 MiB: a rule file or a state file is never larger.
[[nodiscard]] Result<std::optional<std::string>> read_file(const std::string& path);
enum class Synced { yes, no };
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view text,
                                        Synced synced = Synced::yes);
// Syncs files and directories that were written without, in a thread of its own that nobody waits for.
void sync_later(std::vector<std::string> paths);

}  // namespace dishwall
