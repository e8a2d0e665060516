// SPDX-License-Identifier: BSD-3-Clause
#include "control/guard_watch.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/epoll.h>

#include <cerrno>
#include <cstring>

#include "control/line/netlink_socket.h"

namespace dishwall {

struct GuardWatch::State {
    NetlinkSocket socket;
    std::string table;
    std::function<void()> removed;
    sd_event_source* source = nullptr;
};

namespace {

constexpr unsigned kTableDeleted = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE;

bool deletes(const nlmsghdr* message, const std::string& table) {
    if (message->nlmsg_type != kTableDeleted || mnl_nlmsg_get_payload_len(message) < sizeof(nfgenmsg))
        return false;
    const auto* body = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message));
    if (body->nfgen_family != NFPROTO_INET) return false;
    const char* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
    const auto* at = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(nfgenmsg)));
    for (; mnl_attr_ok(at, static_cast<int>(end - reinterpret_cast<const char*>(at))); at = mnl_attr_next(at))
        if (mnl_attr_get_type(at) == NFTA_TABLE_NAME && mnl_attr_validate(at, MNL_TYPE_NUL_STRING) == 0)
            return table == mnl_attr_get_str(at);
    return false;
}

}  // namespace

void GuardWatch::StateCloser::operator()(State* state) const {
    sd_event_source_disable_unref(state->source);
    delete state;
}

Result<GuardWatch> GuardWatch::open(sd_event* loop, std::string table, std::function<void()> removed) {
    Result<NetlinkSocket> socket = NetlinkSocket::subscribe({NFNLGRP_NFTABLES}, NETLINK_NETFILTER);
    if (!socket) return tl::unexpected(socket.error());
    std::unique_ptr<State, StateCloser> state(
        new State{std::move(*socket), std::move(table), std::move(removed), nullptr});
    const auto on_readable = [](sd_event_source*, int, std::uint32_t, void* data) {
        State& watch = *static_cast<State*>(data);
        bool gone = false;
        const auto drained = watch.socket.drain(
            [&](const nlmsghdr* message) { gone = gone || deletes(message, watch.table); });
        if (gone || !drained || *drained == NetlinkSocket::Drained::overrun) watch.removed();
        return 0;
    };
    const int error =
        sd_event_add_io(loop, &state->source, state->socket.fd(), EPOLLIN, on_readable, state.get());
    if (error < 0) return fail("cannot wait for nftables' events: {}", std::strerror(-error));
    return GuardWatch(std::move(state));
}

}  // namespace dishwall
