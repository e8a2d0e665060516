// SPDX-License-Identifier: BSD-3-Clause
//
// Which addresses the devices of the rule file (`lan mac ...`) use now.
//
// The kernel's neighbour table knows it, but as a cache: an entry is made when somebody talks, goes stale, is
// thrown away when the table grows, and says nothing when the device drops an address that nobody talks to.
// So an address is learnt from any valid entry with the device's MAC, and let go only on evidence: the kernel
// says FAILED, or another MAC has the address. To get that evidence, each address is asked for about every
// 30 s and whenever the kernel forgot it. Asking is the kernel's own unreachability detection (RFC 4861,
// section 7.3), which ends in REACHABLE or, after three seconds, in FAILED: an address that expired is closed
// within 35 s. What did not answer is asked for some minutes more, since a device that only serves may never
// speak by itself after its access point was restarted.
//
// Pure: no sockets, no clock of its own, like PrefixTracker.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/line/prefix_tracker.h"
#include "rules/own.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

struct NeighbourFact {
    enum class State {
        incomplete,  // the kernel asks who has it: nothing is known yet
        stale,       // valid, not confirmed lately (STALE, DELAY)
        probing,     // valid, being asked
        reachable,
        permanent,  // an administrator said so
        failed,     // nobody answers
    };
    unsigned link = 0;  // interface index
    Ipv6Address address;
    std::optional<MacAddress> mac;
    State state{};
};

// A neighbour to be asked for: by unicast to that MAC.
struct Probe {
    unsigned link = 0;
    Ipv6Address address;
    MacAddress mac{};

    auto operator<=>(const Probe&) const = default;
};

struct DeviceAddress {
    Ipv6Address address;
    const char* state = "";  // confirmed, stale, probing, saved (the kernel has no entry)
    MonotonicTime since{};   // learnt at; before the machine started: negative
};

class DeviceTracker {
public:
    static constexpr std::chrono::seconds kProbeInterval{30};
    static constexpr std::size_t kAddressesEach = 64;  // of one device; for all of them: DW_LEARNT_MAX
    static constexpr std::size_t kProbesAtOnce = 16;   // and then nothing for kProbeSpacing
    static constexpr std::chrono::milliseconds kProbeSpacing{50};
    static constexpr int kAskedWhenLost = 20;  // intervals, of an address that did not answer
    static constexpr std::size_t kLost = 256;  // such addresses
    static constexpr unsigned kAsked = 3;      // times without an answer, then it is let go

    explicit DeviceTracker(const Policy& policy, std::chrono::nanoseconds probe_interval = kProbeInterval);

    [[nodiscard]] bool idle() const { return interfaces_.empty(); }  // the policy has no such host
    [[nodiscard]] bool watches(unsigned link) const { return links_.contains(link); }

    void set_link(const LinkFact& link, MonotonicTime now);
    void remove_link(unsigned index);
    void set_neighbour(const NeighbourFact& neighbour, MonotonicTime now);
    // The kernel threw its entry away, which says nothing about the device.
    void remove_neighbour(unsigned link, const Ipv6Address& address, MonotonicTime now);
    // Links and neighbours are about to be told again, up to the next settle: what is not, the kernel has
    // forgotten.
    void forget_facts(MonotonicTime now);

    // Applies the facts to these prefixes. True: learnt() is another. Call after each burst of events and
    // when the prefixes changed.
    [[nodiscard]] bool settle(const Own& own);
    [[nodiscard]] const std::vector<LearntAddress>& learnt() const { return learnt_; }
    // The table itself is another than at the call before, so it should be saved.
    [[nodiscard]] bool take_unsaved() { return std::exchange(unsaved_, false); }

    // Which neighbours to ask for now; they count as asked. May let go of what never answers: settle after
    // it.
    [[nodiscard]] std::vector<Probe> take_probes(MonotonicTime now);
    // When take_probes may have something. Never too late, now and then too early.
    [[nodiscard]] std::optional<MonotonicTime> deadline() const;

    // The addresses of a host (LearntHost::id) in its network.
    [[nodiscard]] std::vector<DeviceAddress> addresses_of(std::uint32_t host) const;

    // What a new daemon must know, as the clocks are now. `from_json` goes before the first settle; saved
    // addresses count at once and are asked for. Devices that are not in the policy are left out.
    [[nodiscard]] nlohmann::json to_json(MonotonicTime now, UnixTime unix_now) const;
    [[nodiscard]] Result<void> from_json(const nlohmann::json& saved, MonotonicTime now, UnixTime unix_now);

private:
    struct Host {
        std::uint32_t id = 0;
        unsigned network = 0;  // index into networks_
    };
    struct Device {  // a MAC on an interface
        unsigned interface = 0;
        MacAddress mac{};
        auto operator<=>(const Device&) const = default;
    };
    struct Interface {
        std::string name;
        unsigned index = 0;  // 0: there is none now
        bool up = false;
    };
    struct Key {
        unsigned interface = 0;  // index into interfaces_: addresses outlive the kernel's index
        Ipv6Address address;
        auto operator<=>(const Key&) const = default;
    };
    enum class View { forgotten, stale, probing, confirmed, permanent };  // of the kernel
    struct Entry {
        MacAddress mac{};
        View view = View::forgotten;
        MonotonicTime since{}, confirmed{}, asked{}, due{};
        unsigned unanswered = 0;
        std::vector<std::uint32_t> hosts;  // whose address it is, with the prefixes of the last settle
    };
    using Table = std::map<Key, Entry>;
    struct Lost {  // let go because nobody answered
        MacAddress mac{};
        MonotonicTime due{}, until{};
    };

    [[nodiscard]] unsigned watch(const std::string& interface);
    Table::iterator insert(const Key& key, const MacAddress& mac, MonotonicTime now);
    void nobody_answers(Table::iterator entry, MonotonicTime now);
    void see(Entry* entry, const Key& key, NeighbourFact::State state, MonotonicTime now);
    void make_room(const Device& newcomer);
    Table::iterator let_go(Table::iterator entry);
    void let_go_oldest(const Device& device);
    void forget(Entry* entry, MonotonicTime now);
    [[nodiscard]] std::vector<std::uint32_t> hosts_of(const Key& key, const Entry& entry,
                                                      const Own& own) const;
    [[nodiscard]] bool is_asked_for(const Key& key, const Entry& entry) const;
    void set_due(Entry* entry, MonotonicTime due);
    [[nodiscard]] MonotonicTime next_turn(const Key& key, MonotonicTime now) const;
    void find_first_due();
    void ask_for_lost(MonotonicTime now, std::vector<Probe>* probes);
    void restore(const nlohmann::json& saved, MonotonicTime now, UnixTime unix_now);

    std::chrono::nanoseconds interval_;
    std::chrono::nanoseconds
        soon_;  // a second: until a new address is asked for, or one behind a link that came up
    std::vector<Network> networks_;
    std::vector<Interface> interfaces_;
    std::map<Device, std::vector<Host>> devices_;
    std::map<unsigned, unsigned> links_;  // kernel's index -> interfaces_

    Table table_;
    std::map<Device, std::size_t> count_;  // of table_
    std::map<Key, Lost> lost_;             // none of them is in table_
    bool changed_ = true;                  // since the last settle
    bool retelling_ = false;               // between forget_facts and settle
    bool unsaved_ = false;
    std::vector<LivePrefix> prefixes_;  // of the last settle
    std::vector<LearntAddress> learnt_;
    std::optional<MonotonicTime> first_due_;
    MonotonicTime next_round_{0};
};

}  // namespace dishwall
