// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/signatures/compile.h"

#include <fmt/format.h>
#include <hs.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <unordered_set>
#include <utility>

namespace dishwall {
namespace {

// Culprits that only a whole compilation shows (a pattern too large) are looked for so often.
constexpr unsigned kMostTrials = 10;

constexpr std::pair<char, unsigned> kFlags[] = {
    {'i', HS_FLAG_CASELESS},    {'m', HS_FLAG_MULTILINE},  {'s', HS_FLAG_DOTALL},
    {'H', HS_FLAG_SINGLEMATCH}, {'V', HS_FLAG_ALLOWEMPTY}, {'8', HS_FLAG_UTF8},
    {'W', HS_FLAG_UCP},         {'P', HS_FLAG_PREFILTER},  {'L', HS_FLAG_SOM_LEFTMOST},
    {'C', HS_FLAG_COMBINATION}, {'Q', HS_FLAG_QUIET}};

struct FreeCompileError {
    void operator()(hs_compile_error_t* error) const { hs_free_compile_error(error); }
};
using CompileError = std::unique_ptr<hs_compile_error_t, FreeCompileError>;

// Hyperscan's sentences begin with a capital and end with a full stop.
std::string reason_of(const CompileError& error, int code) {
    std::string text = error && error->message ? error->message : hyperscan_error(code);
    while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
    return text;
}

bool is_combination(const SignaturePattern& pattern) {
    return pattern.flags.find('C') != std::string_view::npos;
}

// What hs_compile_multi() is given, which wants C strings.
class Batch {
public:
    void add(const SignaturePattern& pattern) {
        regexes_.emplace_back(pattern.regex);
        flags_.push_back(hyperscan_flags(pattern.flags));
        ids_.push_back(pattern.id);
        patterns_.push_back(&pattern);
    }
    void remove(std::size_t index) {
        const auto at = static_cast<std::ptrdiff_t>(index);
        regexes_.erase(regexes_.begin() + at);
        flags_.erase(flags_.begin() + at);
        ids_.erase(ids_.begin() + at);
        patterns_.erase(patterns_.begin() + at);
    }
    [[nodiscard]] std::size_t size() const { return regexes_.size(); }

    // The database, or one culprit and its index (size() when it is about no pattern).
    struct Outcome {
        Database database;
        std::size_t culprit = 0;
        BadPattern bad;
    };
    [[nodiscard]] Outcome compile(ScanMode mode) const {
        std::vector<const char*> texts;
        unsigned all_flags = 0;
        for (const std::string& regex : regexes_) texts.push_back(regex.c_str());
        for (const unsigned flags : flags_) all_flags |= flags;
        hs_database_t* database = nullptr;
        hs_compile_error_t* error = nullptr;
        const int code =
            hs_compile_multi(texts.data(), flags_.data(), ids_.data(), static_cast<unsigned>(texts.size()),
                             mode_of(mode, all_flags), nullptr, &database, &error);
        const CompileError owned(error);
        if (code == HS_SUCCESS) return {Database(database), 0, {}};
        const bool known = error && error->expression >= 0 && unsigned(error->expression) < size();
        if (!known) return {nullptr, size(), {0, 0, reason_of(owned, code)}};
        const auto index = static_cast<std::size_t>(error->expression);
        return {nullptr, index, {patterns_[index]->line, patterns_[index]->id, reason_of(owned, code)}};
    }

private:
    static unsigned mode_of(ScanMode mode, unsigned all_flags) {
        if (mode == ScanMode::block) return HS_MODE_BLOCK;
        const bool starts = all_flags & HS_FLAG_SOM_LEFTMOST;
        return HS_MODE_STREAM | (starts ? HS_MODE_SOM_HORIZON_LARGE : 0U);
    }

    std::vector<std::string> regexes_;
    std::vector<unsigned> flags_, ids_;
    std::vector<const SignaturePattern*> patterns_;
};

// Parses one pattern alone: cheap, and finds nearly everything that can be wrong.
std::string why_refused(const SignaturePattern& pattern) {
    hs_expr_info_t* info = nullptr;
    hs_compile_error_t* error = nullptr;
    const int code =
        hs_expression_info(std::string(pattern.regex).c_str(), hyperscan_flags(pattern.flags), &info, &error);
    const CompileError owned(error);
    std::free(info);
    return code == HS_SUCCESS ? std::string() : reason_of(owned, code);
}

// Hyperscan does not say which combination names an ID that is not there.
std::string why_refused(const SignaturePattern& combination, const std::unordered_set<std::uint32_t>& ids) {
    const std::string_view text = combination.regex;
    constexpr std::string_view kDigits = "0123456789";
    for (std::size_t at = text.find_first_of(kDigits); at < text.size();) {
        const std::size_t end = std::min(text.find_first_not_of(kDigits, at), text.size());
        std::uint32_t id = 0;
        const auto read = std::from_chars(text.data() + at, text.data() + end, id);
        if (read.ec != std::errc() || !ids.contains(id))
            return fmt::format("no pattern has the ID {}", text.substr(at, end - at));
        at = text.find_first_of(kDigits, end);
    }
    return "";
}

// Combinations are looked at when what they combine is right: otherwise they only repeat it.
std::vector<BadPattern> find_bad(std::span<const SignaturePattern> patterns, ScanMode mode) {
    std::vector<BadPattern> bad;
    std::unordered_set<std::uint32_t> ids;
    Batch others;
    const auto look = [&](const SignaturePattern& pattern, std::string why) {
        if (why.empty())
            others.add(pattern);
        else if (bad.size() < kMostBadPatterns)
            bad.push_back({pattern.line, pattern.id, std::move(why)});
    };
    for (const SignaturePattern& pattern : patterns) {
        ids.insert(pattern.id);
        if (!is_combination(pattern) && bad.size() < kMostBadPatterns) look(pattern, why_refused(pattern));
    }
    if (bad.empty())
        for (const SignaturePattern& pattern : patterns)
            if (is_combination(pattern)) look(pattern, why_refused(pattern, ids));
    for (unsigned trial = 0; trial < kMostTrials && others.size() > 0; ++trial) {
        Batch::Outcome outcome = others.compile(mode);
        const bool about_none = outcome.culprit == others.size();
        if (outcome.database || bad.size() == kMostBadPatterns || (about_none && !bad.empty())) break;
        bad.push_back(std::move(outcome.bad));
        if (about_none) break;
        others.remove(outcome.culprit);
    }
    std::sort(bad.begin(), bad.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
    return bad;
}

}  // namespace

unsigned hyperscan_flags(std::string_view letters) {
    unsigned flags = 0;
    for (const char letter : letters)
        for (const auto& [name, flag] : kFlags)
            if (name == letter) flags |= flag;
    return flags;
}

CompiledPatterns compile(std::span<const SignaturePattern> patterns, ScanMode mode) {
    if (patterns.empty()) return {};
    Batch batch;
    for (const SignaturePattern& pattern : patterns) batch.add(pattern);
    Batch::Outcome outcome = batch.compile(mode);
    if (outcome.database) return {std::move(outcome.database), {}};
    std::vector<BadPattern> bad = find_bad(patterns, mode);
    if (bad.empty()) bad.push_back(std::move(outcome.bad));
    return {nullptr, std::move(bad)};
}

}  // namespace dishwall
