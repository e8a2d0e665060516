// SPDX-License-Identifier: BSD-3-Clause
//
// The texts being compiled, and places in them. Everything the front end knows about a place is a Span:
// which file, which bytes. Lines and columns are worked out only when somebody has to read them, so that
// tokens and syntax trees stay small.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/policy.h"

namespace dishwall {

using FileId = std::uint32_t;

// Bytes begin..end-1 of a file. May be empty: a place between two characters.
struct Span {
    FileId file = 0;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    bool operator==(const Span&) const = default;
};

// In the order of reading.
inline bool is_before(const Span& a, const Span& b) {
    return a.file != b.file ? a.file < b.file : a.begin < b.begin;
}

// From the start of `first` to the end of `last`; both in the same file.
inline Span join(const Span& first, const Span& last) { return {first.file, first.begin, last.end}; }

class SourceFile {
public:
    SourceFile(std::string name, std::string text, std::string path);

    [[nodiscard]] const FileName& name() const { return name_; }  // as errors show it
    // Where it is, absolute when that is known: relative paths in it begin there.
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string_view text() const { return text_; }
    // Nobody may ask for a place or a line afterwards.
    [[nodiscard]] std::string take_text() { return std::move(text_); }
    // Lines count from 1. The newline (and a carriage return before it) is not part of the line.
    [[nodiscard]] unsigned line_at(std::uint32_t offset) const;
    // The same, from the line of some place before it: nearly always a few lines on.
    [[nodiscard]] unsigned line_at(std::uint32_t offset, unsigned line_before) const;
    [[nodiscard]] std::string_view line(unsigned number) const;
    [[nodiscard]] std::uint32_t line_start(unsigned number) const { return starts_[number - 1]; }
    // Columns count from 1, in characters (Unicode code points), as editors do.
    [[nodiscard]] unsigned column_at(std::uint32_t offset) const {
        return column_at(offset, line_at(offset));
    }
    [[nodiscard]] unsigned column_at(std::uint32_t offset, unsigned line) const;

private:
    [[nodiscard]] std::size_t characters_before(std::uint32_t offset) const;

    FileName name_;
    std::string path_;
    std::string text_;
    std::vector<std::uint32_t> starts_;
    // Characters before each kMark-th byte, when there is a line so long that nobody wants to count them
    // again: a line may hold a whole file.
    std::vector<std::uint32_t> marks_;
};

// Owns the texts. Views into a text stay good when the map is moved.
class SourceMap {
public:
    FileId add(std::string name, std::string text) { return add(name, std::move(text), name); }
    FileId add(std::string name, std::string text, std::string path);

    [[nodiscard]] FileId count() const { return static_cast<FileId>(files_.size()); }
    [[nodiscard]] const SourceFile& file(FileId id) const { return *files_[id]; }
    [[nodiscard]] SourceFile& file(FileId id) { return *files_[id]; }
    [[nodiscard]] std::string_view text(const Span& span) const;
    [[nodiscard]] Place place(const Span& span) const;

private:
    std::vector<std::unique_ptr<SourceFile>> files_;
};

// Places of spans that are asked for one after another, as they are written: each line is looked for from the
// last one on.
class PlacesInOrder {
public:
    explicit PlacesInOrder(const SourceMap& sources) : sources_(sources) {}
    [[nodiscard]] Place operator()(const Span& span);

private:
    const SourceMap& sources_;
    FileId file_ = 0;
    unsigned line_ = 1;
};

}  // namespace dishwall
