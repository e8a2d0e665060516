// SPDX-License-Identifier: BSD-3-Clause
#include "control/state_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>

#include "control/unique_fd.h"

namespace dishwall {
namespace {

constexpr std::size_t kLargest = std::size_t{64} << 20;

Result<void> write_all(const UniqueFd& file, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail("cannot write {}: {}", path, std::strerror(errno));
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

void sync_directory(const std::string& directory) {
    const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd.is_open()) ::fsync(fd.get());
}

}  // namespace

Result<std::optional<std::string>> read_file(const std::string& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
        if (errno == ENOENT) return std::optional<std::string>();
        return fail("cannot open {}: {}", path, std::strerror(errno));
    }
    std::string text;
    struct stat status {};
    if (::fstat(file.get(), &status) == 0) text.reserve(static_cast<std::size_t>(status.st_size));
    char block[65536];
    for (;;) {
        const ssize_t got = ::read(file.get(), block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail("cannot read {}: {}", path, std::strerror(errno));
        if (got == 0) return std::optional(std::move(text));
        text.append(block, static_cast<std::size_t>(got));
        if (text.size() > kLargest) return fail("{} is larger than {} MiB", path, kLargest >> 20);
    }
}

Result<void> replace_file(const std::string& path, std::string_view text, Synced synced) {
    const std::string directory = std::filesystem::path(path).parent_path().string();
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) return fail("cannot create {}: {}", directory, error.message());
    const std::string beside = path + ".new";
    const UniqueFd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
    if (!file.is_open()) return fail("cannot write {}: {}", beside, std::strerror(errno));
    if (Result<void> written = write_all(file, text, beside); !written) return written;
    if (synced == Synced::yes && ::fsync(file.get()) != 0)
        return fail("cannot write {}: {}", beside, std::strerror(errno));
    if (::rename(beside.c_str(), path.c_str()) != 0)
        return fail("cannot replace {}: {}", path, std::strerror(errno));
    if (synced == Synced::yes) sync_directory(directory);
    return {};
}

void sync_later(std::vector<std::string> paths) {
    std::thread([paths = std::move(paths)] {
        for (const std::string& path : paths) {
            const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
            if (fd.is_open()) ::fsync(fd.get());
        }
    }).detach();
}

}  // namespace dishwall
