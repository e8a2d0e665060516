// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc/socket_file.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace dishwall {
namespace {

constexpr int kWaiting = 64;  // connections not yet accepted
constexpr mode_t kNotForOthers = 0117;

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

bool somebody_listens(const sockaddr_un& address) {
    const UniqueFd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (::connect(probe.get(), generic(address), sizeof address) == 0) return true;
    return errno == EAGAIN || errno == EINPROGRESS;  // its queue is full
}

bool is_something_else(const std::filesystem::path& path) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::symlink_status(path, error);
    return std::filesystem::exists(status) && !std::filesystem::is_socket(status);
}

// The only way to have the mode right from the start.
int bind_with_mode(int fd, const sockaddr_un& address) {
    const mode_t before = ::umask(kNotForOthers);
    const int result = ::bind(fd, generic(address), sizeof address);
    ::umask(before);
    return result;
}

}  // namespace

Result<sockaddr_un> socket_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof address.sun_path)
        return fail("the socket's path is too long ({} bytes, at most {}): {}", text.size(),
                    sizeof address.sun_path - 1, text);
    std::ranges::copy(text, address.sun_path);
    return address;
}

Result<UniqueFd> listen_at(const std::filesystem::path& path) {
    const std::filesystem::path fresh = path.string() + "." + std::to_string(::getpid());
    const Result<sockaddr_un> address = socket_address(path), unnamed = socket_address(fresh);
    if (!address) return tl::unexpected(address.error());
    if (!unnamed) return tl::unexpected(unnamed.error());
    if (is_something_else(path))
        return fail("{} is in the way of the control socket: remove it", path.string());
    if (somebody_listens(*address))
        return fail("another dishwalld serves {}: stop it, or give this one its own --run-dir",
                    path.string());

    UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd.is_open()) return fail("cannot make a socket: {}", std::strerror(errno));
    ::unlink(fresh.c_str());
    if (bind_with_mode(fd.get(), *unnamed) != 0)
        return fail("cannot make the control socket {}: {}", path.string(), std::strerror(errno));
    std::error_code error;
    if (::listen(fd.get(), kWaiting) != 0)
        error.assign(errno, std::generic_category());
    else
        std::filesystem::rename(fresh, path, error);
    if (!error) return fd;
    ::unlink(fresh.c_str());
    return fail("cannot make the control socket {}: {}", path.string(), error.message());
}

}  // namespace dishwall
