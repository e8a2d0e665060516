// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/update_command.h"

namespace dishwall {
namespace {

using Nsupdate = DnsUpdate::Nsupdate;

// It asks 3 times, 2 s apart, and gives up on its own before the updater kills it.
constexpr const char* kRetries = "2";
constexpr const char* kRetryInterval_s = "2";
constexpr const char* kTimeout_s = "8";

std::string script(const UpdateJob& job, const Nsupdate& by) {
    std::string text = fmt::format("server {} {}\nzone {}.\n", by.server, by.port, job.update->zone);
    for (const RecordChange& change : job.changes) {
        text += fmt::format("update delete {}. AAAA\n", change.name);
        for (const Ipv6Address& address : change.wanted)
            text += fmt::format("update add {}. {} AAAA {}\n", change.name, change.ttl_s, to_string(address));
    }
    return text + "send\n";
}

Command nsupdate(const UpdateJob& job, const Nsupdate& by) {
    Command command{
        {"nsupdate", "-t", kTimeout_s, "-u", kRetryInterval_s, "-r", kRetries}, {}, script(job, by)};
    if (!by.key_file.empty()) command.words.insert(command.words.end(), {"-k", by.key_file});
    return command;
}

std::string spaced(const Addresses& addresses) {
    std::string all;
    for (const Ipv6Address& address : addresses) all += (all.empty() ? "" : " ") + to_string(address);
    return all;
}

Command call(const UpdateJob& job, const DnsUpdate::Exec& by) {
    const RecordChange& change = job.changes.at(0);
    return {{by.program},
            {"DISHWALL_HOST=" + change.host, "DISHWALL_RECORD=" + change.name,
             "DISHWALL_ZONE=" + job.update->zone, "DISHWALL_OLD=" + spaced(change.before),
             "DISHWALL_NEW=" + spaced(change.wanted), fmt::format("DISHWALL_TTL={}", change.ttl_s)},
            {}};
}

}  // namespace

Command command_for(const UpdateJob& job) {
    if (const auto* by = std::get_if<Nsupdate>(&job.update->by)) return nsupdate(job, *by);
    return call(job, std::get<DnsUpdate::Exec>(job.update->by));
}

std::string explain_error(const UpdateJob& job, const std::string& error) {
    if (error.empty() || !std::holds_alternative<Nsupdate>(job.update->by)) return error;
    static const struct {
        const char *said, *meaning;
    } kKnown[] = {
        {"BADKEY", "the server does not know the key"},
        {"BADSIG", "the server has another secret for the key"},
        {"BADTIME", "the server's clock and ours differ"},
        {"REFUSED", "the server does not allow the update; allow it for the key"},
        {"NOTZONE", "the record is not in the zone"},
        {"NOTAUTH", "the server is not a primary of the zone, or knows no such key"},
        {"timed out", "the server does not answer"},
        {"connection refused", "nobody listens there"},
        {"cannot run nsupdate", "install bind9-dnsutils"},
    };
    for (const auto& [said, meaning] : kKnown)
        if (error.find(said) != std::string::npos) return fmt::format("{} ({})", meaning, error);
    return error;
}

}  // namespace dishwall
