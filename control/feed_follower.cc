// SPDX-License-Identifier: BSD-3-Clause
#include "control/feed_follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "control/config_file.h"

namespace dishwall {
namespace {

std::chrono::seconds seconds(std::uint32_t count) { return std::chrono::seconds(count); }

bool has(const std::vector<std::string>& paths, const std::string& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
}

// The very file that was read then, and nobody has written to it. A list of 100,000 lines takes the loop a
// while.
bool is_untouched(const struct stat& then, const struct stat& now) {
    const auto same = [](const timespec& a, const timespec& b) {
        return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
    };
    return then.st_ino == now.st_ino && then.st_dev == now.st_dev && then.st_size == now.st_size &&
           same(then.st_mtim, now.st_mtim) && same(then.st_ctim, now.st_ctim);
}

Result<std::shared_ptr<const FeedEntries>> read_entries(const Feed& feed) {
    const auto text = read_regular_file(feed.path);
    if (!text) return fail("{}: {}", feed.path, text.error());
    const FeedReading reading = read_feed(*text);
    if (!reading.bad.empty())
        return fail("{}:{}: {}", feed.path, reading.bad.front().line, reading.bad.front().why);
    return reading.entries;
}

}  // namespace

void FeedFollower::follow(const Policy& policy, const std::vector<std::string>& missing) {
    const std::vector<Followed> before = std::move(feeds_);
    feeds_.clear();
    for (const Feed& feed : policy.feeds) {
        Followed one{.feed = feed, .read_at = unix_time(), .good_at = monotonic_time()};
        if (has(missing, feed.path)) {
            one.error = "its file could not be used";
            const auto known = std::find_if(before.begin(), before.end(),
                                            [&](const Followed& old) { return old.feed.path == feed.path; });
            one.read_at = known == before.end() ? UnixTime(0) : known->read_at;
            one.good_at = known == before.end() ? MonotonicTime(0) : known->good_at;
        }
        if (feed.refresh_s != 0)
            one.next = monotonic_time() + (one.error.empty() ? seconds(feed.refresh_s)
                                                             : std::min(seconds(feed.refresh_s), kRetry));
        feeds_.push_back(std::move(one));
    }
    set_timer_again();
}

void FeedFollower::read_what_is_due() {
    const MonotonicTime now = monotonic_time();
    for (unsigned index = 0; index < feeds_.size(); ++index) {
        if (feeds_[index].next && *feeds_[index].next <= now) read(index);
        tell_staleness(&feeds_[index]);
    }
    set_timer_again();
}

void FeedFollower::read(unsigned index) {
    Followed& one = feeds_[index];
    const Result<void> taken = take(&one, index);
    const std::chrono::seconds refresh = seconds(one.feed.refresh_s);
    one.next = monotonic_time() + (taken ? refresh : std::min(refresh, kRetry));
    if (!taken) {
        if (one.error.empty())
            callbacks_.warn(fmt::format("feed {}: {}; the {} entries of {} stay in force", one.feed.name,
                                        taken.error().message, one.feed.entries->prefixes.size(),
                                        iso_time(one.read_at)));
        one.error = taken.error().message;
        return;
    }
    if (!one.error.empty())
        callbacks_.inform(fmt::format("feed {}: {} is good again", one.feed.name, one.feed.path));
    one.error.clear();
    one.stale = false;
    one.read_at = unix_time();
    one.good_at = monotonic_time();
}

Result<void> FeedFollower::take(Followed* one, unsigned index) {
    Feed& feed = one->feed;
    struct stat file {};
    if (::stat(feed.path.c_str(), &file) == 0 && is_untouched(one->file, file) && one->error.empty())
        return {};
    one->file = {};
    const Result<std::shared_ptr<const FeedEntries>> entries = read_entries(feed);
    if (!entries) return tl::unexpected(entries.error());
    // Of before it was read: written to meanwhile, it is another one at the next look.
    one->file = file;
    if ((*entries)->prefixes == feed.entries->prefixes) return {};
    if (Result<void> taken = callbacks_.take(index, *entries); !taken) return taken;
    callbacks_.inform(fmt::format("feed {}: {} entries instead of {}", feed.name, (*entries)->prefixes.size(),
                                  feed.entries->prefixes.size()));
    feed.entries = *entries;
    return {};
}

void FeedFollower::tell_staleness(Followed* one) {
    const std::chrono::seconds after = seconds(one->feed.stale_after_s);
    if (one->stale || after.count() == 0 || monotonic_time() < one->good_at + after) return;
    one->stale = true;
    callbacks_.warn(fmt::format("feed {} is stale: no good reading of {} for {} s", one->feed.name,
                                one->feed.path, after.count()));
}

void FeedFollower::set_timer_again() {
    std::optional<MonotonicTime> soonest;
    const auto consider = [&](MonotonicTime at) { soonest = soonest ? std::min(*soonest, at) : at; };
    for (const Followed& one : feeds_) {
        if (one.next) consider(*one.next);
        if (!one.stale && one.feed.stale_after_s != 0)
            consider(one.good_at + seconds(one.feed.stale_after_s));
    }
    if (!soonest && timer_ == nullptr) return;
    if (timer_ == nullptr) timer_ = make_timer(loop_, &FeedFollower::on_timer, this);
    if (timer_ == nullptr) {
        callbacks_.warn("no memory for a timer: feeds are not read again before the next load");
        return;
    }
    set_timer(timer_, soonest);
}

int FeedFollower::on_timer(sd_event_source*, std::uint64_t, void* self) {
    static_cast<FeedFollower*>(self)->read_what_is_due();
    return 0;
}

nlohmann::json FeedFollower::json() const {
    nlohmann::json list = nlohmann::json::array();
    for (const Followed& one : feeds_) {
        nlohmann::json fields{
            {"name", one.feed.name},  {"path", one.feed.path}, {"entries", one.feed.entries->prefixes.size()},
            {"read_at", nullptr},     {"stale", one.stale},    {"error", nullptr},
            {"next_read_in", nullptr}};
        if (one.read_at.count() != 0) fields["read_at"] = iso_time(one.read_at);
        if (!one.error.empty()) fields["error"] = one.error;
        if (one.next)
            fields["next_read_in"] = std::max<std::int64_t>(0, whole_seconds(*one.next - monotonic_time()));
        list.push_back(std::move(fields));
    }
    return list;
}

}  // namespace dishwall
