// SPDX-License-Identifier: BSD-3-Clause
//
// What became of the line's prefixes and when, with how long each change took to be enforced, so that "why
// was it down at four" has an answer in the morning. One JSON object a line, appended; when twice as many
// stand in the file as are kept, it is written anew and renamed. Not synced: an SD card may take seconds, and
// a line torn by a power cut is left out when it is read. Nothing here is ever a reason to fail: what cannot
// be read or written becomes a warning.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/line/prefix_tracker.h"

namespace dishwall {

class PrefixHistory {
public:
    static constexpr std::size_t kKept = 1000;

    // Reads DIRECTORY/prefix-history.jsonl. An empty directory: nothing is kept beyond this process.
    explicit PrefixHistory(const std::filesystem::path& directory);

    // Without `enforced_in_ns`: nobody measured, or the data plane did not change.
    void add(UnixTime at, const LineChange& change, std::optional<std::uint64_t> enforced_in_ns);
    // What is no change of a prefix, such as a DNS update.
    void add_note(UnixTime at, const std::string& kind, const std::string& text);

    // The newest first: [{"time": "2026-11-22T19:40:00.123Z", "kind": "added", "source": "dish.pd",
    //   "prefix": "2001:db8::/56", "text": ..., "enforced_in_us": 61|null}]. "source" and "prefix" are empty
    // where there is none.
    [[nodiscard]] nlohmann::json list(std::size_t limit) const;

    // What went wrong with the file since the last call.
    [[nodiscard]] std::vector<std::string> take_warnings();

private:
    void read();
    void append(nlohmann::json entry);
    void write_line(const std::string& line);
    void compact();
    void warn(std::string text);

    std::filesystem::path file_;
    std::deque<nlohmann::json> entries_;  // the oldest first, at most kKept
    std::size_t lines_in_file_ = 0;
    bool write_failed_ = false;  // told once until it works again
    std::vector<std::string> warnings_;
};

}  // namespace dishwall
