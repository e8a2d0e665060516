// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/netlink_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace dishwall {
namespace {

// Room for the burst of a machine with many interfaces; memory is only taken while it is full.
constexpr int kReceiveBuffer = 8 << 20;
constexpr int kReadsAtOnce = 256;
constexpr std::size_t kMessageBuffer = 32 << 10;  // the kernel fills at most this much for a dump

using Buffer = std::array<char, kMessageBuffer>;

// Also without CAP_NET_ADMIN, then up to net.core.rmem_max.
void enlarge(int fd) {
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
}

void each_message(const char* data, std::size_t bytes, const NetlinkSocket::OnMessage& on_message) {
    int left = static_cast<int>(bytes);
    for (const auto* at = reinterpret_cast<const nlmsghdr*>(data); mnl_nlmsg_ok(at, left);
         at = mnl_nlmsg_next(at, &left))
        on_message(at);
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(int bus, int flags) {
    mnl_socket* raw = mnl_socket_open2(bus, SOCK_CLOEXEC | flags);
    if (!raw) return fail("cannot open a netlink socket: {}", std::strerror(errno));
    NetlinkSocket socket{raw};
    if (mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) != 0)
        return fail("cannot bind a netlink socket: {}", std::strerror(errno));
    enlarge(socket.fd());
    return socket;
}

Result<NetlinkSocket> NetlinkSocket::subscribe(const std::vector<int>& groups, int bus) {
    Result<NetlinkSocket> socket = open(bus, SOCK_NONBLOCK);
    if (!socket) return socket;
    for (const int group : groups)
        if (Result<void> joined = socket->listen(group, true); !joined) return tl::unexpected(joined.error());
    return socket;
}

Result<void> NetlinkSocket::listen(int group, bool on) {
    const int option = on ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;
    if (mnl_socket_setsockopt(socket_.get(), option, &group, sizeof group) != 0)
        return fail("cannot {} netlink group {}: {}", on ? "listen to" : "leave", group,
                    std::strerror(errno));
    return {};
}

Result<NetlinkSocket> NetlinkSocket::for_dumps() {
    Result<NetlinkSocket> socket = open(NETLINK_ROUTE, 0);
    if (!socket) return socket;
    // Lets the kernel filter a dump by what the request says; without it, more comes than was asked for.
    const int on = 1;
    (void)mnl_socket_setsockopt(socket->socket_.get(), NETLINK_GET_STRICT_CHK, const_cast<int*>(&on),
                                sizeof on);
    return socket;
}

Result<NetlinkSocket::Drained> NetlinkSocket::drain(const OnMessage& on_message) {
    alignas(nlmsghdr) Buffer buffer;
    for (int reads = 0; reads < kReadsAtOnce; ++reads) {
        const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
        if (got >= 0) {
            each_message(buffer.data(), static_cast<std::size_t>(got), on_message);
            continue;
        }
        if (errno == EAGAIN) return Drained::all;
        if (errno == ENOBUFS || errno == ENOSPC) return Drained::overrun;
        if (errno != EINTR) return fail("cannot read netlink events: {}", std::strerror(errno));
    }
    return Drained::more;
}

void NetlinkSocket::discard() {
    Result<Drained> drained = Drained::more;
    while (drained && *drained != Drained::all) drained = drain([](const nlmsghdr*) {});
}

Result<void> NetlinkSocket::send(const nlmsghdr* request) {
    if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0)
        return fail("cannot ask netlink: {}", std::strerror(errno));
    return {};
}

int NetlinkSocket::error_in(const nlmsghdr* message) {
    if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) return EBADMSG;
    return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
}

tl::expected<void, NetlinkSocket::DumpFailure> NetlinkSocket::dump(nlmsghdr* request,
                                                                   const OnMessage& on_message) {
    const auto failed = [](const char* what, int error) {
        return tl::unexpected(DumpFailure{false, Error{fmt::format("{}: {}", what, std::strerror(error))}});
    };
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = ++sequence_;
    if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0)
        return failed("cannot ask netlink", errno);

    bool interrupted = false, done = false;
    int error = 0;
    const OnMessage sort_out = [&](const nlmsghdr* message) {
        if (message->nlmsg_seq != sequence_) return;
        interrupted |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        done |= message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR;
        if (message->nlmsg_type == NLMSG_ERROR) error = error_in(message);
        if (message->nlmsg_type >= NLMSG_MIN_TYPE) on_message(message);
    };
    alignas(nlmsghdr) Buffer buffer;
    while (!done) {
        const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed("cannot read netlink's answer", errno);
        each_message(buffer.data(), static_cast<std::size_t>(got), sort_out);
    }
    if (error != 0) return failed("netlink refuses a dump", error);
    if (interrupted)
        return tl::unexpected(DumpFailure{true, Error{"a netlink dump was interrupted by changes"}});
    return {};
}

}  // namespace dishwall
