// SPDX-License-Identifier: BSD-3-Clause
#include "rules/witness.h"

#include <netinet/in.h>

#include <algorithm>
#include <bit>

#include "rules/box.h"

namespace dishwall {
namespace {

constexpr std::uint8_t kNobodysProto = 253;  // RFC 3692: what stands for any protocol

bool overlap(const Ipv6Prefix& a, const Ipv6Prefix& b) {
    return a.length() <= b.length() ? a.contains(b.first()) : b.contains(a.first());
}

bool holds(const KeyRange& range, const Ipv6Address& key) { return range.first <= key && key <= range.last; }

// A part of the range that the set has.
std::optional<KeyRange> shared(const RangeSet& set, const KeyRange& range) {
    const auto& all = set.ranges();
    const auto found =
        std::lower_bound(all.begin(), all.end(), range.first,
                         [](const KeyRange& each, const Ipv6Address& key) { return each.last < key; });
    if (found == all.end() || range.last < found->first) return std::nullopt;
    return KeyRange{std::max(range.first, found->first), std::min(range.last, found->last)};
}

bool has_port(const PortRanges& ranges, std::uint16_t port) {
    return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const PortRange& range) {
               return range.first <= port && port <= range.last;
           });
}

// As PacketSpace reads a match: one that speaks of ports means protocols that have them.
bool matches_lane(const ProtocolMatch& match, bool of_sender, const Witness& packet) {
    if (match.proto ? *match.proto != packet.proto : !match.ports.empty() && !has_ports(packet.proto))
        return false;
    if (of_sender && !has_ports(packet.proto)) return false;
    if (match.icmp_types.empty()) return has_port(match.ports, packet.port);
    return std::find(match.icmp_types.begin(), match.icmp_types.end(), packet.port) != match.icmp_types.end();
}

template <typename List>
const auto& pick(const List& list, unsigned attempt) {
    return list[attempt % list.size()];
}

}  // namespace

Witnesses::Witnesses(const Policy& policy, Direction direction)
    : inbound_(direction == Direction::inbound),
      local_is_known_(!policy.networks.empty()),
      known_(policy.uplink.sources.size()) {
    const auto& sources = policy.uplink.sources;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const auto* fixed = std::get_if<Static>(&sources[i].from);
        if (!fixed) continue;
        // Whose an address in two of them is, PacketSpace knows.
        for (const auto& other : known_) usable_ = usable_ && !(other && overlap(*other, fixed->prefix));
        known_[i] = fixed->prefix;
    }
    std::vector<KeyRange> places, addresses;
    const auto add = [&](const Behind& behind) {
        if (std::holds_alternative<FromRouterAdvertisement>(sources[behind.source].from)) return;
        if (const auto location = locate(behind))
            (location->is_place ? places : addresses).push_back(location->range);
    };
    if (inbound_)
        for (const Network& network : policy.networks) add(Behind{network.source, network.subnet, {}});
    else
        for (unsigned source = 0; source < sources.size(); ++source) add(Behind{source, {}, {}});
    our_places_ = RangeSet(std::move(places));
    our_addresses_ = RangeSet(std::move(addresses));
}

std::optional<Witness> Witnesses::of(const Traffic& traffic, unsigned attempt) {
    Witness made;
    choose_lane(traffic, attempt, &made);
    if (!usable_ || !choose_end(traffic.from, !inbound_, attempt, &made.from) ||
        !choose_end(traffic.to, inbound_, attempt, &made.to))
        return std::nullopt;
    // What a list holds was chosen; what it excludes may have been hit.
    const bool sure = traffic.from.exclude.empty() && traffic.to.exclude.empty();
    return sure || matches(traffic, made) ? std::optional(made) : std::nullopt;
}

// ---- where it is

std::optional<Witnesses::Location> Witnesses::locate(const AddressElement& element) const {
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element))
        return Location{false, {prefix->first(), prefix->last()}};
    const auto* behind = std::get_if<Behind>(&element);
    return behind ? locate(*behind) : std::nullopt;
}

std::optional<Witnesses::Location> Witnesses::locate(const Behind& behind) const {
    const std::uint64_t first_id = behind.interface_id.value_or(0);
    const std::uint64_t last_id = behind.interface_id.value_or(~0ull);
    if (!known_[behind.source])
        return Location{true,
                        {place_key(behind.source, behind.subnet.value_or(0), first_id),
                         place_key(behind.source, behind.subnet.value_or(0xffff), last_id)}};
    const Ipv6Prefix& prefix = *known_[behind.source];
    if (!behind.subnet) return Location{false, {prefix.first(), prefix.last()}};
    if (prefix.length() > 48 && *behind.subnet >> (64 - prefix.length()) != 0) return std::nullopt;
    const std::uint64_t hi = prefix.first().hi | *behind.subnet;
    return Location{false, {{hi, first_id}, {hi, last_id}}};
}

bool Witnesses::choose_end(const AddressSet& set, bool is_local, unsigned attempt, Witness::Where* made) {
    *made = {{random(), random()}, kNowhere, false, 0, std::nullopt};
    std::optional<Location> wanted;
    if (!set.any) {
        if (set.include.empty()) return false;
        const AddressElement& element = pick(set.include, attempt);
        wanted = locate(element);
        if (const auto* host = std::get_if<Learnt>(&element))
            made->learnt = host->host;
        else if (const auto* feed = std::get_if<InFeed>(&element))
            made->feed = feed->feed;
        else if (std::holds_alternative<Self>(element))
            made->self = true;
        else if (!wanted)
            return false;
    }
    if (wanted) (wanted->is_place ? made->place : made->address) = within(wanted->range);
    if (is_local && local_is_known_ && !made->self) settle(wanted, made);
    return true;
}

// The local end is in a network of the file, or this box (PacketSpace::ours_at_all_times).
void Witnesses::settle(const std::optional<Location>& wanted, Witness::Where* made) {
    constexpr KeyRange kAnywhere{{0, 0}, {~0ull, ~0ull}};
    const KeyRange place = wanted && wanted->is_place ? wanted->range : kAnywhere;
    if (const auto found = shared(our_places_, place)) {
        made->place = within(*found);
        return;
    }
    const KeyRange address = wanted && !wanted->is_place ? wanted->range : kAnywhere;
    const auto found = wanted && wanted->is_place ? std::nullopt : shared(our_addresses_, address);
    if (found)
        made->address = within(*found);
    else
        made->self = true;
}

// xorshift64
std::uint64_t Witnesses::random() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
}

Ipv6Address Witnesses::within(const KeyRange& range) {
    if (range.first == range.last) return range.first;
    const std::uint64_t hi = range.first.hi ^ range.last.hi, lo = range.first.lo ^ range.last.lo;
    const auto below = [](std::uint64_t bits) { return bits == 0 ? 0 : ~0ull >> std::countl_zero(bits); };
    const std::uint64_t free_hi = below(hi), free_lo = hi != 0 ? ~0ull : below(lo);
    const Ipv6Address key{(range.first.hi & ~free_hi) | (random() & free_hi),
                          (range.first.lo & ~free_lo) | (random() & free_lo)};
    return std::clamp(key, range.first, range.last);
}

// ---- its protocol and ports

void Witnesses::choose_lane(const Traffic& traffic, unsigned attempt, Witness* made) {
    const auto in = [&](const PortRange& range) {
        return static_cast<std::uint16_t>(range.first + random() % (range.last - range.first + 1u));
    };
    const ProtocolMatch& match = pick(traffic.match, attempt);
    const bool has_any_ports = !traffic.from_ports.empty() || !match.ports.empty();
    made->proto = match.proto.value_or(has_any_ports ? std::uint8_t{IPPROTO_TCP} : kNobodysProto);
    made->port = match.ports.empty() ? static_cast<std::uint16_t>(random()) : in(pick(match.ports, attempt));
    if (made->proto == IPPROTO_ICMPV6) made->port &= 0xff;
    if (!match.icmp_types.empty()) made->port = pick(match.icmp_types, attempt);
    made->sender_port = traffic.from_ports.empty() ? static_cast<std::uint16_t>(random())
                                                   : in(pick(traffic.from_ports, attempt));
}

// ---- who matches it

bool Witnesses::matches(const AddressElement& element, const Witness::Where& where) const {
    if (const auto* host = std::get_if<Learnt>(&element)) return where.learnt == host->host;
    if (const auto* feed = std::get_if<InFeed>(&element)) return where.feed == feed->feed;
    if (std::holds_alternative<Self>(element)) return where.self;
    const auto location = locate(element);
    return location && holds(location->range, location->is_place ? where.place : where.address);
}

bool Witnesses::matches(const AddressSet& set, const Witness::Where& where) const {
    const auto is_in = [&](const AddressElement& element) { return matches(element, where); };
    return (set.any || std::any_of(set.include.begin(), set.include.end(), is_in)) &&
           std::none_of(set.exclude.begin(), set.exclude.end(), is_in);
}

bool Witnesses::matches(const Traffic& rule, const Witness& packet) const {
    const bool of_sender = !rule.from_ports.empty();
    const auto meets = [&](const ProtocolMatch& match) { return matches_lane(match, of_sender, packet); };
    return std::any_of(rule.match.begin(), rule.match.end(), meets) &&
           has_port(rule.from_ports, packet.sender_port) && matches(rule.to, packet.to) &&
           matches(rule.from, packet.from);
}

}  // namespace dishwall
