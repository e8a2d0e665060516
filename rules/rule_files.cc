// SPDX-License-Identifier: BSD-3-Clause
#include "rules/rule_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "rules/file_path.h"
#include "rules/large_room.h"
#include "rules/lexer.h"
#include "rules/parser.h"

namespace dishwall {
namespace {

namespace fs = std::filesystem;

class RuleFiles {
public:
    RuleFiles(const Environment& env, SourceMap* sources, Diagnostics* diagnostics)
        : env_(env), sources_(*sources), diagnostics_(*diagnostics) {}

    ParsedFiles run(std::vector<RuleText> texts) {
        const std::string main = texts.front().name;
        make_room(texts);
        for (RuleText& text : texts) {
            std::string path = path_of(text.name, main);
            if (!add(std::move(text.name), std::move(text.text), path, {})) return std::move(result_);
        }
        const std::size_t given = result_.read.size();
        for (std::size_t i = 0; i < given; ++i) {
            const FileId id = result_.read[i];
            const bool understood = parse_one(id, i == 0);
            if (i == 0 && !understood) return std::move(result_);
        }
        const SourceFile& first = sources_.file(result_.read.front());
        const auto end = static_cast<std::uint32_t>(first.text().size());
        result_.tree.end = {result_.read.front(), end, end};
        result_.understood = true;
        return std::move(result_);
    }

private:
    struct Known {
        FileId id = 0;
        bool open = false;              // it is being parsed
        std::optional<Span> asked_for;  // by this `include`
    };

    // Of a long text most is rules, and these take about twelve times as much room in the tree.
    void make_room(const std::vector<RuleText>& texts) {
        constexpr std::size_t kLongText = 256u << 10, kTreeForAByte = 12, kMostAtOnce = 64u << 20;
        std::size_t bytes = 0;
        for (const RuleText& text : texts) bytes += text.text.size();
        if (bytes < kLongText) return;
        ast::File& tree = result_.tree;
        tree.rooms = std::make_unique<LargeRooms>(env_.will_fill);
        tree.arena = std::make_unique<std::pmr::monotonic_buffer_resource>(
            std::min(kTreeForAByte * bytes, kMostAtOnce), tree.rooms.get());
    }

    // Env::directory is where the first text is; the others are beside it as their names are beside its name.
    std::string path_of(const std::string& name, const std::string& main) const {
        if (env_.directory.empty()) return name;
        if (name == main)
            return (fs::path(env_.directory) / fs::path(name).filename()).lexically_normal().string();
        if (fs::path(name).is_absolute()) return name;
        const fs::path beside = fs::path(name).lexically_relative(fs::path(main).parent_path());
        return (fs::path(env_.directory) / (beside.empty() ? fs::path(name) : beside))
            .lexically_normal()
            .string();
    }

    // False: too much text; reported.
    bool add(std::string name, std::string text, const std::string& path, std::optional<Span> asked_for) {
        bytes_ += text.size();
        const bool too_long = bytes_ > kLongestText;
        const FileId id = sources_.add(std::move(name), too_long ? "" : std::move(text), path);
        result_.read.push_back(id);
        const bool is_new = known_.try_emplace(path, Known{id, false, asked_for}).second;
        if (too_long)
            over_limit(asked_for.value_or(Span{id, 0, 0}),
                       fmt::format("rule files have at most {} MiB in all", kLongestText >> 20));
        else if (!is_new)
            diagnostics_.report(Code::given_twice, {id, 0, 0}, "this file is given again");
        return !too_long && is_new;
    }

    void over_limit(const Span& span, std::string label) {
        diagnostics_.report(Code::over_limit, span, std::move(label));
        result_.tree.incomplete = true;
    }

    bool parse_one(FileId id, bool needs_version) {
        const SourceFile& file = sources_.file(id);
        Known& known = known_.at(file.path());
        known.open = true;
        TokenList tokens = lex(sources_, id, &diagnostics_, env_.will_fill);
        tokens_ += tokens.size();
        const ParseOptions options{needs_version, [&](const ast::Word& path) { include(path); },
                                   env_.two_threads};
        bool understood = false;
        if (!tokens.empty() && tokens_ > kMostTokens)
            over_limit(tokens.back().span,
                       fmt::format("rule files have at most {} words and signs in all", kMostTokens));
        else if (!tokens.empty())
            understood = parse(std::move(tokens), file, options, &result_.tree, &diagnostics_);
        if (!understood) result_.tree.incomplete = true;
        known.open = false;
        return understood;
    }

    // ---- include

    void include(const ast::Word& word) {
        const auto file = read_path(word, sources_, &diagnostics_);
        if (!file || !may_include(word, *file)) {
            result_.tree.incomplete = true;
            return;
        }
        auto text = read_text(word, *file, env_, &diagnostics_);
        if (!text || !add(file->shown, std::move(*text), file->path, word.span)) {
            result_.tree.incomplete = true;
            return;
        }
        ++depth_;
        parse_one(result_.read.back(), false);
        --depth_;
    }

    bool may_include(const ast::Word& word, const FilePath& file) {
        if (const auto known = known_.find(file.path); known != known_.end()) {
            read_again(word, known->second);
            return false;
        }
        if (depth_ == kDeepestIncludes)
            over_limit(word.span, fmt::format("files can be included {} deep", kDeepestIncludes));
        else if (result_.read.size() >= kMostRuleFiles)
            over_limit(word.span, fmt::format("a rule set has at most {} files", kMostRuleFiles));
        else
            return true;
        return false;
    }

    void read_again(const ast::Word& word, const Known& known) {
        const bool is_itself = known.id == word.span.file;
        Diagnostic& report =
            known.open
                ? diagnostics_.report(Code::circular_include, word.span,
                                      is_itself ? "the file itself" : "it is being read already")
                : diagnostics_.report(Code::given_twice, word.span, "this file is part of the rules already");
        if (known.asked_for)
            report.and_at(*known.asked_for, "included here");
        else if (!known.open)
            report.with_help("the rule file and its conf.d are read without an `include`");
    }

    const Environment& env_;
    SourceMap& sources_;
    Diagnostics& diagnostics_;
    ParsedFiles result_;
    std::unordered_map<std::string, Known> known_;  // by path
    std::size_t bytes_ = 0, tokens_ = 0;
    unsigned depth_ = 0;
};

}  // namespace

ParsedFiles parse_rule_files(std::vector<RuleText> texts, const Environment& env, SourceMap* sources,
                             Diagnostics* diagnostics) {
    return RuleFiles(env, sources, diagnostics).run(std::move(texts));
}

}  // namespace dishwall
