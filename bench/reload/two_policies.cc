// SPDX-License-Identifier: BSD-3-Clause
#include "bench/reload/two_policies.h"

#include <fmt/format.h>

#include "bench/live/packet_set.h"
#include "bench/published.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kFirstPort = 8000;
static_assert(kFirstPort % DW_CLASS_PORTS == 0);
constexpr unsigned kOtherRules = 500;
constexpr unsigned kFeedEntries[] = {0, 2000, 3000};
constexpr std::uint64_t kHost = kServiceHosts;
constexpr unsigned kFlowsOfOne = 64;

constexpr PacketKind kBoth = {"accepted by both", Allowed::by_both, "both"},
                     kOne = {"accepted by one", Allowed::by_one, "one"},
                     kTwo = {"accepted by two", Allowed::by_two, "two"},
                     kMixed = {"accepted by a mixture only", Allowed::by_none, ""},
                     kAgain = {"accepted by one, and its flows", Allowed::by_one, "again"},
                     kNone = {"accepted by none", Allowed::by_none, ""};

// Of the packets' peers, 0 or 1, as rules name it.
std::string network(unsigned number) {
    return to_string(Ipv6Address{kInternet, std::uint64_t{number} << 63}) + "/65";
}

std::string rules_of(unsigned number) {
    if (number == 1)
        return fmt::format(
            "    accept udp {0} to host name both\n"
            "    accept udp {1} from feed known to host name one\n"
            "    accept udp {2} from {3} to host name again\n",
            kFirstPort, kFirstPort + 1, kFirstPort + 4, network(0));
    std::string text;
    for (unsigned n = 0; n < kOtherRules; ++n) text += fmt::format("    accept tcp {} to host\n", 1000 + n);
    return text + fmt::format(
                      "    accept udp {0} from feed known to host name two\n"
                      "    accept udp {1} to host name both\n"
                      "    drop udp {2} to host name shut\n",
                      kFirstPort + 2, kFirstPort, kFirstPort + 3);
}

dw_traffic to_the_host() {
    dw_traffic set = inbound_traffic(true, {kIspMac, kUplinkMac, kInternet, kLan});
    set.inside_base = kHost;
    set.inside_port_base = kFirstPort;
    set.peer_port_base = 40000;
    return set;
}

}  // namespace

const PacketKind& kind_of_class(unsigned number) {
    static constexpr const PacketKind* kKinds[DW_CLASSES] = {
        &kBoth, &kOne,   &kMixed, &kNone, &kAgain, &kNone, &kNone, &kNone,   // network 0
        &kBoth, &kMixed, &kTwo,   &kNone, &kNone,  &kNone, &kNone, &kNone};  // network 1
    return *kKinds[number];
}

dw_traffic strangers() {
    dw_traffic set = to_the_host();
    set.random = 1;
    set.inside_port_mask = DW_CLASS_PORTS - 1;
    set.peer_mask = ~0ull;
    return set;
}

dw_traffic acquaintances() {
    dw_traffic set = to_the_host();
    set.inside_port_base += 4;
    set.peer_mask = kFlowsOfOne - 1;
    return set;
}

std::string policy_text(unsigned number) {
    return rule_file_head() +
           fmt::format(
               "host host = lan ::{:x}:{:x}\n"
               "feed known = file \"feed-{}.txt\"\n"
               "policy inbound on dish {{\n    default drop\n",
               kHost >> 16, kHost & 0xffff, number) +
           rules_of(number) + "}\n";
}

// Networks that nobody sends from, before and behind the one that counts.
std::string feed_text(unsigned number) {
    std::string text;
    for (unsigned n = 0; n < kFeedEntries[number]; ++n)
        text += fmt::format("2001:db8:{:x}:{:x}::/64\n", n % 2 == 0 ? 0x1000 : 0xe, number << 13 | n);
    return text + network(number - 1) + "\n";
}

}  // namespace dishwall::bench
