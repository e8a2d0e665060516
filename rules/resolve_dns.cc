// SPDX-License-Identifier: BSD-3-Clause
#include "rules/resolve_dns.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "rules/file_path.h"
#include "rules/literal.h"

namespace dishwall {
namespace {

constexpr Bounds kTtl{1, 7 * 24 * 60 * 60};
constexpr Bounds kPort{1, 65535};
constexpr std::size_t kLongestName = 253;

class DnsResolver {
public:
    DnsResolver(const SourceMap& sources, const Environment& env, Definitions* definitions,
                Diagnostics* diagnostics, Policy* policy)
        : sources_(sources),
          env_(env),
          definitions_(*definitions),
          diagnostics_(*diagnostics),
          policy_(*policy) {}

    void add(const ast::DnsUpdate& from) {
        const auto zone =
            from.zone.text.empty() && from.broken ? std::nullopt : read_domain(from.zone, "_", &diagnostics_);
        DnsUpdate update{zone.value_or(""), DnsUpdate::Exec{}, {}, sources_.place(from.span)};
        const bool complete = read_settings(from, &update);
        for (const ast::DnsRecord& record : from.records)
            if (zone && !add(record, &update)) return;
        if (from.records.empty() && !from.broken)
            diagnostics_.report(Code::missing, from.span, "no record is kept up to date by this")
                .with_help("add `record NAME AAAA HOST`");
        if (zone && complete) policy_.dns_updates.push_back(std::move(update));
    }

private:
    // ---- by what: one of server and exec, and the first may have a key

    bool read_settings(const ast::DnsUpdate& from, DnsUpdate* update) {
        const ast::DnsSetting *server = nullptr, *key = nullptr, *exec = nullptr;
        for (const ast::DnsSetting& setting : from.settings) {
            const std::string_view keyword = setting.keyword.text;
            const ast::DnsSetting*& slot = keyword == "server" ? server : keyword == "exec" ? exec : key;
            if (slot) {
                diagnostics_.report(Code::given_twice, setting.span, "given again")
                    .and_at(slot->span, "first given here");
                return false;
            }
            slot = &setting;
        }
        if (exec) return read_exec(*exec, server ? server : key, update);
        if (server) return read_server(*server, key, update);
        if (!from.broken)
            diagnostics_.report(Code::missing, from.span, "nothing says who is told of new addresses")
                .with_help(
                    "add `server \"ADDRESS\"`, a name server that takes updates, or `exec \"PROGRAM\"`");
        return false;
    }

    bool read_exec(const ast::DnsSetting& exec, const ast::DnsSetting* other, DnsUpdate* update) {
        if (other) {
            const bool server = other->keyword.text == "server";
            diagnostics_.report(Code::not_both, exec.span, "a program does the update")
                .and_at(other->span, server ? "a name server does" : "a key is for a name server")
                .with_help(server ? "leave one of them out; a program can call `nsupdate` itself"
                                  : "leave the key out: the program has its own");
            return false;
        }
        const auto path = read_usable(exec.value, env_.why_not_executable, "cannot be run");
        if (path) update->by = DnsUpdate::Exec{*path};
        return path.has_value();
    }

    bool read_server(const ast::DnsSetting& from, const ast::DnsSetting* key, DnsUpdate* update) {
        DnsUpdate::Nsupdate made;
        if (from.value.text.find(':') != std::string_view::npos) {
            const auto address = read_prefix(from.value, &diagnostics_);
            if (!address) return false;
            if (from.value.text.find('/') != std::string_view::npos) {
                diagnostics_.report(Code::bad_address, from.value.span, "a server has one address");
                return false;
            }
            made.server = to_string(address->first());
        } else {
            const auto name = read_domain(from.value, "", &diagnostics_);
            if (!name) return false;
            made.server = *name;
        }
        if (from.port) {
            const auto port = read_number(*from.port, "a port", kPort, &diagnostics_);
            if (!port) return false;
            made.port = static_cast<std::uint16_t>(*port);
        }
        if (key) {
            const auto path = read_usable(key->value, env_.why_unreadable, "cannot be read");
            if (!path) return false;
            made.key_file = *path;
        }
        update->by = std::move(made);
        return true;
    }

    template <typename Why>
    std::optional<std::string> read_usable(const ast::Word& word, const Why& why, std::string_view cannot) {
        const auto file = read_path(word, sources_, &diagnostics_);
        if (!file) return std::nullopt;
        const std::string reason = why ? why(file->path) : std::string();
        if (reason.empty()) return file->path;
        report_bad_file(word, file->path, cannot, reason, &diagnostics_);
        return std::nullopt;
    }

    // ---- records

    // False: there are too many, and no more are wanted.
    bool add(const ast::DnsRecord& from, DnsUpdate* update) {
        if (records_++ == kMostRecords) {
            diagnostics_.report(Code::over_limit, from.span,
                                fmt::format("a file has at most {} records", kMostRecords));
            return false;
        }
        const auto name = read_record_name(from.name, update->zone);
        const auto host = definitions_.read_host(from.host);
        const auto ttl = from.ttl ? read_number(*from.ttl, "a record's time to live", kTtl, &diagnostics_)
                                  : std::optional<std::uint64_t>(DnsRecord().ttl_s);
        if (!name || !host || !ttl || !follows_the_prefix(from.host, *host)) return true;
        const auto [first, is_new] = names_.try_emplace(update->zone + " " + *name, from.span);
        if (!is_new)
            diagnostics_.report(Code::duplicate_name, from.span, "the same record again")
                .and_at(first->second, "first given here");
        else
            update->records.push_back(
                {*name, *host, static_cast<std::uint32_t>(*ttl), sources_.place(from.span)});
        return true;
    }

    // `@` is the zone; a final dot ends a name that is whole; others are in the zone.
    std::optional<std::string> read_record_name(const ast::Word& word, const std::string& zone) {
        if (word.text == "@") return zone;
        const bool whole = !word.text.empty() && word.text.back() == '.';
        const bool wildcard = word.text.substr(0, 2) == "*.";
        ast::Word rest = word;
        if (wildcard) rest.text.remove_prefix(2);
        auto name =
            word.text == "*" ? std::optional<std::string>("*") : read_domain(rest, "_", &diagnostics_);
        if (!name) return std::nullopt;
        if (wildcard) name = "*." + *name;
        if (!whole) name = *name + "." + zone;
        if (name->size() > kLongestName) {
            diagnostics_.report(Code::bad_domain, word.span,
                                fmt::format("with its zone it has more than {} characters", kLongestName));
            return std::nullopt;
        }
        const std::string end = "." + zone;
        const bool inside = *name == zone || (name->size() > end.size() &&
                                              name->compare(name->size() - end.size(), end.size(), end) == 0);
        if (inside) return name;
        diagnostics_.report(Code::outside_zone, word.span, fmt::format("the zone is {}", zone))
            .with_help("a name that ends in a dot is whole; without the dot the zone is put behind it");
        return std::nullopt;
    }

    bool follows_the_prefix(const ast::Word& word, unsigned host) {
        const AddressElement& element = policy_.hosts[host].elements.front();
        if (std::holds_alternative<Ipv6Prefix>(element)) {
            diagnostics_.report(Code::no_record, word.span, "always the same address")
                .with_help("write the record into the zone, once");
            return false;
        }
        const auto* learnt = std::get_if<Learnt>(&element);
        if (!learnt || !is_domain(*learnt)) return true;
        diagnostics_.report(Code::no_record, word.span, "known by its own record")
            .with_help("a CNAME record in the zone follows it");
        return false;
    }

    bool is_domain(const Learnt& learnt) const {
        return std::any_of(policy_.learnt.begin(), policy_.learnt.end(), [&](const LearntHost& each) {
            return each.id == learnt.host && std::holds_alternative<DomainHost>(each.what);
        });
    }

    const SourceMap& sources_;
    const Environment& env_;
    Definitions& definitions_;
    Diagnostics& diagnostics_;
    Policy& policy_;
    std::size_t records_ = 0;
    std::unordered_map<std::string, Span> names_;  // zone and name
};

}  // namespace

void resolve_dns_updates(const ast::File& file, const SourceMap& sources, const Environment& env,
                         Definitions* definitions, Diagnostics* diagnostics, Policy* policy) {
    DnsResolver resolver(sources, env, definitions, diagnostics, policy);
    for (const ast::DnsUpdate& update : file.dns_updates) resolver.add(update);
}

}  // namespace dishwall
