// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/nft_counters.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace dishwall::bench {
namespace {

struct CloseSocket {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

using Counters = std::map<std::string, std::uint64_t>;

constexpr std::uint32_t kSequence = 1;

nlmsghdr* put_request(char* buffer, std::uint8_t family, const std::string& table) {
    nlmsghdr* header = mnl_nlmsg_put_header(buffer);
    header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = kSequence;
    auto* about = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
    about->nfgen_family = family;
    about->version = NFNETLINK_V0;
    mnl_attr_put_strz(header, NFTA_OBJ_TABLE, table.c_str());
    mnl_attr_put_u32(header, NFTA_OBJ_TYPE, htobe32(NFT_OBJECT_COUNTER));
    return header;
}

int take_packets(const nlattr* attribute, void* into) {
    std::uint64_t big_endian = 0;
    if (mnl_attr_get_type(attribute) != NFTA_COUNTER_PACKETS) return MNL_CB_OK;
    std::memcpy(&big_endian, mnl_attr_get_payload(attribute), sizeof(big_endian));
    *static_cast<std::uint64_t*>(into) = be64toh(big_endian);
    return MNL_CB_OK;
}

struct Object {
    std::string name;
    std::uint64_t packets = 0;
};

int take_part(const nlattr* attribute, void* into) {
    auto* object = static_cast<Object*>(into);
    const auto type = mnl_attr_get_type(attribute);
    if (type == NFTA_OBJ_NAME) object->name = mnl_attr_get_str(attribute);
    if (type == NFTA_OBJ_DATA) return mnl_attr_parse_nested(attribute, take_packets, &object->packets);
    return MNL_CB_OK;
}

// One object of the dump.
int take(const nlmsghdr* header, void* into) {
    Object object;
    const int parsed = mnl_attr_parse(header, sizeof(nfgenmsg), take_part, &object);
    (*static_cast<Counters*>(into))[object.name] = object.packets;
    return parsed;
}

}  // namespace

Result<Counters> nft_counters(const NetworkNamespace& where, std::uint8_t family, const std::string& table) {
    auto inside = Inside::enter(where);  // a socket belongs to the namespace it was opened in
    if (!inside) return tl::unexpected(inside.error());
    const std::unique_ptr<mnl_socket, CloseSocket> socket(mnl_socket_open(NETLINK_NETFILTER));
    alignas(nlmsghdr) char buffer[8192];
    const nlmsghdr* request = put_request(buffer, family, table);
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_sendto(socket.get(), request, request->nlmsg_len) < 0)
        return fail("cannot ask for the counters of nftables: {}", std::strerror(errno));
    Counters counters;
    for (int more = MNL_CB_OK; more > MNL_CB_STOP;) {
        const ssize_t got = mnl_socket_recvfrom(socket.get(), buffer, sizeof(buffer));
        if (got >= 0)
            more = mnl_cb_run(buffer, static_cast<std::size_t>(got), kSequence,
                              mnl_socket_get_portid(socket.get()), take, &counters);
        if (got < 0 || more < MNL_CB_STOP)
            return fail("the kernel does not tell the counters of nftables: {}", std::strerror(errno));
    }
    return counters;
}

}  // namespace dishwall::bench
