// SPDX-License-Identifier: BSD-3-Clause
//
// One netlink socket. Events and dumps use a socket each, so that an answer is never searched among events;
// the event socket is opened first, so that nothing happens unseen between a dump and the first event.
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <functional>
#include <memory>
#include <vector>

#include "rules/result.h"

namespace dishwall {

class NetlinkSocket {
public:
    using OnMessage = std::function<void(const nlmsghdr*)>;

    // Non-blocking, subscribed to these groups of the bus (RTNLGRP_*, or another bus's).
    [[nodiscard]] static Result<NetlinkSocket> subscribe(const std::vector<int>& groups,
                                                         int bus = NETLINK_ROUTE);
    // Blocking, for rtnetlink dumps.
    [[nodiscard]] static Result<NetlinkSocket> for_dumps();

    // Subscribes to one more group, or leaves it.
    [[nodiscard]] Result<void> listen(int group, bool on);

    [[nodiscard]] int fd() const { return mnl_socket_get_fd(socket_.get()); }

    enum class Drained {
        all,      // nothing is left to read
        more,     // a bounded amount was read, there is more
        overrun,  // the kernel dropped events: only a dump can tell what is true now
    };
    [[nodiscard]] Result<Drained> drain(const OnMessage& on_message);
    void discard();  // what is queued

    // Sends a request and waits for nothing. A refusal is read later, as NLMSG_ERROR.
    [[nodiscard]] Result<void> send(const nlmsghdr* request);

    // Sends a dump request, whose body was put after the header, and hands out every answer. An interrupted
    // dump (NLM_F_DUMP_INTR) fails with `interrupted` true: what was handed out may be incomplete.
    struct DumpFailure {
        bool interrupted = false;
        Error error;
    };
    [[nodiscard]] tl::expected<void, DumpFailure> dump(nlmsghdr* request, const OnMessage& on_message);

    // The errno in an NLMSG_ERROR; 0: it is an acknowledgement.
    [[nodiscard]] static int error_in(const nlmsghdr* message);

private:
    struct Close {
        void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
    };
    explicit NetlinkSocket(mnl_socket* socket) : socket_(socket) {}
    [[nodiscard]] static Result<NetlinkSocket> open(int bus, int flags);

    std::unique_ptr<mnl_socket, Close> socket_;
    unsigned sequence_ = 0;
};

}  // namespace dishwall
