// SPDX-License-Identifier: BSD-3-Clause
//
// One direction of a TCP connection, as its receiver will read it, for an inspector that every packet waits
// for. A receiver and an inspector that put segments together differently is how inspection gets evaded, and
// receivers differ among themselves. So nothing is guessed about the receiver: what it could read in two ways
// does not reach it.
//
//   - Bytes in order go to the sink before their packet goes on.
//   - Bytes out of order go on at once and are kept. They are useless to the receiver until the gap is
//   filled,
//     and the packet that fills it waits until what is kept behind it has been taken too.
//   - The first copy wins. What was seen and is not acknowledged is kept; another copy that differs is
//   dropped,
//     and so is one that cannot be compared any more. A copy that is equal goes on (the first may be lost).
//   - What the receiver has acknowledged, it ignores: such bytes go on without being looked at.
//
// Positions are 64 bits wide and count from the start, so sequence numbers may wrap as often as they like.
// RFC 9293.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/streams/byte_sink.h"
#include "dataplane/streams/byte_window.h"
#include "dataplane/streams/stream_memory.h"

namespace dishwall {

struct Segment {
    std::uint32_t sequence = 0;  // host byte order, as in the header: the SYN's own when there is one
    Bytes payload;
    bool syn = false, fin = false, rst = false, urgent = false;
};

enum class Decision : std::uint8_t {
    forward,
    drop,
    unscannable,  // this stream cannot be inspected any more; the rule's on-failure says what becomes of it
};

enum class StreamEvent : std::uint8_t {
    none,
    conflict,      // other bytes, or another end, than were seen first
    unverifiable,  // an unacknowledged part of it is not kept any more, or came before the pick-up and is not
                   // adjacent
    beyond,        // too far ahead; the peer sends it again
    gap,           // goes on behind bytes that were acknowledged and never seen here
    stopped,       // the sink said stop, now or earlier
    given_up,      // no memory, or the sink is unable
};
inline constexpr unsigned kStreamEvents = 7;
[[nodiscard]] const char* name_of(StreamEvent event);

struct StreamAnswer {
    Decision decision = Decision::forward;
    StreamEvent event = StreamEvent::none;
    // Clear URG and the urgent pointer before forwarding (and mend the checksum): a receiver takes the urgent
    // byte out of the stream or leaves it there, so it must not know that there is one.
    bool clear_urgent = false;

    friend bool operator==(const StreamAnswer&, const StreamAnswer&) = default;
};

// Must not move. `memory` and `sink` outlive it.
class Reassembler {
public:
    Reassembler(StreamMemory& memory, ByteSink& sink) : memory_(memory), sink_(sink), window_(memory) {}

    // The segment is right in itself (checksum, lengths); its payload need not outlive the call. After `drop`
    // with `stopped` every later segment is dropped.
    [[nodiscard]] StreamAnswer segment(const Segment& segment);

    // The acknowledgement number of a packet of the other direction that was forwarded (host byte order). May
    // be told before the first segment, and out of order.
    void acknowledged(std::uint32_t acknowledgement);

    // All bytes up to the FIN were taken, or an RST came at the place where receivers believe it (RFC 5961).
    // A hint: segments are judged as before.
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] bool started() const { return started_; }
    // Bytes that the sink has taken. For the bypass.
    [[nodiscard]] std::uint64_t taken_bytes() const { return taken_; }

private:
    enum class Match : std::uint8_t { old, agrees, unverifiable, beyond, conflict, before_start };

    [[nodiscard]] StreamAnswer judge(const Segment& segment);
    void start(const Segment& segment);
    [[nodiscard]] std::uint64_t position_of(std::uint32_t sequence) const;
    [[nodiscard]] Match compare(const Segment& segment, std::uint64_t begin, Bytes fresh) const;
    [[nodiscard]] bool fin_agrees(const Segment& segment, std::uint64_t end) const;
    [[nodiscard]] bool can_rewind(std::uint64_t begin, std::uint64_t end) const;
    void rewind(std::uint64_t position);
    [[nodiscard]] bool is_gap_acknowledged(std::uint64_t begin, std::uint64_t* after) const;
    [[nodiscard]] Taken skip_gap(std::uint64_t after);
    [[nodiscard]] Taken accept(std::uint64_t position, Bytes bytes);
    [[nodiscard]] Taken take(Bytes bytes);
    [[nodiscard]] Taken take_stored();
    [[nodiscard]] Taken take_end();
    void trim();
    [[nodiscard]] StreamAnswer answer_to(Taken taken, StreamEvent event);

    StreamMemory& memory_;
    ByteSink& sink_;
    ByteWindow window_;

    // floor_ <= kept_from_ <= next_ <= seen_end_, once the start is certain.
    std::uint64_t start_ = 0;      // the lowest position taken
    std::uint64_t floor_ = 0;      // what lies below was acknowledged
    std::uint64_t kept_from_ = 0;  // what lies from here to next_ is in the window
    std::uint64_t next_ = 0;       // the first position not taken
    std::uint64_t seen_end_ = 0;   // behind the highest position in the window
    std::uint64_t told_ = 0;       // highest acknowledgement, perhaps of bytes never seen here
    std::uint64_t taken_ = 0;
    std::uint32_t next_sequence_ = 0;  // of next_
    std::uint8_t rewinds_ = 0;
    bool started_ = false, ended_ = false, stopped_ = false;
    bool start_is_certain_ = false;  // by a SYN, or by an acknowledgement at or above it
    std::optional<std::uint64_t> fin_;
    std::optional<std::uint32_t> early_acknowledgement_;
};

}  // namespace dishwall
