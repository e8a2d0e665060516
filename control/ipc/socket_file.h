// SPDX-License-Identifier: BSD-3-Clause
//
// The listening socket's file. It appears under its name only once it listens and has its mode, so that a
// client never meets a moment in between; a file that a crashed daemon left is replaced, a living one's is
// not.
#pragma once

#include <sys/un.h>

#include <filesystem>

#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

// Fails when the path is longer than a Unix socket address holds (107 bytes).
[[nodiscard]] Result<sockaddr_un> socket_address(const std::filesystem::path& path);

// Non-blocking, mode 0660.
[[nodiscard]] Result<UniqueFd> listen_at(const std::filesystem::path& path);

}  // namespace dishwall
