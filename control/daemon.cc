// SPDX-License-Identifier: BSD-3-Clause
#include "control/daemon.h"

#include <spdlog/spdlog.h>

#include <filesystem>

#include "control/clock.h"
#include "control/inspection/inspection_event.h"
#include "control/state_file.h"

namespace dishwall {

Daemon::Daemon(sd_event* loop, DaemonOptions options, DaemonObservers observers)
    : loop_(loop),
      options_(std::move(options)),
      observers_(std::move(observers)),
      line_(loop, options_.state_dir,
            LineCallbacks{[this](const LineUpdate& update) { on_own_changed(update); },
                          [this](const UplinkState& state) { on_uplink_changed(state); },
                          [](const std::string& text) { spdlog::warn("{}", text); }}),
      domains_(loop, options_.state_dir,
               NameCallbacks{[this](std::vector<LearntAddress> all) { line_.set_resolved(std::move(all)); },
                             [](const std::string& text) { spdlog::warn("{}", text); }}),
      dns_(loop, options_.state_dir,
           DnsCallbacks{[this](const std::string& text) { note("dns", text); },
                        [this](const std::string& text) { note("dns-failed", text); }}),
      history_(options_.state_dir),
      feeds_(loop, FeedCallbacks{[this](unsigned feed, std::shared_ptr<const FeedEntries> entries) {
                                     return take_feed(feed, std::move(entries));
                                 },
                                 [](const std::string& text) { spdlog::info("{}", text); },
                                 [](const std::string& text) { spdlog::warn("{}", text); }}),
      store_(PolicyStore::open(options_.state_dir)) {}

Result<void> Daemon::start() {
    // 1. The names of counters as a former daemon left them, then the rule file, or the stored policy that
    // somebody's
    //    way back depends on: what can be wrong without touching the kernel.
    if (Result<void> read = read_names(); !read) return read;
    for (const std::string& warning : store_.warnings()) spdlog::warn("{}", warning);
    const Instant now = instant_now();
    StartPlan plan = plan_start(store_.standing(), now.boot, read_clock(CLOCK_BOOTTIME));
    CandidateResult candidate = candidate_to_start(&plan);
    if (!candidate) return fail_closed(candidate.error());
    const std::string interface = candidate->policy->uplink.interface;
    Result<PinDirectory> pins = PinDirectory::open(options_.pin_dir);
    if (!pins) return tl::unexpected(pins.error());
    pins_ = std::move(*pins);

    // 2. Another's program on the uplink is the end, and nothing is touched. Otherwise the guard comes first.
    const Result<Device> found = find_device(interface);
    const std::optional<Device> device = found ? std::optional(*found) : std::nullopt;
    if (device)
        if (Result<void> free = check_no_foreign_program(*pins_, *device); !free) return free;
    sentry_.emplace(loop_, *pins_, interface, options_.egress);
    sentry_->shut(device);
    Result<void> started = start_behind_guard(std::move(*candidate), plan);
    if (!started) return fail("{}; {}", started.error().message, sentry_->left_behind());
    return started;
}

Result<void> Daemon::start_behind_guard(Candidate candidate, const StartPlan& plan) {
    const Uplink uplink = candidate.policy->uplink;

    // 3. Maps and programs, adopted or new. What is in force stays so.
    Result<Datapath> datapath = Datapath::open(*pins_, uplink.flow_table);
    if (!datapath) return tl::unexpected(datapath.error());
    datapath_.emplace(std::move(*datapath));
    if (datapath_->adopted()) spdlog::info("took over flows, counters and policy from {}", pins_->path());
    Result<Routers> routers = Routers::open(datapath_->maps());
    if (!routers) return tl::unexpected(routers.error());
    routers_ = std::move(*routers);

    tell_history_warnings();

    // 4. What is ours by a complete dump and by what was known of names, then the new policy in one swap.
    if (Result<void> named = domains_.follow(*candidate.policy); !named)
        spdlog::warn("{}", named.error().message);
    line_.set_resolved(domains_.addresses());
    const Result<Own> own = line_.start(*candidate.policy);
    if (!own) return fail_with(own.error(), "uplink " + uplink.name);
    if (Result<void> enforced = enforce(&candidate, *own, plan.by); !enforced) return enforced;
    remember_start(candidate, plan);

    // 5. Only now the programs and, behind them, the guard; pins last, as they are what the next daemon
    //    believes.
    routers_of_ = line_.uplink().index;
    if (Result<void> armed = sentry_->begin(datapath_->programs(), uplink.xdp, routers_of_); !armed)
        return fail_with(armed.error(), "uplink " + uplink.name);
    if (!datapath_->adopted())
        if (Result<void> pinned = datapath_->pin(*pins_); !pinned) return pinned;

    shadow_.emplace(loop_, [this] { return in_force(); });
    Result<EventReader> events =
        EventReader::open(loop_, datapath_->maps(), [this](const dw_event& event) { on_event(event); });
    if (!events) return tl::unexpected(events.error());
    events_ = std::move(*events);
    if (Result<void> inspecting = start_inspection(); !inspecting) return inspecting;
    follow_names_and_records(*own);
    feeds_.follow(*policy_, candidate.missing);
    return {};
}

// What the policy in force says of names and DNS records. They are beside the firewall: trouble with them is
// a warning.
void Daemon::follow_names_and_records(const Own& own) {
    if (Result<void> named = domains_.follow(*policy_); !named) spdlog::warn("{}", named.error().message);
    if (Result<void> dns = dns_.follow(*policy_); !dns) spdlog::warn("{}", dns.error().message);
    dns_.own_in_force(own);
}

Result<void> Daemon::start_inspection() {
    Result<Inspection> opened =
        Inspection::open(datapath_->maps(), *pins_, {options_.run_dir, options_.state_dir, options_.pin_dir},
                         options_.inspect_workers);
    if (!opened) return tl::unexpected(opened.error());
    inspection_ = std::move(*opened);
    if (Result<void> listening =
            inspection_->listen(loop_, [this](const nlohmann::json& event) { on_inspection(event); });
        !listening)
        return listening;
    follow_inspection();
    return {};
}

// Trouble here is no trouble of the firewall: the rules say what an inspection that cannot be had comes to.
void Daemon::follow_inspection() {
    if (!inspection_) return;
    const Device uplink{sentry_->interface(), sentry_->index()};
    if (Result<void> done = inspection_->follow(*policy_, datapath_->policy().generation(), uplink,
                                                datapath_->programs(), options_.egress);
        !done)
        spdlog::error("nothing can be inspected: {}", done.error().message);
}

void Daemon::on_inspection(const nlohmann::json& report) {
    const auto event = inspection_event(report, *policy_, names_, iso_time(unix_time()));
    if (!event) return;
    if (const auto line = inspection_log_.line(*event, monotonic_time())) spdlog::warn("{}", *line);
    observers_.inspection(*event);
}

nlohmann::json Daemon::inspection_json() const { return inspection_ ? inspection_->json() : nullptr; }

// The rule file cannot be used. What a former daemon left in force stays; with nothing there, closed is what
// a firewall that was asked for has to be.
Result<void> Daemon::fail_closed(const LoadFailure& failure) {
    const std::string why =
        fmt::format("{}{}{}", failure.message, failure.diagnostics.empty() ? "" : ":\n", failure.diagnostics);
    if (failure.interface.empty())
        return fail(
            "{}\nthe file does not tell the uplink's interface: what was in force still is, and nothing "
            "else is closed",
            why);
    Result<PinDirectory> pins = PinDirectory::open(options_.pin_dir);
    if (!pins) return fail("{}\n{}", why, pins.error().message);
    pins_ = std::move(*pins);
    const Result<Device> found = find_device(failure.interface);
    const std::optional<Device> device = found ? std::optional(*found) : std::nullopt;
    if (device)  // another's device is not ours to close
        if (Result<void> free = check_no_foreign_program(*pins_, *device); !free)
            return fail("{}\n{}", why, free.error().message);
    sentry_.emplace(loop_, *pins_, failure.interface, options_.egress);
    sentry_->shut(device);
    return fail("{}\n{}", why, sentry_->left_behind());
}

Result<void> Daemon::read_names() {
    const Result<std::optional<std::string>> text = read_file(names_path());
    if (!text) return tl::unexpected(text.error());
    if (!*text) return {};
    if (Result<void> read = names_.from_text(**text); !read)
        spdlog::warn("{}: {}; totals of rules start at zero", names_path(), read.error().message);
    else
        names_saved_ = true;
    return {};
}

// Most loads change no name, and no place of a rule.
std::string Daemon::text_to_save(const CounterRegistry& names) const {
    return names_saved_ && names == names_ ? std::string() : names.to_text();
}

// Not synced: what a power cut takes are names of counters that start anew with the machine.
Result<void> Daemon::save_names(std::string_view text) {
    if (text.empty()) return {};
    names_saved_ = false;
    return replace_file(names_path(), text, Synced::no);
}

Result<void> Daemon::enforce(Candidate* candidate, const Own& own, PolicyBy by) {
    // Names first: after a crash here, a counter has a name that nobody counts for, not the reverse. But a
    // full disk must not stop the way back.
    const Result<void> saved = save_names(candidate->names_text);
    if (!saved && by != PolicyBy::revert) return saved;
    if (!saved)
        spdlog::error("{}; totals of rules may have wrong names after a restart", saved.error().message);
    if (datapath_->adopted() &&
        names_.empty())  // adopted counters whose names are lost mean nothing any more
        for (std::uint32_t id = DW_REASONS_MAX; id < DW_COUNTERS; ++id) datapath_->counters().zero(id);
    for (const std::uint32_t id : candidate->reused) datapath_->counters().zero(id);

    const Result<std::uint32_t> generation = datapath_->put_in_force(candidate->image, own);
    if (!generation) return tl::unexpected(generation.error());
    retire(std::exchange(policy_, std::move(candidate->policy)), std::move(candidate->leftovers));
    names_ = std::move(candidate->names);
    names_saved_ = saved.has_value();
    cost_ = candidate->image.facts;
    loaded_at_ = unix_time();
    spdlog::info("policy in force: {} inbound and {} outbound rules, generation {}",
                 policy_->inbound.rules.size(), policy_->outbound.rules.size(), *generation);
    return {};
}

// Taking 100,000 rules apart takes milliseconds that whoever waits for the load need not wait for.
void Daemon::retire(std::shared_ptr<const Policy> policy, std::shared_ptr<const void> leftovers) {
    retired_ = {std::move(policy), std::move(leftovers)};
    const auto when_idle = [](sd_event_source*, void* self) {
        static_cast<Daemon*>(self)->retired_.clear();
        return 0;
    };
    sd_event_source* source = nullptr;
    if (sd_event_add_defer(loop_, &source, when_idle, this) >= 0)
        sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IDLE);
    forget_retired_.reset(source);
}

Result<void> Daemon::unload() {
    if (Result<void> off = sentry_->take_off(); !off) return off;
    if (inspection_)
        if (Result<void> removed = inspection_->remove(sentry_->interface()); !removed) return removed;
    if (const Result<unsigned> unpinned = unpin_maps(*pins_); !unpinned)
        return tl::unexpected(unpinned.error());
    pins_->remove_directory();
    spdlog::warn("unloaded: {} is open, nothing is filtered any more", sentry_->interface());
    return {};
}

Result<void> unload_what_is_left(const DaemonOptions& options) {
    const Result<PinDirectory> pins = PinDirectory::open(options.pin_dir);
    if (!pins) return tl::unexpected(pins.error());
    // The interface is wanted for the filter of kernels without tcx only; links and guards are found by their
    // pins and owner.
    const std::string interface = interface_in(options.config);
    const Result<Device> device = find_device(interface);
    if (Result<void> off = detach(*pins, device ? &*device : nullptr); !off) return off;
    if (Result<void> removed = remove_inspection(*pins, interface); !removed) return removed;
    if (const Result<unsigned> unpinned = unpin_maps(*pins); !unpinned)
        return tl::unexpected(unpinned.error());
    if (const auto removed = remove_guards(pins->path()); !removed) return tl::unexpected(removed.error());
    pins->remove_directory();
    spdlog::warn("unloaded: {} is open, nothing is filtered any more",
                 interface.empty() ? "the uplink" : interface);
    return {};
}

Result<const Explainer*> Daemon::explainer() {
    if (!explainer_) {
        Result<Explainer> loaded = Explainer::load(*datapath_);
        if (!loaded) return tl::unexpected(loaded.error());
        explainer_ = std::move(*loaded);
    }
    return &*explainer_;
}

nlohmann::json Daemon::prefixes() {
    line_.report_now();
    return line_.prefixes_json();
}

nlohmann::json Daemon::line_json() const { return line_.line_json(); }

nlohmann::json Daemon::hosts_json() const {
    nlohmann::json all = line_.devices_json();
    for (nlohmann::json& domain : domains_.json()) all.push_back(std::move(domain));
    return all;
}

nlohmann::json Daemon::dns_json() const { return dns_.json(); }

nlohmann::json Daemon::history_json(std::size_t limit) const { return history_.list(limit); }

Result<void> Daemon::set_prefix(const std::string& source, const Ipv6Prefix& prefix,
                                std::chrono::seconds valid, std::chrono::seconds preferred) {
    if (Result<void> told = line_.tell_prefix(source, prefix, valid, preferred); !told) return told;
    line_.report_now();
    return {};
}

Result<void> Daemon::withdraw_prefix(const std::string& source, const std::optional<Ipv6Prefix>& prefix) {
    if (Result<void> told = line_.withdraw_prefix(source, prefix); !told) return told;
    line_.report_now();
    return {};
}

void Daemon::on_event(const dw_event& event) {
    if ((event.kind & DW_EVENT_JUDGED) != 0) shadow_->take(event);
    if (gate_.lets_through(event, *policy_, names_)) observers_.packet(event, names_);
}

void Daemon::on_own_changed(const LineUpdate& update) {
    if (Result<void> written = datapath_->own().write(update.own); !written) {
        spdlog::error("our prefixes stay as they were: {}", written.error().message);
        return;
    }
    enforced_in_ns_ = static_cast<std::uint64_t>(monotonic_time().count()) - update.received_ns;
    dns_.own_in_force(update.own);  // a record never runs ahead of the rule
    for (const LineChange& change : update.changes) tell(change);
}

void Daemon::tell(const LineChange& change) {
    const bool told = change.about_prefix() || change.about_host();
    spdlog::log(told ? spdlog::level::info : spdlog::level::debug, "{}", change.text);
    if (!told) return;
    observers_.line(change);
    if (!change.about_prefix()) return;
    history_.add(unix_time(), change, enforced_in_ns_);
    tell_history_warnings();
}

void Daemon::tell_history_warnings() {
    for (const std::string& warning : history_.take_warnings()) spdlog::warn("{}", warning);
}

void Daemon::note(const std::string& kind, const std::string& text) {
    spdlog::log(kind == "dns" ? spdlog::level::info : spdlog::level::warn, "{}", text);
    history_.add_note(unix_time(), kind, text);
    tell_history_warnings();
}

void Daemon::on_uplink_changed(const UplinkState& state) {
    // The kernel forgets its routers then, too: the next advertisement is the first.
    if (!state.enabled || state.index != routers_of_) routers_->forget();
    if (state.index != 0) routers_of_ = state.index;
    sentry_->follow(state);
    follow_inspection();
}

}  // namespace dishwall
