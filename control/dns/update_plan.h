// SPDX-License-Identifier: BSD-3-Clause
//
// Which records differ from what they should be, and when to send them. Pure: no children, no clock of its
// own.
//
// A record is a wanted set of addresses and the set that was last confirmed. There is no queue: what is sent
// is what is wanted at that moment, so an update that waits (a server that is down) is replaced by a newer
// one, and the last one gets there. From the moment that something is sent until it is confirmed nobody knows
// what the server has, so the record is uncertain, also on disk, and is sent again whatever is wanted then.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/back_off.h"
#include "control/clock.h"
#include "control/dns/wanted_addresses.h"
#include "rules/result.h"

namespace dishwall {

struct RecordChange {
    std::string name, host;  // fully qualified without a final dot; in the rule file
    std::uint32_t ttl_s = 0;
    Addresses before, wanted;  // `before`: last confirmed
};

// One call of nsupdate (all records of a zone that differ) or of the user's program (one record).
struct UpdateJob {
    std::size_t zone = 0;  // index into Policy::dns_updates
    const DnsUpdate* update = nullptr;
    std::vector<RecordChange> changes;
};

struct UpdateNews {
    std::vector<std::string> changed;  // "web.home.example: AAAA 2001:db8::10 (was none)"
    std::vector<std::string> warnings;
};

class UpdatePlan {
public:
    // A renumbering comes as several changes (a new prefix, the old one deprecated): one update is enough.
    static constexpr std::chrono::milliseconds kSettle{100};
    static constexpr std::chrono::seconds kFirstRetry{1}, kLongestRetry{300};

    explicit UpdatePlan(std::uint32_t seed) : retry_(kFirstRetry, kLongestRetry, seed) {}

    // The records of this policy; what is known is carried over. Nothing is in flight any more, and nothing
    // is due before the next `own_in_force`.
    void follow(const Policy& policy);
    void own_in_force(const Own& own, MonotonicTime now);
    // To be sent now, one job for each zone that has none in flight. Save before sending.
    [[nodiscard]] std::vector<UpdateJob> take_due(MonotonicTime now);
    // What came of a zone's job; an empty error: it was done.
    UpdateNews finished(std::size_t zone, const std::string& error, MonotonicTime now, UnixTime wall);
    [[nodiscard]] std::optional<MonotonicTime> deadline() const;

    // DnsUpdater::json.
    [[nodiscard]] nlohmann::json list(MonotonicTime now) const;
    [[nodiscard]] nlohmann::json to_json() const;
    // Goes before the first `follow`.
    [[nodiscard]] Result<void> from_json(const nlohmann::json& saved);

private:
    struct Published {  // what is remembered of a record
        bool known = false;
        Addresses addresses;  // last confirmed
        std::uint32_t ttl_s = 0;
        bool uncertain = false;  // something was sent since then
        std::optional<UnixTime> at;
    };
    struct Record {
        std::string name, host;
        AddressElements elements;
        std::uint32_t ttl_s = 0;
        Addresses wanted;
        Published published;
        std::optional<Addresses> in_flight;
        MonotonicTime due{0};
        unsigned attempts = 0;  // failed, in a row
        std::string error;

        [[nodiscard]] bool differs() const;
    };
    struct Zone {
        std::string
            who;  // part of the key of what is remembered: "home.example nsupdate 2001:db8::53 port 53"
        std::vector<Record> records;
        bool in_flight = false;
    };
    [[nodiscard]] static nlohmann::json list(const Record& record, MonotonicTime now);
    void take_job(std::size_t zone, MonotonicTime now, std::vector<UpdateJob>* jobs);
    void confirm(Record* record, MonotonicTime now, UnixTime wall, UpdateNews* news);
    void remember();

    Policy policy_;  // of which only networks, learnt hosts and DNS updates are used
    std::vector<Zone> zones_;
    std::map<std::string, Published> remembered_;  // by Zone::who and name
    Acquaintance known_;
    bool own_is_known_ = false;
    BackOff retry_;
};

}  // namespace dishwall
