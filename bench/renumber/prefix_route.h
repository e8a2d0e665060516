// SPDX-License-Identifier: BSD-3-Clause
//
// What a DHCPv6 client does when the line is renumbered: it installs, or removes, the unreachable route of
// its delegation. One netlink message and no waiting for its answer, so that the clock starts with the
// request.
#pragma once

#include <libmnl/libmnl.h>

#include <chrono>
#include <memory>

#include "bench/live/netns.h"
#include "rules/ipv6.h"
#include "rules/result.h"

namespace dishwall::bench {

using Instant = std::chrono::steady_clock::time_point;

class PrefixRoutes {
public:
    [[nodiscard]] static Result<PrefixRoutes> open(const NetworkNamespace& where);

    // Both return the time just before the request went to the kernel, which has done it when they return.
    [[nodiscard]] Result<Instant> add(const Ipv6Prefix& prefix);
    [[nodiscard]] Result<Instant> remove(const Ipv6Prefix& prefix);

private:
    struct Close {
        void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
    };
    explicit PrefixRoutes(mnl_socket* socket) : socket_(socket) {}
    [[nodiscard]] Result<Instant> request(std::uint16_t type, std::uint16_t flags, const Ipv6Prefix& prefix);

    std::unique_ptr<mnl_socket, Close> socket_;
    unsigned sequence_ = 0;
};

}  // namespace dishwall::bench
