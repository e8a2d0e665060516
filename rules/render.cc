// SPDX-License-Identifier: BSD-3-Clause
#include "rules/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace dishwall {
namespace {

constexpr std::size_t kWidest = 120;     // columns of source shown; longer lines get a window
constexpr std::size_t kBeforeMark = 40;  // columns shown before the mark in a window
constexpr std::size_t kMarkedLines = 6;  // of a range that spans more lines, the middle is left out

// ---- source bytes -> columns on the screen

struct Character {
    std::string_view shown;
    std::size_t bytes;  // of source
    [[nodiscard]] std::size_t columns() const { return shown == "    " ? 4 : 1; }
};

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::size_t sequence_length(unsigned char lead) {
    if (lead >= 0xf0 && lead < 0xf5) return 4;
    if (lead >= 0xe0) return lead < 0xf0 ? 3 : 0;
    return lead >= 0xc2 ? 2 : 0;
}

// Controls in C1, and the ones that reorder text: they could make a line look like another one.
bool deceives(std::string_view sequence) {
    if (sequence.size() == 2) return sequence[0] == '\xc2' && static_cast<unsigned char>(sequence[1]) < 0xa0;
    if (sequence.size() != 3 || sequence[0] != '\xe2') return false;
    const auto last = static_cast<unsigned char>(sequence[2]);
    if (sequence[1] == '\x80') return (last >= 0x8b && last <= 0x8f) || (last >= 0xa8 && last <= 0xae);
    return sequence[1] == '\x81' && last >= 0xa0 && last <= 0xaf;
}

Character character_at(std::string_view text, std::size_t at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead == '\t') return {"    ", 1};
    if (lead < 0x20 || lead == 0x7f) return {kReplacement, 1};
    if (lead < 0x80) return {text.substr(at, 1), 1};
    const std::size_t length = sequence_length(lead);
    if (length == 0 || at + length > text.size()) return {kReplacement, 1};
    for (std::size_t i = 1; i < length; ++i)
        if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return {kReplacement, 1};
    const std::string_view sequence = text.substr(at, length);
    return {deceives(sequence) ? kReplacement : sequence, length};
}

std::size_t width(std::string_view text) {
    std::size_t columns = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Character character = character_at(text, at);
        columns += character.columns();
        at += character.bytes;
    }
    return columns;
}

// A character has at most four bytes: a line that holds a whole file is not measured for each of its marks.
bool is_narrow(std::string_view line) { return line.size() <= 4 * kWidest && width(line) <= kWidest; }

std::string shown(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const Character character = character_at(text, at);
        out += character.shown;
        at += character.bytes;
    }
    return out;
}

// The longest beginning of `text` that is at most `columns` wide.
std::string_view fitting(std::string_view text, std::size_t columns) {
    std::size_t at = 0;
    std::size_t used = 0;
    while (at < text.size()) {
        const Character character = character_at(text, at);
        used += character.columns();
        if (used > columns) break;
        at += character.bytes;
    }
    return text.substr(0, at);
}

// ---- labels -> marks, each on one line

struct Mark {
    unsigned line = 0;
    std::size_t begin = 0, end = 0;  // bytes of the line; end may lie one behind it
    bool primary = false;
    std::string_view label;   // on the last line of the range
    bool gap_before = false;  // lines were left out
};

std::size_t first_text(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

// The part of `span` on one line, without the blanks at its ends.
Mark mark_on(const SourceFile& file, unsigned number, const Span& span, bool primary) {
    const std::string_view line = file.line(number);
    const std::size_t start = file.line_start(number);
    Mark mark{number, 0, line.size(), primary, {}, false};
    if (span.begin > start)
        mark.begin = std::min<std::size_t>(span.begin - start, line.size());
    else if (span.begin < start)
        mark.begin = first_text(line);
    if (span.end - start < mark.end) mark.end = span.end - start;
    mark.end = std::max(mark.end, mark.begin + 1);
    return mark;
}

void add_marks(const SourceMap& sources, const Label& label, bool primary, std::vector<Mark>* marks) {
    const SourceFile& file = sources.file(label.span.file);
    const unsigned first = file.line_at(label.span.begin);
    const unsigned last = file.line_at(std::max(label.span.begin, label.span.end - (label.span.end != 0)));
    const bool cut = last - first >= kMarkedLines;
    for (unsigned line = first; line <= last; ++line) {
        if (cut && line == first + kMarkedLines / 2) line = last - kMarkedLines / 2 + 1;
        if (line != first && first_text(file.line(line)) == file.line(line).size()) continue;
        marks->push_back(mark_on(file, line, label.span, primary));
        marks->back().gap_before = cut && line == last - kMarkedLines / 2 + 1;
    }
    marks->back().label = label.text;
}

// ---- lines of output

class Painter {
public:
    Painter(const SourceMap& sources, bool color) : sources_(sources), color_(color) {}

    void paint(const Diagnostic& diagnostic) {
        const bool apart = diagnostic.second && diagnostic.second->span.file != diagnostic.primary.span.file;
        std::vector<Mark> here;
        std::vector<Mark> there;
        add_marks(sources_, diagnostic.primary, true, &here);
        if (diagnostic.second) add_marks(sources_, *diagnostic.second, false, apart ? &there : &here);
        gutter_ = 0;
        for (const auto* marks : {&here, &there})
            for (const Mark& mark : *marks) gutter_ = std::max(gutter_, fmt::formatted_size("{}", mark.line));
        is_error_ = severity_of(diagnostic.code) == Severity::error;

        title(diagnostic);
        snippet("-->", diagnostic.primary.span, std::move(here));
        if (apart) snippet(":::", diagnostic.second->span, std::move(there));
        if (!diagnostic.help.empty()) line("{}{} {}", pad(" "), tint(kBlue, "="), "help: " + diagnostic.help);
    }

    std::string take() { return std::move(out_); }

private:
    static constexpr const char* kRed = "\x1b[1;31m";
    static constexpr const char* kYellow = "\x1b[1;33m";
    static constexpr const char* kBlue = "\x1b[1;34m";
    static constexpr const char* kBold = "\x1b[1m";

    template <typename... Args>
    void line(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
        while (!out_.empty() && out_.back() == ' ') out_.pop_back();
        out_ += '\n';
    }

    std::string tint(const char* sequence, std::string_view text) const {
        return color_ ? fmt::format("{}{}\x1b[0m", sequence, text) : std::string(text);
    }
    const char* severity_tint() const { return is_error_ ? kRed : kYellow; }
    std::string pad(std::string_view after) const { return std::string(gutter_, ' ').append(after); }

    void title(const Diagnostic& diagnostic) {
        if (!out_.empty()) out_ += '\n';
        const std::string what =
            fmt::format("{}[{}]", is_error_ ? "error" : "warning", to_string(diagnostic.code));
        line("{}{}", tint(severity_tint(), what),
             tint(kBold, fmt::format(": {}", title_of(diagnostic.code))));
    }

    void snippet(std::string_view arrow, const Span& span, std::vector<Mark> marks) {
        const SourceFile& file = sources_.file(span.file);
        const Place place = sources_.place(span);
        std::stable_sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) {
            return std::pair(a.line, a.begin) < std::pair(b.line, b.begin);
        });
        line("{}{} {}:{}:{}", pad(""), tint(kBlue, arrow), shown(place.file.text()), place.line, place.column);
        line("{}{}", pad(" "), tint(kBlue, "|"));
        unsigned open = 0;  // the line shown last, when it is shown whole
        for (const Mark& mark : marks) {
            if (mark.gap_before) line("{}", tint(kBlue, "..."));
            const bool whole = is_narrow(file.line(mark.line));
            if (whole)
                show_whole(file, mark, mark.line != open);
            else
                show_window(file, mark);
            open = whole ? mark.line : 0;
        }
    }

    void source(unsigned number, std::string_view text) {
        line("{} {}", tint(kBlue, fmt::format("{:>{}} |", number, gutter_)), text);
    }

    void underline(const Mark& mark, std::size_t before, std::size_t columns) {
        std::string text(std::max<std::size_t>(columns, 1), mark.primary ? '^' : '-');
        if (!mark.label.empty()) text.append(" ").append(shown(mark.label));
        line("{}{} {}{}", pad(" "), tint(kBlue, "|"), std::string(before, ' '),
             tint(mark.primary ? severity_tint() : kBlue, text));
    }

    void show_whole(const SourceFile& file, const Mark& mark, bool with_source) {
        const std::string_view text = file.line(mark.line);
        if (with_source) source(mark.line, shown(text));
        const std::string_view marked = text.substr(mark.begin, mark.end - mark.begin);
        underline(mark, width(text.substr(0, mark.begin)), width(marked));
    }

    void show_window(const SourceFile& file, const Mark& mark) {
        const std::string_view text = file.line(mark.line);
        std::size_t begin = mark.begin - std::min(mark.begin, kBeforeMark);
        while (begin < mark.begin && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) ++begin;
        const std::string_view window = fitting(text.substr(begin), kWidest);
        const std::string_view left = begin != 0 ? "..." : "";
        const std::string_view right = begin + window.size() < text.size() ? "..." : "";
        source(mark.line, fmt::format("{}{}{}", left, shown(window), right));
        const std::string_view before = window.substr(0, mark.begin - begin);
        const std::string_view marked = window.substr(before.size()).substr(0, mark.end - mark.begin);
        underline(mark, left.size() + width(before), width(marked));
    }

    const SourceMap& sources_;
    bool color_;
    std::size_t gutter_ = 0;
    bool is_error_ = true;
    std::string out_;
};

}  // namespace

std::string render(const std::vector<Diagnostic>& diagnostics, const SourceMap& sources, bool color) {
    Painter painter(sources, color);
    for (const Diagnostic& diagnostic : diagnostics) painter.paint(diagnostic);
    return painter.take();
}

}  // namespace dishwall
