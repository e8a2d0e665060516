// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/saved_prefixes.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

#include "control/unique_fd.h"

namespace dishwall {
namespace {

Result<void> write_all(const std::string& file, const std::string& text) {
    const UniqueFd fd{::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640)};
    if (!fd.is_open()) return fail("cannot write {}: {}", file, std::strerror(errno));
    for (std::size_t written = 0; written < text.size();) {
        const ssize_t n = ::write(fd.get(), text.data() + written, text.size() - written);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail("cannot write {}: {}", file, std::strerror(errno));
        written += static_cast<std::size_t>(n);
    }
    return {};
}

}  // namespace

Instant instant_now() {
    std::string boot;
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id") >> std::ws, boot);
    return {read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_REALTIME), boot};
}

Result<void> replace_unsynced(const std::filesystem::path& file, const std::string& text) {
    const std::string fresh = file.string() + ".new";
    if (Result<void> written = write_all(fresh, text); !written) return written;
    std::error_code error;
    std::filesystem::rename(fresh, file, error);
    if (error) return fail("cannot replace {}: {}", file.string(), error.message());
    return {};
}

SavedPrefixes::SavedPrefixes(const std::filesystem::path& directory, const char* name)
    : file_(directory.empty() ? directory : directory / name) {}

Result<nlohmann::json> SavedPrefixes::read() const {
    std::ifstream in(file_);
    if (file_.empty() || !in) return nlohmann::json();
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    nlohmann::json state = nlohmann::json::parse(text, nullptr, false);
    if (state.is_discarded()) return fail("{} is not JSON", file_.string());
    return state;
}

Result<void> SavedPrefixes::write(const nlohmann::json& state) const {
    if (file_.empty()) return {};
    return replace_unsynced(file_, state.dump(2) + "\n");
}

}  // namespace dishwall
