// SPDX-License-Identifier: BSD-3-Clause
//
// The one owner of a file descriptor: a kernel object (map, program, link, socket, lock) lives exactly as
// long as its fd or its pin, so every fd in control/ is held by one of these and by nothing else.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "rules/result.h"

namespace dishwall {

class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~UniqueFd() {
        if (fd_ >= 0) ::close(fd_);
    }

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

    // A second fd of the same object, closed on exec. Fails when the process may open no more files.
    [[nodiscard]] static Result<UniqueFd> duplicate_of(int fd) {
        const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0) return fail("cannot duplicate a file descriptor: {}", std::strerror(errno));
        return UniqueFd(copy);
    }

private:
    int fd_ = -1;
};

}  // namespace dishwall
