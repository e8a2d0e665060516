// SPDX-License-Identifier: BSD-3-Clause
#include "rules/source.h"

#include <algorithm>
#include <utility>

namespace dishwall {
namespace {

constexpr std::size_t kMark = 1024;

bool starts_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

}  // namespace

SourceFile::SourceFile(std::string name, std::string text, std::string path)
    : name_(std::move(name)), path_(std::move(path)), text_(std::move(text)) {
    starts_.reserve(1 + static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '\n')));
    starts_.push_back(0);
    for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1))
        starts_.push_back(static_cast<std::uint32_t>(at + 1));
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

unsigned SourceFile::column_at(std::uint32_t offset) const {
    const std::uint32_t start = line_start(line_at(offset));
    return static_cast<unsigned>(characters_before(offset) - characters_before(start)) + 1;
}

unsigned SourceFile::line_at(std::uint32_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    return static_cast<unsigned>(after - starts_.begin());
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
    return {source.name(), source.line_at(span.begin), source.column_at(span.begin)};
}

}  // namespace dishwall
