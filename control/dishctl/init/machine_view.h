// SPDX-License-Identifier: BSD-3-Clause
//
// What `dishctl init` sees of the machine that it writes a first rule file for. Reading is kept apart from
// writing (first_rule_file.h), so that every file can be tested on a machine that is not there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/ipv6.h"
#include "rules/policy.h"

namespace dishwall {

struct SeenAddress {
    Ipv6Address address;
    unsigned length = 128;   // of the prefix on its link
    bool temporary = false;  // or deprecated: not what others should be told
};

struct SeenInterface {
    std::string name;
    bool up = false;
    std::vector<SeenAddress> addresses;  // IPv6, link-local ones too
};

// A device behind an interface, from the kernel's neighbour table.
struct SeenNeighbour {
    std::string interface;
    Ipv6Address address;
    MacAddress mac{};
};

// A socket of this machine that waits for somebody: TCP listening, UDP and SCTP unconnected.
struct SeenListener {
    std::uint8_t proto = 0;
    std::uint16_t port = 0;
    Ipv6Address address;  // :: for all
    std::string program;  // "sshd"; empty: only root can tell
};

// The unreachable route of a DHCPv6 client.
struct SeenDelegation {
    Ipv6Prefix prefix;
    std::optional<std::uint32_t> metric;
};

struct MachineView {
    std::string host_name;
    std::string uplink;  // where the IPv6 default route leads, else that of IPv4; empty: there is none
    bool uplink_by_ipv4 = false;
    std::vector<SeenDelegation> delegations;
    std::vector<SeenInterface> interfaces;  // without lo
    std::vector<SeenNeighbour> neighbours;
    std::vector<SeenListener> listeners;
    std::vector<std::string> troubles;  // what could not be looked at, and why
    std::string ssh_client;             // the address that this very session comes from; empty: none
};

// Changes nothing. What cannot be read is in `troubles`.
[[nodiscard]] MachineView read_machine_view();

}  // namespace dishwall
