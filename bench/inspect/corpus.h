// SPDX-License-Identifier: BSD-3-Clause
//
// What is searched: the byte streams of many connections, and the order in which their segments come. The
// same for who only searches and for who does all the rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/inspect/patterns.h"
#include "dataplane/streams/byte_sink.h"

namespace dishwall::bench {

enum class Content : std::uint8_t {
    requests,  // HTTP/1 requests with headers, a segment each
    pages,     // HTML, in full segments
    noise,     // random bytes (what is encrypted or compressed looks like), in full segments
};
[[nodiscard]] const char* name_of(Content content);

inline constexpr std::size_t kSegment = 1440;  // bytes: 1,500 without IPv6's and TCP's headers

// A segment's worth. `at`: of its first byte in its stream.
struct Chunk {
    std::uint32_t flow = 0;
    std::uint32_t at = 0, size = 0;
    bool is_last = false;  // of its stream
};

struct CorpusSize {
    unsigned flows = 256;       // connections, one behind the other
    unsigned at_a_time = 64;    // of them open
    std::size_t bytes = 32768;  // each, about
};

class Corpus {
public:
    // Always the same for the same arguments. Without `planted` nothing in it is an example of a pattern.
    // With, every third flow holds one, across the border of two segments where it can.
    static Corpus make(Content content, const CorpusSize& size, const std::vector<Pattern>& planted = {});

    [[nodiscard]] std::size_t flows() const { return streams_.size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] const std::vector<Chunk>& chunks() const { return chunks_; }
    [[nodiscard]] Bytes bytes_of(const Chunk& chunk) const {
        return {reinterpret_cast<const std::uint8_t*>(streams_[chunk.flow].data()) + chunk.at, chunk.size};
    }
    // By flow; 0: none.
    [[nodiscard]] const std::vector<std::uint32_t>& planted() const { return planted_; }

private:
    void plant(const std::vector<Pattern>& patterns);
    void put_in_order(unsigned at_a_time, const std::vector<std::vector<Chunk>>& by_flow);

    std::vector<std::string> streams_;
    std::vector<Chunk> chunks_;
    std::vector<std::uint32_t> planted_;
    std::size_t bytes_ = 0;
};

}  // namespace dishwall::bench
