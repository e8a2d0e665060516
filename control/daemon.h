// SPDX-License-Identifier: BSD-3-Clause
//
// The daemon's life: arms the uplink, keeps the policy and our prefixes in force, and leaves both in force
// when it goes (design D5). A load that fails anywhere changes nothing (the old policy runs on).
//
// Armed in this order, so that no packet passes unjudged: policy compiled, guard shut, maps made or adopted,
// our prefixes filled in, policy swapped in, then the programs attached, and only then the guard opened.
// READY is said after that, or when all of it waits for a device that is not there yet.
#pragma once

#include <systemd/sd-event.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "control/clock.h"
#include "control/config_file.h"
#include "control/counter_registry.h"
#include "control/datapath.h"
#include "control/dns/dns_updater.h"
#include "control/event_reader.h"
#include "control/explainer.h"
#include "control/line/line_follower.h"
#include "control/line/prefix_history.h"
#include "control/names/name_follower.h"
#include "control/pin_directory.h"
#include "control/routers.h"
#include "control/run_lock.h"
#include "control/sentry.h"

namespace dishwall {

struct DaemonOptions {
    std::string config = "/etc/dishwall/dishwall.conf";
    std::string run_dir = "/run/dishwall";
    std::string pin_dir = "/sys/fs/bpf/dishwall";
    std::string state_dir = "/var/lib/dishwall";
    EgressChoice egress = EgressChoice::automatic;
};

// Told as things happen.
struct DaemonObservers {
    std::function<void(const dw_event&, const CounterRegistry& names)> packet;
    std::function<void(const LineChange&)> line;  // of prefixes and of hosts that are learnt
};

struct LoadReport {
    std::string warnings;  // rendered; may be empty
};

struct LoadFailure {
    bool refused = false;  // nothing is wrong with the file, but it cannot be loaded while running
    std::string message;
    std::string diagnostics;
    std::string interface;  // the uplink's, as far as the file tells
};

// Takes off what a daemon that no longer runs left in force with these options.
[[nodiscard]] Result<void> unload_what_is_left(const DaemonOptions& options);

class Daemon {
public:
    // `loop` is referenced.
    Daemon(sd_event* loop, DaemonOptions options, DaemonObservers observers);
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    // Until the policy is enforced, or waits for its device. Call once. After a failure, what guarded the
    // uplink before still does; if nothing did, the uplink is closed, and the message says how to open it.
    [[nodiscard]] Result<void> start();

    // Puts another rule file in force; without a path the same one again.
    // Success, warnings and failures go to the log too.
    [[nodiscard]] tl::expected<LoadReport, LoadFailure> load(const std::optional<std::string>& path);
    // The off switch: programs off the uplink, pins removed. From here on everything passes.
    [[nodiscard]] Result<void> unload();
    [[nodiscard]] Result<Explanation> explain(const PacketSpec& packet);
    // The `prefixes` array of replies, as it is in force: a withdrawal still held back takes effect first.
    [[nodiscard]] nlohmann::json prefixes();
    // Of other replies: `line` of Status, `hosts` of Hosts, `dns` of Status, `changes` of PrefixHistory.
    [[nodiscard]] nlohmann::json line_json() const;
    [[nodiscard]] nlohmann::json hosts_json() const;
    [[nodiscard]] nlohmann::json dns_json() const;
    [[nodiscard]] nlohmann::json history_json(std::size_t limit) const;

    // What a DHCPv6 client's hook says of its delegation; `source` as in rules: "dish.pd".
    [[nodiscard]] Result<void> set_prefix(const std::string& source, const Ipv6Prefix& prefix,
                                          std::chrono::seconds valid, std::chrono::seconds preferred);
    // Without a prefix: all of that source.
    [[nodiscard]] Result<void> withdraw_prefix(const std::string& source,
                                               const std::optional<Ipv6Prefix>& prefix);

    // What is in force, for replies. Good after a successful start.
    [[nodiscard]] const DaemonOptions& options() const { return options_; }
    [[nodiscard]] const Policy& policy() const { return *policy_; }
    [[nodiscard]] const CounterRegistry& names() const { return names_; }
    [[nodiscard]] const LineFollower& line() const { return line_; }
    [[nodiscard]] Datapath& datapath() { return *datapath_; }
    [[nodiscard]] const Sentry& sentry() const { return *sentry_; }
    [[nodiscard]] const Routers& routers() const { return *routers_; }
    [[nodiscard]] UnixTime loaded_at() const { return loaded_at_; }
    // From the netlink event of the last update of our prefixes to its being in force.
    [[nodiscard]] std::optional<std::uint64_t> enforced_in_ns() const { return enforced_in_ns_; }

private:
    struct Candidate {  // everything a load needs, before anything is touched
        std::unique_ptr<const Policy> policy;
        CounterRegistry names;
        std::vector<std::uint32_t> reused;  // counters to zero
        std::vector<std::byte> image;
        std::string warnings;
    };
    [[nodiscard]] tl::expected<LoadReport, LoadFailure> replace_policy(const std::string& path);
    [[nodiscard]] tl::expected<Candidate, LoadFailure> prepare(const std::string& path) const;
    [[nodiscard]] Result<void> read_names();
    [[nodiscard]] Result<void> enforce(Candidate candidate, const Own& own);
    void follow_names_and_records(const Own& own);
    [[nodiscard]] Result<void> start_behind_guard(Candidate candidate);
    [[nodiscard]] Result<void> fail_closed(const LoadFailure& failure);
    [[nodiscard]] std::string names_path() const { return options_.state_dir + "/counters.json"; }

    void on_own_changed(const LineUpdate& update);
    void tell(const LineChange& change);
    void tell_history_warnings();
    void note(const std::string& kind, const std::string& text);
    void on_uplink_changed(const UplinkState& state);

    sd_event* loop_;
    DaemonOptions options_;
    DaemonObservers observers_;
    LineFollower line_;
    NameFollower domains_;
    DnsUpdater dns_;
    PrefixHistory history_;

    std::unique_ptr<const Policy> policy_;
    CounterRegistry names_;
    std::optional<PinDirectory> pins_;
    std::optional<Datapath> datapath_;
    std::optional<Sentry> sentry_;
    std::optional<Routers> routers_;
    unsigned routers_of_ = 0;  // the device that they were learnt on
    std::optional<EventReader> events_;
    std::optional<Explainer> explainer_;
    UnixTime loaded_at_{0};
    std::optional<std::uint64_t> enforced_in_ns_;
};

}  // namespace dishwall
