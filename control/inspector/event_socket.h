// SPDX-License-Identifier: BSD-3-Clause
//
// What the inspector tells the daemon: one JSON a datagram, to a socket that the daemon binds. Never waits:
// when the daemon is gone or busy an event is lost and counted, a packet is not late for it. Threads may
// share one.
#pragma once

#include <sys/un.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

class EventSocket {
public:
    // Nobody needs to listen at `path` yet.
    [[nodiscard]] static Result<EventSocket> to(const std::string& path);
    EventSocket(EventSocket&& other) noexcept
        : socket_(std::move(other.socket_)), address_(other.address_), lost_(other.lost_.load()) {}
    EventSocket& operator=(EventSocket&&) = delete;

    void send(const std::string& json);
    [[nodiscard]] std::uint64_t lost() const { return lost_; }

private:
    EventSocket(UniqueFd socket, const sockaddr_un& address)
        : socket_(std::move(socket)), address_(address) {}

    UniqueFd socket_;
    sockaddr_un address_;
    std::atomic<std::uint64_t> lost_ = 0;
};

}  // namespace dishwall
