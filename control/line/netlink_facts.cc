// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/netlink_facts.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>
#include <array>

#include "control/line/neighbour_messages.h"
#include "control/line/netlink_attributes.h"

namespace dishwall {
namespace {

constexpr unsigned kLowerUp = 1 << 16;  // IFF_LOWER_UP of linux/if.h, which cannot stand beside net/if.h
constexpr std::uint32_t kForever = 0xffffffff;
constexpr int kDumpAttempts = 20;

// ---- links

std::optional<LinkFact> link_in(const nlmsghdr* message) {
    const auto* body = body_of<ifinfomsg>(message);
    // A bridge reports its ports under its own family: a port that leaves it is not a link that is gone.
    if (!body || body->ifi_family != AF_UNSPEC) return std::nullopt;
    constexpr unsigned kUp = IFF_UP | kLowerUp;
    LinkFact link;
    link.index = static_cast<unsigned>(body->ifi_index);
    link.up = (body->ifi_flags & kUp) == kUp;
    link.enabled = (body->ifi_flags & IFF_UP) != 0;
    each_attribute(message, sizeof(ifinfomsg), [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == IFLA_IFNAME &&
            mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
            link.name = mnl_attr_get_str(attribute);
        if (mnl_attr_get_type(attribute) == IFLA_ADDRESS && body->ifi_type == ARPHRD_ETHER)
            link.mac = value_in<MacAddress>(attribute).value_or(link.mac);
    });
    return link;
}

// ---- addresses

std::optional<MonotonicTime> end_of(std::uint32_t lifetime_s, MonotonicTime now) {
    if (lifetime_s == kForever) return std::nullopt;
    return now + std::chrono::seconds(lifetime_s);
}

struct AddressMessage {
    AddressFact fact;
    bool from_router_advertisement = false;
    MonotonicTime refreshed{0};  // its lifetimes
};

void read_cache_info(const ifa_cacheinfo& info, MonotonicTime now, AddressMessage* message) {
    message->fact.valid_until = end_of(info.ifa_valid, now);
    message->fact.preferred_until = end_of(info.ifa_prefered, now);
    // Hundredths of a second since the machine started, of a clock that may run a tick ahead of `now`.
    message->refreshed =
        std::min<MonotonicTime>(now, std::chrono::milliseconds(std::uint64_t{10} * info.tstamp));
}

// The kernel says which addresses it made from advertisements. A client in user space (dhcpcd, networkd)
// makes them like any address: with an end, in a /64, since those of DHCPv6 are /128.
bool is_made_from_advertisement(const AddressFact& fact, std::uint32_t flags,
                                std::optional<std::uint8_t> protocol) {
    if ((flags & IFA_F_MANAGETEMPADDR) != 0 || protocol == IFAPROT_KERNEL_RA) return true;
    const bool link_local = fact.address.hi >> 54 == 0xfe80 >> 6;
    return !protocol && fact.valid_until && fact.length == 64 && !link_local;
}

std::optional<AddressMessage> address_message_in(const nlmsghdr* message, MonotonicTime now) {
    const auto* body = body_of<ifaddrmsg>(message);
    if (!body || body->ifa_family != AF_INET6) return std::nullopt;
    AddressMessage made;
    made.fact.link = body->ifa_index;
    made.fact.length = body->ifa_prefixlen;
    std::uint32_t flags = body->ifa_flags;
    std::optional<std::uint8_t> protocol;
    std::optional<Ipv6Address> address, local;  // with a peer, `address` is the peer's
    each_attribute(message, sizeof(ifaddrmsg), [&](const nlattr* attribute) {
        switch (mnl_attr_get_type(attribute)) {
            case IFA_ADDRESS:
                address = address_in(attribute);
                break;
            case IFA_LOCAL:
                local = address_in(attribute);
                break;
            case IFA_FLAGS:
                flags = value_in<std::uint32_t>(attribute).value_or(flags);
                break;
            case IFA_CACHEINFO:
                if (const auto info = value_in<ifa_cacheinfo>(attribute)) read_cache_info(*info, now, &made);
                break;
            case IFA_PROTO:
                protocol = value_in<std::uint8_t>(attribute);
                break;
            default:
                break;
        }
    });
    if (!address && !local) return std::nullopt;
    made.fact.address = local ? *local : *address;
    made.fact.deprecated = (flags & IFA_F_DEPRECATED) != 0;
    made.fact.duplicate = (flags & IFA_F_DADFAILED) != 0;
    made.from_router_advertisement = is_made_from_advertisement(made.fact, flags, protocol);
    return made;
}

void apply_ipv6_address(const nlmsghdr* message, MonotonicTime now, PrefixTracker* tracker) {
    const std::optional<AddressMessage> told = address_message_in(message, now);
    if (!told) return;
    if (message->nlmsg_type == RTM_DELADDR)
        return tracker->remove_address(told->fact.link, told->fact.address);
    tracker->set_address(told->fact);
    if (told->from_router_advertisement) tracker->note_router_advertisement(told->fact.link, told->refreshed);
}

void apply_ipv4_address(const nlmsghdr* message, PrefixTracker* tracker) {
    const auto* body = body_of<ifaddrmsg>(message);
    std::optional<std::uint32_t> local;
    each_attribute(message, sizeof(ifaddrmsg), [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == IFA_LOCAL) local = value_in<std::uint32_t>(attribute);
    });
    if (!local) return;
    if (message->nlmsg_type == RTM_NEWADDR)
        tracker->set_ipv4(body->ifa_index, ntohl(*local), body->ifa_prefixlen);
    else
        tracker->remove_ipv4(body->ifa_index, ntohl(*local));
}

void apply_address(const nlmsghdr* message, MonotonicTime now, PrefixTracker* tracker) {
    const auto* body = body_of<ifaddrmsg>(message);
    if (!body) return;
    if (body->ifa_family == AF_INET6) apply_ipv6_address(message, now, tracker);
    if (body->ifa_family == AF_INET) apply_ipv4_address(message, tracker);
}

// Each prefix information option that the kernel reads is told, refreshes included.
void apply_prefix_information(const nlmsghdr* message, MonotonicTime now, PrefixTracker* tracker) {
    const auto* body = body_of<prefixmsg>(message);
    if (body && body->prefix_family == AF_INET6)
        tracker->note_router_advertisement(static_cast<unsigned>(body->prefix_ifindex), now);
}

// ---- routes

struct RouteMessage {
    RouteFact fact;
    bool leads_nowhere = false;  // unreachable or blackhole
};

std::optional<RouteMessage> route_in(const nlmsghdr* message) {
    const auto* body = body_of<rtmsg>(message);
    if (!body || body->rtm_family != AF_INET6 || (body->rtm_flags & RTM_F_CLONED) != 0 ||
        body->rtm_dst_len > 128)
        return std::nullopt;
    RouteMessage route;
    route.leads_nowhere = body->rtm_type == RTN_UNREACHABLE || body->rtm_type == RTN_BLACKHOLE;
    route.fact.table = body->rtm_table;
    route.fact.metric = 0;
    std::optional<Ipv6Address> destination;
    each_attribute(message, sizeof(rtmsg), [&](const nlattr* attribute) {
        switch (mnl_attr_get_type(attribute)) {
            case RTA_DST:
                destination = address_in(attribute);
                break;
            case RTA_TABLE:
                route.fact.table = value_in<std::uint32_t>(attribute).value_or(route.fact.table);
                break;
            case RTA_PRIORITY:
                route.fact.metric = value_in<std::uint32_t>(attribute).value_or(0);
                break;
            default:
                break;
        }
    });
    route.fact.prefix = Ipv6Prefix::containing(destination.value_or(Ipv6Address{}), body->rtm_dst_len);
    return route;
}

void apply_route(const nlmsghdr* message, PrefixTracker* tracker) {
    const std::optional<RouteMessage> route = route_in(message);
    if (!route) return;
    const bool added = message->nlmsg_type == RTM_NEWROUTE;
    // `ip route replace` of an unreachable route by another kind tells only the new one.
    const bool replaced = added && !route->leads_nowhere && (message->nlmsg_flags & NLM_F_REPLACE) != 0;
    if (added && route->leads_nowhere) tracker->set_route(route->fact);
    if (replaced || (!added && route->leads_nowhere)) tracker->remove_route(route->fact);
}

// ---- dumps

using Apply = NetlinkSocket::OnMessage;
using Asked = tl::expected<void, NetlinkSocket::DumpFailure>;

template <typename Body>
Asked ask(NetlinkSocket* socket, std::uint16_t type, const Body& body, const Apply& apply) {
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = type;
    std::memcpy(mnl_nlmsg_put_extra_header(request, sizeof body), &body, sizeof body);
    return socket->dump(request, apply);
}

Asked ask_links(NetlinkSocket* socket, const Apply& apply) {
    return ask(socket, RTM_GETLINK, ifinfomsg{}, apply);
}

Asked ask_line(NetlinkSocket* socket, const Apply& apply) {
    const auto routes = [&](std::uint8_t type) {
        return ask(socket, RTM_GETROUTE, rtmsg{.rtm_family = AF_INET6, .rtm_type = type}, apply);
    };
    return ask_links(socket, apply)
        .and_then([&] { return ask(socket, RTM_GETADDR, ifaddrmsg{.ifa_family = AF_INET6}, apply); })
        .and_then([&] { return ask(socket, RTM_GETADDR, ifaddrmsg{.ifa_family = AF_INET}, apply); })
        .and_then([&] { return routes(RTN_UNREACHABLE); })
        .and_then([&] { return routes(RTN_BLACKHOLE); });
}

void apply_link(const nlmsghdr* message, MonotonicTime now, const LineTrackers& trackers) {
    const std::optional<LinkFact> link = link_in(message);
    if (!link) return;
    if (message->nlmsg_type == RTM_DELLINK) {
        trackers.prefixes->remove_link(link->index);
        trackers.devices->remove_link(link->index);
    } else if (!link->name.empty()) {
        trackers.prefixes->set_link(*link);
        trackers.devices->set_link(*link, now);
    }
}

}  // namespace

const std::vector<int>& line_groups() {
    static const std::vector<int> kGroups{RTNLGRP_LINK, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,
                                          RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_PREFIX};
    return kGroups;
}

Touched apply_message(const nlmsghdr* message, MonotonicTime now, const LineTrackers& trackers) {
    switch (message->nlmsg_type) {
        case RTM_NEWLINK:
        case RTM_DELLINK:
            apply_link(message, now, trackers);
            return {.line = true, .devices = true};
        case RTM_NEWADDR:
        case RTM_DELADDR:
            apply_address(message, now, trackers.prefixes);
            return {.line = true};
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            apply_route(message, trackers.prefixes);
            return {.line = true};
        case RTM_NEWPREFIX:
            apply_prefix_information(message, now, trackers.prefixes);
            return {};
        case RTM_NEWNEIGH:
        case RTM_DELNEIGH:
            return {.devices = apply_neighbour(message, now, trackers.devices)};
        default:
            return {};
    }
}

Result<void> dump_facts(MonotonicTime now, const LineTrackers& trackers) {
    Result<NetlinkSocket> socket = NetlinkSocket::for_dumps();
    if (!socket) return tl::unexpected(socket.error());
    const Apply apply = [&](const nlmsghdr* message) { (void)apply_message(message, now, trackers); };
    for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
        trackers.prefixes->forget_facts();
        trackers.devices->forget_facts(now);
        Asked done = ask_line(&*socket, apply);
        if (done && !trackers.devices->idle())
            done = ask(&*socket, RTM_GETNEIGH, ndmsg{.ndm_family = AF_INET6}, apply);
        if (done) return {};
        if (!done.error().interrupted) return tl::unexpected(done.error().error);
    }
    return fail("interfaces, addresses and routes change faster than they can be read ({} attempts)",
                kDumpAttempts);
}

Result<std::vector<LinkFact>> dump_links() {
    Result<NetlinkSocket> socket = NetlinkSocket::for_dumps();
    if (!socket) return tl::unexpected(socket.error());
    std::vector<LinkFact> links;
    for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
        links.clear();
        const auto done = ask_links(&*socket, [&](const nlmsghdr* message) {
            if (const auto link = link_in(message)) links.push_back(*link);
        });
        if (done) return links;
        if (!done.error().interrupted) return tl::unexpected(done.error().error);
    }
    return links;
}

}  // namespace dishwall
