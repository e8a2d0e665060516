// SPDX-License-Identifier: BSD-3-Clause
#include "rules/resolve_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rules/feed.h"
#include "rules/file_path.h"
#include "rules/literal.h"
#include "rules/names.h"
#include "rules/signatures.h"
#include "rules/stable_id.h"

namespace dishwall {
namespace {

constexpr Bounds kRefresh{1, 30 * 24 * 60 * 60};
constexpr Bounds kStale{1, 365 * 24 * 60 * 60};
constexpr Bounds kBan{1, 7 * 24 * 60 * 60};
constexpr Bounds kCleanAfter{0, std::uint64_t{1} << 40};
constexpr std::size_t kShownLines = 10;  // of one file, so that the errors of others are seen as well

}  // namespace

void ListFiles::define_all(Policy* policy) {
    policy_ = policy;
    for (const ast::Feed& feed : file_.feeds) define(feed);
    for (const ast::Signatures& signatures : file_.signatures) define(signatures);
    // What could not be parsed; its name is known all the same.
    for (const ast::Word& word : file_.broken_names) {
        feeds_.try_emplace(word.text, Named{word.span, std::nullopt});
        signatures_.try_emplace(word.text, Named{word.span, std::nullopt});
    }
}

bool ListFiles::add_name(const ast::Word& name, std::size_t most, std::string_view what, Names* names) {
    const auto [first, is_new] = names->try_emplace(name.text, Named{name.span, std::nullopt});
    if (!is_new) {
        diagnostics_.report(Code::duplicate_name, name.span, "defined again")
            .and_at(first->second.span, "first defined here");
        return false;
    }
    if (!check_name(name, &diagnostics_)) return false;
    if (names->size() <= most) return true;
    if (names->size() == most + 1)
        diagnostics_.report(Code::over_limit, name.span, fmt::format("there are at most {} {}", most, what));
    return false;
}

std::optional<ListFiles::Read> ListFiles::read(const ast::Word& word) {
    const auto file = read_path(word, sources_, &diagnostics_);
    if (!file) return std::nullopt;
    auto text = read_text(word, *file, env_, &diagnostics_);
    if (!text) return std::nullopt;
    const bool was_under = bytes_ <= kLongestLists;
    bytes_ += text->size();
    if (bytes_ <= kLongestLists) return Read{file->path, file->shown, std::move(*text)};
    if (was_under)
        diagnostics_.report(
            Code::over_limit, word.span,
            fmt::format("with this, feeds and signatures have more than {} MiB", kLongestLists >> 20));
    return std::nullopt;
}

template <typename BadLines>
void ListFiles::report_lines(const BadLines& bad, Read read, const Span& asked_for) {
    const FileId id = sources_.add(std::move(read.shown), std::move(read.text), std::move(read.path));
    for (std::size_t i = 0; i < std::min(bad.size(), kShownLines); ++i) {
        const Span span{id, static_cast<std::uint32_t>(bad[i].begin), static_cast<std::uint32_t>(bad[i].end)};
        Diagnostic& report =
            diagnostics_.report(Code::bad_line, span, bad[i].why).and_at(asked_for, "read here");
        if (i + 1 == kShownLines && bad.size() > kShownLines)
            report.with_help("more lines of this file are bad; mend these first");
    }
}

bool ListFiles::read_times(const ast::Feed& from, Feed* feed) {
    const auto read = [&](const std::optional<ast::Word>& word, Bounds bounds, std::uint32_t* seconds) {
        if (!word) return true;
        const auto duration = read_duration(*word, bounds, &diagnostics_);
        *seconds = static_cast<std::uint32_t>(duration.value_or(0));
        return duration.has_value();
    };
    const bool refresh = read(from.refresh, kRefresh, &feed->refresh_s);
    if (!read(from.stale_after, kStale, &feed->stale_after_s) || !refresh) return false;
    if (!from.stale_after || !from.refresh || feed->stale_after_s > feed->refresh_s) return true;
    diagnostics_
        .report(Code::out_of_range, from.stale_after->span, "it would be stale before it is read again")
        .and_at(from.refresh->span, "then it is read again")
        .with_help("let it be some times as long as `refresh`");
    return false;
}

void ListFiles::define(const ast::Feed& from) {
    if (!add_name(from.name, kMostFeeds, "feeds", &feeds_)) return;
    Feed feed{std::string(from.name.text), {}, 0, 0, nullptr, sources_.place(from.name.span)};
    const bool timed = read_times(from, &feed);
    auto file = read(from.path);
    if (!file) return;
    FeedReading reading = read_feed(file->text);
    feed.path = file->path;
    if (!reading.bad.empty()) return report_lines(reading.bad, std::move(*file), from.path.span);
    const bool was_under = entries_ <= kMostFeedEntries;
    entries_ += reading.entries->prefixes.size();
    if (entries_ > kMostFeedEntries) {
        if (was_under)
            diagnostics_.report(
                Code::over_limit, from.path.span,
                fmt::format("with this the feeds have more than {} entries", kMostFeedEntries));
        return;
    }
    if (reading.entries->prefixes.empty())
        diagnostics_.report(Code::empty_list, from.path.span,
                            reading.ipv4 == 0 ? std::string("nothing but comments in it")
                                              : fmt::format("{} IPv4 entries, none of IPv6", reading.ipv4));
    feed.entries = std::move(reading.entries);
    if (!timed) return;
    feeds_.at(from.name.text).number = static_cast<unsigned>(policy_->feeds.size());
    policy_->feeds.push_back(std::move(feed));
}

bool ListFiles::give_id(const ast::Signatures& from, Signatures* made) {
    made->id = stable_short_id(made->name);
    const auto [first, is_new] = signature_ids_.try_emplace(made->id, from.name.span);
    if (!is_new)
        diagnostics_.report(Code::same_id, from.name.span, fmt::format("its number is {:#06x}", made->id))
            .and_at(first->second, "by chance this one's too")
            .with_help("give one of them another name");
    return is_new;
}

bool ListFiles::read_options(const ast::Signatures& from, Signatures* made) {
    using OnMatch = Signatures::OnMatch;
    made->both_directions = from.both_directions.has_value();
    if (from.on_match) {
        const std::string_view said = from.on_match->text;
        if (said != "drop" && said != "alert" && said != "reject") {
            diagnostics_.report(Code::unknown_keyword, from.on_match->span, "expected what a match comes to")
                .with_help("`on-match drop`, `on-match alert` or `on-match reject`");
            return false;
        }
        made->on_match = said == "drop" ? OnMatch::drop : said == "alert" ? OnMatch::alert : OnMatch::reject;
    }
    if (from.ban) {
        const auto seconds = read_duration(*from.ban, kBan, &diagnostics_);
        if (!seconds) return false;
        made->ban_s = static_cast<std::uint32_t>(*seconds);
    }
    if (from.ban && made->on_match == OnMatch::alert) {
        diagnostics_.report(Code::not_both, from.ban->span, "a ban refuses who matched")
            .and_at(from.on_match->span, "and this lets it in")
            .with_help("leave one of them out");
        return false;
    }
    if (!from.clean_after) return true;
    const auto bytes = read_bytes(*from.clean_after, kCleanAfter, &diagnostics_);
    if (bytes) made->clean_after = *bytes;
    return bytes.has_value();
}

void ListFiles::define(const ast::Signatures& from) {
    if (!add_name(from.name, kMostSignatureFiles, "signature files", &signatures_)) return;
    auto file = read(from.path);
    if (!file) return;
    const SignatureReading reading = read_signatures(file->text);
    Signatures made;
    made.name = from.name.text;
    made.path = file->path;
    made.patterns = reading.patterns.size();
    made.place = sources_.place(from.name.span);
    const bool told_apart = give_id(from, &made);  // both are asked, so that all errors are shown
    const bool good = read_options(from, &made) && told_apart;
    if (!reading.bad.empty()) return report_lines(reading.bad, std::move(*file), from.path.span);
    const bool was_under = patterns_ <= kMostPatterns;
    patterns_ += reading.patterns.size();
    if (patterns_ > kMostPatterns) {
        if (was_under)
            diagnostics_.report(Code::over_limit, from.path.span,
                                fmt::format("with this there are more than {} patterns", kMostPatterns));
        return;
    }
    if (reading.patterns.empty()) diagnostics_.report(Code::empty_list, from.path.span, "no pattern in it");
    if (!good) return;
    made.text = std::make_shared<const std::string>(std::move(file->text));
    signatures_.at(from.name.text).number = static_cast<unsigned>(policy_->signatures.size());
    policy_->signatures.push_back(std::move(made));
}

std::optional<unsigned> ListFiles::find(const ast::Word& word, std::string_view what, const Names& names) {
    if (const auto found = names.find(word.text); found != names.end()) return found->second.number;
    if (file_.incomplete) return std::nullopt;
    std::vector<std::string_view> known;
    for (const auto& [name, meaning] : names) known.push_back(name);
    std::sort(known.begin(), known.end());
    diagnostics_.report(Code::unknown_name, word.span, fmt::format("no `{}` has this name", what))
        .with_help(known.empty() ? fmt::format("write `{} {} = file \"PATH\"` above", what, word.text)
                                 : did_you_mean(word.text, known));
    return std::nullopt;
}

std::optional<unsigned> ListFiles::find_feed(const ast::Word& word) { return find(word, "feed", feeds_); }

std::optional<unsigned> ListFiles::find_signatures(const ast::Word& word) {
    return find(word, "signatures", signatures_);
}

}  // namespace dishwall
