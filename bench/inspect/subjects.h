// SPDX-License-Identifier: BSD-3-Clause
//
// Who searches a corpus: Hyperscan alone, the engine called with one frame after the other, and a worker with
// its engine between ports. All are given the same bytes in the same pieces in the same order.
#pragma once

#include <sched.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/inspect/connections.h"
#include "bench/inspect/corpus.h"
#include "dataplane/port/eal.h"
#include "dataplane/signatures/signature_set.h"
#include "rules/result.h"

namespace dishwall::bench {

// One corpus, once through a subject.
struct Lap {
    double ns = 0;
    std::uint64_t searched = 0;        // bytes
    std::uint64_t frames_back = 0;     // of those that were sent
    std::vector<std::uint32_t> found;  // by flow: the signature, or 0
};

class Searcher {
public:
    virtual ~Searcher() = default;
    [[nodiscard]] virtual Result<Lap> lap() = 0;
};
using SearcherPtr = std::unique_ptr<Searcher>;

// Hyperscan by itself: a stream a connection, or each piece as if it were alone (which finds nothing that is
// split).
enum class Raw : std::uint8_t { streams, blocks };
[[nodiscard]] Result<SearcherPtr> raw_search(const Corpus& corpus, const SignatureSetPtr& set, Raw raw);

// What finds something only reports it, so that everything is searched and handed back.
[[nodiscard]] SearcherPtr engine_search(Connections& connections, const SignatureSetPtr& set);

// Where the searching is done, and where everything else.
struct Cpus {
    unsigned searcher, others;
};

// While it lives, this thread runs on that CPU.
class OnCpu {
public:
    explicit OnCpu(unsigned cpu);
    OnCpu(const OnCpu&) = delete;
    OnCpu& operator=(const OnCpu&) = delete;
    ~OnCpu();

private:
    cpu_set_t before_;
};

// A worker with its engine between two ports in memory.
[[nodiscard]] Result<SearcherPtr> ring_search(const Eal& eal, Connections& connections,
                                              const SignatureSetPtr& set, Cpus cpus);

// The same over AF_XDP on a veth pair. Needs root.
[[nodiscard]] Result<SearcherPtr> veth_search(const Eal& eal, Connections& connections,
                                              const SignatureSetPtr& set, Cpus cpus);

}  // namespace dishwall::bench
