// SPDX-License-Identifier: BSD-3-Clause
#include "control/pin_directory.h"

#include <bpf/bpf.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "control/bpf_fs.h"

namespace dishwall {

Result<PinDirectory> PinDirectory::open(std::string path) {
    if (Result<void> ready = prepare_bpf_fs(path); !ready) return tl::unexpected(ready.error());
    UniqueFd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!lock.is_open()) return fail("cannot open the pin directory {}: {}", path, std::strerror(errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
        return fail("another dishwalld uses the pin directory {}; give each instance its own --pin-dir",
                    path);
    return PinDirectory(std::move(path), std::move(lock));
}

Result<std::optional<UniqueFd>> PinDirectory::get(const std::string& name) const {
    UniqueFd fd(bpf_obj_get(path_of(name).c_str()));
    if (fd.is_open()) return std::optional<UniqueFd>(std::move(fd));
    if (errno == ENOENT) return std::optional<UniqueFd>();
    return fail("cannot open the pin {}: {}", path_of(name), std::strerror(errno));
}

Result<void> PinDirectory::put(const std::string& name, int fd) const {
    // A bpffs allows no dots in names.
    const std::string fresh = path_of(name) + "_new";
    ::unlink(fresh.c_str());
    if (bpf_obj_pin(fd, fresh.c_str()) != 0)
        return fail("cannot pin {}: {}", path_of(name), std::strerror(errno));
    if (::rename(fresh.c_str(), path_of(name).c_str()) == 0) return {};
    const int cause = errno;
    ::unlink(fresh.c_str());
    return fail("cannot pin {}: {}", path_of(name), std::strerror(cause));
}

Result<bool> PinDirectory::remove(const std::string& name) const {
    if (::unlink(path_of(name).c_str()) == 0) return true;
    if (errno == ENOENT) return false;
    return fail("cannot remove the pin {}: {}", path_of(name), std::strerror(errno));
}

void PinDirectory::remove_directory() const { ::rmdir(path_.c_str()); }

}  // namespace dishwall
