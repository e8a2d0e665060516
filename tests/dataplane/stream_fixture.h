// SPDX-License-Identifier: BSD-3-Clause
//
// A stream with a sink that writes down what it takes, for telling segments in few words.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "dataplane/streams/reassembler.h"

namespace dishwall {

inline std::ostream& operator<<(std::ostream& out, const StreamAnswer& answer) {
    constexpr const char* kDecisions[] = {"forward", "drop", "unscannable"};
    return out << kDecisions[static_cast<int>(answer.decision)] << ' ' << name_of(answer.event)
               << (answer.clear_urgent ? " clear-urgent" : "");
}

}  // namespace dishwall

namespace dishwall::test {

inline Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline constexpr StreamAnswer kForward{Decision::forward, StreamEvent::none};
inline constexpr StreamAnswer kGap{Decision::forward, StreamEvent::gap};
inline constexpr StreamAnswer kConflict{Decision::drop, StreamEvent::conflict};
inline constexpr StreamAnswer kUnverifiable{Decision::drop, StreamEvent::unverifiable};
inline constexpr StreamAnswer kBeyond{Decision::drop, StreamEvent::beyond};
inline constexpr StreamAnswer kStopped{Decision::drop, StreamEvent::stopped};
inline constexpr StreamAnswer kGivenUp{Decision::unscannable, StreamEvent::given_up};

// `|` is a restart, `.` the end. Says stop when `forbidden` has been taken.
class TextSink final : public ByteSink {
public:
    Taken take(Bytes bytes) override {
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        ++calls;
        if (unable) return Taken::unable;
        return forbidden.empty() || text.find(forbidden) == std::string::npos ? Taken::go_on : Taken::stop;
    }
    Taken end() override {
        text += '.';
        return Taken::go_on;
    }
    void restart() override { text += '|'; }

    std::string text, forbidden;
    unsigned calls = 0;
    bool unable = false;
};

// `at` counts from the first byte behind the SYN.
struct TestStream {
    explicit TestStream(std::uint32_t isn = 1000, StreamLimits limits = {})
        : memory(limits), first(isn + 1) {}

    StreamAnswer syn(std::string_view text = "") { return stream.segment({first - 1, bytes_of(text), true}); }
    StreamAnswer data(std::uint32_t at, std::string_view text) {
        return stream.segment({first + at, bytes_of(text)});
    }
    StreamAnswer fin(std::uint32_t at, std::string_view text = "") {
        return stream.segment({first + at, bytes_of(text), false, true});
    }
    StreamAnswer rst(std::uint32_t at) { return stream.segment({first + at, {}, false, false, true}); }
    StreamAnswer urgent(std::uint32_t at, std::string_view text) {
        return stream.segment({first + at, bytes_of(text), false, false, false, true});
    }
    void ack(std::uint32_t at) { stream.acknowledged(first + at); }

    StreamMemory memory;
    TextSink sink;
    std::uint32_t first;
    Reassembler stream{memory, sink};
};

}  // namespace dishwall::test
