// SPDX-License-Identifier: BSD-3-Clause
//
// The connections of a corpus as a gateway has them: opened by handshakes through the packet core, in its own
// flow table, and each chunk as the frame that the programs would hand to a worker. What the programs write
// while packets pass (who acknowledged what) is written here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/inspect/corpus.h"
#include "dataplane/engine/engine_config.h"
#include "tests/core/native_executor.h"

namespace dishwall::bench {

class Connections : private test::NativeExecutor {
public:
    // `corpus` outlives it.
    [[nodiscard]] static Result<std::unique_ptr<Connections>> open(const Corpus& corpus);

    [[nodiscard]] const Corpus& corpus() const { return *corpus_; }
    [[nodiscard]] EngineTables tables();
    [[nodiscard]] dw_worker& worker() { return inspection_[0].worker[0]; }
    [[nodiscard]] std::uint16_t signatures() const {
        return set_;
    }  // as rules call them: DW_INSPECT_SIGNATURES

    // In the order of the corpus's chunks.
    [[nodiscard]] std::size_t frames() const { return ends_.size(); }
    [[nodiscard]] std::span<std::uint8_t> frame(std::size_t number);

    // From here on all connections are new ones, on the same addresses and ports.
    void begin_anew();
    // Its receiver has all up to the end of this chunk.
    void acknowledge(const Chunk& chunk) { acknowledge(chunk.flow, kFirstSequence + chunk.at + chunk.size); }
    void acknowledge(std::uint32_t flow, std::uint32_t sequence);
    static constexpr MacAddress kOurEnd{2, 0, 0, 0, 0, 9};
    static constexpr std::uint16_t kFirstPort = 10000;     // of the peers, by flow
    static constexpr std::uint32_t kFirstSequence = 1001;  // of their first byte

private:
    explicit Connections(const Corpus& corpus);
    [[nodiscard]] Result<void> handshake(std::uint32_t flow);
    [[nodiscard]] test::Packet from_peer(std::uint32_t flow, std::uint8_t flags, std::uint32_t sequence,
                                         std::span<const std::uint8_t> payload);
    void write_frames();

    const Corpus* corpus_;
    std::uint16_t set_ = 0;
    std::vector<std::uint32_t> ids_;  // of flows
    std::vector<std::uint8_t> bytes_;
    std::vector<std::size_t> ends_;  // of frames, in bytes_
};

}  // namespace dishwall::bench
