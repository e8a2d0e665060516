// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/netlink_facts.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <array>
#include <cstring>

namespace dishwall {
namespace {

constexpr unsigned kLowerUp = 1 << 16;  // IFF_LOWER_UP of linux/if.h, which cannot stand beside net/if.h
constexpr std::uint32_t kForever = 0xffffffff;
constexpr int kDumpAttempts = 20;

std::optional<Ipv6Address> address_in(const nlattr* attribute) {
    if (mnl_attr_get_payload_len(attribute) != 16) return std::nullopt;
    std::array<std::uint64_t, 2> words{};
    std::memcpy(words.data(), mnl_attr_get_payload(attribute), 16);
    return Ipv6Address{__builtin_bswap64(words[0]), __builtin_bswap64(words[1])};
}

std::optional<std::uint32_t> number_in(const nlattr* attribute) {
    if (mnl_attr_get_payload_len(attribute) != sizeof(std::uint32_t)) return std::nullopt;
    return mnl_attr_get_u32(attribute);
}

template <typename Body>
const Body* body_of(const nlmsghdr* message) {
    if (mnl_nlmsg_get_payload_len(message) < sizeof(Body)) return nullptr;
    return static_cast<const Body*>(mnl_nlmsg_get_payload(message));
}

// mnl_attr_for_each assigns a void*, which is C.
template <typename Each>
void each_attribute(const nlmsghdr* message, std::size_t body_size, const Each& each) {
    const char* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
    const auto* at = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, body_size));
    for (; mnl_attr_ok(at, static_cast<int>(end - reinterpret_cast<const char*>(at))); at = mnl_attr_next(at))
        each(at);
}

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
        const bool is_mac = mnl_attr_get_type(attribute) == IFLA_ADDRESS && body->ifi_type == ARPHRD_ETHER;
        if (is_mac && mnl_attr_get_payload_len(attribute) == link.mac.size())
            std::memcpy(link.mac.data(), mnl_attr_get_payload(attribute), link.mac.size());
    });
    return link;
}

// ---- addresses

std::optional<MonotonicTime> end_of(std::uint32_t lifetime_s, MonotonicTime now) {
    if (lifetime_s == kForever) return std::nullopt;
    return now + std::chrono::seconds(lifetime_s);
}

void read_lifetimes(const nlattr* attribute, MonotonicTime now, AddressFact* fact) {
    if (mnl_attr_get_payload_len(attribute) < sizeof(ifa_cacheinfo)) return;
    ifa_cacheinfo info{};
    std::memcpy(&info, mnl_attr_get_payload(attribute), sizeof info);
    fact->valid_until = end_of(info.ifa_valid, now);
    fact->preferred_until = end_of(info.ifa_prefered, now);
}

std::optional<AddressFact> address_fact_in(const nlmsghdr* message, MonotonicTime now) {
    const auto* body = body_of<ifaddrmsg>(message);
    if (!body || body->ifa_family != AF_INET6) return std::nullopt;
    AddressFact fact{};
    fact.link = body->ifa_index;
    fact.length = body->ifa_prefixlen;
    std::uint32_t flags = body->ifa_flags;
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
                flags = number_in(attribute).value_or(flags);
                break;
            case IFA_CACHEINFO:
                read_lifetimes(attribute, now, &fact);
                break;
            default:
                break;
        }
    });
    fact.deprecated = (flags & IFA_F_DEPRECATED) != 0;
    fact.duplicate = (flags & IFA_F_DADFAILED) != 0;
    if (!address && !local) return std::nullopt;
    fact.address = local ? *local : *address;
    return fact;
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
                route.fact.table = number_in(attribute).value_or(route.fact.table);
                break;
            case RTA_PRIORITY:
                route.fact.metric = number_in(attribute).value_or(0);
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

template <typename Body>
tl::expected<void, NetlinkSocket::DumpFailure> ask(NetlinkSocket* socket, std::uint16_t type,
                                                   const Body& body, const Apply& apply) {
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = type;
    std::memcpy(mnl_nlmsg_put_extra_header(request, sizeof body), &body, sizeof body);
    return socket->dump(request, apply);
}

tl::expected<void, NetlinkSocket::DumpFailure> ask_links(NetlinkSocket* socket, const Apply& apply) {
    return ask(socket, RTM_GETLINK, ifinfomsg{}, apply);
}

tl::expected<void, NetlinkSocket::DumpFailure> ask_all(NetlinkSocket* socket, const Apply& apply) {
    const auto routes = [&](std::uint8_t type) {
        return ask(socket, RTM_GETROUTE, rtmsg{.rtm_family = AF_INET6, .rtm_type = type}, apply);
    };
    return ask_links(socket, apply)
        .and_then([&] { return ask(socket, RTM_GETADDR, ifaddrmsg{.ifa_family = AF_INET6}, apply); })
        .and_then([&] { return routes(RTN_UNREACHABLE); })
        .and_then([&] { return routes(RTN_BLACKHOLE); });
}

}  // namespace

const std::vector<int>& line_groups() {
    static const std::vector<int> kGroups{RTNLGRP_LINK, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE};
    return kGroups;
}

void apply_message(const nlmsghdr* message, MonotonicTime now, PrefixTracker* tracker) {
    switch (message->nlmsg_type) {
        case RTM_NEWLINK:
            if (const auto link = link_in(message); link && !link->name.empty()) tracker->set_link(*link);
            break;
        case RTM_DELLINK:
            if (const auto link = link_in(message)) tracker->remove_link(link->index);
            break;
        case RTM_NEWADDR:
            if (const auto fact = address_fact_in(message, now)) tracker->set_address(*fact);
            break;
        case RTM_DELADDR:
            if (const auto fact = address_fact_in(message, now))
                tracker->remove_address(fact->link, fact->address);
            break;
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            apply_route(message, tracker);
            break;
        default:
            break;
    }
}

Result<void> dump_facts(MonotonicTime now, PrefixTracker* tracker) {
    Result<NetlinkSocket> socket = NetlinkSocket::for_dumps();
    if (!socket) return tl::unexpected(socket.error());
    for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
        tracker->forget_facts();
        const auto done = ask_all(&*socket, [&](const nlmsghdr* m) { apply_message(m, now, tracker); });
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
