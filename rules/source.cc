// SPDX-License-Identifier: BSD-3-Clause
#include "rules/source.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace dishwall {
namespace {

constexpr std::size_t kMark = 1024;

// Eight bytes at a time.
std::size_t count_newlines(std::string_view text) {
    constexpr std::uint64_t kNewlines = 0x0a0a0a0a0a0a0a0aull, kLow = 0x7f7f7f7f7f7f7f7full;
    std::size_t count = 0, at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t bytes;
        std::memcpy(&bytes, text.data() + at, sizeof bytes);
        bytes ^= kNewlines;  // those that are zero now
        count += static_cast<std::size_t>(std::popcount(~(((bytes & kLow) + kLow) | bytes | kLow)));
    }
    return count + static_cast<std::size_t>(
                       std::count(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), '\n'));
}

bool starts_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

}  // namespace

SourceFile::SourceFile(std::string name, std::string text, std::string path)
    : name_(std::move(name)), path_(std::move(path)), text_(std::move(text)) {
    starts_.reserve(1 + count_newlines(text_));
    starts_.push_back(0);
    std::size_t longest = 0;
    for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1)) {
        longest = std::max(longest, at - starts_.back());
        starts_.push_back(static_cast<std::uint32_t>(at + 1));
    }
    if (std::max(longest, text_.size() - starts_.back()) < 4 * kMark) return;
    std::uint32_t characters = 0;
    for (std::size_t at = 0; at < text_.size(); ++at) {
        if (at % kMark == 0) marks_.push_back(characters);
        characters += starts_character(text_[at]);
    }
    marks_.push_back(characters);
}

std::size_t SourceFile::characters_before(std::uint32_t offset) const {
    const std::size_t mark = offset / kMark;
    if (mark >= marks_.size() - 1) return marks_.back();  // the end of the text
    const std::string_view rest = std::string_view(text_).substr(mark * kMark, offset - mark * kMark);
    return marks_[mark] + static_cast<std::size_t>(std::count_if(rest.begin(), rest.end(), starts_character));
}

unsigned SourceFile::column_at(std::uint32_t offset, unsigned line) const {
    const std::uint32_t start = line_start(line);
    if (!marks_.empty())
        return static_cast<unsigned>(characters_before(offset) - characters_before(start)) + 1;
    const std::string_view before = std::string_view(text_).substr(start, offset - start);
    return static_cast<unsigned>(std::count_if(before.begin(), before.end(), starts_character)) + 1;
}

unsigned SourceFile::line_at(std::uint32_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    return static_cast<unsigned>(after - starts_.begin());
}

unsigned SourceFile::line_at(std::uint32_t offset, unsigned line_before) const {
    constexpr unsigned kNear = 8;
    if (offset < line_start(line_before)) return line_at(offset);
    for (unsigned line = line_before; line < line_before + kNear; ++line)
        if (line == starts_.size() || offset < starts_[line]) return line;
    return line_at(offset);
}

std::string_view SourceFile::line(unsigned number) const {
    const std::size_t begin = starts_[number - 1];
    const std::size_t end = number < starts_.size() ? starts_[number] - 1 : text_.size();
    std::string_view line = std::string_view(text_).substr(begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

FileId SourceMap::add(std::string name, std::string text, std::string path) {
    files_.push_back(std::make_unique<SourceFile>(std::move(name), std::move(text), std::move(path)));
    return static_cast<FileId>(files_.size() - 1);
}

std::string_view SourceMap::text(const Span& span) const {
    return file(span.file).text().substr(span.begin, span.end - span.begin);
}

Place SourceMap::place(const Span& span) const {
    const SourceFile& source = file(span.file);
    const unsigned line = source.line_at(span.begin);
    return {source.name(), line, source.column_at(span.begin, line)};
}

Place PlacesInOrder::operator()(const Span& span) {
    const SourceFile& source = sources_.file(span.file);
    line_ = span.file == file_ ? source.line_at(span.begin, line_) : source.line_at(span.begin);
    file_ = span.file;
    return {source.name(), line_, source.column_at(span.begin, line_)};
}

}  // namespace dishwall
