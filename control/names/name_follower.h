// SPDX-License-Identifier: BSD-3-Clause
//
// Follows hosts by name (`host tokyo = name vpn.example.net`): asks the system's resolver when a TTL is over,
// keeps the last good answer, also over restarts, and hands out all addresses each time one changed. The
// rules of it are in name_table.h, the asking in name_resolver.h; here are the loop, the file and the
// callbacks.
#pragma once

#include <systemd/sd-event.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "rules/own.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

// `resolved` is called from the loop, never from within `follow`.
struct NameCallbacks {
    std::function<void(std::vector<LearntAddress>)> resolved;  // the addresses of all domain hosts, complete
    std::function<void(const std::string&)> warn;
};

class NameFollower {
public:
    // `loop` is referenced. `state_dir` keeps names.json; empty: nothing is kept.
    NameFollower(sd_event* loop, std::filesystem::path state_dir, NameCallbacks callbacks);
    ~NameFollower();
    NameFollower(const NameFollower&) = delete;
    NameFollower& operator=(const NameFollower&) = delete;

    // Follows the domain hosts of this policy from now on; call it when the policy is in force. What is known
    // is carried over by domain, the first time from names.json. It does not wait for any answer.
    // `resolved` follows from the loop; who cannot wait for it takes `addresses`.
    [[nodiscard]] Result<void> follow(const Policy& policy);

    // What is known now, as `resolved` would be told.
    [[nodiscard]] std::vector<LearntAddress> addresses() const;
    // [{"name", "kind": "domain", "domain", "addresses": [text], "stale": bool, "expires_in": s or null,
    //   "resolved_at": unix s or null, "error": text or null}], one for each domain host, in file order.
    [[nodiscard]] nlohmann::json json() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dishwall
