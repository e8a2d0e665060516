// SPDX-License-Identifier: BSD-3-Clause
//
// `feed` and `signatures`: names for what stands in other files. These come from other people, so every bad
// line is shown at its place in that file, and there are bounds on how much they may hold.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/environment.h"
#include "rules/policy.h"
#include "rules/source.h"

namespace dishwall {

inline constexpr std::size_t kMostFeeds = 256;
inline constexpr std::size_t kMostSignatureFiles = 256;
inline constexpr std::size_t kMostPatterns = 100'000;     // in all
inline constexpr std::size_t kLongestLists = 128u << 20;  // bytes of all feeds and signatures

class ListFiles {
public:
    ListFiles(const ast::File& file, SourceMap* sources, const Environment& env, Diagnostics* diagnostics)
        : file_(file), sources_(*sources), env_(env), diagnostics_(*diagnostics) {}

    // Reads the files; fills policy->feeds and policy->signatures.
    void define_all(Policy* policy);

    // Index into policy->feeds, policy->signatures. Empty when something was reported, here or before.
    [[nodiscard]] std::optional<unsigned> find_feed(const ast::Word& word);
    [[nodiscard]] std::optional<unsigned> find_signatures(const ast::Word& word);
    [[nodiscard]] bool is_feed(std::string_view name) const { return feeds_.count(name) != 0; }

private:
    struct Named {
        Span span;
        std::optional<unsigned> number;  // empty: something was reported
    };
    using Names = std::unordered_map<std::string_view, Named>;
    struct Read {
        std::string path, shown, text;
    };

    void define(const ast::Feed& from);
    void define(const ast::Signatures& from);
    // False: reported. The name is known from then on, without a meaning.
    bool add_name(const ast::Word& name, std::size_t most, std::string_view what, Names* names);
    [[nodiscard]] std::optional<Read> read(const ast::Word& path);
    [[nodiscard]] bool read_options(const ast::Signatures& from, Signatures* made);
    [[nodiscard]] bool give_id(const ast::Signatures& from, Signatures* made);
    [[nodiscard]] bool read_times(const ast::Feed& from, Feed* feed);
    template <typename BadLines>
    void report_lines(const BadLines& bad, Read read, const Span& asked_for);
    [[nodiscard]] std::optional<unsigned> find(const ast::Word& word, std::string_view what,
                                               const Names& names);

    const ast::File& file_;
    SourceMap& sources_;
    const Environment& env_;
    Diagnostics& diagnostics_;
    Policy* policy_ = nullptr;
    Names feeds_, signatures_;
    std::unordered_map<std::uint16_t, Span> signature_ids_;
    std::size_t bytes_ = 0, entries_ = 0, patterns_ = 0;
};

}  // namespace dishwall
