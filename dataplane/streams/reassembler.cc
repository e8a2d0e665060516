// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/streams/reassembler.h"

#include <algorithm>

namespace dishwall {
namespace {

// Where positions begin: far enough from 0 that no segment lies below.
constexpr std::uint64_t kFirstPosition = std::uint64_t{1} << 32;
// Taking bytes once more costs the peer one byte and us all that is kept.
constexpr std::uint8_t kMostRewinds = 8;

}  // namespace

const char* name_of(StreamEvent event) {
    constexpr const char* kNames[kStreamEvents] = {"none", "conflict", "unverifiable", "beyond",
                                                   "gap",  "stopped",  "given-up"};
    return kNames[static_cast<unsigned>(event)];
}

std::uint64_t Reassembler::position_of(std::uint32_t sequence) const {
    return next_ + static_cast<std::uint64_t>(
                       static_cast<std::int64_t>(static_cast<std::int32_t>(sequence - next_sequence_)));
}

StreamAnswer Reassembler::segment(const Segment& segment) {
    StreamAnswer answer = judge(segment);
    answer.clear_urgent = segment.urgent && answer.decision == Decision::forward;
    return answer;
}

// The first segment may be from the middle of the connection. Whether the receiver waits for what is before
// it (it was overtaken), or has what is behind it (it is an old copy), shows with the first acknowledgement.
// Until then nothing goes on that the sink has not taken at once.
void Reassembler::start(const Segment& segment) {
    started_ = true;
    start_is_certain_ = segment.syn;
    next_sequence_ = segment.sequence + segment.syn;
    start_ = kept_from_ = next_ = seen_end_ = kFirstPosition;
    floor_ = segment.syn ? kFirstPosition : 0;
    if (early_acknowledgement_ && !segment.syn) acknowledged(*early_acknowledgement_);
}

void Reassembler::acknowledged(std::uint32_t acknowledgement) {
    if (!started_) {
        early_acknowledgement_ = acknowledgement;
        return;
    }
    const std::uint64_t position = position_of(acknowledgement);
    if (position >= start_) start_is_certain_ = true;
    told_ = std::max(told_, position);
    floor_ = std::max(floor_, std::min(position, next_));
    trim();
}

StreamAnswer Reassembler::judge(const Segment& segment) {
    if (stopped_) return {Decision::drop, StreamEvent::stopped};
    if (window_.given_up()) return {Decision::unscannable, StreamEvent::given_up};
    if (segment.rst) {  // its payload is not part of the stream
        ended_ |= started_ && segment.sequence == next_sequence_;
        return {};
    }
    if (segment.payload.empty() && !segment.syn && !segment.fin) return {};
    if (!started_) start(segment);

    const std::uint64_t begin = position_of(segment.sequence + segment.syn);
    if (segment.syn && begin >= floor_ && begin != start_) return {Decision::drop, StreamEvent::conflict};
    StreamEvent event = StreamEvent::none;
    for (std::uint64_t after = 0; is_gap_acknowledged(begin, &after);) {
        event = StreamEvent::gap;
        if (const Taken taken = skip_gap(after); taken != Taken::go_on) return answer_to(taken, event);
    }
    const std::uint64_t known = std::clamp(floor_, begin, begin + segment.payload.size());
    const Bytes fresh = segment.payload.subspan(known - begin);
    switch (compare(segment, known, fresh)) {
        case Match::old:
            return {Decision::forward, event};
        case Match::unverifiable:
            return {Decision::drop, StreamEvent::unverifiable};
        case Match::beyond:
            return {Decision::drop, StreamEvent::beyond};
        case Match::conflict:
            return {Decision::drop, StreamEvent::conflict};
        case Match::before_start:
            rewind(known);
            break;
        case Match::agrees:
            break;
    }
    if (segment.fin) fin_ = begin + segment.payload.size();
    return answer_to(accept(known, fresh), event);
}

// What the segment is to what was seen before. `fresh` begins at `begin` and is not acknowledged.
Reassembler::Match Reassembler::compare(const Segment& segment, std::uint64_t begin, Bytes fresh) const {
    const std::uint64_t end = begin + fresh.size();
    if (fresh.empty() && (!segment.fin || end < floor_)) return Match::old;
    if (!fin_agrees(segment, end)) return Match::conflict;
    const bool before_start = !start_is_certain_ && begin < start_;
    if (before_start ? !can_rewind(begin, end) : !fresh.empty() && begin < kept_from_)
        return Match::unverifiable;
    if (!start_is_certain_ && begin > next_) return Match::unverifiable;
    if (begin > next_ && end - next_ > memory_.out_of_order_bytes()) return Match::beyond;
    if (begin < seen_end_ && !window_.agrees(begin, fresh)) return Match::conflict;
    return before_start ? Match::before_start : Match::agrees;
}

// The end is seen first like a byte, and there is nothing behind it.
bool Reassembler::fin_agrees(const Segment& segment, std::uint64_t end) const {
    if (fin_) return segment.fin ? end == *fin_ : end <= *fin_;
    return !segment.fin || end >= seen_end_;
}

// Bytes from before the place where the stream was picked up, not known to be acknowledged: they may be a
// first segment that was overtaken. Those that are adjacent are taken, and what is kept behind them once
// more. Others would leave a gap in front of bytes that the receiver may have already.
bool Reassembler::can_rewind(std::uint64_t begin, std::uint64_t end) const {
    return rewinds_ < kMostRewinds && end >= start_ && begin < end && kept_from_ == start_ &&
           start_ - begin <= memory_.out_of_order_bytes();
}

void Reassembler::rewind(std::uint64_t position) {
    ++rewinds_;
    sink_.restart();
    ended_ = false;
    next_sequence_ -= static_cast<std::uint32_t>(next_ - position);
    start_ = kept_from_ = next_ = position;
}

// The receiver has bytes that never came by here (they went past while the inspector was down): they will not
// come. A gap that is not acknowledged is waited for.
bool Reassembler::is_gap_acknowledged(std::uint64_t begin, std::uint64_t* after) const {
    if (begin <= next_ || told_ <= next_) return false;
    *after = seen_end_ > next_ ? std::min(begin, window_.first_present(next_, seen_end_)) : begin;
    return told_ >= *after && (!fin_ || *after <= *fin_);
}

Taken Reassembler::skip_gap(std::uint64_t after) {
    sink_.restart();
    next_sequence_ += static_cast<std::uint32_t>(after - next_);
    next_ = after;
    seen_end_ = std::max(seen_end_, next_);
    floor_ = std::max(floor_, next_);
    const Taken taken = take_stored();
    floor_ = std::max(floor_, std::min(told_, next_));
    trim();
    return taken;
}

Taken Reassembler::accept(std::uint64_t position, Bytes bytes) {
    const std::uint64_t end = position + bytes.size();
    if (position > next_) {
        if (!window_.store(position, bytes)) return Taken::unable;
        if (!bytes.empty()) seen_end_ = std::max(seen_end_, end);
        return Taken::go_on;
    }
    if (end > next_) {
        const Bytes fresh = bytes.subspan(next_ - position);
        if (!window_.store(next_, fresh)) return Taken::unable;
        if (const Taken taken = take(fresh); taken != Taken::go_on) return taken;
        seen_end_ = std::max(seen_end_, end);
        if (const Taken taken = take_stored(); taken != Taken::go_on) return taken;
        floor_ = std::max(floor_, std::min(told_, next_));
        trim();
    }
    return take_end();
}

Taken Reassembler::take(Bytes bytes) {
    next_ += bytes.size();
    next_sequence_ += static_cast<std::uint32_t>(bytes.size());
    taken_ += bytes.size();
    return sink_.take(bytes);
}

Taken Reassembler::take_stored() {
    while (next_ < seen_end_) {
        const Bytes run = window_.run(next_);
        if (run.empty()) break;
        if (const Taken taken = take(run); taken != Taken::go_on) return taken;
    }
    return Taken::go_on;
}

Taken Reassembler::take_end() {
    if (ended_ || fin_ != next_) return Taken::go_on;
    ended_ = true;
    return sink_.end();
}

void Reassembler::trim() {
    const std::uint64_t most = memory_.kept_bytes();
    if (start_is_certain_) kept_from_ = std::max(kept_from_, floor_);
    if (next_ - kept_from_ > most) kept_from_ = next_ - most;
    if (kept_from_ >= seen_end_)
        window_.release();
    else
        window_.release_below(kept_from_);
}

StreamAnswer Reassembler::answer_to(Taken taken, StreamEvent event) {
    if (taken == Taken::go_on) return {Decision::forward, event};
    window_.give_up();
    stopped_ = taken == Taken::stop;
    if (stopped_) return {Decision::drop, StreamEvent::stopped};
    return {Decision::unscannable, StreamEvent::given_up};
}

}  // namespace dishwall
