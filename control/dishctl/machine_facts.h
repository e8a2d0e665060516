// SPDX-License-Identifier: BSD-3-Clause
//
// What `dishctl doctor` looks at, as it is on this machine now. Reading is kept apart from judging
// (doctor_checks.h), so that every judgement can be tested on a machine that is not there.
//
// All of it is asked of the kernel in this process's own network namespace: netlink, and /proc/sys/net, which
// shows the namespace of its reader; /sys/class/net may show another one's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/dishctl/check.h"
#include "rules/policy.h"

namespace dishwall {

struct DaemonFacts {
    nlohmann::json status;         // the reply of Status; null: no daemon answers
    nlohmann::json hosts;          // the `hosts` of Hosts
    std::string trouble;           // why none answers
    bool in_our_namespace = true;  // it sees the same interfaces as we do; true when that cannot be told
    [[nodiscard]] bool runs() const { return status.is_object(); }
};

struct RuleFileFacts {
    std::string path;
    CheckReport report;
    std::optional<Policy> policy;
};

// On the uplink; `program` 0: none.
struct XdpFacts {
    std::uint32_t program = 0;
    bool native = false;
    std::optional<bool> ours;  // empty: only root can tell
    std::string trouble;       // why nothing is known
};

struct UplinkFacts {
    std::string name;    // empty: neither the rule file nor a daemon names one
    unsigned index = 0;  // 0: there is none of this name
    bool up = false;
    std::vector<std::string> others;  // interfaces there are
    std::optional<int> accept_ra;
    bool has_default_route = false;  // of IPv6
    XdpFacts xdp;
};

struct MachineFacts {
    bool root = false;  // what a user may not see is no failure
    DaemonFacts daemon;
    std::string kernel;  // "6.1.0-18-amd64"
    bool btf = false;
    std::string pin_dir, bpf_fs;              // `bpf_fs`: why pins cannot be kept there; empty: they can
    std::vector<std::string> missing_rights;  // of the daemon, or of this process when none runs
    RuleFileFacts rules;
    UplinkFacts uplink;
    std::string nftables;  // why it takes no guard; empty: it does
    std::optional<int> forwarding;
    nlohmann::json prefixes;  // as in Status; from the daemon, or read here as it would
    nlohmann::json line;      // the same
    std::string dish_page;    // the interface that leads to it; empty: no route does
    std::int64_t now = 0;     // unix seconds
    bool clock_synchronised = false;
    bool has_nsupdate = false;
    std::vector<std::string> not_executable;  // programs of dns-update
    std::string state_dir, state_dir_trouble;
};

// `config`: empty for the daemon's, or the usual one.
[[nodiscard]] MachineFacts read_machine(const std::filesystem::path& run_dir, const std::string& config);

}  // namespace dishwall
