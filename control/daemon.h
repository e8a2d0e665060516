// SPDX-License-Identifier: BSD-3-Clause
//
// The daemon's life: arms the uplink, keeps the policy and our prefixes in force, and leaves both in force
// when it goes (design D5). A load that fails anywhere changes nothing (the old policy runs on). Its way from
// one policy to the next, with the way back, is in daemon_load.cc; what it answers about policies in
// daemon_answers.cc.
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

#include "control/caller/caller_connection.h"
#include "control/clock.h"
#include "control/config_file.h"
#include "control/counter_registry.h"
#include "control/datapath.h"
#include "control/dns/dns_updater.h"
#include "control/event_gate.h"
#include "control/event_reader.h"
#include "control/explainer.h"
#include "control/feed_follower.h"
#include "control/inspection/inspection.h"
#include "control/inspection/report_log.h"
#include "control/line/line_follower.h"
#include "control/line/prefix_history.h"
#include "control/names/name_follower.h"
#include "control/pin_directory.h"
#include "control/policies/policy_store.h"
#include "control/policies/start_plan.h"
#include "control/routers.h"
#include "control/run_lock.h"
#include "control/sentry.h"
#include "control/shadow/shadow_runs.h"
#include "rules/lower.h"

namespace dishwall {

struct DaemonOptions {
    std::string config = "/etc/dishwall/dishwall.conf";
    std::string run_dir = "/run/dishwall";
    std::string pin_dir = "/sys/fs/bpf/dishwall";
    std::string state_dir = "/var/lib/dishwall";
    TcChoice egress = TcChoice::automatic;
    unsigned inspect_workers = 1;  // at most DW_WORKERS
};

// Told as things happen.
struct DaemonObservers {
    std::function<void(const dw_event&, const CounterRegistry& names)> packet;
    std::function<void(const LineChange&)> line;  // of prefixes and of hosts that are learnt
    std::function<void(const nlohmann::json&)> inspection;  // as inspection_event() makes them
};

struct LoadRequest {
    std::optional<std::string> path;              // of `load`; without one the same file again
    std::optional<std::chrono::seconds> confirm;  // of `load`: undone after so long, unless it is confirmed
    bool force = false;
    std::optional<pid_t> caller;       // whose connection must not be cut
    std::vector<SocketInode> sockets;  // the same, told by the caller
};

struct LoadReport {
    std::string warnings;  // rendered; may be empty
    unsigned number = 0;   // of the policy that is in force now
    std::optional<UnixTime> confirm_by;
};

struct LoadFailure {
    bool refused = false;  // nothing is wrong with the file, but it cannot be loaded, or should not be
    std::string message;
    std::string diagnostics = {};
    std::string interface = {};        // the uplink's, as far as the file tells
    std::vector<RuleText> texts = {};  // of the file, as far as they could be read
};

// What `diff` compares: a policy by its number, a rule file, or neither.
struct DiffChoice {
    std::optional<unsigned> number;
    std::optional<std::string> path;
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

    // Puts another rule file in force. Success, warnings and failures go to the log too.
    // Refused without `force`: what would cut the caller's connection or break a `protect` line; and any load
    // while a policy waits to be confirmed. With it, the way back stays: what is loaded is unconfirmed then,
    // too.
    [[nodiscard]] tl::expected<LoadReport, LoadFailure> load(const LoadRequest& request);
    // The policy stays. Returns its number; fails when nothing waits for it.
    [[nodiscard]] Result<unsigned> confirm();
    // Puts an earlier policy in force again, with its own texts; without a number the one before, or the one
    // that the deadline would go back to.
    [[nodiscard]] tl::expected<LoadReport, LoadFailure> rollback(std::optional<unsigned> number,
                                                                 const LoadRequest& request);
    // The off switch: programs off the uplink, pins removed. From here on everything passes.
    [[nodiscard]] Result<void> unload();
    // The dry twin, loaded at the first question.
    [[nodiscard]] Result<const Explainer*> explainer();
    [[nodiscard]] InForce in_force() { return {*policy_, line_.own(), names_, *datapath_}; }
    // Good after a successful start.
    [[nodiscard]] ShadowRuns& shadow() { return *shadow_; }
    // The `prefixes` array of replies, as it is in force: a withdrawal still held back takes effect first.
    [[nodiscard]] nlohmann::json prefixes();
    // Of other replies: `line` of Status, `hosts` of Hosts, `dns` of Status, `changes` of PrefixHistory.
    [[nodiscard]] nlohmann::json line_json() const;
    [[nodiscard]] nlohmann::json hosts_json() const;
    [[nodiscard]] nlohmann::json dns_json() const;
    [[nodiscard]] nlohmann::json history_json(std::size_t limit) const;
    // `policies` of History, newest first; `policy_number` and `confirm` of Status; `feeds` of Status; Names.
    [[nodiscard]] nlohmann::json policies_json(std::size_t limit) const;
    [[nodiscard]] nlohmann::json standing_json() const;
    [[nodiscard]] nlohmann::json feeds_json() const { return feeds_.json(); }
    [[nodiscard]] nlohmann::json names_json() const;
    // Of Status; null: no policy has inspected yet.
    [[nodiscard]] nlohmann::json inspection_json() const;
    // The Diff reply. `a` is what is in force when it says nothing, `b` the rule file.
    [[nodiscard]] tl::expected<nlohmann::json, LoadFailure> diff_json(const DiffChoice& a,
                                                                      const DiffChoice& b);
    // Empty, or what is to be said about a policy that nobody has confirmed when the daemon goes.
    [[nodiscard]] std::string left_unconfirmed() const;

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
    // What the policy costs, as compiled.
    [[nodiscard]] const ImageFacts& cost() const { return cost_; }
    [[nodiscard]] UnixTime loaded_at() const { return loaded_at_; }
    // From the netlink event of the last update of our prefixes to its being in force.
    [[nodiscard]] std::optional<std::uint64_t> enforced_in_ns() const { return enforced_in_ns_; }

private:
    struct Image {  // what is made of a policy alone
        CounterRegistry names;
        std::vector<std::uint32_t> reused;  // counters to zero
        std::string names_text;             // for their file; empty: it says so already
        CompiledImage image;
    };
    struct Candidate : Image {  // everything a load needs, before anything is touched
        std::unique_ptr<const Policy> policy;
        std::shared_ptr<const void> leftovers;  // Compiled::leftovers
        std::string warnings;
        std::vector<RuleText> texts;
        std::vector<std::string> missing;  // feeds' files that could not be used
        std::string path;
        std::string broken;  // rendered: its own protect lines that it breaks
    };
    struct Change {  // from one policy to the next
        PolicyBy by = PolicyBy::load;
        unsigned of = 0;    // StoredPolicy::of
        Standing standing;  // what stands then, but for the number of the new one
        bool same = false;  // word by word what is in force: it stays that policy
    };
    using CandidateResult = tl::expected<Candidate, LoadFailure>;
    using LoadResult = tl::expected<LoadReport, LoadFailure>;

    // daemon_load.cc
    [[nodiscard]] Result<Image> image_of(const Policy& policy) const;
    [[nodiscard]] CandidateResult prepare(LoadedConfig config, const std::string& path,
                                          std::optional<Result<Image>> made = {}) const;
    [[nodiscard]] CandidateResult candidate_of_file(const std::string& path) const;
    [[nodiscard]] CandidateResult candidate_of_store(unsigned number) const;
    [[nodiscard]] CandidateResult candidate_to_start(StartPlan* plan) const;
    [[nodiscard]] LoadResult load_file(const LoadRequest& request);
    [[nodiscard]] LoadResult load_stored(std::optional<unsigned> number, const LoadRequest& request);
    [[nodiscard]] std::optional<LoadFailure> refuse_lockout(const Candidate& candidate,
                                                            const LoadRequest& request) const;
    [[nodiscard]] LoadResult put_in_force(Candidate candidate, Change change);
    [[nodiscard]] Result<void> swap(Candidate candidate, PolicyBy by);
    [[nodiscard]] Result<unsigned> store(const Candidate& candidate, const Change& change);
    void remember_start(const Candidate& candidate, const StartPlan& plan);
    [[nodiscard]] Result<void> take_feed(unsigned feed, std::shared_ptr<const FeedEntries> entries);
    void follow_deadline();
    void revert();

    // daemon_answers.cc
    struct Side;
    [[nodiscard]] tl::expected<Side, LoadFailure> side_of(const DiffChoice& choice,
                                                          bool file_by_default) const;
    void add_ended_flows(const Policy& then, nlohmann::json* reply);

    [[nodiscard]] Result<void> read_names();
    [[nodiscard]] std::string text_to_save(const CounterRegistry& names) const;
    [[nodiscard]] Result<void> save_names(std::string_view text);
    [[nodiscard]] Result<void> enforce(Candidate* candidate, const Own& own, PolicyBy by);
    void retire(std::shared_ptr<const Policy> policy, std::shared_ptr<const void> leftovers);
    void follow_names_and_records(const Own& own);
    [[nodiscard]] Result<void> start_inspection();
    void follow_inspection();
    void on_inspection(const nlohmann::json& report);
    [[nodiscard]] Result<void> start_behind_guard(Candidate candidate, const StartPlan& plan);
    [[nodiscard]] Result<void> fail_closed(const LoadFailure& failure);
    [[nodiscard]] std::string names_path() const { return options_.state_dir + "/counters.txt"; }

    void on_event(const dw_event& event);
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
    FeedFollower feeds_;
    PolicyStore store_;
    EventSource deadline_;  // of the policy that is not confirmed

    std::unique_ptr<const Policy> policy_;
    // The one before, and what is left of reading its successor, for as long as the loop has something to do.
    std::vector<std::shared_ptr<const void>> retired_;
    EventSource forget_retired_;
    CounterRegistry names_;
    bool names_saved_ = false;  // the file says what names_ says
    ImageFacts cost_;
    std::optional<PinDirectory> pins_;
    std::optional<Datapath> datapath_;
    std::optional<Sentry> sentry_;
    std::optional<Routers> routers_;
    unsigned routers_of_ = 0;  // the device that they were learnt on
    std::optional<Inspection> inspection_;
    ReportLog inspection_log_;
    std::optional<EventReader> events_;
    std::optional<Explainer> explainer_;
    std::optional<ShadowRuns> shadow_;
    EventGate gate_;
    UnixTime loaded_at_{0};
    std::optional<std::uint64_t> enforced_in_ns_;
};

}  // namespace dishwall
