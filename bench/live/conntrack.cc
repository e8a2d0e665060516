// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/conntrack.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace dishwall::bench {
namespace {

struct CloseSocket {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

// "Delete" without a tuple means everything.
void put_delete_all(char* buffer) {
    nlmsghdr* header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    header->nlmsg_seq = 1;
    auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
    family->nfgen_family = AF_UNSPEC;
    family->version = NFNETLINK_V0;
}

}  // namespace

Result<void> flush_conntrack(const NetworkNamespace& where) {
    auto inside = Inside::enter(where);  // a socket belongs to the namespace it was opened in
    if (!inside) return tl::unexpected(inside.error());
    const std::unique_ptr<mnl_socket, CloseSocket> socket(mnl_socket_open(NETLINK_NETFILTER));
    alignas(nlmsghdr) char buffer[4096];
    put_delete_all(buffer);
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_sendto(socket.get(), buffer, reinterpret_cast<nlmsghdr*>(buffer)->nlmsg_len) < 0)
        return fail("cannot ask conntrack to forget its flows: {}", std::strerror(errno));
    const ssize_t got = mnl_socket_recvfrom(socket.get(), buffer, sizeof(buffer));
    if (got < 0 || mnl_cb_run(buffer, static_cast<std::size_t>(got), 1, mnl_socket_get_portid(socket.get()),
                              nullptr, nullptr) < 0)
        return fail("conntrack did not forget its flows: {}", std::strerror(errno));
    return {};
}

}  // namespace dishwall::bench
