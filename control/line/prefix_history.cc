// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/prefix_history.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "control/state_file.h"
#include "control/unique_fd.h"

namespace dishwall {
namespace {

bool is_entry(const nlohmann::json& entry) {
    const auto is_text = [&](const char* key) { return entry.contains(key) && entry[key].is_string(); };
    return entry.is_object() && is_text("time") && is_text("kind") && is_text("source") &&
           is_text("prefix") && is_text("text") && entry.contains("enforced_in_us");
}

// Bytes that are no UTF-8 (a source's name cannot have them, a resolver's message can) become U+FFFD.
std::string line_of(const nlohmann::json& entry) {
    return entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

PrefixHistory::PrefixHistory(const std::filesystem::path& directory)
    : file_(directory.empty() ? directory : directory / "prefix-history.jsonl") {
    if (!file_.empty()) read();
}

void PrefixHistory::read() {
    std::ifstream in(file_, std::ios::binary);
    if (!in) return;  // none yet
    std::size_t bad = 0;
    bool whole = true;  // the last line has its end
    for (std::string line; std::getline(in, line);) {
        ++lines_in_file_;
        whole = !in.eof();
        nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
        if (!is_entry(entry)) {
            ++bad;
            continue;
        }
        entries_.push_back(std::move(entry));
        if (entries_.size() > kKept) entries_.pop_front();
    }
    if (bad > 0)
        warn(fmt::format("{}: {} of {} lines cannot be read and are left out", file_.string(), bad,
                         lines_in_file_));
    // The next line must not be glued to a torn one.
    if (bad > 0 || !whole || lines_in_file_ > 2 * kKept) compact();
}

void PrefixHistory::add(UnixTime at, const LineChange& change, std::optional<std::uint64_t> enforced_in_ns) {
    nlohmann::json enforced = nullptr;
    if (enforced_in_ns) enforced = *enforced_in_ns / 1000;
    const bool has_prefix = change.kind != LineChange::Kind::mac_changed;
    append({{"time", iso_time(at)},
            {"kind", to_string(change.kind)},
            {"source", change.source},
            {"prefix", has_prefix ? to_string(change.prefix.prefix) : ""},
            {"text", change.text},
            {"enforced_in_us", std::move(enforced)}});
}

void PrefixHistory::add_note(UnixTime at, const std::string& kind, const std::string& text) {
    append({{"time", iso_time(at)},
            {"kind", kind},
            {"source", ""},
            {"prefix", ""},
            {"text", text},
            {"enforced_in_us", nullptr}});
}

nlohmann::json PrefixHistory::list(std::size_t limit) const {
    nlohmann::json all = nlohmann::json::array();
    for (auto it = entries_.rbegin(); it != entries_.rend() && all.size() < limit; ++it) all.push_back(*it);
    return all;
}

std::vector<std::string> PrefixHistory::take_warnings() { return std::exchange(warnings_, {}); }

void PrefixHistory::append(nlohmann::json entry) {
    const std::string line = line_of(entry);
    entries_.push_back(std::move(entry));
    if (entries_.size() > kKept) entries_.pop_front();
    if (file_.empty()) return;
    if (write_failed_ || lines_in_file_ >= 2 * kKept)
        compact();  // after a failure also what could not be written then
    else
        write_line(line);
}

// A short write leaves a torn line; writing the whole anew next time makes up for it.
void PrefixHistory::write_line(const std::string& line) {
    const UniqueFd fd{::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640)};
    const ssize_t written = fd.is_open() ? ::write(fd.get(), line.data(), line.size()) : -1;
    if (written == static_cast<ssize_t>(line.size())) {
        ++lines_in_file_;
        return;
    }
    write_failed_ = true;
    warn(fmt::format("cannot write {}: {}", file_.string(),
                     written < 0 ? std::strerror(errno) : "the disk is full"));
}

void PrefixHistory::compact() {
    std::string text;
    for (const nlohmann::json& entry : entries_) text += line_of(entry);
    if (Result<void> written = replace_file(file_, text, Synced::no); !written) {
        if (!std::exchange(write_failed_, true)) warn(written.error().message);
        return;
    }
    write_failed_ = false;
    lines_in_file_ = entries_.size();
}

void PrefixHistory::warn(std::string text) { warnings_.push_back(std::move(text)); }

}  // namespace dishwall
