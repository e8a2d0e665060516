// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/update_plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dishwall {
namespace {

using nlohmann::json;

json to_array(const Addresses& addresses) {
    json all = json::array();
    for (const Ipv6Address& address : addresses) all.push_back(to_string(address));
    return all;
}

std::string words(const Addresses& addresses) {
    std::string all;
    for (const Ipv6Address& address : addresses) all += (all.empty() ? "" : ", ") + to_string(address);
    return all.empty() ? "none" : all;
}

std::string server_words(const DnsUpdate::Nsupdate& by) {
    return fmt::format("{} port {}", by.server, by.port);
}

std::string key_of(const DnsUpdate& update) {
    if (const auto* by = std::get_if<DnsUpdate::Nsupdate>(&update.by))
        return fmt::format("{} nsupdate {}", update.zone, server_words(*by));
    return fmt::format("{} exec {}", update.zone, std::get<DnsUpdate::Exec>(update.by).program);
}

// "web.home.example, nas.home.example and 3 more"
void add_name(const std::string& name, std::string* names, unsigned* count) {
    constexpr unsigned kShown = 3;
    if (++*count <= kShown) *names += (*count > 1 ? ", " : "") + name;
}

}  // namespace

// Without any address to publish the old ones stay: while the line is down they are as good as none, and when
// it comes back with the same prefix they are right, while "no such host" would stay in caches.
bool UpdatePlan::Record::differs() const {
    if (wanted.empty()) return false;
    return !published.known || published.uncertain || published.addresses != wanted ||
           published.ttl_s != ttl_s;
}

void UpdatePlan::remember() {
    for (const Zone& zone : zones_)
        for (const Record& record : zone.records)
            remembered_[zone.who + " " + record.name] = record.published;
}

void UpdatePlan::follow(const Policy& policy) {
    remember();
    policy_ = Policy{.networks = policy.networks,
                     .hosts = policy.hosts,
                     .learnt = policy.learnt,
                     .dns_updates = policy.dns_updates};
    zones_.clear();
    for (const DnsUpdate& update : policy_.dns_updates) {
        Zone zone{.who = key_of(update)};
        for (const DnsRecord& each : update.records) {
            const NamedAddress& host = policy_.hosts.at(each.host);
            zone.records.push_back(
                {.name = each.name, .host = host.name, .elements = host.elements, .ttl_s = each.ttl_s});
            zone.records.back().published = remembered_[zone.who + " " + each.name];
        }
        zones_.push_back(std::move(zone));
    }
    remembered_.clear();
    own_is_known_ = false;
}

void UpdatePlan::own_in_force(const Own& own, MonotonicTime now) {
    known_.see(own.learnt);
    for (Zone& zone : zones_)
        for (Record& record : zone.records) {
            const NamedAddress host{record.host, record.elements, {}};
            Addresses wanted = wanted_addresses(host, policy_, own, known_, record.published.addresses);
            if (wanted == record.wanted) continue;
            record.wanted = std::move(wanted);
            record.due = now + kSettle;  // also when the one before is waiting: the line may be back just now
            record.attempts = 0;
        }
    own_is_known_ = true;
}

std::vector<UpdateJob> UpdatePlan::take_due(MonotonicTime now) {
    std::vector<UpdateJob> jobs;
    if (!own_is_known_) return jobs;
    for (std::size_t zone = 0; zone < zones_.size(); ++zone)
        if (!zones_[zone].in_flight) take_job(zone, now, &jobs);
    return jobs;
}

void UpdatePlan::take_job(std::size_t index, MonotonicTime now, std::vector<UpdateJob>* jobs) {
    Zone& zone = zones_[index];
    const DnsUpdate& update = policy_.dns_updates[index];
    const auto is_due = [&](const Record& record) { return record.differs() && record.due <= now; };
    const auto first = std::ranges::find_if(zone.records, is_due);
    if (first == zone.records.end()) return;
    // One transaction takes along what waits for its next try, a program gets one record at a time.
    const bool only_first = std::holds_alternative<DnsUpdate::Exec>(update.by);
    UpdateJob job{index, &update, {}};
    for (Record& record : zone.records) {
        if (only_first ? &record != &*first : !record.differs()) continue;
        job.changes.push_back(
            {record.name, record.host, record.ttl_s, record.published.addresses, record.wanted});
        record.in_flight = record.wanted;
        record.published.uncertain = true;
    }
    zone.in_flight = true;
    jobs->push_back(std::move(job));
}

void UpdatePlan::confirm(Record* record, MonotonicTime now, UnixTime wall, UpdateNews* news) {
    Published& published = record->published;
    const bool repeated = published.known && published.addresses == *record->in_flight;
    const std::string before = published.known ? "was " + words(published.addresses) : "not known before";
    news->changed.push_back(fmt::format("{}: AAAA {} ({})", record->name, words(*record->in_flight),
                                        repeated ? "as before" : before));
    published = {true, *record->in_flight, record->ttl_s, false, wall};
    record->attempts = 0;
    record->error.clear();
    record->due = std::max(record->due, now);
}

UpdateNews UpdatePlan::finished(std::size_t index, const std::string& error, MonotonicTime now,
                                UnixTime wall) {
    UpdateNews news;
    Zone& zone = zones_.at(index);
    zone.in_flight = false;
    std::string names;
    unsigned failed = 0;
    for (Record& record : zone.records) {
        if (!record.in_flight) continue;
        if (error.empty()) {
            confirm(&record, now, wall, &news);
        } else {
            if (record.error != error) add_name(record.name, &names, &failed);
            record.error = error;
            ++record.attempts;
            const bool replaced = record.wanted != *record.in_flight;  // it has its own time
            if (!replaced) record.due = now + retry_.after(record.attempts);
        }
        record.in_flight.reset();
    }
    if (failed > 0)
        news.warnings.push_back(fmt::format("{}{} not published yet: {}; it is tried again", names,
                                            failed > 3 ? fmt::format(" and {} more", failed - 3) : "",
                                            error));
    return news;
}

std::optional<MonotonicTime> UpdatePlan::deadline() const {
    std::optional<MonotonicTime> first;
    if (!own_is_known_) return first;
    for (const Zone& zone : zones_)
        for (const Record& record : zone.records)
            if (!zone.in_flight && record.differs() && (!first || record.due < *first)) first = record.due;
    return first;
}

json UpdatePlan::list(const Record& record, MonotonicTime now) {
    const bool open = record.differs() || !record.published.known || record.published.uncertain;
    json one{{"name", record.name},
             {"host", record.host},
             {"wanted", to_array(record.wanted)},
             {"published", to_array(record.published.addresses)},
             {"state", !open                  ? "current"
                       : record.error.empty() ? "pending"
                                              : "failing"},
             {"last_success", nullptr},
             {"error", nullptr},
             {"attempts", record.attempts},
             {"retry_in", nullptr}};
    if (record.published.at) one["last_success"] = whole_seconds(*record.published.at);
    if (open && !record.error.empty()) one["error"] = record.error;
    if (open && record.wanted.empty()) one["error"] = "the host has no address in a live prefix";
    if (record.differs() && record.attempts > 0 && !record.in_flight)
        one["retry_in"] = whole_seconds(std::max(record.due - now, std::chrono::nanoseconds(0)));
    return one;
}

json UpdatePlan::list(MonotonicTime now) const {
    json all = json::array();
    for (std::size_t index = 0; index < zones_.size(); ++index) {
        const DnsUpdate& update = policy_.dns_updates[index];
        json zone{{"zone", update.zone}, {"records", json::array()}};
        if (const auto* by = std::get_if<DnsUpdate::Nsupdate>(&update.by))
            zone.update({{"by", "nsupdate"}, {"server", server_words(*by)}});
        else
            zone.update({{"by", "exec"}, {"program", std::get<DnsUpdate::Exec>(update.by).program}});
        for (const Record& record : zones_[index].records) zone["records"].push_back(list(record, now));
        all.push_back(std::move(zone));
    }
    return all;
}

json UpdatePlan::to_json() const {
    json records = json::array();
    for (const Zone& zone : zones_)
        for (const Record& record : zone.records) {
            const Published& published = record.published;
            if (!published.known) continue;
            json one{{"record", zone.who + " " + record.name},
                     {"addresses", to_array(published.addresses)},
                     {"ttl", published.ttl_s},
                     {"uncertain", published.uncertain}};
            if (published.at) one["at"] = whole_seconds(*published.at);
            records.push_back(std::move(one));
        }
    return {{"version", 1}, {"records", std::move(records)}};
}

Result<void> UpdatePlan::from_json(const json& saved) {
    if (saved.is_null()) return {};
    std::map<std::string, Published> remembered;
    try {
        if (saved.at("version") != 1) return fail("it is of another version");
        for (const json& one : saved.at("records")) {
            Published published{.known = true, .ttl_s = one.at("ttl"), .uncertain = one.at("uncertain")};
            for (const std::string text : one.at("addresses")) {
                const std::optional<Ipv6Address> address = parse_ipv6(text);
                if (!address) return fail("'{}' is no address", text);
                published.addresses.insert(*address);
            }
            if (one.contains("at")) published.at = std::chrono::seconds(one["at"].get<std::int64_t>());
            remembered[one.at("record").get<std::string>()] = std::move(published);
        }
    } catch (const json::exception& error) {
        return fail("{}", error.what());
    }
    remembered_ = std::move(remembered);
    return {};
}

}  // namespace dishwall
