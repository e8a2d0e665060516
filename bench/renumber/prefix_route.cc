// SPDX-License-Identifier: BSD-3-Clause
#include "bench/renumber/prefix_route.h"

#include <endian.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>

namespace dishwall::bench {

Result<PrefixRoutes> PrefixRoutes::open(const NetworkNamespace& where) {
    auto inside = Inside::enter(where);
    if (!inside) return tl::unexpected(inside.error());
    PrefixRoutes routes(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
    if (!routes.socket_ || mnl_socket_bind(routes.socket_.get(), 0, MNL_SOCKET_AUTOPID) != 0)
        return fail("cannot open a netlink socket: {}", std::strerror(errno));
    return routes;
}

Result<Instant> PrefixRoutes::add(const Ipv6Prefix& prefix) {
    return request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, prefix);
}

Result<Instant> PrefixRoutes::remove(const Ipv6Prefix& prefix) { return request(RTM_DELROUTE, 0, prefix); }

// Errors are asked for (no NLM_F_ACK): rtnetlink answers those at once, and only those.
Result<Instant> PrefixRoutes::request(std::uint16_t type, std::uint16_t flags, const Ipv6Prefix& prefix) {
    alignas(nlmsghdr) char buffer[256] = {};
    nlmsghdr* header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = type;
    header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    header->nlmsg_seq = ++sequence_;
    auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(rtmsg)));
    route->rtm_family = AF_INET6;
    route->rtm_dst_len = static_cast<unsigned char>(prefix.length());
    route->rtm_table = RT_TABLE_MAIN;
    route->rtm_protocol = RTPROT_DHCP;
    route->rtm_type = RTN_UNREACHABLE;
    const std::uint64_t destination[2] = {htobe64(prefix.first().hi), htobe64(prefix.first().lo)};
    mnl_attr_put(header, RTA_DST, sizeof(destination), destination);

    const Instant before = std::chrono::steady_clock::now();
    if (mnl_socket_sendto(socket_.get(), header, header->nlmsg_len) < 0)
        return fail("cannot change the route of {}: {}", to_string(prefix), std::strerror(errno));
    const ssize_t got =
        ::recv(mnl_socket_get_fd(socket_.get()), buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0) return before;
    const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer);
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer));
    return fail("the kernel does not change the route of {}: {}", to_string(prefix),
                std::strerror(-error->error));
}

}  // namespace dishwall::bench
