// SPDX-License-Identifier: BSD-3-Clause
#include "rules/file_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace dishwall {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestPath = 4095;

std::string beside(const std::string& file, std::string_view path) {
    return (fs::path(file).parent_path() / fs::path(path)).lexically_normal().string();
}

}  // namespace

std::optional<FilePath> read_path(const ast::Word& word, const SourceMap& sources, Diagnostics* diagnostics) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (word.text.empty() || word.text.size() > kLongestPath ||
        std::any_of(word.text.begin(), word.text.end(), is_control)) {
        diagnostics->report(
            Code::bad_file, word.span,
            fmt::format("1 to {} characters, none of them a control character", kLongestPath));
        return std::nullopt;
    }
    const SourceFile& from = sources.file(word.span.file);
    return FilePath{beside(from.path(), word.text), beside(from.name(), word.text)};
}

std::optional<std::string> read_text(const ast::Word& word, const FilePath& file, const Environment& env,
                                     Diagnostics* diagnostics) {
    tl::expected<std::string, std::string> text = tl::unexpected(std::string("files are not read here"));
    if (env.read_text) text = env.read_text(file.path);
    if (text) return std::move(*text);
    report_bad_file(word, file.path, "cannot be read", text.error(), diagnostics);
    return std::nullopt;
}

void report_bad_file(const ast::Word& word, const std::string& path, std::string_view cannot,
                     std::string_view reason, Diagnostics* diagnostics) {
    Diagnostic& report =
        diagnostics->report(Code::bad_file, word.span, fmt::format("{} {}: {}", path, cannot, reason));
    if (word.text.front() != '/')
        report.with_help("a relative path begins beside the file that it is written in");
}

}  // namespace dishwall
