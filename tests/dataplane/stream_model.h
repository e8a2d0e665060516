// SPDX-License-Identifier: BSD-3-Clause
//
// What dataplane/streams/ has to do, said slowly: a map from position to the byte that was seen there first.
// No chunks, no sequence numbers, no wrap-around; nothing is ever released. Random schedules compare both.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/streams/reassembler.h"

namespace dishwall::test {

class StreamModel {
public:
    explicit StreamModel(StreamLimits limits) : limits_(limits) {}

    StreamAnswer segment(std::uint64_t begin, std::string_view payload, bool syn, bool fin);
    void acknowledged(std::uint64_t position);

    // What the sink is given; a restart begins the next string.
    [[nodiscard]] const std::vector<std::string>& taken() const { return taken_; }
    [[nodiscard]] bool ended() const { return ended_; }
    // Of a place in the last string.
    [[nodiscard]] std::uint64_t next() const { return next_; }

private:
    void skip_gaps(std::uint64_t begin, StreamEvent* event);
    [[nodiscard]] StreamEvent why_not(std::uint64_t begin, std::string_view payload, bool fin) const;
    void restart_at(std::uint64_t position);
    void take_seen();
    void move_bounds();

    StreamLimits limits_;
    std::map<std::uint64_t, char> seen_;
    std::vector<std::string> taken_{""};
    std::uint64_t start_ = 0, next_ = 0, floor_ = 0, kept_from_ = 0, told_ = 0;
    unsigned rewinds_ = 0;
    bool started_ = false, certain_ = false, ended_ = false;
    std::optional<std::uint64_t> fin_, early_;
};

}  // namespace dishwall::test
