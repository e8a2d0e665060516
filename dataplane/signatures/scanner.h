// SPDX-License-Identifier: BSD-3-Clause
//
// Searching: a stream of one direction of a flow (fed by the reassembler) or one datagram. The first match is
// the answer, and nothing of that stream is searched after it: a flow is reported once, whatever its peer
// sends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/signatures/hyperscan.h"
#include "dataplane/signatures/signature_set.h"
#include "dataplane/streams/byte_sink.h"
#include "rules/result.h"

namespace dishwall {

struct SignatureMatch {
    std::uint32_t id = 0;
    std::uint64_t end = 0;  // bytes of the stream or datagram up to the end of the match
    SignatureSetPtr set;
};

// What one worker scans with: scratch memory that fits all sets it has met, and a bound on open streams. Not
// for several threads.
class ScanWorker {
public:
    struct Counters {
        std::uint64_t bytes = 0, calls = 0, matches = 0;
        std::uint64_t failures = 0;  // Hyperscan said no, or too many streams
        std::size_t open_streams = 0;
    };

    explicit ScanWorker(std::size_t most_streams) : most_streams_(most_streams) {}
    ScanWorker(const ScanWorker&) = delete;
    ScanWorker& operator=(const ScanWorker&) = delete;

    // Grows the scratch memory for `set`. Scanning does it when nobody has; here it costs no packet.
    [[nodiscard]] Result<void> prepare(const SignatureSet& set);
    // One datagram by itself: clean, a match, or an error when it cannot be searched.
    [[nodiscard]] Result<std::optional<SignatureMatch>> scan(const SignatureSetPtr& set, Bytes datagram);

    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    friend class StreamScanner;

    ScratchMemory scratch_;
    std::vector<std::uint64_t> prepared_;  // serials
    std::size_t most_streams_;
    Counters counters_;
};

enum class AfterMatch : std::uint8_t {
    stop,   // drop, reject: the bytes that complete it must not go on
    go_on,  // alert: everything goes on, unsearched from there
};

// Opens its Hyperscan stream with the first byte. Must not move; `worker` outlives it.
class StreamScanner final : public ByteSink {
public:
    StreamScanner(ScanWorker& worker, SignatureSetPtr set, AfterMatch after)
        : worker_(worker), set_(std::move(set)), after_(after) {}
    StreamScanner(const StreamScanner&) = delete;
    StreamScanner& operator=(const StreamScanner&) = delete;
    ~StreamScanner() override { close(); }

    Taken take(Bytes bytes) override;
    Taken end() override;  // finds what matches only at the end (`$`)
    void restart() override;

    // Frees the stream's state; a flow that is bypassed needs none.
    void close();
    [[nodiscard]] const std::optional<SignatureMatch>& match() const { return match_; }

private:
    [[nodiscard]] bool open();
    [[nodiscard]] Taken result_of(int code);

    ScanWorker& worker_;
    SignatureSetPtr set_;
    AfterMatch after_;
    ScanStream stream_;
    std::optional<SignatureMatch> match_;
};

}  // namespace dishwall
