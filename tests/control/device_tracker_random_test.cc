// SPDX-License-Identifier: BSD-3-Clause
//
// The tracker, a neighbour table that behaves like the kernel's and a few devices, over random schedules,
// against a model that looks at every address every second. The tracker is woken only by events and at its
// own deadline, and whether an address is asked for in time is seen by what the devices really have.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/control/device_facts.h"
#include "tests/sanitized.h"

namespace dishwall {
namespace {

using State = NeighbourFact::State;

constexpr int kSchedules = 2000 / test::kRandomRunsDividedBy;
constexpr int kSecondsEach = 250;
constexpr int kClosedWithin = 35;  // seconds after the device has it no longer

const std::vector<Ipv6Address> kAddresses = {addr("2001:db8:1100:1::5"), addr("2001:db8:1100:1::6"),
                                             addr("2001:db8:1100:1::7"),
                                             addr("2001:db8:1100:3::5"),  // another subnet's
                                             addr("2001:db8:2200:1::5"), addr("2001:db8:2200:1::6")};
const std::vector<MacAddress> kMacs = {kCam, kTv, kOther};

std::uint32_t host_with(const MacAddress& mac) { return mac == kCam ? kCamId : mac == kTv ? kTvId : 0; }

struct KernelEntry {
    State state = State::stale;
    MacAddress mac{};
    int ends = 0;  // the second at which asking ends
};

struct Known {  // the model's
    std::uint32_t host = 0;
    MacAddress mac{};
    bool forgotten = false;
    int wrong_since = -1;  // the device does not have it, and could have been asked
};

class Schedule {
public:
    explicit Schedule(unsigned seed) : random_(seed) { tell_all(); }

    void run() {
        for (now_ = 1; now_ < kSecondsEach; ++now_) {
            for (int n = roll(3) == 0 ? roll(4) : 0; n > 0; --n) something_happens();
            end_asking();
            (void)tracker_.settle(own_);
            ask();
            look();
            ASSERT_EQ(tracker_.learnt(), expected()) << "second " << now_ << ": " << learnt_by(tracker_);
            for (const auto& [address, known] : known_)
                ASSERT_TRUE(known.wrong_since < 0 || now_ - known.wrong_since <= kClosedWithin)
                    << "second " << now_ << ": " << to_string(address)
                    << " is open though no device of ours has it since " << known.wrong_since;
            if (roll(80) == 0) restart();
        }
    }

private:
    int roll(int sides) { return std::uniform_int_distribution<int>(0, sides - 1)(random_); }
    const Ipv6Address& any_address() { return kAddresses[static_cast<std::size_t>(roll(6))]; }
    MonotonicTime time() const { return seconds(1000 + now_); }
    bool in_network(const Ipv6Address& address) const {
        return std::ranges::any_of(own_.prefixes, [&](const LivePrefix& live) {
            return live.prefix.contains(address) && (address.hi & 0xff) == 1;
        });
    }
    bool has(const Ipv6Address& address, const MacAddress& mac) const {
        const auto holder = holders_.find(address);
        return holder != holders_.end() && holder->second == mac;
    }

    // ---- the world

    void something_happens() {
        const Ipv6Address address = any_address();
        switch (roll(12)) {
            case 0:
            case 1:
                holders_[address] = kMacs[static_cast<std::size_t>(roll(3))];
                talk(address);
                break;
            case 2:
                holders_[address] = kMacs[static_cast<std::size_t>(roll(3))];  // and says nothing
                break;
            case 3:
            case 4:
                holders_.erase(address);
                break;
            case 5:
                talk(address);
                break;
            case 6:
            case 7:
                if (auto entry = kernel_.find(address);
                    entry != kernel_.end() && entry->second.state == State::reachable)
                    set(address, State::stale, entry->second.mac);
                break;
            case 8:
                if (auto entry = kernel_.find(address);
                    entry != kernel_.end() && entry->second.state != State::probing)
                    throw_away(address);
                break;
            case 9:
                toggle_link();
                break;
            case 10:
                own_ = own_.prefixes.size() == 1 ? own_with({"2001:db8:1100::/56", "2001:db8:2200::/56"})
                                                 : own_with({"2001:db8:1100::/56"});
                break;
            default:
                if (roll(4) == 0) resync();
                break;
        }
    }
    void talk(const Ipv6Address& address) {
        if (!up_ || !holders_.contains(address)) return;
        const auto entry = kernel_.find(address);
        if (entry != kernel_.end() && entry->second.mac == holders_[address] &&
            entry->second.state != State::failed)
            return;
        set(address, State::stale, holders_[address]);
    }
    void set(const Ipv6Address& address, State state, const MacAddress& mac) {
        kernel_[address] = {state, mac, now_ + 1 + (has(address, mac) ? roll(3) : 2)};
        tell(address);
    }
    void throw_away(const Ipv6Address& address) {
        kernel_.erase(address);
        tracker_.remove_neighbour(kLan, address, time());
        if (auto known = known_.find(address); known != known_.end()) known->second.forgotten = true;
    }
    void toggle_link() {
        up_ = !up_;
        const bool flushed_first = roll(2) == 0;
        if (up_ || !flushed_first) tracker_.set_link(lan_link(up_), time());
        if (!up_)
            for (const Ipv6Address& address : kAddresses)
                if (kernel_.contains(address)) throw_away(address);
        if (!up_ && flushed_first) tracker_.set_link(lan_link(false), time());
    }
    void end_asking() {
        for (const Ipv6Address& address : kAddresses) {
            const auto entry = kernel_.find(address);
            if (entry == kernel_.end() || entry->second.state != State::probing || entry->second.ends > now_)
                continue;
            const bool answered = up_ && has(address, entry->second.mac);
            set(address, answered ? State::reachable : State::failed, entry->second.mac);
        }
    }
    void ask() {
        const auto deadline = tracker_.deadline();
        if (!deadline || *deadline > time()) return;
        for (const Probe& probe : tracker_.take_probes(time())) {
            ASSERT_EQ(probe.link, kLan);
            ASSERT_TRUE(up_);
            const auto entry = kernel_.find(probe.address);
            const bool another = entry != kernel_.end() && entry->second.state != State::failed &&
                                 (entry->second.mac != probe.mac || entry->second.state == State::probing);
            if (!another) set(probe.address, State::probing, probe.mac);
        }
        (void)tracker_.settle(own_);
    }

    // ---- what the tracker and the model are told

    void tell(const Ipv6Address& address) {
        const KernelEntry& entry = kernel_.at(address);
        const bool failed = entry.state == State::failed;
        tracker_.set_neighbour({kLan, address, failed ? std::nullopt : std::optional(entry.mac), entry.state},
                               time());
        const auto known = known_.find(address);
        if (failed) {
            if (up_)
                known_.erase(address);
            else if (known != known_.end())
                known->second.forgotten = true;
        } else if (known != known_.end() && known->second.mac == entry.mac) {
            known->second.forgotten = false;
        } else {
            known_.erase(address);
            const bool only_asked = entry.state == State::probing && !telling_all_;
            if (host_with(entry.mac) != 0 && !only_asked) known_[address] = {host_with(entry.mac), entry.mac};
        }
    }
    void tell_all() {
        telling_all_ = true;
        tracker_.forget_facts(time());
        tracker_.set_link({kLo, "lo", true, true, {}}, time());
        tracker_.set_link(lan_link(up_), time());
        for (auto& [address, known] : known_) known.forgotten = true;
        for (const Ipv6Address& address : kAddresses)
            if (kernel_.contains(address)) tell(address);
        telling_all_ = false;
        (void)tracker_.settle(own_);
        look();
    }
    void resync() { tell_all(); }
    void restart() {
        const auto wall = seconds(5'000'000) + time();
        const nlohmann::json saved = nlohmann::json::parse(tracker_.to_json(time(), wall).dump());
        tracker_ = DeviceTracker(policy_);
        ASSERT_TRUE(tracker_.from_json(saved, time(), wall));
        tell_all();
    }

    // ---- the model

    void look() {
        std::erase_if(known_, [this](const auto& item) {
            return item.second.forgotten && up_ && !in_network(item.first);
        });
        for (auto& [address, known] : known_) {
            const bool wrong = up_ && in_network(address) && !has(address, known.mac);
            if (!wrong) known.wrong_since = -1;
            if (wrong && known.wrong_since < 0) known.wrong_since = now_;
        }
    }
    std::vector<LearntAddress> expected() const {
        std::vector<LearntAddress> all;
        for (const auto& [address, known] : known_)
            if (in_network(address)) all.push_back({address, known.host});
        return all;
    }

    const Policy policy_ = policy_of_devices();
    std::mt19937 random_;
    DeviceTracker tracker_{policy_};
    Own own_ = own_with({"2001:db8:1100::/56"});
    bool up_ = true, telling_all_ = false;
    std::map<Ipv6Address, MacAddress> holders_;
    std::map<Ipv6Address, KernelEntry> kernel_;
    std::map<Ipv6Address, Known> known_;
    int now_ = 0;
};

TEST(DeviceTrackerRandomTest, agrees_with_the_model) {
    for (unsigned seed = 0; seed < kSchedules; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Schedule(seed).run();
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace dishwall
