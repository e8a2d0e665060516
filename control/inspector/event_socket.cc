// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspector/event_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace dishwall {

Result<EventSocket> EventSocket::to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail("{} is too long a name for a socket", path);
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.is_open()) return fail("cannot make a socket: {}", std::strerror(errno));
    return EventSocket(std::move(socket), address);
}

void EventSocket::send(const std::string& json) {
    const auto* to = reinterpret_cast<const sockaddr*>(&address_);
    if (::sendto(socket_.get(), json.data(), json.size(), MSG_NOSIGNAL, to, sizeof address_) < 0) lost_++;
}

}  // namespace dishwall
