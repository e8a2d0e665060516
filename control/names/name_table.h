// SPDX-License-Identifier: BSD-3-Clause
//
// What is known of each domain, and when to ask again. Pure: no sockets, no clock of its own.
//
// A rule that admits a peer by name must not lose it because a name server is down, so the last good answer
// stays in use, for as long as nothing better is known, and is shown as stale when it is past its TTL. That
// the name does not exist (any more) is an answer as well, but also what a broken resolver says: it ends the
// addresses only after it was said kDenials times over kDenialTime.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/back_off.h"
#include "control/clock.h"
#include "rules/ipv6.h"
#include "rules/result.h"

namespace dishwall {

struct NameAnswer {
    enum class Kind {
        addresses,
        denied,  // by an authority: no such name, or no AAAA record
        failed,  // nobody knows: no answer, or a refusal
    };
    Kind kind = Kind::failed;
    std::vector<Ipv6Address> addresses;
    std::chrono::seconds ttl{0};  // the smallest of the records
    std::string error;            // unless there are addresses: "there is no such name"
};

// What the table has of a domain.
struct KnownName {
    std::vector<Ipv6Address> addresses;  // sorted; the last good answer
    bool stale = false;                  // past its TTL, or of the last run, and not confirmed since
    std::optional<std::chrono::nanoseconds> expires_in;  // not stale: what is left of the TTL
    std::optional<UnixTime> resolved_at;
    std::string error;  // of the last question; empty: it was answered
};

struct NameNews {
    bool changed = false;  // other addresses
    std::vector<std::string> warnings;
};

class NameTable {
public:
    static constexpr std::size_t kAddresses = 16;  // of one name
    static constexpr std::chrono::seconds kShortestTtl{10}, kLongestTtl{86'400};
    static constexpr std::chrono::seconds kFirstRetry{5}, kLongestRetry{300};
    static constexpr unsigned kDenials = 3;
    static constexpr std::chrono::seconds kDenialTime{3600};

    explicit NameTable(std::uint32_t seed) : retry_(kFirstRetry, kLongestRetry, seed) {}

    // These domains from now on. New ones are due at once, those that are left out are forgotten.
    void follow(const std::set<std::string>& domains, MonotonicTime now);
    // Domains to be asked for now, at most so many; each must be `answered` before it is due again.
    [[nodiscard]] std::vector<std::string> take_due(MonotonicTime now, std::size_t most);
    // Of a domain that is no longer followed: nothing.
    NameNews answered(const std::string& domain, NameAnswer answer, MonotonicTime now, UnixTime wall);
    // When `take_due` will have something.
    [[nodiscard]] std::optional<MonotonicTime> deadline() const;

    [[nodiscard]] KnownName known(const std::string& domain, MonotonicTime now) const;

    [[nodiscard]] nlohmann::json to_json() const;
    // Goes before the first `follow`. What is restored is in use at once, and stale until it is confirmed.
    [[nodiscard]] Result<void> from_json(const nlohmann::json& saved);

private:
    struct Entry {
        std::vector<Ipv6Address> addresses;
        bool confirmed = false;  // by an answer of this run
        MonotonicTime expires{0};
        std::optional<UnixTime> resolved_at;
        std::string error;
        unsigned failures = 0;  // in a row; denials are failures too
        unsigned denials = 0;   // since the last good answer
        MonotonicTime denied_since{0};
        MonotonicTime ask_at{0};
        bool asking = false;
        bool told_unusable = false, told_no_room = false;  // once per episode
    };
    NameNews take_addresses(const std::string& domain, Entry* entry, NameAnswer answer, MonotonicTime now,
                            UnixTime wall);
    NameNews take_failure(const std::string& domain, Entry* entry, const NameAnswer& answer,
                          MonotonicTime now);

    std::map<std::string, Entry> entries_;
    BackOff retry_;
};

}  // namespace dishwall
