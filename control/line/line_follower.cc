// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/line_follower.h"

#include <time.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "control/line/netlink_facts.h"
#include "control/line/netlink_socket.h"
#include "control/line/saved_prefixes.h"

namespace dishwall {
namespace {

// A withdrawal waits this long for its undoing (a DHCPv6 client that deletes and adds again); nothing else
// does.
constexpr std::chrono::milliseconds kHold{20};
constexpr std::chrono::milliseconds kSaveDelay{100};
constexpr std::chrono::milliseconds kRetry{500};  // after a resync that failed

std::chrono::nanoseconds clock_now(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}
MonotonicTime monotonic_now() { return clock_now(CLOCK_MONOTONIC); }
UnixTime unix_now() { return clock_now(CLOCK_REALTIME); }

struct SourceUnref {
    void operator()(sd_event_source* source) const { sd_event_source_disable_unref(source); }
};
using EventSource = std::unique_ptr<sd_event_source, SourceUnref>;

bool opens_something(const LineChange& change) {
    using Kind = LineChange::Kind;
    return change.kind == Kind::added || change.kind == Kind::returned || change.kind == Kind::self_added ||
           change.kind == Kind::mac_changed;
}

using Due = std::optional<MonotonicTime>;

Due earlier(const Due& a, const Due& b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

bool is_due(const Due& due, MonotonicTime now) { return due && *due <= now; }

// What is known but not yet reported.
struct Pending {
    std::vector<LineChange> changes;
    Due first, first_opening;  // when their cause was read

    void add(std::vector<LineChange> more, MonotonicTime received) {
        for (LineChange& change : more) {
            if (!first) first = received;
            if (!first_opening && opens_something(change)) first_opening = received;
            changes.push_back(std::move(change));
        }
    }
    [[nodiscard]] Due due(MonotonicTime not_before) const {
        if (first_opening) return not_before;
        if (first) return std::max(*first + kHold, not_before);
        return std::nullopt;
    }
};

}  // namespace

struct LineFollower::Impl {
    Impl(sd_event* event_loop, std::filesystem::path directory, LineCallbacks functions)
        : loop(event_loop), saved(std::move(directory)), callbacks(std::move(functions)) {}
    ~Impl() {
        if (save_due) save();
    }

    Result<void> open();
    Result<Own> begin(PrefixTracker fresh);
    void on_readable();
    void on_timer();
    void resync();
    void settle(MonotonicTime received);
    void deliver();
    void report();
    void save();
    void set_timer();
    [[nodiscard]] UplinkState uplink_state() const;
    void warn(const std::string& text) const {
        if (callbacks.warn) callbacks.warn(text);
    }

    sd_event* loop;
    SavedPrefixes saved;
    LineCallbacks callbacks;
    std::optional<PrefixTracker> tracker;
    std::optional<NetlinkSocket> events;
    EventSource readable, timer;

    Own reported;
    UplinkState reported_uplink;
    Pending pending;
    MonotonicTime not_before{0};    // of the next report
    bool own_was_returned = false;  // `start` or `follow` gave it to the caller, who writes it once we return
    Due save_due, resync_due;
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
    sd_event_source *io = nullptr, *time = nullptr;
    if (sd_event_add_io(loop, &io, socket->fd(), EPOLLIN, on_io, this) < 0)
        return fail("cannot watch the netlink socket");
    readable.reset(io);
    if (sd_event_add_time(loop, &time, CLOCK_MONOTONIC, 0, 1, on_time, this) < 0)
        return fail("cannot make a timer for prefixes");
    timer.reset(time);
    sd_event_source_set_enabled(time, SD_EVENT_OFF);
    // Before the control socket and everything else: a new prefix has a millisecond (R29).
    sd_event_source_set_priority(io, SD_EVENT_PRIORITY_IMPORTANT);
    sd_event_source_set_priority(time, SD_EVENT_PRIORITY_IMPORTANT);
    events = std::move(*socket);
    return {};
}

// Takes the tracker into use, with a complete dump. Fails without having changed anything.
Result<Own> LineFollower::Impl::begin(PrefixTracker fresh) {
    if (Result<void> dumped = dump_facts(monotonic_now(), &fresh); !dumped)
        return fail_with(dumped.error(), "cannot read the state of the line");
    tracker = std::move(fresh);
    pending = Pending{};
    settle(monotonic_now());
    pending = Pending{};  // the caller gets the whole
    reported = tracker->own();
    reported_uplink = uplink_state();
    own_was_returned = true;
    set_timer();
    return reported;
}

void LineFollower::Impl::on_readable() {
    const MonotonicTime now = monotonic_now();
    if (std::exchange(own_was_returned, false)) not_before = now + kSpacing;
    const auto drained =
        events->drain([&](const nlmsghdr* message) { apply_message(message, now, &*tracker); });
    if (!drained) {
        warn(drained.error().message);
        resync_due = earlier(resync_due, now + kRetry);
    } else if (*drained == NetlinkSocket::Drained::overrun) {
        resync();
    }
    settle(now);
    deliver();
    set_timer();
}

void LineFollower::Impl::on_timer() {
    const MonotonicTime now = monotonic_now();
    if (std::exchange(own_was_returned, false)) not_before = now + kSpacing;
    if (is_due(resync_due, now)) resync();
    if (is_due(tracker->deadline(), now)) settle(now);
    deliver();
    if (is_due(save_due, now)) save();
    set_timer();
}

// What is queued is older than the dump that follows, and telling it again would only bring up the past.
void LineFollower::Impl::resync() {
    resync_due.reset();
    events->discard();
    PrefixTracker fresh = *tracker;
    if (Result<void> dumped = dump_facts(monotonic_now(), &fresh); !dumped) {
        warn(fmt::format("netlink events were lost and cannot be made up for: {}", dumped.error().message));
        resync_due = monotonic_now() + kRetry;
        return;
    }
    tracker = std::move(fresh);
    warn("netlink events were lost: interfaces, addresses and routes are read again");
}

void LineFollower::Impl::settle(MonotonicTime received) {
    std::vector<LineChange> changes = tracker->settle(received);
    const bool material =
        uplink_state() != reported_uplink || std::ranges::any_of(changes, &LineChange::about_prefix);
    if (material) save_due = earlier(save_due, received + kSaveDelay);
    pending.add(std::move(changes), received);
}

void LineFollower::Impl::deliver() {
    if (const UplinkState state = uplink_state(); state != reported_uplink) {
        reported_uplink = state;
        if (callbacks.uplink_changed) callbacks.uplink_changed(state);
    }
    if (is_due(pending.due(not_before), monotonic_now())) report();
}

void LineFollower::Impl::report() {
    if (!pending.first) return;
    const Pending ready = std::exchange(pending, Pending{});
    if (tracker->own() == reported) {
        for (const LineChange& change : ready.changes)
            if (change.kind == LineChange::Kind::no_room) warn(change.text);
        return;
    }
    reported = tracker->own();
    const MonotonicTime received = ready.first_opening.value_or(*ready.first);
    if (callbacks.own_changed)
        callbacks.own_changed({reported, ready.changes, static_cast<std::uint64_t>(received.count())});
    not_before = monotonic_now() + kSpacing;
}

void LineFollower::Impl::save() {
    save_due.reset();
    if (Result<void> done = saved.write(tracker->to_json(unix_now())); !done) warn(done.error().message);
}

void LineFollower::Impl::set_timer() {
    const Due due =
        earlier(earlier(tracker->deadline(), pending.due(not_before)), earlier(save_due, resync_due));
    if (due) {
        const auto us = std::chrono::ceil<std::chrono::microseconds>(*due);
        sd_event_source_set_time(timer.get(), static_cast<std::uint64_t>(us.count()));
    }
    sd_event_source_set_enabled(timer.get(), due ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

UplinkState LineFollower::Impl::uplink_state() const {
    const std::optional<LinkFact> link = tracker->uplink();
    return link ? UplinkState{link->index, link->up, link->enabled} : UplinkState{};
}

// ---- the class

LineFollower::LineFollower(sd_event* loop, std::filesystem::path state_dir, LineCallbacks callbacks)
    : impl_(std::make_unique<Impl>(loop, std::move(state_dir), std::move(callbacks))) {}

LineFollower::~LineFollower() = default;

Result<Own> LineFollower::start(const Uplink& uplink) {
    PrefixTracker fresh{uplink};
    const Result<nlohmann::json> before = impl_->saved.read();
    Result<void> restored = before ? fresh.from_json(*before, unix_now()) : tl::unexpected(before.error());
    if (!restored)
        impl_->warn(
            fmt::format("withdrawn prefixes of the last run are forgotten: {}", restored.error().message));
    if (Result<void> opened = impl_->open(); !opened)
        return fail_with(opened.error(), "cannot follow the line");
    return impl_->begin(std::move(fresh));
}

Result<Own> LineFollower::follow(const Uplink& uplink) {
    PrefixTracker fresh{uplink};
    const UnixTime now = unix_now();
    if (Result<void> carried = fresh.from_json(impl_->tracker->to_json(now), now); !carried)
        return tl::unexpected(carried.error());
    return impl_->begin(std::move(fresh));
}

void LineFollower::report_now() {
    impl_->report();
    impl_->set_timer();
}

const Own& LineFollower::own() const { return impl_->reported; }

UplinkState LineFollower::uplink() const { return impl_->uplink_state(); }

nlohmann::json LineFollower::prefixes_json() const {
    static constexpr const char* kStates[] = {"none", "preferred", "deprecated", "grace"};
    const auto to_unix = [now = unix_now(), base = monotonic_now()](MonotonicTime at) {
        return std::chrono::round<std::chrono::seconds>(now + (at - base)).count();
    };
    nlohmann::json all = nlohmann::json::array();
    for (const PrefixStatus& status : impl_->tracker->list()) {
        nlohmann::json one{{"source", status.source},
                           {"prefix", to_string(status.live.prefix)},
                           {"state", kStates[status.live.state]},
                           {"onlink", status.live.onlink}};
        if (status.valid_until) one["valid_until"] = to_unix(*status.valid_until);
        if (status.preferred_until) one["preferred_until"] = to_unix(*status.preferred_until);
        if (status.grace_until) one["grace_until"] = to_unix(*status.grace_until);
        if (status.grace_left)
            one["grace_left"] = std::chrono::round<std::chrono::seconds>(*status.grace_left).count();
        if (!status.served) one["no_room"] = true;
        all.push_back(std::move(one));
    }
    return all;
}

nlohmann::json LineFollower::self_json() const {
    nlohmann::json all = nlohmann::json::array();
    for (const Ipv6Address& address : impl_->reported.self) all.push_back(to_string(address));
    return all;
}

}  // namespace dishwall
