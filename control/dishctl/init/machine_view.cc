// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/init/machine_view.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <map>

#include "control/dishctl/init/sockets.h"
#include "control/dishctl/route_lookup.h"
#include "control/line/netlink_attributes.h"
#include "control/line/netlink_facts.h"
#include "control/line/netlink_socket.h"

namespace dishwall {
namespace {

// Only default routes lead there.
constexpr char kFarAway[] = "2000::1", kFarAwayIpv4[] = "198.51.100.1";
constexpr int kDumpAttempts = 5;

// Each interface by its number.
using Names = std::map<unsigned, std::string>;

// ---- dumps

template <typename Body, typename OnMessage>
void dump(std::uint16_t type, const Body& body, std::vector<std::string>* troubles,
          const OnMessage& on_message) {
    for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
        auto socket = NetlinkSocket::for_dumps();
        if (!socket) return troubles->push_back(socket.error().message);
        alignas(nlmsghdr) std::array<char, 256> buffer{};
        nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
        request->nlmsg_type = type;
        std::memcpy(mnl_nlmsg_put_extra_header(request, sizeof body), &body, sizeof body);
        std::vector<std::vector<char>> messages;  // an interrupted dump is taken again, whole
        const auto done = socket->dump(request, [&](const nlmsghdr* message) {
            const char* first = reinterpret_cast<const char*>(message);
            messages.emplace_back(first, first + message->nlmsg_len);
        });
        if (!done && done.error().interrupted && attempt + 1 < kDumpAttempts) continue;
        if (!done) troubles->push_back(done.error().error.message);
        for (const auto& message : messages) on_message(reinterpret_cast<const nlmsghdr*>(message.data()));
        return;
    }
}

void add_address(const nlmsghdr* message, const Names& names, std::vector<SeenInterface>* interfaces) {
    const auto* body = body_of<ifaddrmsg>(message);
    if (!body || body->ifa_family != AF_INET6 || body->ifa_prefixlen > 128) return;
    SeenAddress seen;
    seen.length = body->ifa_prefixlen;
    std::uint32_t flags = body->ifa_flags;
    std::optional<Ipv6Address> address, local;  // with a peer, `address` is the peer's
    each_attribute(message, sizeof(ifaddrmsg), [&](const nlattr* attribute) {
        const auto type = mnl_attr_get_type(attribute);
        if (type == IFA_ADDRESS) address = address_in(attribute);
        if (type == IFA_LOCAL) local = address_in(attribute);
        if (type == IFA_FLAGS) flags = value_in<std::uint32_t>(attribute).value_or(flags);
    });
    if (!address && !local) return;
    seen.address = local ? *local : *address;
    seen.temporary = (flags & (IFA_F_TEMPORARY | IFA_F_DEPRECATED)) != 0;
    const auto name = names.find(body->ifa_index);
    for (SeenInterface& one : *interfaces)
        if (name != names.end() && one.name == name->second) one.addresses.push_back(seen);
}

void add_delegation(const nlmsghdr* message, std::vector<SeenDelegation>* delegations) {
    const auto* body = body_of<rtmsg>(message);
    if (!body || body->rtm_family != AF_INET6 || body->rtm_dst_len < 48 || body->rtm_dst_len > 64) return;
    if (body->rtm_type != RTN_UNREACHABLE && body->rtm_type != RTN_BLACKHOLE) return;
    SeenDelegation seen;
    std::optional<Ipv6Address> destination;
    each_attribute(message, sizeof(rtmsg), [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == RTA_DST) destination = address_in(attribute);
        if (mnl_attr_get_type(attribute) == RTA_PRIORITY) seen.metric = value_in<std::uint32_t>(attribute);
    });
    if (!destination || destination->hi >> 61 != 1) return;  // 2000::/3
    seen.prefix = Ipv6Prefix::containing(*destination, body->rtm_dst_len);
    delegations->push_back(seen);
}

void add_neighbour(const nlmsghdr* message, const Names& names, std::vector<SeenNeighbour>* neighbours) {
    const auto* body = body_of<ndmsg>(message);
    constexpr unsigned kNobody = NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP | NUD_NONE;
    if (!body || body->ndm_family != AF_INET6 || body->ndm_state == NUD_NONE ||
        (body->ndm_state & kNobody) != 0)
        return;
    SeenNeighbour seen;
    std::optional<Ipv6Address> address;
    std::optional<MacAddress> mac;
    each_attribute(message, sizeof(ndmsg), [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == NDA_DST) address = address_in(attribute);
        if (mnl_attr_get_type(attribute) == NDA_LLADDR) mac = value_in<MacAddress>(attribute);
    });
    const auto name = names.find(static_cast<unsigned>(body->ndm_ifindex));
    if (!address || !mac || name == names.end()) return;
    neighbours->push_back({name->second, *address, *mac});
}

// ---- the machine

Names read_interfaces(MachineView* view) {
    Names names;
    const auto links = dump_links();
    if (!links) view->troubles.push_back(links.error().message);
    for (const LinkFact& link : links ? *links : std::vector<LinkFact>{}) {
        if (link.name == "lo") continue;
        names[link.index] = link.name;
        view->interfaces.push_back({link.name, link.up, {}});
    }
    return names;
}

void find_uplink(const Names& names, MachineView* view) {
    for (const char* address : {kFarAway, kFarAwayIpv4}) {
        const auto way = interface_towards(address);
        if (!way) view->troubles.push_back(way.error().message);
        const auto name = way && *way ? names.find(**way) : names.end();
        if (name == names.end()) continue;
        view->uplink = name->second;
        view->uplink_by_ipv4 = address == kFarAwayIpv4;
        return;
    }
}

// "2001:db8::1 50000 2001:db8::2 22", as sshd says it.
std::string ssh_client() {
    const char* connection = std::getenv("SSH_CONNECTION");
    const std::string text = connection == nullptr ? "" : connection;
    const std::string client = text.substr(0, text.find(' '));
    return parse_ipv6(client) ? client : "";
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace

MachineView read_machine_view() {
    MachineView view;
    view.host_name = host_name();
    view.ssh_client = ssh_client();
    const Names names = read_interfaces(&view);
    find_uplink(names, &view);
    dump(RTM_GETADDR, ifaddrmsg{.ifa_family = AF_INET6}, &view.troubles,
         [&](const nlmsghdr* message) { add_address(message, names, &view.interfaces); });
    dump(RTM_GETROUTE, rtmsg{.rtm_family = AF_INET6}, &view.troubles,
         [&](const nlmsghdr* message) { add_delegation(message, &view.delegations); });
    dump(RTM_GETNEIGH, ndmsg{.ndm_family = AF_INET6}, &view.troubles,
         [&](const nlmsghdr* message) { add_neighbour(message, names, &view.neighbours); });
    view.listeners = read_listeners(&view.troubles);
    return view;
}

}  // namespace dishwall
