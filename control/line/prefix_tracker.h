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
//
// prefix_sources.cc has the facts and what they carry, prefix_tracker.cc the states, prefix_state.cc what a
// new daemon is left.
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

#include "control/clock.h"
#include "rules/own.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

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

struct Ipv4Fact {
    std::uint32_t address = 0;  // host byte order
    unsigned length = 32;

    auto operator<=>(const Ipv4Fact&) const = default;
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
        learnt_added,    // an address that a learnt host has from now on
        learnt_removed,  // and one that it has no longer
    };
    Kind kind{};
    std::string source;  // "dish.pd"; for learnt_* the host's name; empty for self_* and mac_changed
    LivePrefix prefix;   // for self_* and learnt_*: the address as a /128; nothing for mac_changed
    std::string text;    // "dish.pd: 2001:db8:1100::/56 is new"

    [[nodiscard]] bool about_prefix() const { return kind < Kind::self_added; }
    [[nodiscard]] bool about_host() const { return kind >= Kind::learnt_added; }
};
[[nodiscard]] const char* to_string(LineChange::Kind kind);

struct PrefixStatus {
    std::string source;  // "dish.pd"
    LivePrefix live;
    std::optional<MonotonicTime> valid_until, preferred_until;  // as far as addresses in it tell
    std::optional<MonotonicTime> grace_until;                   // in grace, and the timer runs
    std::optional<std::chrono::nanoseconds> grace_left;  // in grace, but the line is down and it stands
    bool served = true;                                  // false: there is no room for it
    bool told = false;                                   // by `dishctl prefix set`
};

// What the uplink has by itself; carrier.h says what it means.
struct LineFacts {
    std::optional<LinkFact> uplink;  // empty: there is no such interface now
    std::string interface;
    std::vector<Ipv4Fact> ipv4;
    std::optional<MonotonicTime> router_advertised;  // when the last RA was heard
    std::vector<PrefixStatus> prefixes;
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
    void set_ipv4(unsigned link, std::uint32_t address, unsigned length);  // host byte order
    void remove_ipv4(unsigned link, std::uint32_t address);
    void note_router_advertisement(unsigned link, MonotonicTime at);  // an earlier one than known: no news
    // Everything is about to be told again: what is not, is gone. What `set_told` told and when routers were
    // heard is kept: nobody would tell it again.
    void forget_facts();

    // `dishctl prefix set` and `withdraw` for a `from dhcpv6-pd` source, by its full name ("dish.pd"). While
    // something told is valid, the source's routes are not asked. When it ends, by hand or by its time, the
    // routes of that prefix that stand then do not bring it back until they went and came again. Empty times
    // are forever.
    [[nodiscard]] Result<void> set_told(const std::string& source, const Ipv6Prefix& prefix,
                                        std::optional<MonotonicTime> valid_until,
                                        std::optional<MonotonicTime> preferred_until);
    // Without a prefix: everything told for that source.
    [[nodiscard]] Result<void> withdraw_told(const std::string& source,
                                             const std::optional<Ipv6Prefix>& prefix);

    // Applies the facts at this time. Empty: own() is what it was. Call after each burst of events and at
    // deadline().
    [[nodiscard]] std::vector<LineChange> settle(MonotonicTime now);

    [[nodiscard]] const Own& own() const { return own_; }  // as of the last settle
    // When `settle` will have something to do even if no event comes.
    [[nodiscard]] std::optional<MonotonicTime> deadline() const;
    [[nodiscard]] std::vector<PrefixStatus> list() const;
    // False also while the dish reboots: it then leases IPv4 addresses of 192.168.100.0/24 itself.
    [[nodiscard]] bool line_up() const;
    [[nodiscard]] std::optional<LinkFact> uplink() const;  // empty: there is no such interface now
    [[nodiscard]] LineFacts line_facts() const;

    // What a new daemon must know (R33). `from_json` goes before the first settle; prefixes of sources that
    // the rule file no longer has are left out, a prefix that was live and is not found again gets its grace.
    [[nodiscard]] nlohmann::json to_json(const Instant& now) const;
    [[nodiscard]] Result<void> from_json(const nlohmann::json& saved, const Instant& now);
    // Grows when what to_json gives must be saved anew, the line's going up and down and told prefixes
    // included. Time that merely runs, and refreshed lifetimes, do not count.
    [[nodiscard]] std::uint64_t state_version() const { return state_version_; }

private:
    struct Key {
        unsigned source = 0;
        Ipv6Prefix prefix;
        auto operator<=>(const Key&) const = default;
    };
    struct Found {  // a prefix as facts or told prefixes have it
        bool preferred = false;
        std::optional<MonotonicTime> valid_until, preferred_until;
        bool told = false;
    };
    struct Told {
        std::optional<MonotonicTime> valid_until, preferred_until;
        std::uint64_t order = 0;  // of telling; the latest has the highest
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
    using FoundPrefixes = std::map<Key, Found>;

    // prefix_sources.cc
    [[nodiscard]] Result<unsigned> source_told_as(const std::string& name) const;
    void end_told(const Key& key);
    void end_old_told(MonotonicTime now);
    void keep_leases(MonotonicTime now);
    [[nodiscard]] FoundPrefixes derive(MonotonicTime now) const;
    void derive_told(unsigned source, MonotonicTime now, FoundPrefixes* found) const;
    void derive_routes(unsigned source, MonotonicTime now, FoundPrefixes* found) const;
    void derive_addresses(unsigned source, const std::string& interface, MonotonicTime now,
                          FoundPrefixes* found) const;
    [[nodiscard]] bool is_on(const AddressFact& fact, const std::string& interface) const;
    [[nodiscard]] std::optional<Found> lifetimes_within(const Ipv6Prefix& prefix,
                                                        const std::string& interface,
                                                        MonotonicTime now) const;
    [[nodiscard]] bool is_routed(const Key& key) const;
    void forget_leases(const RouteFact& route, bool unless_routed);
    [[nodiscard]] std::vector<Ipv4Fact> uplink_ipv4() const;
    [[nodiscard]] std::vector<Ipv6Address> self_addresses() const;

    // prefix_tracker.cc
    void run_grace(MonotonicTime now, Changes* changes);
    void apply(const FoundPrefixes& found, Changes* changes);
    void withdraw_missing(const FoundPrefixes& found, Changes* changes);
    void drop_covered(Changes* changes);
    void make_room(Changes* changes);
    [[nodiscard]] std::vector<std::map<Key, Entry>::iterator> by_worth();
    void publish(Changes* changes);
    [[nodiscard]] LivePrefix live(const Key& key, const Entry& entry) const;
    [[nodiscard]] LineChange change(LineChange::Kind kind, const Key& key, const Entry& entry,
                                    const std::string& what) const;
    [[nodiscard]] std::string source_name(unsigned source) const;

    // prefix_state.cc
    struct Elapsed;
    [[nodiscard]] std::optional<unsigned> source_saved_as(const nlohmann::json& saved) const;
    [[nodiscard]] nlohmann::json saved_prefixes(MonotonicTime now) const;
    void restore_prefix(const nlohmann::json& saved, std::chrono::nanoseconds grace_run);
    void restore_told(const nlohmann::json& saved, const Elapsed& elapsed);
    void restore_routes(const nlohmann::json& saved, const Elapsed& elapsed);

    std::string uplink_name_, interface_;
    std::vector<PrefixSource> sources_;
    std::chrono::nanoseconds grace_;

    std::map<unsigned, LinkFact> links_;
    std::map<std::pair<unsigned, Ipv6Address>, AddressFact> addresses_;
    std::set<std::pair<unsigned, Ipv4Fact>> ipv4_;  // by link
    std::set<RouteFact> routes_;
    std::map<unsigned, MonotonicTime> router_advertised_;  // by link

    std::map<Key, Told> told_;
    // Routes that stood when a told prefix of theirs ended, by source: they carry nothing.
    std::set<std::pair<unsigned, RouteFact>> spent_;
    // When the addresses made from a routed prefix end or would have ended, the latest of them. Kept beyond
    // the addresses themselves: the route stays when the client dies, the lease does not.
    std::map<Key, MonotonicTime> leases_;

    std::map<Key, Entry> entries_;
    std::uint64_t next_order_ = 1;
    std::uint64_t state_version_ = 0;
    std::optional<MonotonicTime> settled_;  // when last
    bool timers_ran_ = false;               // the line was up at that time
    Own own_;
};

}  // namespace dishwall
