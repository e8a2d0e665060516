// SPDX-License-Identifier: BSD-3-Clause
//
// Two trackers, for two uplinks of one machine, against a slow model (line_model.h) over random schedules.
// Both trackers see all facts, as netlink tells them, and are woken only by events and at their own
// deadlines, so a deadline that is missing or late shows up as well. Beside the model, two claims are checked
// each second from the facts alone: no stale hole (nothing new gets into a prefix that nothing carries, and
// nothing at all after its grace) and no gap (what is carried is live, and nothing in grace lies over it).
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "control/line/prefix_tracker.h"
#include "tests/control/line_model.h"
#include "tests/sanitized.h"

namespace dishwall {
namespace {

constexpr int kSchedules = 10'000 / test::kRandomRunsDividedBy;
constexpr int kSecondsEach = 100;
constexpr std::uint32_t kMetrics[] = {1024, 2048};
constexpr const char* kInterfaces[] = {"wan", "wan2", "br"};

// How often each kind of event was drawn, so that a kind that never happens is seen.
std::map<std::string, int>& drawn() {
    static std::map<std::string, int> counts;
    return counts;
}

Uplink uplink_of(unsigned line) {
    Uplink uplink = uplink_with({pd(kMetrics[line]), ra()}, kModelGrace);
    uplink.interface = kInterfaces[line];
    return uplink;
}

struct Side {
    explicit Side(unsigned number)
        : line(number), uplink(uplink_of(number)), tracker(uplink), model(number, kMetrics[number]) {}

    unsigned line;
    Uplink uplink;
    PrefixTracker tracker;
    LineModel model;
    // Of what the tracker has: seconds in grace with the line up; kLive while it is live.
    static constexpr int kLive = -1;
    std::map<Ipv6Prefix, int> used;
    bool was_up = false;
};

class Schedule {
public:
    explicit Schedule(unsigned seed) : random_(seed), sides_{Side(0), Side(1)} {
        for (unsigned line = 0; line < 3; ++line) world_.lines[line].index = 2 + line;
        for (Side& side : sides_) tell_all(&side);
    }

    void run() {
        for (now_ = 0; now_ < kSecondsEach; ++now_) {
            bool event = now_ == 0;
            for (int n = roll(3) == 0 ? roll(5) : 0; n > 0; --n, event = true) something_happens();
            for (Side& side : sides_) {
                settle(&side, event);
                check(&side);
                if (testing::Test::HasFatalFailure()) return;
            }
            if (roll(40) == 0) restart(roll(3) == 0);
        }
    }

private:
    int roll(int sides) { return static_cast<int>(random_() % static_cast<unsigned>(sides)); }
    MonotonicTime at(int second) const { return seconds(base_ + second); }
    Instant instant() const { return {at(now_), seconds(5'000'000 + now_ + wall_), boot_}; }
    const Ipv6Prefix& delegation() { return watched()[static_cast<std::size_t>(roll(5))].prefix; }
    RouteFact some_route() { return {delegation(), 254, kMetrics[roll(2)]}; }

    // ---- the kernel tells

    std::optional<MonotonicTime> end(int second) const {
        if (second == kForever) return std::nullopt;
        return at(second);
    }
    LinkFact link(unsigned line) const {
        const World::Line& it = world_.lines[line];
        return {it.index, kInterfaces[line], it.carrier, true, {}};
    }
    void tell_address(Side* side, const World::Address& a) const {
        if (!world_.lines[a.line].present) return;
        AddressFact fact = address_on(world_.lines[a.line].index, to_string(a.address));
        fact.valid_until = end(a.valid_until);
        fact.preferred_until = end(a.preferred_until);
        side->tracker.set_address(fact);
    }
    void tell_all(Side* side) {
        side->tracker.forget_facts();
        for (unsigned line = 0; line < 3; ++line) {
            if (!world_.lines[line].present) continue;
            side->tracker.set_link(link(line));
            for (std::uint32_t lease : world_.lines[line].ipv4)
                side->tracker.set_ipv4(world_.lines[line].index, lease, 24);
        }
        for (const RouteFact& route : world_.routes) side->tracker.set_route(route);
        for (const World::Address& address : world_.addresses) tell_address(side, address);
        side->model.see(world_);
    }
    template <typename Tell>
    void event(const Tell& tell) {
        for (Side& side : sides_) {
            if (unseen_) continue;
            tell(&side.tracker);
            side.model.see(world_);
        }
    }

    // ---- events

    void something_happens() {
        struct Kind {
            const char* name;
            void (Schedule::*happen)();
        };
        static constexpr Kind kKinds[] = {
            {"route comes or goes", &Schedule::toggle_route},
            {"route comes or goes", &Schedule::toggle_route},
            {"route removed and added", &Schedule::replace_route},
            {"route told again", &Schedule::repeat_route},
            {"address on an uplink", &Schedule::address_on_uplink},
            {"address on an uplink", &Schedule::address_on_uplink},
            {"address on the LAN", &Schedule::address_on_lan},
            {"address on the LAN", &Schedule::address_on_lan},
            {"address removed", &Schedule::remove_an_address},
            {"carrier", &Schedule::toggle_carrier},
            {"IPv4 lease", &Schedule::change_lease},
            {"device deleted or made", &Schedule::toggle_device},
            {"told", &Schedule::tell_prefix},
            {"withdrawn by hand", &Schedule::withdraw_prefix},
            {"resync", &Schedule::resync},
            {"settled within a burst", &Schedule::settle_early},
        };
        const Kind& kind = kKinds[static_cast<std::size_t>(roll(std::size(kKinds)))];
        ++drawn()[kind.name];
        (this->*kind.happen)();
    }
    void toggle_route() {
        const RouteFact route = some_route();
        if (std::erase(world_.routes, route) > 0)
            return event([&](PrefixTracker* tracker) { tracker->remove_route(route); });
        world_.routes.push_back(route);
        event([&](PrefixTracker* tracker) { tracker->set_route(route); });
    }
    void replace_route() {
        if (world_.routes.empty()) return;
        const RouteFact route =
            world_.routes[static_cast<std::size_t>(roll(static_cast<int>(world_.routes.size())))];
        std::erase(world_.routes, route);
        event([&](PrefixTracker* tracker) { tracker->remove_route(route); });
        world_.routes.push_back(route);
        event([&](PrefixTracker* tracker) { tracker->set_route(route); });
    }
    void repeat_route() {
        if (world_.routes.empty() || unseen_) return;
        const RouteFact route = world_.routes.front();
        for (Side& side : sides_) {
            side.tracker.set_route(route);
            side.model.route_told_again(route);
        }
    }
    void address_on_uplink() {
        set_address(static_cast<unsigned>(roll(2)), watched()[static_cast<std::size_t>(5 + roll(3))].prefix);
    }
    void address_on_lan() { set_address(2, delegation()); }
    void set_address(unsigned line, const Ipv6Prefix& prefix) {
        if (!world_.lines[line].present) return;
        const Ipv6Address address{prefix.first().hi, static_cast<std::uint64_t>(1 + roll(2) + 2 * line)};
        std::erase_if(world_.addresses,
                      [&](const auto& a) { return a.line == line && a.address == address; });
        World::Address made{line, address, kForever, kForever};
        if (roll(4) > 0) {
            made.valid_until = now_ + 1 + roll(40);
            made.preferred_until = now_ + roll(made.valid_until - now_ + 1);
        }
        world_.addresses.push_back(made);
        for (Side& side : sides_) {
            if (unseen_) continue;
            tell_address(&side, made);
            side.model.see(world_);
        }
    }
    void remove_an_address() {
        if (world_.addresses.empty()) return;
        const auto at = world_.addresses.begin() + roll(static_cast<int>(world_.addresses.size()));
        const World::Address gone = *at;
        world_.addresses.erase(at);
        const unsigned index = world_.lines[gone.line].index;
        event([&](PrefixTracker* tracker) { tracker->remove_address(index, gone.address); });
    }
    void toggle_carrier() {
        const auto line = static_cast<unsigned>(roll(2));
        if (!world_.lines[line].present) return;
        world_.lines[line].carrier = !world_.lines[line].carrier;
        event([&](PrefixTracker* tracker) { tracker->set_link(link(line)); });
    }
    void change_lease() {
        World::Line& line = world_.lines[roll(2)];
        const std::uint32_t lease = roll(2) == 0 ? kCgnat : kRebooting;
        if (!line.present) return;
        const bool gone = line.ipv4.erase(lease) > 0;
        if (!gone) line.ipv4.insert(lease);
        event([&](PrefixTracker* tracker) {
            if (gone)
                tracker->remove_ipv4(line.index, lease);
            else
                tracker->set_ipv4(line.index, lease, 24);
        });
    }
    // Deleted, its addresses go with it; made again, it has another index.
    void toggle_device() {
        const auto number = static_cast<unsigned>(roll(2));
        World::Line& line = world_.lines[number];
        line.present = !line.present;
        if (line.present) {
            line.index = next_index_++;
            return event([&](PrefixTracker* tracker) { tracker->set_link(link(number)); });
        }
        std::erase_if(world_.addresses, [&](const auto& a) { return a.line == number; });
        line.ipv4.clear();
        event([&](PrefixTracker* tracker) { tracker->remove_link(line.index); });
    }
    void tell_prefix() {
        if (unseen_) return;  // no daemon, or it is busy: the hook's call fails or waits
        Side& side = sides_[roll(2)];
        const Ipv6Prefix& prefix = delegation();
        int valid = kForever, preferred = kForever;
        if (roll(5) > 0) {
            valid = now_ + roll(40);
            preferred = now_ + roll(valid - now_ + 1);
        }
        ASSERT_TRUE(side.tracker.set_told("dish.pd", prefix, end(valid), end(preferred)));
        side.model.tell(prefix, valid, preferred);
    }
    void withdraw_prefix() {
        if (unseen_) return;
        Side& side = sides_[roll(2)];
        std::optional<Ipv6Prefix> prefix;
        if (roll(3) > 0) prefix = delegation();
        const bool withdrawn = side.tracker.withdraw_told("dish.pd", prefix).has_value();
        ASSERT_EQ(withdrawn, side.model.withdraw(prefix));
    }
    // Messages were lost: what they told is only in the dump.
    void resync() {
        if (unseen_) return;
        unseen_ = true;
        for (int n = roll(4); n > 0; --n) something_happens();
        unseen_ = false;
        for (Side& side : sides_) tell_all(&side);
    }
    void settle_early() {
        if (unseen_) return;
        for (Side& side : sides_) {
            settle(&side, true);
            check(&side);
        }
    }

    // No daemon for a while; or none because the machine booted, which ends all facts. The wall clock may
    // have been set meanwhile, which matters across a boot only.
    void restart(bool boot) {
        std::vector<nlohmann::json> saved;
        for (Side& side : sides_)
            saved.push_back(nlohmann::json::parse(side.tracker.to_json(instant()).dump()));
        const int down_at = now_, real = roll(30), jump = roll(3) == 0 ? roll(80) - 40 : 0;
        now_ += real;
        wall_ += jump;
        if (boot) {
            boot_ += "+";
            base_ = 5 + roll(100);
            world_.routes.clear();
            world_.addresses.clear();
        }
        unseen_ = true;
        for (int n = roll(6); n > 0; --n) something_happens();
        unseen_ = false;
        ++drawn()[boot ? "boot" : "restart"];
        const std::optional<int> by_wall = real + jump < 0 ? std::nullopt : std::optional(real + jump);
        for (Side& side : sides_) {
            side.tracker = PrefixTracker(side.uplink);
            ASSERT_TRUE(side.tracker.from_json(saved[side.line], instant()));
            if (boot) side.model.boot(down_at, real, by_wall);
            tell_all(&side);
            settle(&side, true, boot ? by_wall.value_or(0) : real);
            check(&side);
        }
    }

    // ---- the trackers answer

    void settle(Side* side, bool event, std::optional<int> passed = {}) {
        const int since = passed.value_or(now_ - settled_at_[side->line]);
        settled_at_[side->line] = now_;
        side->model.observe(now_, since);
        if (side->was_up)
            for (auto& [prefix, used] : side->used)
                if (used != Side::kLive) used += since;
        const auto deadline = side->tracker.deadline();
        if (event || (deadline && *deadline <= at(now_))) (void)side->tracker.settle(at(now_));
        side->was_up = world_.lines[side->line].up();
    }

    void check(Side* side) {
        const Own& own = side->tracker.own();
        check_no_stale_hole(side, own);
        check_no_gap(*side, own);
        EXPECT_EQ(own.prefixes, side->model.live());
        if (testing::Test::HasFailure())  // the text is dear: only now
            FAIL() << "second " << now_ << " " << kInterfaces[side->line] << ": "
                   << prefixes_of(side->tracker);
    }
    void check_no_stale_hole(Side* side, const Own& own) {
        for (const Watched& p : watched()) {
            const auto here = std::ranges::find_if(own.prefixes, [&](const LivePrefix& live) {
                return live.source == p.source && live.prefix == p.prefix;
            });
            if (here == own.prefixes.end()) {
                side->used.erase(p.prefix);
            } else if (here->state != DW_PREFIX_GRACE) {
                ASSERT_TRUE(side->model.may_be_live(p, now_))
                    << to_string(p.prefix) << " admits something new";
                side->used[p.prefix] = Side::kLive;
            } else {
                ASSERT_TRUE(side->used.contains(p.prefix)) << to_string(p.prefix) << " was never live";
                int& used = side->used[p.prefix];
                used = std::max(used, 0);
                ASSERT_LT(used, kModelGrace) << to_string(p.prefix) << " outlives its grace";
            }
        }
    }
    void check_no_gap(const Side& side, const Own& own) {
        for (const Watched& p : watched()) {
            if (!side.model.must_be_live(p, now_)) continue;
            for (const Ipv6Address& host : {p.prefix.first(), p.prefix.last()}) {
                const auto spot = locate(own, host);
                ASSERT_TRUE(spot) << to_string(p.prefix) << " is carried and not ours";
                ASSERT_NE(own.prefixes[spot->slot].state, DW_PREFIX_GRACE)
                    << to_string(p.prefix) << " is carried and admits nothing new";
            }
        }
    }

    std::mt19937 random_;
    World world_;
    Side sides_[2];
    bool unseen_ = false;  // netlink tells nobody
    int now_ = 0, base_ = 1000, wall_ = 0;
    int settled_at_[2] = {0, 0};
    unsigned next_index_ = 10;
    std::string boot_ = "boot";
};

TEST(PrefixTrackerRandomTest, agrees_with_the_model_and_has_neither_a_stale_hole_nor_a_gap) {
    drawn().clear();
    for (unsigned seed = 0; seed < kSchedules; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Schedule(seed).run();
        if (HasFatalFailure()) return;
    }
    EXPECT_EQ(drawn().size(), 15u);
    for (const auto& [kind, times] : drawn()) EXPECT_GT(times, kSchedules / 10) << kind;
}

// ---- more than there is room for: who is served, by rules alone

TEST(PrefixTrackerRandomTest, in_a_crowd_the_newest_delegation_is_live_and_grace_never_keeps_one_out) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        PrefixTracker tracker{uplink_with({pd(), ra()}, kModelGrace)};
        tracker.set_link(wan(true));
        std::vector<Ipv6Prefix> delegated, announced;
        for (int second = 1; second <= 200; ++second) {
            const bool goes = random() % 3 == 0;
            if (random() % 2 == 0) {
                const Ipv6Prefix prefix = pfx(fmt::format("2001:db8:{:x}00::/56", random() % 14 + 1));
                if (std::erase(delegated, prefix) > 0 || goes) {
                    tracker.remove_route({prefix});
                } else {
                    delegated.push_back(prefix);
                    tracker.set_route({prefix});
                }
            } else {
                const Ipv6Prefix prefix = pfx(fmt::format("2001:db8:f:{:x}::/64", random() % 14 + 1));
                if (std::erase(announced, prefix) > 0 || goes) {
                    tracker.remove_address(kDish, prefix.first());
                } else {
                    announced.push_back(prefix);
                    tracker.set_address(address_on(kDish, to_string(prefix.first())));
                }
            }
            (void)tracker.settle(seconds(second));
            const std::vector<LivePrefix>& live = tracker.own().prefixes;
            const auto in_grace = std::ranges::count(live, DW_PREFIX_GRACE, &LivePrefix::state);
            const std::size_t carried = delegated.size() + announced.size();
            ASSERT_LE(live.size(), std::size_t{DW_PREFIXES});
            ASSERT_EQ(live.size() - static_cast<std::size_t>(in_grace),
                      std::min(carried, std::size_t{DW_PREFIXES}));
            const std::size_t served = std::min(delegated.size(), std::size_t{DW_PREFIXES});
            for (std::size_t newest = 1; newest <= served; ++newest)
                ASSERT_NE(std::ranges::find(live, delegated[delegated.size() - newest], &LivePrefix::prefix),
                          live.end())
                    << second << ": " << prefixes_of(tracker);
        }
    }
}

}  // namespace
}  // namespace dishwall
