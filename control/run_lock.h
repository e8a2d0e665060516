// SPDX-License-Identifier: BSD-3-Clause
//
// One daemon for each run directory. The lock is the kernel's (flock), so a crash leaves nothing to clean up.
#pragma once

#include <string>

#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

class RunLock {
public:
    // Makes `run_dir` (0755) when it is missing, then takes run_dir/lock.
    [[nodiscard]] static Result<RunLock> take(const std::string& run_dir);

private:
    explicit RunLock(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
};

}  // namespace dishwall
