// SPDX-License-Identifier: BSD-3-Clause
//
// own-watch PIN_DIR: what the loaded programs take for ours, moment by moment, and what made it so. A test
// that judges verdicts while the line is renumbered must know which one is right for each packet; the
// daemon's word would not do, since the daemon is what is tested. So the pinned maps are read here, in
// memory, every 20 us, and the kernel's events about routes and neighbours are read beside them. Runs in the
// gateway's network namespace.
//
// A line of JSON each, times in ns of CLOCK_REALTIME, as on captured packets:
//   {"own": [LAST_SEEN_BEFORE, FIRST_SEEN], "prefixes": [["2001:db8:a100::/56", 1], ...]}   state:
//   dw_prefix_state
//   {"route": "added" | "removed", "prefix": "2001:db8:a100::/56", "at": TIME}          unreachable routes
#include <bpf/bpf.h>
#include <endian.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "bpf/core/layout.h"
#include "control/line/netlink_socket.h"
#include "control/mapping.h"
#include "control/unique_fd.h"
#include "rules/ipv6.h"

namespace dishwall {
namespace {

std::int64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * 1'000'000'000ll + time.tv_nsec;
}

void say(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

Result<Mapping> pinned(const std::string& path, std::size_t size) {
    const UniqueFd map(bpf_obj_get(path.c_str()));
    if (!map.is_open()) return fail("cannot open {}: {}", path, std::strerror(errno));
    return Mapping::of(map.get(), size, Mapping::Access::read);
}

class OwnWatch {
public:
    static Result<OwnWatch> of(const std::string& pins) {
        auto control = pinned(pins + "/control", sizeof(dw_control));
        if (!control) return tl::unexpected(control.error());
        auto own = pinned(pins + "/own", sizeof(dw_own) * DW_OWN_COPIES);
        if (!own) return tl::unexpected(own.error());
        return OwnWatch(std::move(*control), std::move(*own));
    }

    void look() {
        const std::int64_t before = now();
        const std::uint32_t index =
            std::atomic_ref<__u32>(control_.as<dw_control>()->own_index).load(std::memory_order_acquire);
        if (index_ != index) tell(copy(index), index_ ? seen_ : before);
        index_ = index;
        seen_ = before;
    }

private:
    OwnWatch(Mapping control, Mapping own) : control_(std::move(control)), own_(std::move(own)) {}

    // A copy is written anew only several changes, each a millisecond apart, behind.
    [[nodiscard]] const dw_own& copy(std::uint32_t index) const {
        return own_.as_array<dw_own>(DW_OWN_COPIES)[index % DW_OWN_COPIES];
    }

    static void tell(const dw_own& own, std::int64_t before) {
        const std::int64_t seen = now();
        std::vector<std::string> prefixes, learnt;
        for (std::uint32_t i = 0; i < std::min<std::uint32_t>(own.prefixes, DW_PREFIXES); ++i) {
            const dw_prefix& slot = own.prefix[i];
            prefixes.push_back(fmt::format(R"(["{}", {}])",
                                           to_string(Ipv6Prefix::containing({slot.net, 0}, slot.length)),
                                           unsigned{slot.state}));
        }
        for (const auto& line : own.learnt)
            for (const dw_learnt& way : line)
                if (way.address.hi != 0 || way.address.lo != 0)
                    learnt.push_back(
                        fmt::format(R"("{}")", to_string(Ipv6Address{way.address.hi, way.address.lo})));
        say(fmt::format(R"({{"own": [{}, {}], "prefixes": [{}], "learnt": [{}]}})", before, seen,
                        fmt::join(prefixes, ", "), fmt::join(learnt, ", ")));
    }

    Mapping control_, own_;
    std::optional<std::uint32_t> index_;
    std::int64_t seen_ = 0;  // when index_ was seen last
};

// The address in an attribute of a message whose own header has `size` bytes.
std::optional<Ipv6Address> address_in(const nlmsghdr* message, std::size_t size, std::uint16_t type) {
    const char* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
    const auto* attribute = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, size));
    for (; mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)));
         attribute = mnl_attr_next(attribute)) {
        if (mnl_attr_get_type(attribute) != type || mnl_attr_get_payload_len(attribute) != 16) continue;
        std::uint64_t words[2];
        std::memcpy(words, mnl_attr_get_payload(attribute), sizeof(words));
        return Ipv6Address{be64toh(words[0]), be64toh(words[1])};
    }
    return std::nullopt;
}

void tell_route(const nlmsghdr* message) {
    const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
    if (route->rtm_type != RTN_UNREACHABLE && route->rtm_type != RTN_BLACKHOLE) return;
    if (const auto address = address_in(message, sizeof(rtmsg), RTA_DST))
        say(fmt::format(R"({{"route": "{}", "prefix": "{}", "at": {}}})",
                        message->nlmsg_type == RTM_NEWROUTE ? "added" : "removed",
                        to_string(Ipv6Prefix::containing(*address, route->rtm_dst_len)), now()));
}

void tell_neighbour(const nlmsghdr* message) {
    const auto* neighbour = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
    if (neighbour->ndm_family != AF_INET6) return;
    if (const auto address = address_in(message, sizeof(ndmsg), NDA_DST))
        say(fmt::format(R"({{"neighbour": "{}", "state": {}, "at": {}}})", to_string(*address),
                        message->nlmsg_type == RTM_NEWNEIGH ? unsigned{neighbour->ndm_state} : 0, now()));
}

void tell_event(const nlmsghdr* message) {
    const auto type = message->nlmsg_type;
    if (type == RTM_NEWROUTE || type == RTM_DELROUTE) tell_route(message);
    if (type == RTM_NEWNEIGH || type == RTM_DELNEIGH) tell_neighbour(message);
}

Result<void> watch(const std::string& pins) {
    auto events = NetlinkSocket::subscribe({RTNLGRP_IPV6_ROUTE, RTNLGRP_NEIGH});
    if (!events) return tl::unexpected(events.error());
    auto own = OwnWatch::of(pins);
    if (!own) return tl::unexpected(own.error());
    ::prctl(PR_SET_TIMERSLACK, 1);
    for (;;) {
        auto drained = events->drain(tell_event);
        if (!drained) return tl::unexpected(drained.error());
        if (*drained == NetlinkSocket::Drained::overrun) return fail("netlink events were lost");
        own->look();
        const timespec pause{0, 20'000};
        ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
    }
}

}  // namespace
}  // namespace dishwall

int main(int argc, char** argv) {
    if (argc != 2) {
        fmt::print(stderr, "usage: own-watch PIN_DIR\n");
        return 2;
    }
    const auto ended = dishwall::watch(argv[1]);
    fmt::print(stderr, "own-watch: {}\n", ended.error().message);
    return 1;
}
