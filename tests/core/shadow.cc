// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/shadow.h"

#include <algorithm>

namespace dishwall::test {
namespace {

bool is_link_local(const Ipv6Address& a) { return a.hi >> 54 == 0x3fa; }
bool is_unique_local(const Ipv6Address& a) { return a.hi >> 57 == 0x7e; }
bool is_multicast(const Ipv6Address& a) { return a.hi >> 56 == 0xff; }
bool is_link_multicast(const Ipv6Address& a) { return is_multicast(a) && (a.hi >> 48 & 15) == 2; }
bool is_one_of(std::uint8_t value, std::initializer_list<std::uint8_t> list) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

// R2, as requirements.md lists it.
bool is_forbidden(const Ipv6Address& address, bool documentation_allowed) {
    static constexpr const char* kNever[] = {"::/96",          "::ffff:0:0/96", "2001:10::/28", "fec0::/10",
                                             "64:ff9b:1::/48", "100::/64",      "5f00::/16"};
    static constexpr const char* kPublicOf2001[] = {"2001:1::1/128", "2001:1::2/128",   "2001:1::3/128",
                                                    "2001:3::/32",   "2001:4:112::/48", "2001:20::/28",
                                                    "2001:30::/28"};
    const auto is_in = [&](const char* prefix) { return parse_prefix(prefix)->contains(address); };
    if (std::any_of(std::begin(kNever), std::end(kNever), is_in)) return true;
    if (!documentation_allowed && (is_in("2001:db8::/32") || is_in("3fff::/20"))) return true;
    return is_in("2001::/23") && std::none_of(std::begin(kPublicOf2001), std::end(kPublicOf2001), is_in);
}

// R18, R19: never in transit, whatever a rule says.
bool is_never_forwarded(std::uint8_t type) {
    if (type >= 130 && type <= 143) return true;
    return is_one_of(type, {148, 149, 151, 152, 153, 100, 101, 200, 201, 127, 255});
}

// R36, R17: what may be the first packet of something.
bool opens(const SlowPacket& p) {
    if (p.proto == 6) return (p.tcp.flags & (kSyn | kAck)) == kSyn;
    return !p.is_icmp() || p.asks_for_echo();
}

Query query_of(const ShadowKey& key, Direction direction, std::uint8_t icmp_type) {
    const bool inbound = direction == Direction::inbound;
    Query query{.direction = direction, .peer = key.outside, .ours = key.inside, .proto = key.proto};
    if (has_ports(key.proto)) {
        query.source_port = inbound ? key.outside_port : key.inside_port;
        query.destination_port = inbound ? key.inside_port : key.outside_port;
    }
    query.icmp_type = icmp_type;
    return query;
}

ShadowKey open_port_of(ShadowKey key) {
    key.outside = {};
    key.outside_port = 0;
    return key;
}

}  // namespace

void Shadow::load(const Policy& policy) {
    policy_ = &policy;
    ++loads_;
    owns_since_load_ = {own_};
}

void Shadow::set_own(const Own& own) {
    const bool lost =
        !std::includes(own.learnt.begin(), own.learnt.end(), own_.learnt.begin(), own_.learnt.end());
    own_ = own;
    if (lost) {  // what a learnt host has lost is asked for anew, as after a load
        ++loads_;
        owns_since_load_.clear();
    }
    owns_since_load_.push_back(own);
}

std::string Shadow::object_to(Direction direction, const Bytes& frame, const dw_outcome& outcome) {
    const SlowReading reading = read_slowly(frame, direction, policy_->uplink);
    const Case c{direction, reading.packet, static_cast<dw_reason>(outcome.reason)};
    if (outcome.verdict != DW_ACCEPT) {
        const auto known =
            datagrams_.find({c.packet.src, c.packet.dst, c.packet.fragment ? c.packet.fragment->id : 0});
        if (c.reason == DW_REASON_FRAGMENT_OVERLAP && known != datagrams_.end())
            known->second.given_up = true;
        return "";
    }
    return reading.fault.empty() ? to_accepted(c) : reading.fault;
}

std::string Shadow::to_accepted(const Case& c) {
    for (const auto check : {&Shadow::to_frame, &Shadow::to_addresses})
        if (std::string objection = (this->*check)(c); !objection.empty()) return objection;
    if (std::string objection = to_reason(c); !objection.empty()) return objection;
    return c.packet.fragment && c.packet.fragment->offset == 0 ? to_first_fragment(c) : "";
}

// R14, R40.
std::string Shadow::to_frame(const Case& c) const {
    const bool to_group = c.packet.mac[0] & 1;
    if (c.inbound() && !to_group && own_.mac != Mac{} && c.packet.mac != own_.mac)
        return "R40: for another MAC";
    if (c.packet.family != 0) return "";
    if (c.packet.ethertype == 0x0806) return c.reason == DW_REASON_ARP ? "" : "ARP for another reason";
    if (c.reason != DW_REASON_ETHERTYPE_PASS) return "neither IP nor ARP";
    return policy_->uplink.other_ethertypes ? "" : "R14: the policy does not pass other ethertypes";
}

// R1..R7.
std::string Shadow::to_addresses(const Case& c) const {
    const SlowPacket& p = c.packet;
    if (p.family != 6) return "";
    if (is_multicast(p.src)) return "R1: multicast source";
    if (c.inbound() && p.src == p.dst) return "R4: source equal to destination";
    if (c.reason >= DW_REASON_NEIGHBOUR && c.reason <= DW_REASON_DHCPV6)
        return "";  // judged by their own rules
    if (c.reason == DW_REASON_SECOND_ROUTER) return "";
    if (is_multicast(p.dst)) return "R1: multicast in transit";
    if (c.inbound() && p.mac[0] & 1) return "R40: one host's packet in a frame for many";
    if (is_unique_local(p.src) || is_unique_local(p.dst)) return "R4: ULA crosses";
    if (is_link_local(p.src) || is_link_local(p.dst)) {
        const bool on_the_link =
            is_link_local(p.src) && is_link_local(p.dst) && is_self(own_, c.inbound() ? p.dst : p.src);
        return on_the_link ? "" : "R4: link-local crosses";
    }
    const bool documentation = policy_->uplink.documentation_prefixes;
    if (is_forbidden(p.src, documentation) || is_forbidden(p.dst, documentation))
        return "R2: forbidden address";
    return to_own_addresses(c);
}

std::string Shadow::to_own_addresses(const Case& c) const {
    const SlowPacket& p = c.packet;
    if (!c.inbound()) {
        if (!is_self(own_, p.src) && !is_behind(p.src)) return "R3: not our source";
        return is_behind(p.dst) ? "R5: back to ourselves" : "";
    }
    if (is_self(own_, p.src) || is_behind(p.src)) return "R4: our own address as a source from outside";
    if (is_self(own_, p.dst)) return "";
    if (!is_behind(p.dst)) return "R6: not for us";
    return is_assigned(p.dst) ? "" : "R5: in no assigned network";
}

std::string Shadow::to_reason(const Case& c) {
    switch (c.reason) {
        case DW_REASON_ARP:
        case DW_REASON_ETHERTYPE_PASS:
            return c.packet.family == 0 ? "" : "IP passed as another protocol";
        case DW_REASON_IPV4_PASS:
            return c.packet.family == 4 && policy_->uplink.ipv4 == DW_IPV4_PASS ? "" : "IPv4 is not passed";
        case DW_REASON_RULE_ACCEPT:
        case DW_REASON_DEFAULT_ACCEPT:
        case DW_REASON_INDEPENDENT:
            return to_fresh(c);
        case DW_REASON_FLOW:
            return to_flow(c);
        case DW_REASON_INSPECT:
        case DW_REASON_INSPECT_CLEAN:
        case DW_REASON_INSPECT_AROUND:
            return to_inspected(c);
        case DW_REASON_ICMP_ERROR:
            return to_icmp_error(c);
        case DW_REASON_FRAGMENT:
            return to_later_fragment(c);
        case DW_REASON_NEIGHBOUR:
            return to_neighbour(c);
        case DW_REASON_ROUTER:
        case DW_REASON_SECOND_ROUTER:
            return to_router(c);
        case DW_REASON_MLD:
            return to_mld(c);
        case DW_REASON_DHCPV6:
        case DW_REASON_DHCPV4:
            return to_dhcp(c);
        default:
            return "accepted for a reason that accepts nothing";
    }
}

// Inspection takes nothing but what is accepted for another cause.
std::string Shadow::to_inspected(const Case& c) {
    std::string objection;
    for (const dw_reason cause :
         {DW_REASON_FRAGMENT, DW_REASON_FLOW, DW_REASON_RULE_ACCEPT, DW_REASON_INDEPENDENT}) {
        objection = to_reason({c.direction, c.packet, cause});
        if (objection.empty()) break;
    }
    return objection;
}

// ---- what no earlier packet explains

std::string Shadow::to_fresh(const Case& c) {
    const SlowPacket& p = c.packet;
    if (p.is_later_fragment()) return "N3: a later fragment has no ports";
    if (c.inbound() && p.proto == 6 && !opens(p)) return "R36: only a clean SYN opens";
    if (c.inbound() && p.answers_echo()) return "R17: an echo reply that nobody asked for";
    if (p.is_icmp_error()) return "R16: an error that quotes no flow";
    if (p.family == 6 && p.is_icmp() && is_never_forwarded(p.icmp_type))
        return "R19: such ICMPv6 is never forwarded";
    if (p.family == 6 && is_withdrawn(c.inbound() ? p.dst : p.src))
        return "R31: nothing new for a withdrawn prefix";
    const std::string objection = c.reason == DW_REASON_INDEPENDENT ? to_independent(c) : to_policy(c);
    if (!objection.empty() || !opens(p)) return objection;
    if (c.inbound() && !checksum_is_right(p)) return "R36: a bad checksum opens a flow";

    const ShadowKey key = *key_of(p, c.direction);
    ShadowFlow flow(p, c.direction, now_);
    flow.load = loads_;
    flow.by_open_port = c.reason == DW_REASON_INDEPENDENT;
    if (p.family == 6 && !c.inbound() && (p.proto == 6 || p.proto == 17)) {
        const Judgement judged = evaluate(*policy_, own_, query_of(key, c.direction, p.icmp_type));
        flow.independent = judged.rule != nullptr && judged.rule->endpoint_independent;
    }
    flow.independent = flow.independent || flow.by_open_port;
    if (flow.independent && !c.inbound()) open_ports_[open_port_of(key)] = now_;
    flows_.insert_or_assign(key, flow);
    return "";
}

std::string Shadow::to_policy(const Case& c) {
    if (c.packet.family == 4) return c.inbound() ? "no rule is about IPv4 from outside" : "";
    const std::uint8_t type = c.packet.icmp_type;
    ShadowKey key{.proto = c.packet.proto,
                  .inside = c.inbound() ? c.packet.dst : c.packet.src,
                  .outside = c.inbound() ? c.packet.src : c.packet.dst};
    if (const auto known = key_of(c.packet, c.direction)) key = *known;
    const auto over_rate = [this](const Rule& rule, const Ipv6Address& sender) {
        return rates_.over(rule, sender, now_ * 1'000'000'000);
    };
    const Judgement judged = evaluate(*policy_, own_, query_of(key, c.direction, type), over_rate);
    if (judged.verdict != DW_ACCEPT) return "the evaluator does not accept it";
    return (judged.rule != nullptr) == (c.reason == DW_REASON_RULE_ACCEPT)
               ? ""
               : "rule or default: the evaluator disagrees";
}

// R23.
std::string Shadow::to_independent(const Case& c) const {
    if (!c.inbound() || c.packet.family != 6) return "an open port is for who comes from outside";
    if (c.packet.proto != 6 && c.packet.proto != 17) return "REC-17, REC-33: only UDP and TCP";
    const ShadowKey key = *key_of(c.packet, c.direction);
    if (!has_open_port(key)) return "R23: nobody inside keeps this port open";
    const Judgement judged = evaluate(*policy_, own_, query_of(key, c.direction, 0));
    return judged.rule != nullptr ? "R23: a rule decides before an open port" : "";
}

// ---- what an earlier packet explains

std::string Shadow::to_flow(const Case& c) {
    const SlowPacket& p = c.packet;
    if (p.is_later_fragment()) return "N3: a later fragment has no ports";
    if (p.is_icmp_error()) return "R16: an error that quotes no flow";
    const std::optional<ShadowKey> key = key_of(p, c.direction);
    if (!key) return "R19: such ICMP is part of no flow";
    const ShadowFlow* known = live_flow(*key);
    if (known == nullptr) return "no accepted packet opened such a flow, or it has ended";
    ShadowFlow& flow = flows_.at(*key);
    if (c.inbound())
        if (std::string objection = flow.object_to(p); !objection.empty()) return objection;
    if (c.inbound() && !checksum_is_right(p) && flow.would_change(p, c.direction))
        return "R36: a bad checksum changes a flow";
    if (std::string objection = to_old_judgement(*key, flow); !objection.empty()) return objection;
    flow.load = loads_;
    flow.pass(p, c.direction, now_);
    if (flow.independent && !c.inbound()) open_ports_[open_port_of(*key)] = now_;
    return "";
}

// R28: opened from outside, and the policy has changed since. The core may have asked at any time since the
// load.
std::string Shadow::to_old_judgement(const ShadowKey& key, const ShadowFlow& flow) const {
    if (flow.opened_by == Direction::outbound || flow.load == loads_) return "";
    if (flow.by_open_port && has_open_port(key)) return "";
    const Query query = query_of(key, Direction::inbound, 128);
    for (const Own& own : owns_since_load_)
        if (evaluate(*policy_, own, query).verdict == DW_ACCEPT) return "";
    return "R28: the policy in force refuses this flow";
}

std::string Shadow::to_icmp_error(const Case& c) const {
    const SlowPacket& p = c.packet;
    if (!p.is_icmp_error() || p.is_later_fragment()) return "R16: not an error";
    const SlowReading quoted = read_quoted(Bytes(p.body.begin() + 8, p.body.end()), p.family);
    if (!quoted.fault.empty()) return "R16: quotes no packet: " + quoted.fault;
    if (quoted.packet.is_later_fragment()) return "R16: quotes a later fragment";
    if (quoted.packet.src != p.dst) return "R16: quotes a packet of somebody else";
    const Direction went = c.inbound() ? Direction::outbound : Direction::inbound;
    const std::optional<ShadowKey> key = key_of(quoted.packet, went);
    if (!key) return "R16: quotes ICMP that is part of no flow";
    const ShadowFlow* flow = live_flow(*key);
    if (flow == nullptr) return "R16: quotes a flow that nobody opened";
    return flow->has_sent(went, quoted.packet.tcp.seq) ? ""
                                                       : "R16: quotes a sequence number that nobody sent";
}

// ---- fragments

std::string Shadow::to_later_fragment(const Case& c) {
    if (!c.packet.is_later_fragment()) return "not a later fragment";
    const SlowFragment& part = *c.packet.fragment;
    const auto known = datagrams_.find({c.packet.src, c.packet.dst, part.id});
    if (known == datagrams_.end()) return "R10: no accepted first fragment came before";
    Datagram& datagram = known->second;
    if (is_over(datagram.since, DW_TIMEOUT_FRAGMENT)) return "R10: its first fragment is too old";
    if (datagram.given_up) return "R11: the datagram was given up";
    const unsigned end = part.offset + part.units;
    for (unsigned unit = part.offset; unit < end; ++unit)
        if (!datagram.seen.insert(unit).second) return "R11: fragments overlap";
    if (part.last && datagram.total && *datagram.total != end) return "R11: two different ends";
    if (part.last) datagram.total = end;
    if (datagram.total && *datagram.seen.rbegin() >= *datagram.total) return "R11: behind the end";
    if (datagram.is_whole()) datagrams_.erase(known);
    return "";
}

std::string Shadow::to_first_fragment(const Case& c) {
    has_seen_fragments_ = true;
    const SlowFragment& part = *c.packet.fragment;
    const DatagramKey key{c.packet.src, c.packet.dst, part.id};
    const auto known = datagrams_.find(key);
    if (known != datagrams_.end() && !is_over(known->second.since, DW_TIMEOUT_FRAGMENT))
        return "R11: the first fragment for the second time";
    Datagram datagram{.since = now_, .seen = {}, .total = {}, .given_up = false};
    for (unsigned unit = 0; unit < part.units; ++unit) datagram.seen.insert(unit);
    datagrams_[key] = datagram;
    return "";
}

// ---- the link

bool Shadow::is_for_this_box(const Case& c) const {
    if (c.packet.fragment || c.packet.atomic) return !c.inbound();  // R11, RFC 6980; our own are believed
    if (c.inbound()) return is_link_multicast(c.packet.dst) || is_self(own_, c.packet.dst);
    return is_self(own_, c.packet.src) || c.packet.src == Ipv6Address{};
}

std::string Shadow::to_neighbour(const Case& c) const {
    const SlowPacket& p = c.packet;
    if (p.family != 6 || !p.is_icmp() || !is_one_of(p.icmp_type, {135, 136, 141, 142})) return "no discovery";
    if (!is_for_this_box(c)) return "R18: not for this box, or not by it";
    if (!c.inbound()) return "";
    const bool names_host = p.body.size() >= 24 && p.body[8] != 0xff;
    if (p.icmp_type < 140 && !names_host) return "R37: it names no neighbour";
    return p.hop_limit == 255 && p.icmp_code == 0 ? "" : "R18: not from the link";
}

std::string Shadow::to_router(const Case& c) {
    const SlowPacket& p = c.packet;
    if (p.family != 6 || !p.is_icmp() || !is_one_of(p.icmp_type, {133, 134, 148, 149})) return "no discovery";
    if (!is_for_this_box(c)) return "R18: not for this box, or not by it";
    if (!c.inbound()) return "";
    if (p.hop_limit != 255 || p.icmp_code != 0) return "R18: not from the link";
    if (p.icmp_type != 134) return "";
    if (p.src.hi != 0xfe80ull << 48 || p.src.lo == 0 || p.body.size() < 16)
        return "R21: not a router's advertisement";
    for (std::size_t at = 16; at + 8 <= p.body.size() && p.body[at + 1] != 0; at += p.body[at + 1] * 8u) {
        const std::size_t prefix = at + (p.body[at] == 3 ? 16 : 8);
        if (!is_one_of(p.body[at], {3, 24}) || p.body[at + 2] < 64 || prefix + 8 > p.body.size()) continue;
        Ipv6Address network{};
        for (std::size_t i = 0; i < 8; ++i) network.hi = network.hi << 8 | p.body[prefix + i];
        const std::optional<Located> at_ours = locate(own_, network);
        if (at_ours && own_.prefixes[at_ours->slot].prefix.length() < 64 && is_assigned(network))
            return "R6: it takes a network of ours";
    }
    std::erase_if(routers_, [&](const Router& router) { return router.until <= now_; });
    auto router = std::ranges::find(routers_, p.src.lo, &Router::id);
    if (router == routers_.end() && routers_.size() >= 2) return "R37: a third router";
    constexpr int kRanks[] = {1, 2, 1, 0};  // RFC 4191 2.1: medium, high, reserved, low
    const int rank = kRanks[p.body[5] >> 3 & 3];
    if (router != routers_.begin() && rank > routers_.front().rank)
        return "R37: it wants to be preferred to the first";
    if (router == routers_.end()) router = routers_.insert(router, {.id = p.src.lo});
    constexpr unsigned kRemembered = 60;
    router->until = now_ + std::max(kRemembered, p.body[6] * 256u + p.body[7]);
    router->rank = rank;
    return "";
}

std::string Shadow::to_mld(const Case& c) const {
    const SlowPacket& p = c.packet;
    if (p.family != 6 || !p.is_icmp() || !is_one_of(p.icmp_type, {130, 131, 132, 143})) return "no MLD";
    if (!is_for_this_box(c)) return "R18: not for this box, or not by it";
    return !c.inbound() || (is_link_local(p.src) && p.hop_limit == 1) ? "" : "R18: MLD from afar";
}

std::string Shadow::to_dhcp(const Case& c) const {
    const SlowPacket& p = c.packet;
    const bool v6 = c.reason == DW_REASON_DHCPV6;
    const std::uint16_t client = v6 ? 546 : 68, server = v6 ? 547 : 67;
    if (p.family != (v6 ? 6u : 4u) || p.proto != 17 || p.is_later_fragment()) return "no DHCP";
    const bool right = c.inbound() ? p.source_port == server && p.destination_port == client
                                   : p.source_port == client && p.destination_port == server;
    if (!right) return "not DHCP's ports";
    if (!v6) return "";
    if (!c.inbound()) return is_self(own_, p.src) || p.src == Ipv6Address{} ? "" : "DHCPv6 of somebody else";
    return is_link_local(p.dst) && is_self(own_, p.dst) ? "" : "DHCPv6 that is not for this box";
}

// ---- questions

// In a delegated prefix; in the one that is shared with the dish only our own addresses are ours (R6).
bool Shadow::is_behind(const Ipv6Address& address) const {
    const std::optional<Located> at = locate(own_, address);
    return at && !own_.prefixes[at->slot].onlink;
}

bool Shadow::is_withdrawn(const Ipv6Address& address) const {
    const std::optional<Located> at = locate(own_, address);
    return at && own_.prefixes[at->slot].state == DW_PREFIX_GRACE && !is_self(own_, address);
}

bool Shadow::is_assigned(const Ipv6Address& address) const {
    const std::optional<Located> at = locate(own_, address);
    return at && std::any_of(policy_->networks.begin(), policy_->networks.end(), [&](const Network& network) {
               return network.source == own_.prefixes[at->slot].source && network.subnet == at->subnet;
           });
}

const ShadowFlow* Shadow::live_flow(const ShadowKey& key) const {
    const auto known = flows_.find(key);
    if (known == flows_.end() || is_over(known->second.last_used(), known->second.timeout())) return nullptr;
    return &known->second;
}

bool Shadow::has_open_port(ShadowKey key) const {
    const auto& rules = policy_->outbound.rules;
    if (std::none_of(rules.begin(), rules.end(), [](const Rule& rule) { return rule.endpoint_independent; }))
        return false;
    const auto known = open_ports_.find(open_port_of(key));
    return known != open_ports_.end() &&
           !is_over(known->second, key.proto == 17 ? DW_TIMEOUT_UDP : DW_TIMEOUT_TCP_OPENING);
}

bool Shadow::is_over(std::uint64_t since, dw_timeout timeout) const {
    return now_ - since > policy_->uplink.idle_s[timeout];
}

}  // namespace dishwall::test
