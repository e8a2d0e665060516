// SPDX-License-Identifier: BSD-3-Clause
//
// Which prefixes are ours, and in which state, as the line is renumbered under us.
//
// Netlink tells facts (links, addresses, routes), repeats them with every RA, and loses some under load.
// So the tracker keeps the facts apart from what follows from them: events only edit the set of facts, and
// `settle` derives the prefixes anew and compares. A refresh, a remove-and-add in one burst, and a resync
// after lost messages then need no code of their own: they derive the same prefixes and change nothing
// (R29). Only what facts cannot say is state: how long a withdrawn prefix has still to live (R31, R32).
//
// Pure: no sockets, no clock of its own. Times are CLOCK_MONOTONIC, which like the kernel's own address
// lifetimes stands still while the machine sleeps.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rules/own.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

using MonotonicTime = std::chrono::nanoseconds;  // CLOCK_MONOTONIC since boot
using UnixTime = std::chrono::nanoseconds;       // CLOCK_REALTIME since 1970

// ---- facts

struct LinkFact {
    unsigned index = 0;
    std::string name;
    bool up = false;                    // administratively up and with carrier
    bool enabled = false;               // administratively up
    std::array<std::uint8_t, 6> mac{};  // all zero: it has no Ethernet address

    bool operator==(const LinkFact&) const = default;
};

struct AddressFact {
    unsigned link = 0;  // interface index
    Ipv6Address address;
    unsigned length = 64;                          // prefix length of the address
    std::optional<MonotonicTime> valid_until;      // empty: forever
    std::optional<MonotonicTime> preferred_until;  // empty: forever
    bool deprecated = false;                       // IFA_F_DEPRECATED
    bool duplicate = false;                        // IFA_F_DADFAILED: somebody else's address
};

// An unreachable or blackhole route. Table and metric are part of its name in the kernel.
struct RouteFact {
    Ipv6Prefix prefix;
    std::uint32_t table = 254;
    std::uint32_t metric = 1024;

    auto operator<=>(const RouteFact&) const = default;
};

// ---- what follows from them

struct LineChange {
    enum class Kind {
        added,       // a new prefix is live
        preferred,   // was deprecated, is preferred again
        deprecated,  // still as good as preferred for packets (R30)
        withdrawn,   // its grace period begins
        returned,    // was in grace, is live again
        gone,        // its grace period is over, or there was none
        no_room,     // live, but there are more than DW_PREFIXES
        self_added,
        self_removed,
        mac_changed,
    };
    Kind kind{};
    std::string source;  // "dish.pd"; empty for self_* and mac_changed
    LivePrefix prefix;   // for self_*: the address as a /128; nothing for mac_changed
    std::string text;    // "dish.pd: 2001:db8:1100::/56 is new"

    [[nodiscard]] bool about_prefix() const { return kind < Kind::self_added; }
};
[[nodiscard]] const char* to_string(LineChange::Kind kind);

struct PrefixStatus {
    std::string source;  // "dish.pd"
    LivePrefix live;
    std::optional<MonotonicTime> valid_until, preferred_until;  // as far as addresses in it tell
    std::optional<MonotonicTime> grace_until;                   // in grace, and the timer runs
    std::optional<std::chrono::nanoseconds> grace_left;  // in grace, but the line is down and it stands
    bool served = true;                                  // false: there is no room for it
};

class PrefixTracker {
public:
    explicit PrefixTracker(const Uplink& uplink);

    void set_link(const LinkFact& link);
    void remove_link(unsigned index);
    void set_address(const AddressFact& address);  // new, or new lifetimes and flags
    void remove_address(unsigned link, const Ipv6Address& address);
    void set_route(const RouteFact& route);
    void remove_route(const RouteFact& route);
    // Everything is about to be told again: what is not, is gone.
    void forget_facts();

    // Applies the facts at this time. Empty: own() is what it was. Call after each burst of events and at
    // deadline().
    [[nodiscard]] std::vector<LineChange> settle(MonotonicTime now);

    [[nodiscard]] const Own& own() const { return own_; }  // as of the last settle
    // When `settle` will have something to do even if no event comes.
    [[nodiscard]] std::optional<MonotonicTime> deadline() const;
    [[nodiscard]] std::vector<PrefixStatus> list() const;
    [[nodiscard]] bool line_up() const;
    [[nodiscard]] std::optional<LinkFact> uplink() const;  // empty: there is no such interface now

    // What a new daemon must know (R33). `from_json` goes before the first settle; prefixes of sources that
    // the rule file no longer has are left out, a prefix that was live and is not found again gets its grace.
    [[nodiscard]] nlohmann::json to_json(UnixTime now) const;
    [[nodiscard]] Result<void> from_json(const nlohmann::json& saved, UnixTime now);

private:
    struct Key {
        unsigned source = 0;
        Ipv6Prefix prefix;
        auto operator<=>(const Key&) const = default;
    };
    struct Found {  // a prefix as the facts have it
        bool preferred = false;
        std::optional<MonotonicTime> valid_until, preferred_until;
    };
    struct Entry {
        dw_prefix_state state = DW_PREFIX_NONE;
        Found found;
        std::uint64_t order = 0;                 // of appearance; the newest has the highest
        std::chrono::nanoseconds grace_left{0};  // when state is grace
        bool served = false;
        bool announced = false;  // its first change was told
    };
    using Changes = std::vector<LineChange>;

    [[nodiscard]] std::map<Key, Found> derive(MonotonicTime now) const;
    [[nodiscard]] std::set<Ipv6Prefix> prefixes_of(const PrefixSource& source, MonotonicTime now) const;
    [[nodiscard]] std::set<Ipv6Prefix> on_interface(const std::string& interface, bool only_64,
                                                    MonotonicTime now) const;
    [[nodiscard]] Found lifetimes_within(const Ipv6Prefix& prefix, MonotonicTime now) const;

    void run_grace(MonotonicTime now, Changes* changes);
    void apply(const std::map<Key, Found>& found, Changes* changes);
    void withdraw_missing(const std::map<Key, Found>& found, Changes* changes);
    void drop_covered(Changes* changes);
    void make_room(Changes* changes);
    [[nodiscard]] std::vector<std::map<Key, Entry>::iterator> by_worth();
    void publish(Changes* changes);
    [[nodiscard]] std::vector<Ipv6Address> self_addresses() const;
    void restore_entry(const nlohmann::json& saved, std::chrono::nanoseconds grace_run);
    [[nodiscard]] LivePrefix live(const Key& key, const Entry& entry) const;
    [[nodiscard]] LineChange change(LineChange::Kind kind, const Key& key, const Entry& entry,
                                    const std::string& what) const;
    [[nodiscard]] std::string source_name(unsigned source) const;

    std::string uplink_name_, interface_;
    std::vector<PrefixSource> sources_;
    std::chrono::nanoseconds grace_;

    std::map<unsigned, LinkFact> links_;
    std::map<std::pair<unsigned, Ipv6Address>, AddressFact> addresses_;
    std::set<RouteFact> routes_;

    std::map<Key, Entry> entries_;
    std::uint64_t next_order_ = 1;
    std::optional<MonotonicTime> settled_;  // when last
    bool timers_ran_ = false;               // the line was up at that time
    Own own_;
};

}  // namespace dishwall
