// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/rule_lines.h"

#include <algorithm>

#include <netinet/in.h>

namespace dishwall {
namespace {

constexpr PortRange kAllPorts{};
constexpr std::size_t kMostHostsALine = 64;  // each is a service: more of them are a set
// More of either do not fit an image, whatever else is in it.
constexpr std::size_t kMostServices = std::size_t{DW_IMAGE_LINES} * DW_SERVICE_WAYS;
constexpr std::size_t kMostGeneral = DW_IMAGE_LINES;

// The keys of a set that is a few places or learnt hosts and nothing else; of another set none.
std::uint32_t add_hosts(const AddressSet& set, std::vector<Ipv6Address>* hosts) {
    if (set.any || !set.exclude.empty() || set.include.size() > kMostHostsALine) return 0;
    const std::size_t before = hosts->size();
    for (const AddressElement& element : set.include) {
        const auto* place = std::get_if<Behind>(&element);
        if (place && place->subnet && place->interface_id) {
            hosts->push_back(exact_key(*place));
        } else if (const auto* learnt = std::get_if<Learnt>(&element)) {
            hosts->push_back(key_of(*learnt));
        } else {
            hosts->resize(before);
            return 0;
        }
    }
    return static_cast<std::uint32_t>(set.include.size());
}

// The only element of a set that is nothing but this.
const AddressElement* only_element(const AddressSet& set) {
    return !set.any && set.exclude.empty() && set.include.size() == 1 ? set.include.data() : nullptr;
}

std::uint32_t add_rate(const Rule& rule, std::vector<dw_rate>* rates) {
    if (!rule.rate) return 0;
    constexpr std::uint64_t kSecond = 1'000'000'000;
    dw_rate rate{};
    rate.step = rule.rate->unit_s * kSecond / rule.rate->packets;
    rate.depth = rate.step * rule.rate->burst;
    rate.length = rule.rate->per_source.value_or(DW_RATE_OF_RULE);
    rates->push_back(rate);
    return static_cast<std::uint32_t>(rates->size());
}

std::uint32_t inspect_word(const Rule& rule, const std::vector<Signatures>& signatures) {
    if (!rule.inspect) return 0;
    const Signatures& wanted = signatures[rule.inspect->signatures];
    return wanted.id | (rule.inspect->accept_on_failure ? DW_INSPECT_PASS_ON_FAILURE : 0) |
           (wanted.both_directions ? DW_INSPECT_BOTH : 0);
}

// The lines of one rule, in order.
class LineMaker {
public:
    LineMaker(const Rule& rule, const RuleHead& head, std::uint32_t number, ChainLines* lines)
        : rule_(rule), head_(head), number_(number), lines_(lines) {}

    void make() {
        for (const ProtocolMatch& match : rule_.match) {
            // A MATCH that speaks of ports but of no protocol means those with ports.
            if (match.proto)
                of_protocol(match, *match.proto, false);
            else if (!match.ports.empty() || !rule_.from_ports.empty())
                for (const std::uint8_t proto : {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP})
                    of_protocol(match, proto, false);
            else
                of_protocol(match, 0, true);
        }
    }

private:
    void of_protocol(const ProtocolMatch& match, std::uint8_t proto, bool any_proto) {
        // A rule that asks for the sender's port matches nothing of a protocol without ports.
        if (!rule_.from_ports.empty() && !has_ports(proto)) return;
        RuleLine line{number_, 0, 0, 0, 0, proto, any_proto};
        for (const std::uint8_t type : match.icmp_types) from_ports(line, {type, type});
        if (!match.icmp_types.empty()) return;
        for (const PortRange& ports : match.ports) from_ports(line, ports);
        if (match.ports.empty()) from_ports(line, kAllPorts);
    }

    void from_ports(RuleLine line, const PortRange& ports) {
        line.port_first = ports.first;
        line.port_last = ports.last;
        for (const PortRange& from : rule_.from_ports) add(line, from);
        if (rule_.from_ports.empty()) add(line, kAllPorts);
    }

    void add(RuleLine line, const PortRange& from) {
        line.from_first = from.first;
        line.from_last = from.last;
        const bool is_service = head_.hosts != 0 && head_.rate == 0 && !line.any_proto &&
                                line.port_first == line.port_last && from.first == kAllPorts.first &&
                                from.last == kAllPorts.last;
        (is_service ? lines_->services : lines_->general).push_back(line);
    }

    const Rule& rule_;
    const RuleHead& head_;
    std::uint32_t number_;
    ChainLines* lines_;
};

// A list behind a service's key is walked, so it has to be short.
constexpr std::size_t kMostListed = 8;

std::vector<std::uint64_t> keys_of(const ChainLines& lines, const RuleLine& line) {
    const RuleHead& head = lines.heads[line.head];
    std::vector<std::uint64_t> keys;
    for (std::uint32_t i = 0; i < head.hosts; ++i) {
        const Ipv6Address& host = lines.hosts[head.first_host + i];
        if (host.hi & DW_LEARNT_KEY) return {};  // the tuples' masks have no word for such a host
        keys.push_back(dw_service_hash(0, host.lo, dw_service_key(host.hi, line.proto, line.port_first)));
    }
    return keys;
}

// Keys that more than kMostListed lines name, each for a peer of its own.
std::vector<std::uint64_t> crowded_keys(const ChainLines& lines) {
    std::vector<std::uint64_t> keys, crowded;
    for (const RuleLine& line : lines.services) {
        if (lines.heads[line.head].any_peer) continue;
        const std::vector<std::uint64_t> some = keys_of(lines, line);
        keys.insert(keys.end(), some.begin(), some.end());
    }
    std::sort(keys.begin(), keys.end());
    for (std::size_t i = 0; i + kMostListed < keys.size(); ++i)
        if (keys[i] == keys[i + kMostListed] && (crowded.empty() || crowded.back() != keys[i]))
            crowded.push_back(keys[i]);
    return crowded;
}

// Lines of one service for very many peers go where peers are part of the key: among the general ones.
void spread_crowded_services(ChainLines* lines) {
    const std::vector<std::uint64_t> crowded = crowded_keys(*lines);
    if (crowded.empty()) return;
    const auto is_crowded = [&](const RuleLine& line) {
        if (lines->heads[line.head].any_peer) return false;
        const std::vector<std::uint64_t> keys = keys_of(*lines, line);
        return std::any_of(keys.begin(), keys.end(), [&](std::uint64_t key) {
            return std::binary_search(crowded.begin(), crowded.end(), key);
        });
    };
    const auto moved = std::stable_partition(lines->services.begin(), lines->services.end(),
                                             [&](const RuleLine& line) { return !is_crowded(line); });
    const auto known = static_cast<std::ptrdiff_t>(lines->general.size());
    lines->general.insert(lines->general.end(), moved, lines->services.end());
    lines->services.erase(moved, lines->services.end());
    std::inplace_merge(lines->general.begin(), lines->general.begin() + known, lines->general.end(),
                       [](const RuleLine& a, const RuleLine& b) { return a.head < b.head; });
}

}  // namespace

Result<ChainLines> lines_of(const Policy& policy, Direction direction, const CounterOf& counter_of,
                            std::uint32_t* next_index, std::vector<dw_rate>* rates) {
    const Chain& chain = direction == Direction::inbound ? policy.inbound : policy.outbound;
    ChainLines lines;
    lines.heads.reserve(chain.rules.size());
    lines.hosts.reserve(chain.rules.size());
    lines.services.reserve(chain.rules.size());
    for (const Rule& rule : chain.rules) {
        RuleHead head{};
        head.ours = direction == Direction::inbound ? &rule.to : &rule.from;
        head.peer = direction == Direction::inbound ? &rule.from : &rule.to;
        head.counter = counter_of(rule);
        head.index = (*next_index)++;
        head.rate = add_rate(rule, rates);
        head.verdict = static_cast<std::uint8_t>(rule.verdict);
        head.inspect = inspect_word(rule, policy.signatures);
        head.flags = static_cast<std::uint8_t>((rule.log ? DW_RULE_LOG : 0) |
                                               (rule.endpoint_independent ? DW_RULE_INDEPENDENT : 0));
        head.any_peer = head.peer->matches_everything();
        head.first_host = static_cast<std::uint32_t>(lines.hosts.size());
        head.hosts = add_hosts(*head.ours, &lines.hosts);
        lines.heads.push_back(head);
        LineMaker(rule, head, static_cast<std::uint32_t>(lines.heads.size() - 1), &lines).make();
        if (lines.services.size() > kMostServices || lines.general.size() > kMostGeneral)
            return fail(
                "up to rule {}, the {} chain takes more lines of one protocol and one range of ports than "
                "an image of {} MiB can hold; write ports as ranges",
                rule.name, direction == Direction::inbound ? "inbound" : "outbound", DW_IMAGE_SIZE >> 20);
    }
    spread_crowded_services(&lines);
    return lines;
}

dw_rule encode(const RuleHead& head, const RuleLine& line, AddressSets* sets) {
    dw_rule rule{};
    rule.counter = head.counter;
    rule.index = head.index;
    rule.rate = head.rate;
    rule.verdict = head.verdict;
    rule.inspect = head.inspect;
    rule.flags = static_cast<std::uint8_t>(head.flags | (line.any_proto ? DW_RULE_ANY_PROTO : 0));
    rule.proto = line.proto;
    rule.port_first = line.port_first;
    rule.port_last = line.port_last;
    rule.from_first = line.from_first;
    rule.from_last = line.from_last;
    rule.our_set = rule.peer_set = DW_NO_SET;
    const AddressElement* ours = only_element(*head.ours);
    const auto* place = ours ? std::get_if<Behind>(ours) : nullptr;
    if (place && place->subnet) {
        const Ipv6Address key = exact_key(*place);
        rule.place_hi = static_cast<std::uint32_t>(key.hi);
        rule.place_lo = key.lo;
        rule.flags |= place->interface_id ? DW_RULE_EXACT : DW_RULE_SUBNET;
    } else {
        rule.our_set = sets->number_of(*head.ours);
    }
    const AddressElement* peer = only_element(*head.peer);
    const auto* prefix = peer ? std::get_if<Ipv6Prefix>(peer) : nullptr;
    if (prefix && prefix->length() > 0) {
        rule.peer = {prefix->first().hi, prefix->first().lo};
        rule.peer_length = static_cast<std::uint8_t>(prefix->length());
    } else {
        rule.peer_set = sets->number_of(*head.peer);
    }
    return rule;
}

}  // namespace dishwall
