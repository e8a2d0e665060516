// SPDX-License-Identifier: BSD-3-Clause
//
// The image is laid out front to back: header, rules inbound, rules outbound, sets, rates, bitmaps of
// assigned subnets. Ranges go to a table of their own. Equal address sets, and equal lists of ranges, are
// stored once.
#include "rules/lower.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "rules/range_set.h"
#include "rules/special_purpose.h"

namespace dishwall {
namespace {

struct PortSpan {
    std::uint16_t first = 0;
    std::uint16_t last = 65535;
};

// One line of a rule before it is written: everything but its sets.
struct Alternative {
    std::uint16_t proto = DW_ANY_PROTO;
    PortSpan port;
    PortSpan from;
};

dw_in6 key_of(const Ipv6Address& address) { return {address.hi, address.lo}; }

KeyRange range_of(const Ipv6Prefix& prefix) { return {prefix.first(), prefix.last()}; }

// The keys of everything behind the line that `behind` names: see struct dw_set.
KeyRange places_of(const Behind& behind) {
    const std::uint64_t source = static_cast<std::uint64_t>(behind.source) << 16;
    const std::uint64_t first = source | behind.subnet.value_or(0);
    const std::uint64_t last = source | behind.subnet.value_or(0xffff);
    return {{first, behind.interface_id.value_or(0)}, {last, behind.interface_id.value_or(~0ull)}};
}

KeyRange key_of(const Learnt& learnt) {
    const Ipv6Address key{DW_LEARNT_KEY | learnt.host, 0};
    return {key, key};
}

std::vector<PortSpan> spans_of(const std::vector<PortRange>& ranges) {
    if (ranges.empty()) return {PortSpan{}};
    std::vector<PortSpan> spans;
    for (const PortRange& range : ranges) spans.push_back({range.first, range.last});
    return spans;
}

std::vector<PortSpan> spans_of_types(const std::vector<std::uint8_t>& types) {
    if (types.empty()) return {PortSpan{}};
    std::vector<PortSpan> spans;
    for (const std::uint8_t type : types) spans.push_back({type, type});
    return spans;
}

// Protocols that a match stands for. One that speaks of ports but of no protocol means those with ports.
std::vector<std::uint16_t> protocols_of(const ProtocolMatch& match, bool speaks_of_ports) {
    if (match.proto) return {*match.proto};
    if (speaks_of_ports) return {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
    return {DW_ANY_PROTO};
}

std::vector<Alternative> alternatives_of(const Rule& rule) {
    std::vector<Alternative> alternatives;
    for (const ProtocolMatch& match : rule.match) {
        const bool speaks_of_ports = !match.ports.empty() || !rule.from_ports.empty();
        const std::vector<PortSpan> ports =
            match.icmp_types.empty() ? spans_of(match.ports) : spans_of_types(match.icmp_types);
        for (const std::uint16_t proto : protocols_of(match, speaks_of_ports))
            for (const PortSpan& port : ports)
                for (const PortSpan& from : spans_of(rule.from_ports))
                    alternatives.push_back({proto, port, from});
    }
    return alternatives;
}

// A rule that asks for the sender's port matches nothing of a protocol without ports.
bool is_void(const Alternative& alternative, const Rule& rule) {
    return !rule.from_ports.empty() && !has_ports(static_cast<std::uint8_t>(alternative.proto));
}

class ImageWriter {
public:
    // Room for `count` elements of `size` bytes, aligned to a line.
    dw_span reserve(std::size_t count, std::size_t size) {
        bytes_.resize((bytes_.size() + DW_LINE - 1) / DW_LINE * DW_LINE);
        const dw_span span{static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(count)};
        bytes_.resize(bytes_.size() + count * size);
        return span;
    }
    template <typename T>
    void put(std::size_t offset, const T& value) {
        std::memcpy(bytes_.data() + offset, &value, sizeof value);
    }
    template <typename T>
    dw_span append(const std::vector<T>& values) {
        const dw_span span = reserve(values.size(), sizeof(T));
        if (!values.empty())
            std::memcpy(bytes_.data() + span.offset, values.data(), values.size() * sizeof(T));
        return span;
    }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

private:
    std::vector<std::byte> bytes_;
};

// The ranges of one side (include or exclude) of an address set.
struct SetSide {
    std::vector<dw_range> raw;
    std::vector<dw_range> placed;
    bool self = false;
    bool learnt = false;
};

std::vector<dw_range> to_ranges(const RangeSet& set) {
    std::vector<dw_range> ranges;
    for (const KeyRange& range : set.ranges()) ranges.push_back({key_of(range.first), key_of(range.last)});
    return ranges;
}

SetSide side_of(const std::vector<AddressElement>& elements) {
    std::vector<KeyRange> raw;
    std::vector<KeyRange> placed;
    SetSide side;
    for (const AddressElement& element : elements) {
        if (const auto* prefix = std::get_if<Ipv6Prefix>(&element))
            raw.push_back(range_of(*prefix));
        else if (const auto* behind = std::get_if<Behind>(&element))
            placed.push_back(places_of(*behind));
        else if (const auto* learnt = std::get_if<Learnt>(&element))
            placed.push_back(key_of(*learnt));
        else if (const auto* feed = std::get_if<InFeed>(&element))
            for (const Ipv6Prefix& prefix : feed->entries->prefixes) raw.push_back(range_of(prefix));
        else
            side.self = true;
        side.learnt |= std::holds_alternative<Learnt>(element);
    }
    side.raw = to_ranges(RangeSet(std::move(raw)));
    side.placed = to_ranges(RangeSet(std::move(placed)));
    return side;
}

class Lowering {
public:
    Lowering(const Policy& policy, const CounterOf& counter_of) : policy_(policy), counter_of_(counter_of) {}

    Result<CompiledImage> run() {
        image_.reserve(1, sizeof(dw_image));
        header_.magic = DW_MAGIC;
        header_.layout = DW_LAYOUT_VERSION;
        header_.ipv4 = policy_.uplink.ipv4;
        std::copy(policy_.uplink.idle_s.begin(), policy_.uplink.idle_s.end(), header_.timeout_s);
        header_.options = options();
        header_.vlan = policy_.uplink.vlan.value_or(DW_NO_VLAN);
        header_.inbound = chain(policy_.inbound, true);
        header_.outbound = chain(policy_.outbound, false);
        if (sets_.size() > DW_SETS_MAX)
            return fail("the policy has {} different address sets, the limit is {}", sets_.size(),
                        DW_SETS_MAX);
        header_.sets = image_.append(sets_);
        header_.rates = image_.append(rates_);
        networks();
        bogons();
        header_.size = static_cast<std::uint32_t>(image_.size());
        // The core reads whole lines: the last one must lie inside the image.
        if (image_.size() > DW_IMAGE_SIZE - DW_LINE)
            return fail("the compiled policy takes {} bytes, the limit is {}", image_.size(),
                        DW_IMAGE_SIZE - DW_LINE);
        if (ranges_.size() > DW_RANGES)
            return fail("the policy has {} ranges of addresses with those of its feeds, the limit is {}",
                        ranges_.size(), DW_RANGES);
        image_.put(0, header_);
        return CompiledImage{image_.take(), std::move(ranges_)};
    }

private:
    std::uint32_t options() const {
        const Uplink& uplink = policy_.uplink;
        const std::vector<Rule>& rules = policy_.outbound.rules;
        const bool independent = std::any_of(rules.begin(), rules.end(),
                                             [](const Rule& rule) { return rule.endpoint_independent; });
        return (uplink.routing_headers ? DW_OPTION_ROUTING_HEADERS : 0) |
               (uplink.other_ethertypes ? DW_OPTION_ETHERTYPES : 0) |
               (uplink.udp_without_checksum ? DW_OPTION_UDP_NO_CHECKSUM : 0) |
               (independent ? DW_OPTION_INDEPENDENT : 0);
    }

    dw_chain chain(const Chain& chain, bool inbound) {
        std::vector<dw_rule> lines;
        for (const Rule& rule : chain.rules) add_lines(rule, inbound, &lines);
        return {image_.append(lines), static_cast<std::uint32_t>(chain.default_verdict), chain.log_sample};
    }

    void add_lines(const Rule& rule, bool inbound, std::vector<dw_rule>* lines) {
        dw_rule line{};
        line.local_set = set_number(inbound ? rule.to : rule.from);
        line.remote_set = set_number(inbound ? rule.from : rule.to);
        line.verdict = static_cast<std::uint8_t>(rule.verdict_now());
        line.flags = static_cast<std::uint8_t>((rule.log ? DW_RULE_LOG : 0) |
                                               (rule.endpoint_independent ? DW_RULE_INDEPENDENT : 0));
        line.counter = counter_of_(rule);
        line.index = rule_index_++;
        line.rate = rate_number(rule);
        for (const Alternative& alternative : alternatives_of(rule)) {
            if (is_void(alternative, rule)) continue;
            line.proto = alternative.proto;
            line.port_first = alternative.port.first;
            line.port_last = alternative.port.last;
            line.from_first = alternative.from.first;
            line.from_last = alternative.from.last;
            lines->push_back(line);
        }
    }

    std::uint32_t rate_number(const Rule& rule) {
        if (!rule.rate) return 0;
        constexpr std::uint64_t kSecond = 1'000'000'000;
        dw_rate rate{};
        rate.step = rule.rate->unit_s * kSecond / rule.rate->packets;
        rate.depth = rate.step * rule.rate->burst;
        rate.length = rule.rate->per_source.value_or(DW_RATE_OF_RULE);
        rates_.push_back(rate);
        return static_cast<std::uint32_t>(rates_.size());
    }

    std::uint16_t set_number(const AddressSet& set) {
        if (set.matches_everything()) return DW_NO_SET;
        dw_set made{};
        const SetSide must = side_of(set.any ? std::vector<AddressElement>{} : set.include);
        const SetSide mustnot = side_of(set.exclude);
        made.raw = ranges(must.raw);
        made.placed = ranges(must.placed);
        made.not_raw = ranges(mustnot.raw);
        made.not_placed = ranges(mustnot.placed);
        made.flags = (set.any ? DW_SET_ANY : 0) | (must.self ? DW_SET_SELF : 0) |
                     (mustnot.self ? DW_SET_NOT_SELF : 0) |
                     (must.learnt || mustnot.learnt ? DW_SET_LEARNT : 0);
        return number_of(made);
    }

    // Equal sets share a line. Past DW_SETS_MAX the number wraps; run() then fails.
    std::uint16_t number_of(const dw_set& set) {
        const auto key =
            std::tuple(set.raw.offset, set.raw.count, set.placed.offset, set.placed.count, set.not_raw.offset,
                       set.not_raw.count, set.not_placed.offset, set.not_placed.count, set.flags);
        const auto [found, added] = numbers_.try_emplace(key, static_cast<std::uint32_t>(sets_.size()));
        if (added) sets_.push_back(set);
        return static_cast<std::uint16_t>(found->second);
    }

    // Equal lists of ranges share their bytes.
    dw_span ranges(const std::vector<dw_range>& list) {
        if (list.empty()) return {};
        std::string bytes(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(dw_range));
        const auto [found, added] = stored_.try_emplace(std::move(bytes));
        if (added) found->second = append(list);
        return found->second;
    }

    dw_span append(const std::vector<dw_range>& list) {
        const dw_span span{static_cast<std::uint32_t>(ranges_.size()),
                           static_cast<std::uint32_t>(list.size())};
        ranges_.insert(ranges_.end(), list.begin(), list.end());
        return span;
    }

    void networks() {
        for (unsigned source = 0; source < DW_SOURCES; ++source) {
            std::vector<std::uint8_t> bitmap;
            std::uint32_t bits = 0;
            for (const Network& network : policy_.networks) {
                if (network.source != source) continue;
                bits = std::max<std::uint32_t>(bits, network.subnet + 1u);
                bitmap.resize(std::max<std::size_t>(bitmap.size(), network.subnet / 8 + 1u));
                bitmap[network.subnet / 8] |= static_cast<std::uint8_t>(1u << network.subnet % 8);
            }
            header_.networks[source] = image_.append(bitmap);
            header_.networks[source].count = bits;
        }
    }

    void bogons() {
        using Kind = SpecialPurpose::Kind;
        std::vector<KeyRange> forbidden;
        std::vector<KeyRange> reachable;
        for (const SpecialPurpose& entry : kSpecialPurpose) {
            if (entry.kind == Kind::documentation && policy_.uplink.documentation_prefixes) continue;
            (entry.kind == Kind::reachable ? reachable : forbidden)
                .push_back(range_of(*parse_prefix(entry.prefix)));
        }
        RangeSet set(std::move(forbidden));
        for (const KeyRange& hole : reachable) set.remove(hole);
        header_.bogons = append(to_ranges(set));
        for (const KeyRange& range : set.ranges()) note_octets(range);
    }

    // Most addresses begin with an octet that no bogon begins with: for them the core searches nothing.
    void note_octets(const KeyRange& range) {
        for (std::uint64_t octet = range.first.hi >> 56; octet <= range.last.hi >> 56; ++octet)
            header_.bogon_octets[octet / 64] |= 1ull << octet % 64;
    }

    const Policy& policy_;
    const CounterOf& counter_of_;
    ImageWriter image_;
    dw_image header_{};
    std::vector<dw_set> sets_;
    std::vector<dw_rate> rates_;
    std::vector<dw_range> ranges_;
    std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t,
                        std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>,
             std::uint32_t>
        numbers_;
    std::map<std::string, dw_span> stored_;
    std::uint32_t rule_index_ = 0;
};

}  // namespace

const Rule* rule_at(const Policy& policy, std::size_t rule_index) {
    const std::size_t inbound = policy.inbound.rules.size();
    if (rule_index < inbound) return &policy.inbound.rules[rule_index];
    rule_index -= inbound;
    return rule_index < policy.outbound.rules.size() ? &policy.outbound.rules[rule_index] : nullptr;
}

Result<CompiledImage> lower(const Policy& policy, const CounterOf& counter_of) {
    return Lowering(policy, counter_of).run();
}

}  // namespace dishwall
