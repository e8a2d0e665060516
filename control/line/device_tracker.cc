// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/device_tracker.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <tuple>

namespace dishwall {
namespace {

// Link-local and multicast addresses never cross the line.
bool may_be_ours(const Ipv6Address& address) {
    return address.hi >> 54 != 0xfe80 >> 6 && address.hi >> 56 != 0xff && address != Ipv6Address{};
}

}  // namespace

DeviceTracker::DeviceTracker(const Policy& policy, std::chrono::nanoseconds probe_interval)
    : interval_(probe_interval), soon_(probe_interval / 30), networks_(policy.networks) {
    for (const LearntHost& host : policy.learnt) {
        const auto* device = std::get_if<DeviceHost>(&host.what);
        if (!device) continue;
        const unsigned interface = watch(networks_[device->network].interface);
        devices_[{interface, device->mac}].push_back({host.id, device->network});
    }
}

unsigned DeviceTracker::watch(const std::string& interface) {
    const auto known = std::ranges::find(interfaces_, interface, &Interface::name);
    if (known != interfaces_.end()) return static_cast<unsigned>(known - interfaces_.begin());
    interfaces_.push_back({interface});
    return static_cast<unsigned>(interfaces_.size() - 1);
}

// ---- facts

void DeviceTracker::set_link(const LinkFact& link, MonotonicTime now) {
    const auto interface = std::ranges::find(interfaces_, link.name, &Interface::name);
    if (const auto known = links_.find(link.index);
        known != links_.end() &&
        (interface == interfaces_.end() || interfaces_[known->second].name != link.name))
        remove_link(link.index);  // it has another name now
    if (interface == interfaces_.end()) return;
    const auto number = static_cast<unsigned>(interface - interfaces_.begin());
    if (interface->index != link.index) links_.erase(interface->index);
    links_[link.index] = number;
    interface->index = link.index;
    if (interface->up == link.up) return;
    interface->up = link.up;
    changed_ = true;
    if (!link.up) return;
    for (auto& [key, entry] : table_) {
        if (key.interface != number) continue;
        entry.unanswered = 0;
        set_due(&entry, now + soon_);
    }
}

void DeviceTracker::remove_link(unsigned index) {
    const auto link = links_.find(index);
    if (link == links_.end()) return;
    interfaces_[link->second].index = 0;
    interfaces_[link->second].up = false;
    for (auto& [key, entry] : table_)
        if (key.interface == link->second) entry.view = View::forgotten;
    links_.erase(link);
    changed_ = true;
}

void DeviceTracker::set_neighbour(const NeighbourFact& neighbour, MonotonicTime now) {
    const auto link = links_.find(neighbour.link);
    if (link == links_.end() || !may_be_ours(neighbour.address)) return;
    const Key key{link->second, neighbour.address};
    auto entry = table_.find(key);
    using State = NeighbourFact::State;
    if (neighbour.state == State::incomplete) return;  // what was known may still be so
    if (neighbour.state == State::failed) {
        if (entry != table_.end()) nobody_answers(entry, now);
        return;
    }
    if (!neighbour.mac) return;
    if (const auto lost = lost_.find(key); lost != lost_.end() && lost->second.mac != *neighbour.mac)
        lost_.erase(lost);
    if (entry != table_.end() && entry->second.mac != *neighbour.mac) {
        let_go(entry);
        entry = table_.end();
    }
    if (entry == table_.end()) {
        if (!devices_.contains({key.interface, *neighbour.mac})) return;
        // It may be our own asking for what was lost that is told here.
        if (neighbour.state == State::probing && !retelling_) return;
        entry = insert(key, *neighbour.mac, now);
        entry->second.confirmed = now;
    }
    see(&entry->second, key, neighbour.state, now);
}

// Nobody answers, and on a link that is down nobody can.
void DeviceTracker::nobody_answers(Table::iterator entry, MonotonicTime now) {
    const Key key = entry->first;
    if (!interfaces_[key.interface].up) return forget(&entry->second, now);
    if (!entry->second.hosts.empty() && lost_.size() < kLost)
        lost_[key] = {entry->second.mac, next_turn(key, now), now + kAskedWhenLost * interval_};
    let_go(entry);
}

// What the kernel says of an address that we know.
void DeviceTracker::see(Entry* entry, const Key& key, NeighbourFact::State state, MonotonicTime now) {
    using State = NeighbourFact::State;
    if (entry->view == View::permanent && state != State::permanent) set_due(entry, now + soon_);
    entry->view = state == State::permanent   ? View::permanent
                  : state == State::reachable ? View::confirmed
                  : state == State::probing   ? View::probing
                                              : View::stale;
    // In a dump it is what the kernel heard some time ago, which is no answer.
    if (retelling_ || state != State::reachable) return;
    entry->confirmed = now;
    entry->unanswered = 0;
    set_due(entry, next_turn(key, now));
}

void DeviceTracker::remove_neighbour(unsigned link, const Ipv6Address& address, MonotonicTime now) {
    const auto known = links_.find(link);
    if (known == links_.end()) return;
    const auto entry = table_.find({known->second, address});
    if (entry != table_.end()) forget(&entry->second, now);
}

void DeviceTracker::forget_facts(MonotonicTime now) {
    for (auto& [key, entry] : table_) forget(&entry, now);
    retelling_ = true;
    links_.clear();
    for (Interface& interface : interfaces_) {
        interface.index = 0;
        interface.up = false;
    }
    changed_ = true;
}

// Asked for at once, unless that was done or answered a moment ago: in a neighbour table that is full, asking
// for one address makes the kernel forget another, and the two would chase each other.
void DeviceTracker::forget(Entry* entry, MonotonicTime now) {
    entry->view = View::forgotten;
    const MonotonicTime due = std::max(now, std::max(entry->asked, entry->confirmed) + 5 * soon_);
    if (due < entry->due) set_due(entry, due);
    changed_ |= entry->hosts.empty();
}

// ---- the table

DeviceTracker::Table::iterator DeviceTracker::insert(const Key& key, const MacAddress& mac,
                                                     MonotonicTime now) {
    const Device device{key.interface, mac};
    make_room(device);
    lost_.erase(key);
    Entry entry;
    entry.mac = mac;
    entry.since = now;
    entry.asked = MonotonicTime::min() / 2;
    entry.confirmed = MonotonicTime::min() / 2;
    ++count_[device];
    changed_ = unsaved_ = true;
    const auto made = table_.insert_or_assign(key, std::move(entry)).first;
    set_due(&made->second, now + soon_);
    return made;
}

// A device that makes many addresses pays for it itself.
void DeviceTracker::make_room(const Device& newcomer) {
    if (const auto own = count_.find(newcomer); own != count_.end() && own->second >= kAddressesEach)
        return let_go_oldest(newcomer);
    if (table_.size() < DW_LEARNT_MAX) return;
    let_go_oldest(std::ranges::max_element(count_, {}, &std::pair<const Device, std::size_t>::second)->first);
}

// The one that was confirmed longest ago, and is not confirmed now.
void DeviceTracker::let_go_oldest(const Device& device) {
    const auto worth = [](const Entry& entry) {
        return std::tuple(entry.view == View::permanent, entry.view == View::confirmed, entry.confirmed);
    };
    auto oldest = table_.end();
    for (auto it = table_.begin(); it != table_.end(); ++it) {
        if (Device{it->first.interface, it->second.mac} != device) continue;
        if (oldest == table_.end() || worth(it->second) < worth(oldest->second)) oldest = it;
    }
    if (oldest != table_.end()) let_go(oldest);
}

DeviceTracker::Table::iterator DeviceTracker::let_go(Table::iterator entry) {
    const auto count = count_.find({entry->first.interface, entry->second.mac});
    if (--count->second == 0) count_.erase(count);
    changed_ = unsaved_ = true;
    return table_.erase(entry);
}

bool DeviceTracker::settle(const Own& own) {
    retelling_ = false;
    if (!changed_ && own.prefixes == prefixes_) return false;
    changed_ = false;
    prefixes_ = own.prefixes;
    std::vector<LearntAddress> now;
    for (auto it = table_.begin(); it != table_.end();) {
        auto& [key, entry] = *it;
        entry.hosts = hosts_of(key, entry, own);
        for (const std::uint32_t host : entry.hosts) now.push_back({key.address, host});
        // Nobody asks for an address of a prefix that is gone, so the kernel's word is enough.
        const bool over =
            entry.hosts.empty() && entry.view == View::forgotten && interfaces_[key.interface].up;
        it = over ? let_go(it) : std::next(it);
    }
    changed_ = false;
    find_first_due();
    std::ranges::sort(now);
    now.erase(std::unique(now.begin(), now.end()), now.end());
    return std::exchange(learnt_, std::move(now)) != learnt_;
}

std::vector<std::uint32_t> DeviceTracker::hosts_of(const Key& key, const Entry& entry, const Own& own) const {
    std::vector<std::uint32_t> hosts;
    const std::optional<Located> at = locate(own, key.address);
    if (!at) return hosts;
    for (const Host& host : devices_.at({key.interface, entry.mac})) {
        const Network& network = networks_[host.network];
        if (network.source == own.prefixes[at->slot].source && network.subnet == at->subnet)
            hosts.push_back(host.id);
    }
    return hosts;
}

// ---- asking

bool DeviceTracker::is_asked_for(const Key& key, const Entry& entry) const {
    return !entry.hosts.empty() && entry.view != View::permanent && interfaces_[key.interface].up;
}

// Addresses that were learnt together spread over an eighth of the interval.
MonotonicTime DeviceTracker::next_turn(const Key& key, MonotonicTime now) const {
    const std::uint64_t mixed = (key.address.hi ^ key.address.lo) * 0x9e3779b97f4a7c15ull;
    return now + interval_ - interval_ / 8 * static_cast<std::int64_t>(mixed >> 56) / 256;
}

void DeviceTracker::set_due(Entry* entry, MonotonicTime due) {
    entry->due = due;
    if (!first_due_ || due < *first_due_) first_due_ = due;
}

void DeviceTracker::find_first_due() {
    first_due_.reset();
    for (const auto& [key, entry] : table_)
        if (is_asked_for(key, entry) && (!first_due_ || entry.due < *first_due_)) first_due_ = entry.due;
    for (const auto& [key, lost] : lost_)
        if (interfaces_[key.interface].up && (!first_due_ || lost.due < *first_due_)) first_due_ = lost.due;
}

void DeviceTracker::ask_for_lost(MonotonicTime now, std::vector<Probe>* probes) {
    std::erase_if(lost_, [now](const auto& item) { return item.second.until <= now; });
    for (auto& [key, lost] : lost_) {
        const Interface& interface = interfaces_[key.interface];
        if (!interface.up || lost.due > now || probes->size() == kProbesAtOnce) continue;
        probes->push_back({interface.index, key.address, lost.mac});
        lost.due = next_turn(key, now);
    }
}

std::vector<Probe> DeviceTracker::take_probes(MonotonicTime now) {
    std::vector<Probe> probes;
    if (!first_due_ || *first_due_ > now || next_round_ > now) return probes;
    for (auto it = table_.begin(); it != table_.end() && probes.size() < kProbesAtOnce;) {
        auto& [key, entry] = *it;
        const bool asked = is_asked_for(key, entry) && entry.due <= now;
        if (asked && entry.unanswered == kAsked) {
            it = let_go(it);
            continue;
        }
        if (asked) {
            probes.push_back({interfaces_[key.interface].index, key.address, entry.mac});
            entry.asked = now;
            entry.due = next_turn(key, now);
            ++entry.unanswered;
        }
        ++it;
    }
    ask_for_lost(now, &probes);
    find_first_due();
    next_round_ = now + kProbeSpacing;
    return probes;
}

std::optional<MonotonicTime> DeviceTracker::deadline() const {
    if (!first_due_) return std::nullopt;
    return std::max(*first_due_, next_round_);
}

// ---- views

std::vector<DeviceAddress> DeviceTracker::addresses_of(std::uint32_t host) const {
    static constexpr const char* kViews[] = {"saved", "stale", "probing", "confirmed", "confirmed"};
    std::vector<DeviceAddress> all;
    for (const auto& [key, entry] : table_)
        if (std::ranges::find(entry.hosts, host) != entry.hosts.end())
            all.push_back({key.address, kViews[static_cast<std::size_t>(entry.view)], entry.since});
    return all;
}

}  // namespace dishwall
