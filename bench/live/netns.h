// SPDX-License-Identifier: BSD-3-Clause
//
// Network namespaces without names. A namespace lives as long as a file descriptor or a process holds it,
// so whatever ends the harness, a bug or a kill -9, the kernel removes the namespaces and every link in them.
#pragma once

#include <string>

#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall::bench {

class NetworkNamespace {
public:
    NetworkNamespace() = default;

    // A fresh one, with lo up and IPv6 quiet: no duplicate address detection, no autoconfiguration, no
    // router advertisements, so that the only traffic in it is the generator's.
    [[nodiscard]] static Result<NetworkNamespace> create();

    // The one that this thread is in.
    [[nodiscard]] static Result<NetworkNamespace> current();

    [[nodiscard]] int fd() const { return fd_.get(); }
    // How other programs (`ip link set ... netns PATH`) may name it while this process lives.
    [[nodiscard]] std::string path() const;

    // Writes /proc/sys/net/<name>, with dots as in sysctl(8).
    [[nodiscard]] Result<void> set_sysctl(const std::string& name, const std::string& value) const;

private:
    explicit NetworkNamespace(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

// While it lives, this thread is in the namespace. Do not nest two of the same thread out of order.
class Inside {
public:
    [[nodiscard]] static Result<Inside> enter(const NetworkNamespace& where);
    Inside(Inside&&) noexcept = default;
    Inside& operator=(Inside&&) = delete;
    ~Inside();

private:
    explicit Inside(UniqueFd back) : back_(std::move(back)) {}

    UniqueFd back_;
};

}  // namespace dishwall::bench
