// SPDX-License-Identifier: BSD-3-Clause
#include "tests/dataplane/stream_model.h"

#include <algorithm>

namespace dishwall::test {

void StreamModel::move_bounds() {
    if (certain_) kept_from_ = std::max(kept_from_, floor_);
    if (next_ > limits_.kept_bytes) kept_from_ = std::max(kept_from_, next_ - limits_.kept_bytes);
}

void StreamModel::acknowledged(std::uint64_t position) {
    if (!started_) {
        early_ = position;
        return;
    }
    certain_ |= position >= start_;
    told_ = std::max(told_, position);
    floor_ = std::max(floor_, std::min(position, next_));
    move_bounds();
}

void StreamModel::restart_at(std::uint64_t position) {
    taken_.emplace_back();
    next_ = position;
}

void StreamModel::take_seen() {
    for (auto at = seen_.find(next_); at != seen_.end() && at->first == next_; ++at, ++next_)
        taken_.back() += at->second;
}

void StreamModel::skip_gaps(std::uint64_t begin, StreamEvent* event) {
    while (begin > next_ && told_ > next_) {
        const auto waiting = seen_.lower_bound(next_);
        const std::uint64_t after = waiting == seen_.end() ? begin : std::min(begin, waiting->first);
        if (told_ < after || (fin_ && after > *fin_)) return;
        *event = StreamEvent::gap;
        restart_at(after);
        take_seen();
        floor_ = std::max({floor_, after, std::min(told_, next_)});
        move_bounds();
    }
}

// `begin` is not below what is acknowledged.
StreamEvent StreamModel::why_not(std::uint64_t begin, std::string_view payload, bool fin) const {
    const std::uint64_t end = begin + payload.size();
    const std::uint64_t seen_end = std::max(next_, seen_.empty() ? 0 : seen_.rbegin()->first + 1);
    if (fin_ && (fin ? end != *fin_ : end > *fin_)) return StreamEvent::conflict;
    if (!fin_ && fin && end < seen_end) return StreamEvent::conflict;
    if (!certain_ && begin < start_) {
        const bool adjacent = !payload.empty() && end >= start_ && kept_from_ == start_;
        if (!adjacent || rewinds_ == 8 || start_ - begin > limits_.out_of_order_bytes)
            return StreamEvent::unverifiable;
    } else if (!payload.empty() && begin < kept_from_) {
        return StreamEvent::unverifiable;
    }
    if (!certain_ && begin > next_) return StreamEvent::unverifiable;
    if (begin > next_ && end > next_ + limits_.out_of_order_bytes) return StreamEvent::beyond;
    for (std::uint64_t at = begin; at < end; ++at)
        if (const auto first = seen_.find(at); first != seen_.end() && first->second != payload[at - begin])
            return StreamEvent::conflict;
    return StreamEvent::none;
}

StreamAnswer StreamModel::segment(std::uint64_t begin, std::string_view payload, bool syn, bool fin) {
    if (payload.empty() && !syn && !fin) return {};
    if (!started_) {
        started_ = true;
        certain_ = syn;
        start_ = next_ = kept_from_ = begin;
        floor_ = syn ? begin : 0;
        if (early_ && !syn) acknowledged(*early_);
    }
    if (syn && begin >= floor_ && begin != start_) return {Decision::drop, StreamEvent::conflict};
    StreamEvent event = StreamEvent::none;
    skip_gaps(begin, &event);

    const std::uint64_t end = begin + payload.size();
    const std::uint64_t first = std::clamp(floor_, begin, end);
    payload.remove_prefix(first - begin);
    if (payload.empty() && (!fin || end < floor_)) return {Decision::forward, event};
    if (const StreamEvent why = why_not(first, payload, fin); why != StreamEvent::none)
        return {Decision::drop, why};

    if (!certain_ && first < start_) {
        ++rewinds_;
        ended_ = false;
        restart_at(first);
        start_ = kept_from_ = first;
    }
    if (fin) fin_ = end;
    for (std::uint64_t at = first; at < end; ++at) seen_.emplace(at, payload[at - first]);
    if (first <= next_ && end > next_) {
        take_seen();
        floor_ = std::max(floor_, std::min(told_, next_));
        move_bounds();
    }
    ended_ |= first <= next_ && fin_ == next_;
    return {Decision::forward, event};
}

}  // namespace dishwall::test
