// SPDX-License-Identifier: BSD-3-Clause
#include "rules/packet_space.h"

#include <netinet/in.h>

#include <algorithm>
#include <map>

namespace dishwall {
namespace {

using Kind = Axis::Kind;
using Ranges = std::vector<KeyRange>;

// By words: the literal of an address that is known by its name only. No rule's prefix holds it.
constexpr Ipv6Address kNoLiteral{};

Values single(const Ipv6Address& key) { return values_of({{key, key}}); }

Ranges ranges_of(const PortRanges& ports) {
    Ranges ranges;
    for (const PortRange& port : ports) ranges.push_back({{0, port.first}, {0, port.last}});
    return ranges;
}

Ranges ranges_of(const std::vector<std::uint8_t>& numbers) {
    Ranges ranges;
    for (const std::uint8_t number : numbers) ranges.push_back({{0, number}, {0, number}});
    return ranges;
}

// Protocols that a match stands for; empty: any. One that speaks of ports means those with ports.
std::optional<std::vector<std::uint8_t>> protocols_of(const ProtocolMatch& match, bool of_sender) {
    if (match.proto && of_sender && !has_ports(*match.proto)) return std::vector<std::uint8_t>{};
    if (match.proto) return std::vector<std::uint8_t>{*match.proto};
    if (of_sender || !match.ports.empty())
        return std::vector<std::uint8_t>{IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
    return std::nullopt;
}

// Matches that ask the same of the port are one lane for all their protocols, and of one protocol for all
// ports.
std::vector<Box> lanes_of(const Traffic& traffic) {
    std::vector<Box> lanes;
    std::map<std::vector<std::uint8_t>, Ranges> by_protocol;
    for (const ProtocolMatch& match : traffic.match) {
        const auto protocols = protocols_of(match, !traffic.from_ports.empty());
        if (protocols && protocols->empty()) continue;
        Ranges ports = match.icmp_types.empty() ? ranges_of(match.ports) : ranges_of(match.icmp_types);
        if (!protocols) return {Box()};
        if (ports.empty()) ports = {{{0, 0}, {0, 65535}}};
        Ranges& all = by_protocol[*protocols];
        all.insert(all.end(), ports.begin(), ports.end());
    }
    for (auto& [protocols, ports] : by_protocol) {
        Box lane;
        lane.set({Kind::proto}, values_of(ranges_of(protocols)));
        lane.set({Kind::port}, values_of(std::move(ports)));
        if (!traffic.from_ports.empty())
            lane.set({Kind::sender_port}, values_of(ranges_of(traffic.from_ports)));
        lanes.push_back(std::move(lane));
    }
    return lanes;
}

bool is_yes(const Box& box, const Axis& axis) {
    const RangeSet& values = box.values(axis);
    return !values.empty() && !values.contains({0, 0});
}

// Nothing but addresses of hosts, one by one.
bool only_hosts(const RangeSet& keys, const Ipv6Address& nobody) {
    return std::all_of(keys.ranges().begin(), keys.ranges().end(), [&](const KeyRange& range) {
        return range.first == range.last && range.first != nobody;
    });
}

}  // namespace

PacketSpace::PacketSpace(const Policy& policy, Direction direction, View view,
                         const std::vector<Expectation::With>& with)
    : policy_(policy),
      direction_(direction),
      view_(view),
      local_(direction == Direction::inbound ? End::to : End::from),
      known_(policy.uplink.sources.size()) {
    for (std::size_t i = 0; i < known_.size(); ++i)
        if (const auto* fixed = std::get_if<Static>(&policy.uplink.sources[i].from))
            known_[i] = fixed->prefix;
    for (const Expectation::With& each : with)
        if (each.source < known_.size()) known_[each.source] = each.prefix;
    for (const LearntHost& host : policy.learnt) {
        learnt_.emplace(host.id, &host);
        domains_ += std::holds_alternative<DomainHost>(host.what);
    }
    ours_ = local();
}

const LearntHost* PacketSpace::learnt(std::uint32_t id) const {
    const auto found = learnt_.find(id);
    return found == learnt_.end() ? nullptr : found->second;
}

// In the /64 between dish and uplink only this box's own addresses are ours (R6).
bool PacketSpace::is_on_dish_side(unsigned source) const {
    return source < known_.size() &&
           std::holds_alternative<FromRouterAdvertisement>(policy_.uplink.sources[source].from);
}

// ---- what lies behind the line

PacketSpace::Behinds PacketSpace::ranges_of(const Behind& behind) const {
    const std::uint64_t first_id = behind.interface_id.value_or(0);
    const std::uint64_t last_id = behind.interface_id.value_or(~0ull);
    const std::uint16_t first = behind.subnet.value_or(0), last = behind.subnet.value_or(0xffff);
    if (behind.source >= known_.size() || !known_[behind.source])
        return {{{place_key(behind.source, first, first_id), place_key(behind.source, last, last_id)}}, {}};
    const Ipv6Prefix& prefix = *known_[behind.source];
    Ipv6Address begin = prefix.first(), end = prefix.last();
    if (behind.subnet) {
        if (prefix.length() > 48 && *behind.subnet >> (64 - prefix.length()) != 0) return {};
        begin = {begin.hi | *behind.subnet, first_id};
        end = {begin.hi, last_id};
    }
    // The longest prefix says whose an address is, among equal ones the first.
    RangeSet addresses(Ranges{{begin, end}});
    for (std::size_t other = 0; other < known_.size(); ++other) {
        if (other == behind.source || !known_[other]) continue;
        const Ipv6Prefix& inner = *known_[other];
        const bool wins =
            inner.length() > prefix.length() || (inner.length() == prefix.length() && other < behind.source);
        if (wins) addresses.remove({inner.first(), inner.last()});
    }
    return {{}, addresses.ranges()};
}

void PacketSpace::add(const Behind& behind, Behinds* to) const {
    Behinds more = ranges_of(behind);
    to->places.insert(to->places.end(), more.places.begin(), more.places.end());
    to->addresses.insert(to->addresses.end(), more.addresses.begin(), more.addresses.end());
}

// Inbound only assigned networks are reached (R5), outbound whatever is behind the line may send.
PacketSpace::Behinds PacketSpace::local() const {
    Behinds all;
    if (direction_ == Direction::inbound) {
        for (const Network& network : policy_.networks)
            if (!is_on_dish_side(network.source)) add(Behind{network.source, network.subnet, {}}, &all);
    } else {
        for (unsigned source = 0; source < known_.size(); ++source)
            if (!is_on_dish_side(source)) add(Behind{source, {}, {}}, &all);
    }
    return all;
}

std::optional<Ipv6Address> PacketSpace::literal_of(const Behind& host) const {
    const Ranges addresses = ranges_of(host).addresses;
    if (!host.interface_id || addresses.empty()) return std::nullopt;
    return addresses.front().first;
}

// ---- what rules mean

Ranges PacketSpace::literal(const Ipv6Prefix& prefix) const {
    Ipv6Address first = prefix.first();
    const bool skips = view_ == View::by_words && prefix.length() > 0 && first == kNoLiteral;
    if (!skips) return {{first, prefix.last()}};
    if (prefix.length() == 128) return {};
    return {{{0, 1}, prefix.last()}};
}

std::pair<Axis, Ranges> PacketSpace::on_axis(const AddressElement& element, End end) const {
    static const Ranges is_so = {{{0, 1}, {0, 1}}};
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element))
        return {{Kind::address, end}, literal(*prefix)};
    if (std::holds_alternative<Self>(element)) return {{Kind::self, end}, is_so};
    if (const auto* host = std::get_if<Learnt>(&element)) {
        const LearntHost* known = learnt(host->host);
        const bool device = known && std::holds_alternative<DeviceHost>(known->what);
        return {{device ? Kind::device : Kind::domain, end, host->host}, is_so};
    }
    if (const auto* feed = std::get_if<InFeed>(&element)) {
        if (view_ == View::all_times) return {{Kind::feed, end, feed->feed}, is_so};
        Ranges ranges;
        for (const Ipv6Prefix& prefix : feed->entries->prefixes)
            for (const KeyRange& range : literal(prefix)) ranges.push_back(range);
        return {{Kind::address, end}, std::move(ranges)};
    }
    Behinds where = ranges_of(std::get<Behind>(element));
    if (!where.places.empty()) return {{Kind::place, end}, std::move(where.places)};
    return {{Kind::address, end}, std::move(where.addresses)};
}

Box PacketSpace::without(const AddressElements& excluded, End end) const {
    std::map<Axis, Ranges> by_axis;
    for (const AddressElement& element : excluded) {
        auto [axis, ranges] = on_axis(element, end);
        Ranges& all = by_axis[axis];
        all.insert(all.end(), ranges.begin(), ranges.end());
    }
    Box box;
    for (auto& [axis, ranges] : by_axis)
        box.set(axis, std::make_shared<const RangeSet>(
                          difference(Box().values(axis), RangeSet(std::move(ranges)))));
    return box;
}

std::vector<Box> PacketSpace::boxes_of(const AddressSet& set, End end) const {
    const Box outside = without(set.exclude, end);
    if (set.any) return {outside};
    std::map<Axis, Ranges> by_axis;
    for (const AddressElement& element : set.include) {
        auto [axis, ranges] = on_axis(element, end);
        Ranges& all = by_axis[axis];
        all.insert(all.end(), ranges.begin(), ranges.end());
    }
    std::vector<Box> boxes;
    for (auto& [axis, ranges] : by_axis) {
        Box box;
        box.set(axis, values_of(std::move(ranges)));
        if (box.narrow(outside)) boxes.push_back(std::move(box));
    }
    return boxes;
}

Shape PacketSpace::shape_of(const Traffic& rule) const {
    return {lanes_of(rule), boxes_of(rule.from, End::from), boxes_of(rule.to, End::to)};
}

// ---- which packets there are

std::vector<Box> PacketSpace::packets_of(const Traffic& traffic) const {
    std::vector<Box> packets;
    const std::vector<Box> from = end_of(traffic.from, End::from), to = end_of(traffic.to, End::to);
    for (const Box& lane : lanes_of(traffic))
        for (const Box& f : from)
            for (const Box& t : to) {
                Box box = lane;
                if (box.narrow(f) && box.narrow(t) && possible(box)) packets.push_back(std::move(box));
            }
    return packets;
}

std::vector<Box> PacketSpace::end_of(const AddressSet& set, End end) const {
    std::vector<Box> candidates, narrowing;
    if (view_ == View::all_times) {
        // A file without a network may be one that is only begun.
        const bool known = end == local_ && !policy_.networks.empty();
        candidates = known ? ours_at_all_times(end) : std::vector<Box>{Box()};
        narrowing = boxes_of(set, end);
    } else {
        if (set.any)
            candidates = everything(end);
        else
            for (const AddressElement& element : set.include)
                for (Box& box : named(element, end)) candidates.push_back(std::move(box));
        narrowing = {without(set.exclude, end)};
    }
    std::vector<Box> boxes;
    for (const Box& candidate : candidates)
        for (const Box& narrow : narrowing) {
            Box box = candidate;
            if (box.narrow(narrow)) boxes.push_back(std::move(box));
        }
    return boxes;
}

std::vector<Box> PacketSpace::ours_at_all_times(End end) const {
    std::vector<Box> boxes(1);
    boxes[0].set({Kind::self, end}, yes());
    Box behind;
    behind.set({Kind::self, end}, no());
    for (const auto& [kind, ranges] :
         {std::pair(Kind::place, &ours_.places), std::pair(Kind::address, &ours_.addresses)}) {
        if (ranges->empty()) continue;
        boxes.push_back(behind);
        boxes.back().set({kind, end}, values_of(*ranges));
        if (kind == Kind::address) boxes.back().set({Kind::place, end}, single(kNowhere));
    }
    return boxes;
}

// ---- by words

// Nothing is said of it yet.
Box PacketSpace::unnamed(End end) const {
    Box box;
    box.set({Kind::address, end}, single(kNoLiteral));
    box.set({Kind::place, end}, single(kNowhere));
    box.set({Kind::self, end}, no());
    box.set_learnt(end, Box::Learnt::none);
    return box;
}

// At a place where whoever is ours may be.
Box PacketSpace::anybody(End end) const {
    Box box = unnamed(end);
    box.set({Kind::self, end}, std::make_shared<const RangeSet>(Box().values({Kind::self, end})));
    box.set_learnt(end, Box::Learnt::any);
    return box;
}

void PacketSpace::add(const Behinds& where, const Box& what, End end, std::vector<Box>* to) const {
    if (!where.addresses.empty()) {
        to->push_back(what);
        to->back().set({Kind::address, end}, values_of(where.addresses));
    }
    if (!where.places.empty()) {
        to->push_back(what);
        to->back().set({Kind::place, end}, values_of(where.places));
    }
}

std::vector<Box> PacketSpace::this_box(End end) const {
    if (end != local_) return {};
    Box box = unnamed(end);
    box.set({Kind::self, end}, yes());
    std::vector<Box> boxes = {box};
    boxes[0].set({Kind::place, end}, std::make_shared<const RangeSet>(Box().values({Kind::place, end})));
    Behinds known;
    for (unsigned source = 0; source < known_.size(); ++source)
        if (known_[source]) add(Behind{source, {}, {}}, &known);
    add(known, box, end, &boxes);
    return boxes;
}

std::vector<Box> PacketSpace::everything(End end) const {
    std::vector<Box> boxes;
    if (end == local_) {
        add(ours_, anybody(end), end, &boxes);
        for (Box& box : this_box(end)) boxes.push_back(std::move(box));
        return boxes;
    }
    Behinds neighbours;
    RangeSet literals(Ranges{{{0, 1}, {~0ull, ~0ull}}});
    for (unsigned source = 0; source < known_.size(); ++source) {
        const Behinds where = ranges_of(Behind{source, {}, {}});
        if (is_on_dish_side(source))
            add(Behind{source, {}, {}}, &neighbours);
        else
            for (const KeyRange& range : where.addresses) literals.remove(range);
    }
    neighbours.addresses = literals.ranges();
    add(neighbours, unnamed(end), end, &boxes);
    if (domains_ != 0) {
        boxes.push_back(unnamed(end));
        boxes.back().set_learnt(end, Box::Learnt::any);
    }
    return boxes;
}

std::vector<Box> PacketSpace::named(const AddressElement& element, End end) const {
    if (const auto* prefix = std::get_if<Ipv6Prefix>(&element)) return named(*prefix, end);
    if (const auto* behind = std::get_if<Behind>(&element)) return named(*behind, end);
    if (const auto* host = std::get_if<Learnt>(&element)) return named(*host, end);
    if (std::holds_alternative<Self>(element)) return this_box(end);
    Box box = unnamed(end);
    box.set({Kind::address, end}, values_of(on_axis(element, end).second));
    return {box};
}

std::vector<Box> PacketSpace::named(const Ipv6Prefix& prefix, End end) const {
    const bool wide = prefix.length() < 128 && end == local_;
    Box box = wide ? anybody(end) : unnamed(end);
    box.set({Kind::address, end}, values_of(literal(prefix)));
    return {box};
}

std::vector<Box> PacketSpace::named(const Behind& behind, End end) const {
    std::vector<Box> boxes;
    const Behinds where = ranges_of(behind);
    Box own = unnamed(end);
    own.set({Kind::self, end}, yes());
    if (end != local_) {
        if (is_on_dish_side(behind.source)) add(where, unnamed(end), end, &boxes);
    } else if (is_on_dish_side(behind.source)) {
        add(where, own, end, &boxes);
    } else {
        const auto in_networks = [](const Ranges& all, const Ranges& some) {
            return intersection(RangeSet(all), RangeSet(some)).ranges();
        };
        const auto elsewhere = [](const Ranges& all, const Ranges& some) {
            return difference(RangeSet(all), RangeSet(some)).ranges();
        };
        const Behinds reached = {in_networks(where.places, ours_.places),
                                 in_networks(where.addresses, ours_.addresses)};
        add(reached, behind.interface_id ? unnamed(end) : anybody(end), end, &boxes);
        // Around the networks this box may have addresses.
        if (!boxes.empty())
            add({elsewhere(where.places, ours_.places), elsewhere(where.addresses, ours_.addresses)}, own,
                end, &boxes);
    }
    return boxes;
}

std::vector<Box> PacketSpace::named(const Learnt& host, End end) const {
    const LearntHost* known = learnt(host.host);
    const auto* device = known ? std::get_if<DeviceHost>(&known->what) : nullptr;
    std::vector<Box> boxes;
    Box box = unnamed(end);
    box.set({device ? Kind::device : Kind::domain, end, host.host}, yes());
    if (device) {
        const Network& network = policy_.networks[device->network];
        if (end == local_ || is_on_dish_side(network.source))
            add(ranges_of(Behind{network.source, network.subnet, {}}), box, end, &boxes);
    } else if (end == local_) {
        add(ours_, box, end, &boxes);
    } else {
        boxes.push_back(box);
    }
    return boxes;
}

// ---- what cannot be

bool PacketSpace::possible(const Box& box) const {
    const RangeSet& protocols = box.values({Kind::proto});
    const KeyRange icmpv6{{0, IPPROTO_ICMPV6}, {0, IPPROTO_ICMPV6}};
    const bool only_icmpv6 = protocols.ranges().size() == 1 && protocols.ranges()[0] == icmpv6;
    if (only_icmpv6 && box.values({Kind::port}).ranges()[0].first.lo > 255) return false;
    return view_ == View::all_times || (possible(box, End::from) && possible(box, End::to));
}

// By words: two names are two addresses, and a device is in its network.
bool PacketSpace::possible(const Box& box, End end) const {
    std::size_t names = is_yes(box, {Kind::self, end}) ? 1 : 0, not_these = 0;
    const RangeSet& place = box.values({Kind::place, end});
    const RangeSet& address = box.values({Kind::address, end});
    for (const auto& [axis, values] : box.entries()) {
        if (axis.end != end || (axis.kind != Kind::device && axis.kind != Kind::domain)) continue;
        const bool named = is_yes(box, axis);
        names += named;
        not_these += axis.kind == Kind::domain && !values->contains({0, 1});
        if (!named || axis.kind != Kind::device) continue;
        const Network& network = policy_.networks[std::get<DeviceHost>(learnt(axis.number)->what).network];
        const Behinds where = ranges_of(Behind{network.source, network.subnet, {}});
        if (!intersects(place, RangeSet(where.places)) && !intersects(address, RangeSet(where.addresses)))
            return false;
    }
    const bool a_host = only_hosts(place, kNowhere) || only_hosts(address, kNoLiteral);
    if (names > 1 || (names == 1 && a_host)) return false;
    const bool somewhere = place.ranges() != Ranges{{kNowhere, kNowhere}} ||
                           address.ranges() != Ranges{{kNoLiteral, kNoLiteral}};
    return somewhere || names == 1 || box.values({Kind::self, end}).contains({0, 1}) || not_these < domains_;
}

}  // namespace dishwall
