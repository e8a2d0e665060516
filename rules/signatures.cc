// SPDX-License-Identifier: BSD-3-Clause
#include "rules/signatures.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <utility>

namespace dishwall {
namespace {

constexpr std::size_t kMostBadLines = 100;
constexpr std::string_view kFlags = "imsHV8WPLCQ";

// RFC 3629: neither overlong forms nor surrogates, up to U+10FFFF.
bool is_utf8(std::string_view text) {
    const auto byte = [&](std::size_t at) {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
    };
    for (std::size_t at = 0; at < text.size();) {
        const unsigned lead = byte(at), second = byte(at + 1);
        const unsigned length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        const unsigned least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        const unsigned most = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (length == 0 || lead > 0xf4 || (length > 1 && (second < least || second > most))) return false;
        for (unsigned i = 2; i < length; ++i)
            if (byte(at + i) >> 6 != 2) return false;
        at += length;
    }
    return true;
}

class SignatureReader {
public:
    explicit SignatureReader(std::string_view text) : text_(text) {}

    SignatureReading run() {
        for (unsigned number = 1; at_ < text_.size() && reading_.bad.size() < kMostBadLines; ++number) {
            const std::size_t end = std::min(text_.find('\n', at_), text_.size());
            std::string_view line = text_.substr(at_, end - at_);
            if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
            std::string why = !is_utf8(line) ? "it is not UTF-8; write other bytes as \\xNN"
                              : line.empty() || line.front() == '#' ? ""
                                                                    : read_line(line, number);
            if (!why.empty()) reading_.bad.push_back({number, at_, at_ + line.size(), std::move(why)});
            at_ = end + 1;
        }
        return std::move(reading_);
    }

private:
    // Why the line is bad; empty when it is not.
    std::string read_line(std::string_view line, unsigned line_number) {
        const std::size_t colon = line.find(':');
        std::uint32_t id = 0;
        const char* const digits_end = line.data() + std::min(colon, line.size());
        const auto number = std::from_chars(line.data(), digits_end, id);
        if (colon == std::string_view::npos || number.ec != std::errc() || number.ptr != digits_end)
            return "a line is ID:/regex/flags, and the ID a number of at most 32 bits";
        const std::string_view pattern = line.substr(colon + 1);
        const std::size_t last = pattern.rfind('/');
        if (pattern.empty() || pattern.front() != '/' || last == 0) return "the regex stands between two `/`";
        if (last == 1) return "the regex is empty";
        const std::string_view regex = pattern.substr(1, last - 1);
        if (regex.find('\0') != std::string_view::npos) return "the regex has a NUL byte; write it \\x00";
        const std::string_view flags = pattern.substr(last + 1);
        if (const std::size_t odd = flags.find_first_not_of(kFlags); odd != std::string_view::npos)
            return std::string("the flags are of ") + std::string(kFlags);
        if (!ids_.insert(id).second) return "this ID is used above";
        reading_.patterns.push_back({id, regex, flags, line_number});
        return "";
    }

    std::string_view text_;
    std::size_t at_ = 0;
    SignatureReading reading_;
    std::unordered_set<std::uint32_t> ids_;
};

}  // namespace

SignatureReading read_signatures(std::string_view text) { return SignatureReader(text).run(); }

const char* name_of(Signatures::OnMatch action) {
    switch (action) {
        case Signatures::OnMatch::alert:
            return "alert";
        case Signatures::OnMatch::reject:
            return "reject";
        case Signatures::OnMatch::drop:
            break;
    }
    return "drop";
}

}  // namespace dishwall
