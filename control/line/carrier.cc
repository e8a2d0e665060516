// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/carrier.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace dishwall {
namespace {

using State = LineIpv4::State;

constexpr std::uint32_t ipv4(unsigned a, unsigned b, unsigned c, unsigned d) {
    return a << 24 | b << 16 | c << 8 | d;
}

struct Block {
    std::uint32_t first;
    unsigned length;
    State state;
};

// The first that holds decides. What is not public is the IANA special-purpose registry's non-global part,
// as far as it can stand on an interface.
constexpr std::array kBlocks = {
    Block{ipv4(100, 64, 0, 0), 10, State::cgnat},
    Block{ipv4(192, 168, 1, 0), 24, State::vendor_router},
    Block{ipv4(192, 168, 100, 0), 24, State::dish_not_connected},
    Block{ipv4(169, 254, 0, 0), 16, State::none},  // made up by this box, since nobody gave it one
    Block{ipv4(0, 0, 0, 0), 8, State::none},
    Block{ipv4(127, 0, 0, 0), 8, State::none},
    Block{ipv4(10, 0, 0, 0), 8, State::private_address},
    Block{ipv4(172, 16, 0, 0), 12, State::private_address},
    Block{ipv4(192, 168, 0, 0), 16, State::private_address},
    Block{ipv4(192, 0, 0, 0), 24, State::private_address},
    Block{ipv4(192, 0, 2, 0), 24, State::private_address},
    Block{ipv4(198, 18, 0, 0), 15, State::private_address},
    Block{ipv4(198, 51, 100, 0), 24, State::private_address},
    Block{ipv4(203, 0, 113, 0), 24, State::private_address},
    Block{ipv4(224, 0, 0, 0), 3, State::none},
};

State state_of(std::uint32_t address) {
    for (const Block& block : kBlocks)
        if ((address ^ block.first) >> (32 - block.length) == 0) return block.state;
    return State::public_address;
}

std::string text_of(std::uint32_t address) {
    return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

// ---- what it means

const char* meaning(State state) {
    switch (state) {
        case State::public_address:
            return "online with a public IPv4 address";
        case State::cgnat:
            return "online behind CGNAT";
        case State::vendor_router:
            return "behind the vendor's router: it forwards nothing inbound";
        case State::private_address:
            return "behind another router";
        case State::dish_not_connected:
            return "the dish is not connected: it boots or searches for satellites";
        case State::none:
            return "no IPv4 lease";
    }
    return "";
}

// Of IPv6 the states that need a different answer.
enum class Ipv6State { delegated, onlink_only, grace_only, none };

Ipv6State ipv6_state(const std::vector<PrefixStatus>& prefixes) {
    const auto any = [&](auto&& what) { return std::ranges::any_of(prefixes, what); };
    const auto is_live = [](const PrefixStatus& p) { return p.served && p.live.state != DW_PREFIX_GRACE; };
    if (any([&](const PrefixStatus& p) { return is_live(p) && !p.live.onlink; })) return Ipv6State::delegated;
    if (any(is_live)) return Ipv6State::onlink_only;
    if (any([](const PrefixStatus& p) { return p.served; })) return Ipv6State::grace_only;
    return Ipv6State::none;
}

const char* meaning(Ipv6State state) {
    switch (state) {
        case Ipv6State::delegated:
            return "a prefix is delegated";
        case Ipv6State::onlink_only:
            return "only the prefix of the dish segment, no delegation";
        case Ipv6State::grace_only:
            return "no live prefix, only withdrawn ones in their grace period";
        case Ipv6State::none:
            return "no IPv6 prefix";
    }
    return "";
}

// The first thing to do something about, or nothing.
std::optional<std::string> advice(const LineFacts& facts, State ipv4_state, Ipv6State ipv6) {
    const std::string& name = facts.interface;
    if (!facts.uplink)
        return fmt::format("there is no interface {}: plug the adapter in, or correct `interface`", name);
    if (!facts.uplink->enabled) return fmt::format("{0} is switched off: ip link set {0} up", name);
    if (!facts.uplink->up)
        return fmt::format("{} has no carrier: look at the cable and the dish's power", name);
    switch (ipv4_state) {
        case State::vendor_router:
            return "put the vendor's router into bypass mode: until then nothing inbound will work";
        case State::dish_not_connected:
            return "wait until the dish is online; grace periods stand still. If it lasts, look for "
                   "obstructions and at http://192.168.100.1";
        case State::private_address:
            return fmt::format(
                "connect {} to the dish itself: what the router before it does not forward "
                "never arrives",
                name);
        case State::none:
            if (ipv6 != Ipv6State::delegated)
                return fmt::format(
                    "no lease on {}: is it a second device on the dish (which serves one), or "
                    "does no DHCP client run there?",
                    name);
            break;
        default:
            break;
    }
    if (ipv6 == Ipv6State::none || ipv6 == Ipv6State::grace_only)
        return fmt::format("no IPv6: check that {} accepts router advertisements (accept_ra=2 on a router)",
                           name);
    if (ipv6 == Ipv6State::onlink_only)
        return fmt::format("no delegation: check that a DHCPv6 client asks for a prefix on {}", name);
    return std::nullopt;
}

// ---- JSON

nlohmann::json seconds_until(const std::optional<MonotonicTime>& end, MonotonicTime now) {
    if (!end) return nullptr;
    return std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(*end - now).count(), 0);
}

nlohmann::json live_prefixes(const LineFacts& facts, bool onlink, MonotonicTime now) {
    nlohmann::json all = nlohmann::json::array();
    for (const PrefixStatus& p : facts.prefixes) {
        if (!p.served || p.live.state == DW_PREFIX_GRACE || p.live.onlink != onlink) continue;
        all.push_back({{"prefix", to_string(p.live.prefix)},
                       {"length", p.live.prefix.length()},
                       {"valid_in", seconds_until(p.valid_until, now)},
                       {"preferred_in", seconds_until(p.preferred_until, now)}});
    }
    return all;
}

nlohmann::json ipv6_json(const LineFacts& facts, Ipv6State state, MonotonicTime now) {
    nlohmann::json age = nullptr;
    if (facts.router_advertised)
        age = std::max<std::int64_t>(
            std::chrono::duration_cast<std::chrono::seconds>(now - *facts.router_advertised).count(), 0);
    return {{"present", state == Ipv6State::delegated || state == Ipv6State::onlink_only},
            {"delegations", live_prefixes(facts, false, now)},
            {"onlink", live_prefixes(facts, true, now)},
            {"ra_age_s", age},
            {"text", meaning(state)}};
}

}  // namespace

const char* to_string(LineIpv4::State state) {
    constexpr const char* kNames[] = {"public", "cgnat", "vendor-router", "private", "dish-not-connected",
                                      "none"};
    return kNames[static_cast<std::size_t>(state)];
}

LineIpv4 ipv4_of_line(const std::vector<Ipv4Fact>& addresses) {
    LineIpv4 best;
    for (const Ipv4Fact& fact : addresses) {
        const State state = state_of(fact.address);
        if (!best.fact || state < best.state) best = {state, fact};
    }
    if (best.state == State::none) best.fact.reset();
    return best;
}

nlohmann::json describe_line(const LineFacts& facts, MonotonicTime now) {
    const LineIpv4 lease = ipv4_of_line(facts.ipv4);
    const Ipv6State ipv6 = ipv6_state(facts.prefixes);
    const bool up = facts.uplink && facts.uplink->up && lease.state != State::dish_not_connected;
    const std::optional<std::string> what_to_do = advice(facts, lease.state, ipv6);
    nlohmann::json address = nullptr, advised = nullptr;
    if (lease.fact) address = text_of(lease.fact->address);
    if (what_to_do) advised = *what_to_do;
    return {
        {"ipv4", {{"state", to_string(lease.state)}, {"address", address}, {"text", meaning(lease.state)}}},
        {"ipv6", ipv6_json(facts, ipv6, now)},
        {"up", up},
        {"advice", advised}};
}

}  // namespace dishwall
