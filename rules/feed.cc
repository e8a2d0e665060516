// SPDX-License-Identifier: BSD-3-Clause
#include "rules/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace dishwall {
namespace {

constexpr std::size_t kMostBadLines = 100;
constexpr std::size_t kUsualLine = 16;  // bytes, or more: 2001:db8:1::/48

std::string_view without_blanks(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return text.substr(text.size());
    return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

bool all_of(std::string_view text, std::string_view allowed) {
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

// CrowdSec writes `"Ip:2001:db8::1"` and `Range:2001:db8::/32`.
std::string_view without_scope(std::string_view field) {
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
        field = without_blanks(field.substr(1, field.size() - 2));
    for (const std::string_view scope : {"ip:", "range:"}) {
        const std::string_view start = field.substr(0, scope.size());
        const auto same = [](char a, char b) {
            return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b);
        };
        if (std::equal(start.begin(), start.end(), scope.begin(), scope.end(), same))
            return field.substr(scope.size());
    }
    return field;
}

// Of one to three digits.
std::optional<unsigned> number_to(std::string_view text, unsigned most) {
    if (!all_of(text, "0123456789") || text.size() > 3) return std::nullopt;
    unsigned number = 0;
    for (const char digit : text) number = number * 10 + static_cast<unsigned>(digit - '0');
    return number <= most ? std::optional(number) : std::nullopt;
}

bool is_ipv4(std::string_view field) {
    const std::size_t slash = field.find('/');
    if (slash != std::string_view::npos && !number_to(field.substr(slash + 1), 32)) return false;
    std::string_view rest = field.substr(0, slash);
    for (int octet = 0; octet < 4; ++octet) {
        const std::size_t dot = rest.find('.');
        if ((dot == std::string_view::npos) != (octet == 3) || !number_to(rest.substr(0, dot), 255))
            return false;
        if (octet < 3) rest.remove_prefix(dot + 1);
    }
    return true;
}

bool is_column_name(std::string_view field) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ";
    return all_of(field, kAllowed) && !all_of(field, "0123456789");
}

// ---- a line

struct Field {
    enum class Kind { ipv6, ipv4, bad, other } kind = Kind::other;
    Ipv6Prefix prefix;
    std::string why;  // bad: it looks like an address and is none
};

Field read_ipv6(std::string_view text) {
    Field field;
    field.kind = Field::Kind::bad;
    const std::size_t slash = text.find('/');
    const auto address = parse_ipv6(text.substr(0, slash));
    if (!address) {
        field.why = "not an address or prefix";
        return field;
    }
    const auto length =
        slash == std::string_view::npos ? std::optional(128u) : number_to(text.substr(slash + 1), 128);
    if (!length) {
        field.why = "the length of a prefix is 0 to 128";
        return field;
    }
    field.prefix = Ipv6Prefix::containing(*address, *length);
    if (field.prefix.first() != *address)
        field.why = fmt::format("bits are set behind the first {}: the prefix is {}", *length,
                                to_string(field.prefix));
    else if (*length == 0)
        field.why = "this is every address there is";
    else
        field.kind = Field::Kind::ipv6;
    return field;
}

Field read_field(std::string_view text) {
    text = without_scope(without_blanks(text));
    if (is_ipv4(text)) return {Field::Kind::ipv4, {}, {}};
    if (text.find(':') == std::string_view::npos) return {};
    return read_ipv6(text);
}

// The first field that is an address. A field of several may be text with a colon in it: it counts only when
// no other one is an address.
Field read_line(std::string_view line) {
    Field found;
    for (std::size_t begin = 0; begin <= line.size();) {
        const std::size_t end = std::min(line.find(',', begin), line.size());
        Field field = read_field(line.substr(begin, end - begin));
        if (field.kind == Field::Kind::ipv6 || field.kind == Field::Kind::ipv4) return field;
        if (field.kind == Field::Kind::bad && found.kind == Field::Kind::other) found = std::move(field);
        begin = end + 1;
    }
    return found;
}

// Nothing but a good prefix or address: what nearly every line is.
std::optional<Ipv6Prefix> read_plain(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = parse_ipv6(text.substr(0, slash));
    if (!address) return std::nullopt;
    const auto length =
        slash == std::string_view::npos ? std::optional(128u) : number_to(text.substr(slash + 1), 128);
    return length && *length != 0 ? Ipv6Prefix::make(*address, *length) : std::nullopt;
}

bool is_header(std::string_view line) {
    if (line.find(',') == std::string_view::npos) return false;
    for (std::size_t begin = 0; begin <= line.size();) {
        const std::size_t end = std::min(line.find(',', begin), line.size());
        if (!is_column_name(without_scope(without_blanks(line.substr(begin, end - begin))))) return false;
        begin = end + 1;
    }
    return true;
}

// ---- the whole

class FeedReader {
public:
    explicit FeedReader(std::string_view text) : text_(text) {}

    FeedReading run() {
        std::size_t at = text_.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0;  // byte order mark
        entries_.prefixes.reserve(std::min(text_.size() / kUsualLine, kMostFeedEntries));
        for (unsigned number = 1; at < text_.size() && reading_.bad.size() < kMostBadLines; ++number) {
            const std::size_t end = std::min(text_.find('\n', at), text_.size());
            line(number, text_.substr(at, end - at));
            if (full_) break;
            at = end + 1;
        }
        drop_contained();
        reading_.entries = std::make_shared<const FeedEntries>(std::move(entries_));
        return std::move(reading_);
    }

private:
    void line(unsigned number, std::string_view whole) {
        const std::string_view said = without_blanks(whole.substr(0, whole.find_first_of("#;")));
        if (said.empty()) return;
        const bool first = std::exchange(first_, false);
        if (entries_.prefixes.size() < kMostFeedEntries)
            if (const auto prefix = read_plain(said)) return entries_.prefixes.push_back(*prefix);
        if (first && is_header(said)) return;
        Field field = read_line(said);
        if (field.kind == Field::Kind::ipv4) {
            ++reading_.ipv4;
        } else if (field.kind != Field::Kind::ipv6) {
            bad(number, said, field.why.empty() ? "no address or prefix" : std::move(field.why));
        } else if (entries_.prefixes.size() == kMostFeedEntries) {
            full_ = true;
            bad(number, said, fmt::format("a feed has at most {} entries", kMostFeedEntries));
        } else {
            entries_.prefixes.push_back(field.prefix);
        }
    }

    void bad(unsigned number, std::string_view said, std::string why) {
        const auto begin = static_cast<std::size_t>(said.data() - text_.data());
        reading_.bad.push_back({number, begin, begin + said.size(), std::move(why)});
    }

    // A prefix stands behind those that hold it: sorted by their first address, the longer ones later.
    void drop_contained() {
        std::vector<Ipv6Prefix>& all = entries_.prefixes;
        if (!std::is_sorted(all.begin(), all.end())) std::sort(all.begin(), all.end());
        std::size_t kept = 0;
        for (const Ipv6Prefix& prefix : all)
            if (kept == 0 || !all[kept - 1].contains(prefix.first())) all[kept++] = prefix;
        all.resize(kept);
        if (all.capacity() > all.size() + all.size() / 2) all.shrink_to_fit();
    }

    std::string_view text_;
    FeedReading reading_;
    FeedEntries entries_;
    bool first_ = true;
    bool full_ = false;
};

void renew(AddressSet* set, unsigned feed, const std::shared_ptr<const FeedEntries>& entries) {
    for (AddressElements* side : {&set->include, &set->exclude})
        for (AddressElement& element : *side)
            if (auto* in = std::get_if<InFeed>(&element); in && in->feed == feed) in->entries = entries;
}

void renew(Traffic* traffic, unsigned feed, const std::shared_ptr<const FeedEntries>& entries) {
    renew(&traffic->from, feed, entries);
    renew(&traffic->to, feed, entries);
}

}  // namespace

// None of the prefixes is in another one: the last that begins at or before the address is the only one that
// can hold it.
bool FeedEntries::contains(const Ipv6Address& address) const {
    const auto after = std::upper_bound(
        prefixes.begin(), prefixes.end(), address,
        [](const Ipv6Address& key, const Ipv6Prefix& prefix) { return key < prefix.first(); });
    return after != prefixes.begin() && std::prev(after)->contains(address);
}

FeedReading read_feed(std::string_view text) { return FeedReader(text).run(); }

Policy with_feed(const Policy& policy, unsigned feed, std::shared_ptr<const FeedEntries> entries) {
    Policy changed = policy;
    for (Chain* chain : {&changed.inbound, &changed.outbound})
        for (Rule& rule : chain->rules) renew(&rule, feed, entries);
    for (PolicyTest& test : changed.tests)
        for (Expectation& expectation : test.expectations) renew(&expectation.traffic, feed, entries);
    for (Protected& line : changed.protects) renew(&line.traffic, feed, entries);
    changed.feeds[feed].entries = std::move(entries);
    return changed;
}

}  // namespace dishwall
