// SPDX-License-Identifier: BSD-3-Clause
//
// The tracker against a model that looks at every prefix every second, over random schedules. The tracker is
// woken only by events and at its own deadline, so a deadline that is missing or late shows up as well.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "control/line/prefix_tracker.h"
#include "tests/control/line_facts.h"

namespace dishwall {
namespace {

constexpr int kSchedules = 4000;
constexpr int kSecondsEach = 150;
constexpr int kGrace = 20;

// At most DW_PREFIXES in all, so that room is not what decides. The /60s lie inside the first two /56s.
const std::vector<Ipv6Prefix> kDelegations = {pfx("2001:db8:100::/56"), pfx("2001:db8:200::/56"),
                                              pfx("2001:db8:300::/56"), pfx("2001:db8:100:10::/60"),
                                              pfx("2001:db8:200:20::/60")};
const std::vector<Ipv6Prefix> kOnlink = {pfx("2001:db8:f1::/64"), pfx("2001:db8:f2::/64"),
                                         pfx("2001:db8:f3::/64")};

struct ModelAddress {
    unsigned link;
    Ipv6Address address;
    int valid_until, preferred_until;  // second; -1: forever
};

struct ModelPrefix {
    unsigned source;
    Ipv6Prefix prefix;
    dw_prefix_state state = DW_PREFIX_NONE;
    int grace_left = 0;
};

class Model {
public:
    Model() {
        for (const Ipv6Prefix& prefix : kDelegations) prefixes.push_back({0, prefix});
        for (const Ipv6Prefix& prefix : kOnlink) prefixes.push_back({1, prefix});
    }

    bool is_there(const ModelPrefix& p, int now) const {
        if (p.source == 0) return std::ranges::find(routes, p.prefix) != routes.end();
        return std::ranges::any_of(addresses, [&](const ModelAddress& a) {
            return a.link == kDish && p.prefix.contains(a.address) &&
                   (a.valid_until < 0 || a.valid_until > now);
        });
    }
    dw_prefix_state kind(const ModelPrefix& p, int now) const {
        bool any = false, preferred = false;
        for (const ModelAddress& a : addresses) {
            if (!p.prefix.contains(a.address) || (a.valid_until >= 0 && a.valid_until <= now)) continue;
            any = true;
            preferred |= a.preferred_until < 0 || a.preferred_until > now;
        }
        return !any || preferred ? DW_PREFIX_PREFERRED : DW_PREFIX_DEPRECATED;
    }
    void second(int now, bool line_was_up) {
        for (ModelPrefix& p : prefixes) {
            if (p.state == DW_PREFIX_GRACE && line_was_up && --p.grace_left == 0) p.state = DW_PREFIX_NONE;
            if (is_there(p, now)) {
                p.state = kind(p, now);
            } else if (p.state == DW_PREFIX_PREFERRED || p.state == DW_PREFIX_DEPRECATED) {
                p.state = DW_PREFIX_GRACE;
                p.grace_left = kGrace;
            }
        }
        for (ModelPrefix& p : prefixes)
            for (const ModelPrefix& outer : prefixes)
                if (p.state == DW_PREFIX_GRACE && is_there(outer, now) &&
                    outer.prefix.length() < p.prefix.length() && outer.prefix.contains(p.prefix.first()))
                    p.state = DW_PREFIX_NONE;
    }
    std::vector<LivePrefix> live() const {
        std::vector<LivePrefix> all;
        for (const ModelPrefix& p : prefixes)
            if (p.state != DW_PREFIX_NONE) all.push_back({p.prefix, p.source, p.state, p.source == 1});
        std::ranges::sort(all, {}, [](const LivePrefix& p) { return std::pair(p.source, p.prefix); });
        return all;
    }

    std::vector<Ipv6Prefix> routes;
    std::vector<ModelAddress> addresses;
    bool line_up = true;
    std::vector<ModelPrefix> prefixes;
};

class Schedule {
public:
    explicit Schedule(unsigned seed) : random_(seed), tracker_(uplink_) { tell_all(); }

    void run() {
        for (now_ = 0; now_ < kSecondsEach; ++now_) {
            const bool line_was_up = now_ > 0 && model_.line_up;
            bool event = now_ == 0;
            for (int n = roll(4) == 0 ? roll(4) : 0; n > 0; --n) event |= something_happens();
            model_.second(now_, line_was_up);
            const auto deadline = tracker_.deadline();
            if (event || (deadline && *deadline <= time())) (void)tracker_.settle(time());
            ASSERT_EQ(tracker_.own().prefixes, model_.live())
                << "second " << now_ << ": " << prefixes_of(tracker_);
            if (roll(60) == 0) restart();
        }
    }

private:
    int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }
    MonotonicTime time() const { return seconds(1000 + now_); }

    void tell_all() {
        tracker_.forget_facts();
        tracker_.set_link(wan(model_.line_up));
        tracker_.set_link({kLan, "br", true});
        for (const Ipv6Prefix& route : model_.routes) tracker_.set_route({route});
        for (const ModelAddress& address : model_.addresses) tell(address);
    }
    void tell(const ModelAddress& a) {
        AddressFact fact = address_on(a.link, to_string(a.address));
        if (a.valid_until >= 0) fact.valid_until = seconds(1000 + a.valid_until);
        if (a.preferred_until >= 0) fact.preferred_until = seconds(1000 + a.preferred_until);
        tracker_.set_address(fact);
    }
    bool something_happens() {
        switch (roll(8)) {
            case 0:
                toggle_route();
                break;
            case 1:
            case 2:
                refresh_address(kDish, kOnlink[roll(3)]);
                break;
            case 3:
                refresh_address(kLan, kDelegations[roll(5)]);
                break;
            case 4:
                remove_an_address();
                break;
            case 5:
                model_.line_up = !model_.line_up;
                tracker_.set_link(wan(model_.line_up));
                break;
            case 6:
                toggle_route();
                break;
            default:
                tell_all();
                break;
        }
        return true;
    }
    void toggle_route() {
        const Ipv6Prefix& route = kDelegations[roll(5)];
        if (std::erase(model_.routes, route) > 0) return tracker_.remove_route({route});
        model_.routes.push_back(route);
        tracker_.set_route({route});
    }
    void refresh_address(unsigned link, const Ipv6Prefix& prefix) {
        const Ipv6Address address{prefix.first().hi, static_cast<std::uint64_t>(1 + roll(2))};
        std::erase_if(model_.addresses,
                      [&](const auto& a) { return a.link == link && a.address == address; });
        ModelAddress made{link, address, -1, -1};
        if (roll(3) > 0) {
            made.valid_until = now_ + 1 + roll(40);
            made.preferred_until = now_ + roll(made.valid_until - now_ + 1);
        }
        model_.addresses.push_back(made);
        tell(made);
    }
    void remove_an_address() {
        if (model_.addresses.empty()) return;
        const auto victim = model_.addresses.begin() + roll(static_cast<int>(model_.addresses.size()));
        tracker_.remove_address(victim->link, victim->address);
        model_.addresses.erase(victim);
    }
    // The clock has not moved since the last second, but a grace timer may have run since the last settle.
    void restart() {
        (void)tracker_.settle(time());
        const nlohmann::json saved =
            nlohmann::json::parse(tracker_.to_json(seconds(5'000'000) + time()).dump());
        tracker_ = PrefixTracker(uplink_);
        ASSERT_TRUE(tracker_.from_json(saved, seconds(5'000'000) + time()));
        tell_all();
        ASSERT_TRUE(std::ranges::none_of(tracker_.settle(time()), &LineChange::about_prefix));
    }

    const Uplink uplink_ = uplink_with({pd(), ra()}, kGrace);
    std::mt19937 random_;
    PrefixTracker tracker_;
    Model model_;
    int now_ = 0;
};

TEST(PrefixTrackerRandomTest, agrees_with_the_model) {
    for (unsigned seed = 0; seed < kSchedules; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Schedule(seed).run();
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace dishwall
