// SPDX-License-Identifier: BSD-3-Clause
//
// Reads the files of feeds again as often as the rules say. Somebody else fetches them (cron, a timer): a
// file that is missing or half written for a while is normal, so the last good entries stay in force, one
// warning is given for each such episode, and after `stale-after` without a good reading the feed is called
// stale, once.
#pragma once

#include <sys/stat.h>
#include <systemd/sd-event.h>

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "control/clock.h"
#include "control/event_source.h"
#include "rules/feed.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

// Called from the loop, never from within `follow`.
struct FeedCallbacks {
    // Puts another reading of a feed (an index into Policy::feeds) in force, or says why it cannot be.
    std::function<Result<void>(unsigned feed, std::shared_ptr<const FeedEntries>)> take;
    std::function<void(const std::string&)> inform;
    std::function<void(const std::string&)> warn;
};

class FeedFollower {
public:
    // A file that could not be used is tried again at least so often.
    static constexpr std::chrono::seconds kRetry{60};

    FeedFollower(sd_event* loop, FeedCallbacks callbacks) : loop_(loop), callbacks_(std::move(callbacks)) {}
    FeedFollower(const FeedFollower&) = delete;
    FeedFollower& operator=(const FeedFollower&) = delete;

    // This policy is in force, and its feeds were read right now, but for the files in `missing`.
    void follow(const Policy& policy, const std::vector<std::string>& missing = {});

    // [{"name", "path", "entries", "read_at", "stale", "error": text or null, "next_read_in": s or null}]
    [[nodiscard]] nlohmann::json json() const;

private:
    struct Followed {
        Feed feed;
        UnixTime read_at{0};       // the last good reading
        MonotonicTime good_at{0};  // the same
        std::optional<MonotonicTime> next;
        struct stat file {};  // as it was then; all zero: not looked at
        std::string error;    // of the episode that is going on
        bool stale = false;
    };
    static int on_timer(sd_event_source*, std::uint64_t, void* self);
    void read_what_is_due();
    void read(unsigned index);
    [[nodiscard]] Result<void> take(Followed* one, unsigned index);
    void tell_staleness(Followed* one);
    void set_timer_again();

    sd_event* loop_;
    FeedCallbacks callbacks_;
    std::vector<Followed> feeds_;
    EventSource timer_;
};

}  // namespace dishwall
