// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/neighbour_messages.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "control/line/netlink_attributes.h"

namespace dishwall {
namespace {

std::optional<NeighbourFact::State> state_of(unsigned nud) {
    using State = NeighbourFact::State;
    switch (nud) {
        case NUD_INCOMPLETE:
            return State::incomplete;
        case NUD_STALE:
        case NUD_DELAY:
            return State::stale;
        case NUD_PROBE:
            return State::probing;
        case NUD_REACHABLE:
            return State::reachable;
        case NUD_PERMANENT:
        case NUD_NOARP:
            return State::permanent;
        case NUD_FAILED:
            return State::failed;
        default:
            return std::nullopt;
    }
}

}  // namespace

bool apply_neighbour(const nlmsghdr* message, MonotonicTime now, DeviceTracker* devices) {
    const auto* body = body_of<ndmsg>(message);
    // A bridge reports what its ports learn in the same group, under its own family.
    if (!body || body->ndm_family != AF_INET6 || (body->ndm_flags & NTF_PROXY) != 0) return false;
    const auto link = static_cast<unsigned>(body->ndm_ifindex);
    if (!devices->watches(link)) return false;
    NeighbourFact fact{.link = link, .address = {}, .mac = {}, .state = {}};
    std::optional<Ipv6Address> address;
    each_attribute(message, sizeof(ndmsg), [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == NDA_DST) address = address_in(attribute);
        if (mnl_attr_get_type(attribute) == NDA_LLADDR) fact.mac = value_in<MacAddress>(attribute);
    });
    const std::optional<NeighbourFact::State> state = state_of(body->ndm_state);
    if (!address) return false;
    fact.address = *address;
    if (message->nlmsg_type == RTM_DELNEIGH && state != NeighbourFact::State::failed) {
        devices->remove_neighbour(link, *address, now);
    } else if (state) {
        fact.state = *state;
        devices->set_neighbour(fact, now);
    }
    return true;
}

// Without NLM_F_REPLACE: when the kernel knows another MAC by now, its entry stays as it is, and so does the
// router flag.
Result<void> send_probe(const Probe& probe, NetlinkSocket* socket) {
    alignas(nlmsghdr) std::array<char, 128> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_NEWNEIGH;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
    auto* body = static_cast<ndmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ndmsg)));
    body->ndm_family = AF_INET6;
    body->ndm_ifindex = static_cast<int>(probe.link);
    body->ndm_state = NUD_PROBE;
    const std::array<std::uint64_t, 2> address{__builtin_bswap64(probe.address.hi),
                                               __builtin_bswap64(probe.address.lo)};
    mnl_attr_put(request, NDA_DST, sizeof address, address.data());
    mnl_attr_put(request, NDA_LLADDR, probe.mac.size(), probe.mac.data());
    return socket->send(request);
}

}  // namespace dishwall
