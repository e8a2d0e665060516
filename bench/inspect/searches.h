// SPDX-License-Identifier: BSD-3-Clause
//
// All contests of searching: each content against each set of signatures, everybody in turns.
#pragma once

#include <string>
#include <vector>

#include "bench/inspect/corpus.h"
#include "bench/inspect/subjects.h"

namespace dishwall::bench {

enum Who : unsigned { kStreams, kBlocks, kEngine, kRings, kVeth, kContenders };
inline constexpr const char* kContenderIds[kContenders] = {"streams", "blocks", "engine", "rings", "veth"};

struct SearchOptions {
    unsigned repeats = 9;
    std::vector<unsigned> patterns{50, 500, 5000};
    CorpusSize size;
    std::string web_signatures;  // a file of ours that is searched for as well; empty: none
    std::string cache;           // directory for compiled signatures
    Cpus cpus{1, 0};
};

struct SearchResult {
    std::string content, signatures;  // "pages", "500 drawn"
    std::size_t patterns = 0, segments = 0, bytes = 0;
    std::vector<double> gbit[kContenders];  // by repeat
    std::string failure;                    // of a gate

    [[nodiscard]] bool held() const { return failure.empty() && !gbit[kStreams].empty(); }
    [[nodiscard]] std::string id() const { return content + "-" + signatures; }
    // The median of what it did in a second, and of its shares of another's within a repeat.
    [[nodiscard]] double median(Who who) const;
    [[nodiscard]] double share(Who who, Who of) const;
};
[[nodiscard]] double median_of(std::vector<double> values);

// Planted signatures are found in the flows that hold them, and in no others, before anything is timed. In
// each lap every byte is searched and every frame comes back.
[[nodiscard]] Result<std::vector<SearchResult>> measure_searches(const SearchOptions& options);

}  // namespace dishwall::bench
