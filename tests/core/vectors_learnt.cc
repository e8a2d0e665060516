// SPDX-License-Identifier: BSD-3-Clause
//
// Hosts that are learnt while the policy runs: by device, by name. What the line knows of them changes without a
// load, and what they lose is closed, for open flows as well.
#include <stdexcept>

#include "tests/core/story.h"

namespace dishwall::test {
namespace {

constexpr const char* kCam = "2001:db8:aa00:1::77";  // kLaptop's address, in these stories a device's
constexpr const char* kCamTemporary = "2001:db8:aa00:1:f00d::1";
constexpr const char* kTokyo = "2001:db8:7::9";

std::string rules_with_learnt_hosts() {
    std::string rules = world_rules_with("",
                                         "accept tcp 81 to cam                    name cam\n"
                                         "accept tcp 82 to { doorbell, nas }      name doorbell\n"
                                         "drop udp 5060 from not tokyo to self    name strangers\n"
                                         "accept udp 5060 to self                 name sip",
                                         "drop tcp 8443 from cam                  name cam-stays-home");
    rules.insert(rules.find("host nas"),
                 "host cam = lan mac 02:00:00:00:00:77\n"
                 "host doorbell = lan mac 02:00:00:00:00:78\n"
                 "host tokyo = name vpn.example.net\n");
    return rules;
}

std::uint32_t id_of(const std::string& name) {
    for (const LearntHost& host : read_or_throw(rules_with_learnt_hosts()).learnt)
        if (host.name == name) return host.id;
    throw std::runtime_error("no learnt host " + name);
}

struct Uses {
    const char* host;
    const char* address;
};

Own knowing(const std::vector<Uses>& all) {
    Own own = world_own();
    for (const Uses& uses : all) own.learnt.push_back({*parse_ipv6(uses.address), id_of(uses.host)});
    tidy(&own.learnt);
    return own;
}

Packet syn_to(const char* address, std::uint16_t port) {
    return from_to(kPeer, address) / Tcp{.dport = port};
}

}  // namespace

void add_learnt_vectors(std::vector<Vector>& all) {
    const Load load{rules_with_learnt_hosts()};
    all.push_back({"language",
                   "a device is reachable on the addresses that it is known to use, and on no other",
                   {load, in_drop(syn_to(kCam, 81), DW_REASON_DEFAULT_DROP), knowing({{"cam", kCam}}),
                    in_accept(syn_to(kCam, 81), DW_REASON_RULE_ACCEPT),
                    in_drop(syn_to(kCam, 83), DW_REASON_DEFAULT_DROP),
                    in_drop(syn_to(kCamTemporary, 81), DW_REASON_DEFAULT_DROP),
                    knowing({{"cam", kCam}, {"cam", kCamTemporary}}),
                    in_accept(syn_to(kCamTemporary, 81), DW_REASON_RULE_ACCEPT)}});
    all.push_back({"language",
                   "another device's addresses open nothing, and one address may be two hosts'",
                   {load, knowing({{"doorbell", kCam}}), in_drop(syn_to(kCam, 81), DW_REASON_DEFAULT_DROP),
                    in_accept(syn_to(kCam, 82), DW_REASON_RULE_ACCEPT),
                    in_accept(syn_to(kNas, 82), DW_REASON_RULE_ACCEPT),
                    knowing({{"doorbell", kCam}, {"cam", kCam}}),
                    in_accept(syn_to(kCam, 81), DW_REASON_RULE_ACCEPT)}});
    const Talk talk{.inside = kCam, .inside_port = 81};
    const Step data = in_accept(talk.in({.seq = 1, .ack = 1, .length = 10}), DW_REASON_FLOW);
    all.push_back({"R28",
                   "an address that a device has lost is closed, for open flows too; others go on",
                   std::vector<Step>{load, knowing({{"cam", kCam}, {"cam", kCamTemporary}})} +
                       talk.opened_from_outside() +
                       std::vector<Step>{data, knowing({{"cam", kCam}}), data,
                                         knowing({{"cam", kCamTemporary}}),
                                         in_drop(talk.in({.seq = 11, .ack = 1, .length = 10}),
                                                 DW_REASON_DEFAULT_DROP),
                                         in_drop(syn_to(kCam, 81), DW_REASON_DEFAULT_DROP)}});
    const Talk own{.inside = kCam, .outside = kPeer, .inside_port = 50000, .outside_port = 443};
    all.push_back({"R28",
                   "what a device opened itself goes on when its address is let go",
                   std::vector<Step>{load, knowing({{"cam", kCam}})} + own.opened_from_inside() +
                       std::vector<Step>{knowing({}), in_accept(own.in({.seq = 1, .ack = 1, .length = 10}),
                                                                DW_REASON_FLOW)}});
    all.push_back({"language",
                   "a peer by name, and everybody but it",
                   {load, in_drop(from_to(kTokyo, kBox) / Udp{.dport = 5060}, DW_REASON_RULE_DROP),
                    knowing({{"tokyo", kTokyo}}),
                    in_accept(from_to(kTokyo, kBox) / Udp{.dport = 5060}, DW_REASON_RULE_ACCEPT),
                    in_drop(from_to(kPeer, kBox) / Udp{.dport = 5060}, DW_REASON_RULE_DROP)}});
    all.push_back({"language",
                   "a device in an outbound rule",
                   {load, knowing({{"cam", kCam}}),
                    out_drop(from_to(kCam, kPeer) / Tcp{.dport = 8443}, DW_REASON_RULE_DROP),
                    out_accept(from_to(kCamTemporary, kPeer) / Tcp{.dport = 8443}, DW_REASON_DEFAULT_ACCEPT)}});
    Own withdrawn = knowing({{"cam", kGoneNas}});
    all.push_back({"R31",
                   "a device's address in a withdrawn prefix admits nothing new",
                   {load, withdrawn, in_drop(syn_to(kGoneNas, 81), DW_REASON_PREFIX_WITHDRAWN)}});
}

}  // namespace dishwall::test
