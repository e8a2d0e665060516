// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/line_follower.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "control/clock.h"
#include "control/event_source.h"
#include "control/line/carrier.h"
#include "control/line/learnt_addresses.h"
#include "control/line/line_views.h"
#include "control/line/neighbour_messages.h"
#include "control/line/netlink_facts.h"
#include "control/line/netlink_socket.h"
#include "control/line/pending_changes.h"
#include "control/saved_json.h"

namespace dishwall {
namespace {

constexpr std::chrono::milliseconds kSaveDelay{100};
constexpr std::chrono::milliseconds kSaveDevicesDelay{1000};  // the kernel knows most of it, too
constexpr std::chrono::milliseconds kRetry{500};              // after a resync that failed

// Everything that is made anew for another policy.
struct Line {
    Line(const Policy& policy, std::chrono::nanoseconds probe_interval)
        : prefixes(policy.uplink), devices(policy, probe_interval), learnt(policy) {}
    [[nodiscard]] LineTrackers trackers() { return {&prefixes, &devices}; }

    PrefixTracker prefixes;
    DeviceTracker devices;
    LearntAddresses learnt;
    Own own;  // of all three
};

}  // namespace

struct LineFollower::Impl {
    Impl(sd_event* event_loop, const std::filesystem::path& directory, LineCallbacks functions,
         std::chrono::nanoseconds interval)
        : loop(event_loop),
          saved_prefixes(directory, "prefixes.json"),
          saved_devices(directory, "devices.json"),
          callbacks(std::move(functions)),
          probe_interval(interval) {}
    ~Impl() { save_all(); }

    Result<void> open();
    Line restore(const Policy& policy) const;
    Result<Own> begin(Line fresh);
    void on_readable();
    void on_timer();
    void on_message(const nlmsghdr* message, MonotonicTime now, Touched* touched);
    void resync();
    void settle(MonotonicTime received, Touched touched = {.line = true, .devices = true});
    void compose(std::vector<LineChange> changes, MonotonicTime received);
    void ask_devices(MonotonicTime now);
    void deliver();
    void report();
    void save_all();
    void save(Due* due, const SavedJson& file, const nlohmann::json& state) const;
    void set_timer();
    [[nodiscard]] UplinkState uplink_state() const;
    void warn(const std::string& text) const {
        if (callbacks.warn) callbacks.warn(text);
    }

    sd_event* loop;
    SavedJson saved_prefixes, saved_devices;
    LineCallbacks callbacks;
    std::chrono::nanoseconds probe_interval;
    std::optional<Line> line;
    std::vector<LearntAddress> resolved;
    std::optional<NetlinkSocket> events;
    EventSource readable, timer;

    Own reported;
    UplinkState reported_uplink;
    Pending pending;
    Spacing spacing;
    bool own_was_returned = false;  // `start` or `follow` gave it to the caller, who writes it once we return
    bool no_room = false;           // told that learnt addresses found no room
    int refused = 0;                // the errno of the last refused probe that was told
    std::uint64_t saved_version = 0;
    Due save_prefixes_due, save_devices_due, resync_due;
};

Result<void> LineFollower::Impl::open() {
    Result<NetlinkSocket> socket = NetlinkSocket::subscribe(line_groups());
    if (!socket) return tl::unexpected(socket.error());
    const auto on_io = [](sd_event_source*, int, std::uint32_t, void* self) {
        static_cast<Impl*>(self)->on_readable();
        return 0;
    };
    const auto on_time = [](sd_event_source*, std::uint64_t, void* self) {
        static_cast<Impl*>(self)->on_timer();
        return 0;
    };
    sd_event_source* io = nullptr;
    if (sd_event_add_io(loop, &io, socket->fd(), EPOLLIN, on_io, this) < 0)
        return fail("cannot watch the netlink socket");
    readable.reset(io);
    timer = make_timer(loop, on_time, this);
    if (!timer) return fail("cannot make a timer for prefixes");
    // Before the control socket and everything else: a new prefix has a millisecond (R29).
    sd_event_source_set_priority(io, SD_EVENT_PRIORITY_IMPORTANT);
    sd_event_source_set_priority(timer.get(), SD_EVENT_PRIORITY_IMPORTANT);
    events = std::move(*socket);
    return {};
}

// As the last daemon left it. What cannot be read is told and passed over.
Line LineFollower::Impl::restore(const Policy& policy) const {
    Line fresh{policy, probe_interval};
    const Instant now = instant_now();
    const Result<void> prefixes = saved_prefixes.read().and_then(
        [&](const nlohmann::json& saved) { return fresh.prefixes.from_json(saved, now); });
    if (!prefixes)
        warn(fmt::format("withdrawn prefixes of the last run are forgotten: {}", prefixes.error().message));
    const Result<void> devices = saved_devices.read().and_then(
        [&](const nlohmann::json& saved) { return fresh.devices.from_json(saved, now.monotonic, now.wall); });
    if (!devices)
        warn(fmt::format("addresses of devices of the last run are forgotten: {}", devices.error().message));
    return fresh;
}

// Takes the line into use, with a complete dump. Fails without having changed anything.
Result<Own> LineFollower::Impl::begin(Line fresh) {
    const bool neighbours = !fresh.devices.idle();
    if (neighbours)
        if (Result<void> heard = events->listen(RTNLGRP_NEIGH, true); !heard)
            return fail_with(heard.error(), "cannot follow devices");
    if (Result<void> dumped = dump_facts(monotonic_time(), fresh.trackers()); !dumped)
        return fail_with(dumped.error(), "cannot read the state of the line");
    if (!neighbours)
        if (Result<void> left = events->listen(RTNLGRP_NEIGH, false); !left) warn(left.error().message);
    line.emplace(std::move(fresh));
    const MonotonicTime now = monotonic_time();
    settle(now);
    compose({}, now);
    pending = Pending{};  // the caller gets the whole
    reported = line->own;
    reported_uplink = uplink_state();
    own_was_returned = true;
    save_prefixes_due = now + kSaveDelay;
    save_devices_due = now + kSaveDevicesDelay;
    set_timer();
    return reported;
}

void LineFollower::Impl::on_readable() {
    const MonotonicTime now = monotonic_time();
    if (std::exchange(own_was_returned, false)) spacing.any = now + kSpacing;
    Touched touched;
    const auto drained = events->drain([&](const nlmsghdr* message) { on_message(message, now, &touched); });
    if (!drained) {
        warn(drained.error().message);
        resync_due = earlier(resync_due, now + kRetry);
    } else if (*drained == NetlinkSocket::Drained::overrun) {
        resync();
        touched = {.line = true, .devices = true};
    }
    settle(now, touched);
    deliver();
    set_timer();
}

void LineFollower::Impl::on_message(const nlmsghdr* message, MonotonicTime now, Touched* touched) {
    const int error = message->nlmsg_type == NLMSG_ERROR ? NetlinkSocket::error_in(message) : 0;
    if (error != 0 && error != refused) {
        refused = error;
        warn(
            fmt::format("the kernel refuses to ask for a device's address: {}; after {} times without an "
                        "answer it is no longer the device's",
                        std::strerror(error), DeviceTracker::kAsked));
    }
    const Touched now_touched = apply_message(message, now, line->trackers());
    touched->line |= now_touched.line;
    touched->devices |= now_touched.devices;
}

void LineFollower::Impl::on_timer() {
    const MonotonicTime now = monotonic_time();
    if (std::exchange(own_was_returned, false)) spacing.any = now + kSpacing;
    if (is_due(resync_due, now)) {
        resync();
        settle(now);
    }
    if (is_due(line->prefixes.deadline(), now)) settle(now);
    if (is_due(line->devices.deadline(), now)) ask_devices(now);
    deliver();
    if (is_due(save_prefixes_due, now))
        save(&save_prefixes_due, saved_prefixes, line->prefixes.to_json(instant_now()));
    if (is_due(save_devices_due, now))
        save(&save_devices_due, saved_devices, line->devices.to_json(monotonic_time(), unix_time()));
    set_timer();
}

// What is queued is older than the dump that follows, and telling it again would only bring up the past.
void LineFollower::Impl::resync() {
    resync_due.reset();
    events->discard();
    Line fresh = *line;
    if (Result<void> dumped = dump_facts(monotonic_time(), fresh.trackers()); !dumped) {
        warn(fmt::format("netlink events were lost and cannot be made up for: {}", dumped.error().message));
        resync_due = monotonic_time() + kRetry;
        return;
    }
    line.emplace(std::move(fresh));
    warn(fmt::format("netlink events were lost: interfaces, addresses{} routes are read again",
                     line->devices.idle() ? " and" : ", neighbours and"));
}

void LineFollower::Impl::settle(MonotonicTime received, Touched touched) {
    std::vector<LineChange> changes;
    if (touched.line) changes = line->prefixes.settle(received);
    const bool devices = line->devices.settle(line->prefixes.own());
    if (devices || !changes.empty()) compose(std::move(changes), received);
    if (const std::uint64_t version = line->prefixes.state_version(); version != saved_version) {
        saved_version = version;
        save_prefixes_due = earlier(save_prefixes_due, received + kSaveDelay);
    }
    if (line->devices.take_unsaved())
        save_devices_due = earlier(save_devices_due, received + kSaveDevicesDelay);
}

// Makes one Own of prefixes, devices and names.
void LineFollower::Impl::compose(std::vector<LineChange> changes, MonotonicTime received) {
    LearntAddresses::Composed now =
        line->learnt.compose(line->prefixes.own(), line->devices.learnt(), resolved);
    std::ranges::move(line->learnt.changes(line->own, now.own), std::back_inserter(changes));
    line->own = std::move(now.own);
    pending.add(std::move(changes), received);
    if (now.no_room > 0 && !no_room)
        warn(
            fmt::format("{} addresses of devices and names found no room and stay closed; there may be {}, "
                        "and {} hosts at each",
                        now.no_room, DW_LEARNT_MAX, DW_LEARNT_HOSTS));
    no_room = now.no_room > 0;
}

void LineFollower::Impl::ask_devices(MonotonicTime now) {
    for (const Probe& probe : line->devices.take_probes(now))
        if (Result<void> sent = send_probe(probe, &*events); !sent) {
            warn(sent.error().message);
            break;  // the rest counts as asked, and has its turn again
        }
    settle(now, {.devices = true});
}

void LineFollower::Impl::deliver() {
    if (const UplinkState state = uplink_state(); state != reported_uplink) {
        reported_uplink = state;
        if (callbacks.uplink_changed) callbacks.uplink_changed(state);
    }
    if (is_due(pending.due(spacing), monotonic_time())) report();
}

void LineFollower::Impl::report() {
    if (!pending.first) return;
    const Pending ready = std::exchange(pending, Pending{});
    if (line->own == reported) {
        for (const LineChange& change : ready.changes)
            if (change.kind == LineChange::Kind::no_room) warn(change.text);
        return;
    }
    reported = line->own;
    if (callbacks.own_changed)
        callbacks.own_changed(
            {reported, ready.changes, static_cast<std::uint64_t>(ready.received().count())});
    spacing.reported(monotonic_time());
}

void LineFollower::Impl::save_all() {
    if (!line) return;
    // Always: lifetimes are refreshed without being saved, and the next daemon must know when they end.
    save(&save_prefixes_due, saved_prefixes, line->prefixes.to_json(instant_now()));
    if (save_devices_due)
        save(&save_devices_due, saved_devices, line->devices.to_json(monotonic_time(), unix_time()));
}

void LineFollower::Impl::save(Due* due, const SavedJson& file, const nlohmann::json& state) const {
    due->reset();
    if (Result<void> done = file.write(state); !done) warn(done.error().message);
}

void LineFollower::Impl::set_timer() {
    Due due = earlier(line->prefixes.deadline(), line->devices.deadline());
    for (const Due& other : {pending.due(spacing), save_prefixes_due, save_devices_due, resync_due})
        due = earlier(due, other);
    dishwall::set_timer(timer, due);
}

UplinkState LineFollower::Impl::uplink_state() const {
    const std::optional<LinkFact> link = line->prefixes.uplink();
    return link ? UplinkState{link->index, link->up, link->enabled} : UplinkState{};
}

// ---- the class

LineFollower::LineFollower(sd_event* loop, const std::filesystem::path& state_dir, LineCallbacks callbacks,
                           std::chrono::nanoseconds probe_interval)
    : impl_(std::make_unique<Impl>(loop, state_dir, std::move(callbacks), probe_interval)) {}

LineFollower::~LineFollower() = default;

Result<Own> LineFollower::start(const Policy& policy) {
    Line fresh = impl_->restore(policy);
    if (Result<void> opened = impl_->open(); !opened)
        return fail_with(opened.error(), "cannot follow the line");
    return impl_->begin(std::move(fresh));
}

Result<Own> LineFollower::follow(const Policy& policy) {
    Line fresh{policy, impl_->probe_interval};
    const Line& old = *impl_->line;
    const Instant now = instant_now();
    if (Result<void> carried = fresh.prefixes.from_json(old.prefixes.to_json(now), now); !carried)
        return tl::unexpected(carried.error());
    const nlohmann::json devices = old.devices.to_json(now.monotonic, now.wall);
    if (Result<void> carried = fresh.devices.from_json(devices, now.monotonic, now.wall); !carried)
        return tl::unexpected(carried.error());
    return impl_->begin(std::move(fresh));
}

void LineFollower::set_resolved(std::vector<LearntAddress> addresses) {
    impl_->resolved = std::move(addresses);
    if (!impl_->line) return;
    impl_->compose({}, monotonic_time());
    impl_->deliver();
    impl_->set_timer();
}

Result<void> LineFollower::tell_prefix(const std::string& source, const Ipv6Prefix& prefix,
                                       std::chrono::seconds valid, std::chrono::seconds preferred) {
    const MonotonicTime now = monotonic_time();
    if (Result<void> told = impl_->line->prefixes.set_told(source, prefix, now + valid, now + preferred);
        !told)
        return told;
    impl_->settle(now);
    report_now();
    return {};
}

Result<void> LineFollower::withdraw_prefix(const std::string& source,
                                           const std::optional<Ipv6Prefix>& prefix) {
    if (Result<void> withdrawn = impl_->line->prefixes.withdraw_told(source, prefix); !withdrawn)
        return withdrawn;
    impl_->settle(monotonic_time());
    report_now();
    return {};
}

void LineFollower::report_now() {
    impl_->report();
    impl_->set_timer();
}

const Own& LineFollower::own() const { return impl_->reported; }

UplinkState LineFollower::uplink() const { return impl_->uplink_state(); }

nlohmann::json LineFollower::prefixes_json() const {
    return dishwall::prefixes_json(impl_->line->prefixes.list(), SecondsOf{});
}

nlohmann::json LineFollower::self_json() const {
    nlohmann::json all = nlohmann::json::array();
    for (const Ipv6Address& address : impl_->reported.self) all.push_back(to_string(address));
    return all;
}

nlohmann::json LineFollower::devices_json() const {
    return impl_->line->learnt.devices_json(impl_->line->devices, SecondsOf{});
}

nlohmann::json LineFollower::line_json() const {
    return describe_line(impl_->line->prefixes.line_facts(), monotonic_time());
}

}  // namespace dishwall
