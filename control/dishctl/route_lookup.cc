// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/route_lookup.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace dishwall {
namespace {

struct Close {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, Close>;

struct Answer {
    std::uint8_t type = RTN_UNSPEC;
    std::optional<unsigned> interface;
};

int read_attribute(const nlattr* attribute, void* answer) {
    if (mnl_attr_get_type(attribute) == RTA_OIF && mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
        static_cast<Answer*>(answer)->interface = mnl_attr_get_u32(attribute);
    return MNL_CB_OK;
}

int read_route(const nlmsghdr* message, void* answer) {
    const auto* body = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
    static_cast<Answer*>(answer)->type = body->rtm_type;
    return mnl_attr_parse(message, sizeof *body, read_attribute, answer);
}

bool put_question(nlmsghdr* question, const std::string& address) {
    std::array<std::uint8_t, 16> bytes{};
    const bool ipv6 = address.find(':') != std::string::npos;
    if (::inet_pton(ipv6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1) return false;
    question->nlmsg_type = RTM_GETROUTE;
    question->nlmsg_flags = NLM_F_REQUEST;
    auto* body = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(question, sizeof(rtmsg)));
    body->rtm_family = ipv6 ? AF_INET6 : AF_INET;
    body->rtm_dst_len = ipv6 ? 128 : 32;
    mnl_attr_put(question, RTA_DST, ipv6 ? 16 : 4, bytes.data());
    return true;
}

bool means_no_route(int error) {
    return error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EINVAL;
}

}  // namespace

Result<std::optional<unsigned>> interface_towards(const std::string& address) {
    alignas(nlmsghdr) std::array<char, 256> question{};
    nlmsghdr* header = mnl_nlmsg_put_header(question.data());
    if (!put_question(header, address)) return fail("'{}' is no IP address", address);
    const Socket socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
    std::array<char, 8192> reply{};
    if (!socket || mnl_socket_sendto(socket.get(), header, header->nlmsg_len) < 0)
        return fail("cannot ask for the route to {}: {}", address, std::strerror(errno));
    Answer answer;
    const ssize_t got = mnl_socket_recvfrom(socket.get(), reply.data(), reply.size());
    if (got < 0 || mnl_cb_run(reply.data(), static_cast<std::size_t>(got), 0, 0, read_route, &answer) < 0) {
        if (means_no_route(errno)) return std::optional<unsigned>();
        return fail("cannot ask for the route to {}: {}", address, std::strerror(errno));
    }
    if (answer.type != RTN_UNICAST && answer.type != RTN_LOCAL) return std::optional<unsigned>();
    return answer.interface;
}

}  // namespace dishwall
