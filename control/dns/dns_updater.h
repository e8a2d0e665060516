// SPDX-License-Identifier: BSD-3-Clause
//
// Keeps AAAA records at the addresses that hosts behind the line have (`dns-update`). The daemon tells it
// what is in force, so a record never runs ahead of the rule for its address. What is to be published is
// decided in update_plan.h; here are the loop, the children (nsupdate or the user's program) and the file.
#pragma once

#include <systemd/sd-event.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "rules/own.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

// Called from the loop; from within `follow` only a warning that dns.json cannot be read.
struct DnsCallbacks {
    std::function<void(const std::string&)> changed;  // a record was published: for log and history
    std::function<void(const std::string&)> warn;     // an update failed (once per episode), or the file did
};

class DnsUpdater {
public:
    // `loop` is referenced; SIGCHLD must be blocked in the process. `state_dir` keeps dns.json; empty:
    // nothing is kept.
    DnsUpdater(sd_event* loop, std::filesystem::path state_dir, DnsCallbacks callbacks);
    ~DnsUpdater();  // kills children that still run
    DnsUpdater(const DnsUpdater&) = delete;
    DnsUpdater& operator=(const DnsUpdater&) = delete;

    // The records of this policy from now on; call it when the policy is in force. What was published is
    // carried over by zone and name, the first time from dns.json. Nothing is sent before the next
    // `own_in_force`, since prefix sources may have other numbers now.
    [[nodiscard]] Result<void> follow(const Policy& policy);
    // The data plane has this. Returns at once: no file and no child is touched here.
    void own_in_force(const Own& own);

    // [{"zone", "by": "nsupdate"|"exec", "server": "ADDR port N" | "program": path,
    //   "records": [{"name", "host", "wanted": [text], "published": [text], "state":
    //   "current"|"pending"|"failing",
    //                "last_success": unix s or null, "error": text or null, "attempts": n, "retry_in": s or
    //                null}]}]
    [[nodiscard]] nlohmann::json json() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dishwall
