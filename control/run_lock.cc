// SPDX-License-Identifier: BSD-3-Clause
#include "control/run_lock.h"

#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace dishwall {

Result<RunLock> RunLock::take(const std::string& run_dir) {
    std::error_code error;
    std::filesystem::create_directories(run_dir, error);
    if (error) return fail("cannot create the run directory {}: {}", run_dir, error.message());
    const std::string path = run_dir + "/lock";
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd.is_open()) return fail("cannot open {}: {}", path, std::strerror(errno));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
        return fail("another dishwalld runs in {}; stop it first, or give this one its own --run-dir",
                    run_dir);
    return RunLock(std::move(fd));
}

}  // namespace dishwall
