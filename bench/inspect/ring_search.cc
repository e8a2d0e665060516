// SPDX-License-Identifier: BSD-3-Clause
//
// A worker between two ports of rings in memory. This thread is the line on either side of it: it copies
// frames into buffers, takes them back, and acknowledges what came back.
#include <rte_mbuf.h>

#include <atomic>
#include <chrono>

#include "bench/inspect/judge.h"
#include "bench/inspect/subjects.h"
#include "dataplane/port/worker.h"

namespace dishwall::bench {
namespace {

constexpr std::size_t kUnderWay = 1024;  // frames between the two ports; a ring takes 2,048
constexpr std::chrono::seconds kPatience{20};

class RingSearch final : public Searcher {
public:
    RingSearch(Connections& connections, const SignatureSetPtr& set, Port near, Port far, Cpus cpus)
        : connections_(connections),
          near_(std::move(near)),
          worker_(0, std::move(far), &connections.worker()),
          judge_(connections, set, worker_.sender()),
          cpus_(cpus) {}

    Result<Lap> lap() override {
        const OnCpu here(cpus_.others);
        judge_.begin_lap();
        if (auto started = worker_.start(&judge_.engine(), cpus_.searcher); !started)
            return tl::unexpected(started.error());
        auto lap = measure();
        worker_.stop();
        if (!lap) return lap;
        lap->searched = judge_.searched();
        lap->found = judge_.found();
        return lap;
    }

private:
    Result<Lap> measure() {
        Lap lap;
        const auto begin = std::chrono::steady_clock::now();
        const std::size_t all = connections_.frames();
        for (std::size_t sent = 0; lap.frames_back < all;) {
            sent = send(sent, std::min(all, lap.frames_back + kUnderWay));
            lap.frames_back += take_back(lap.frames_back);
            if (std::chrono::steady_clock::now() - begin > kPatience)
                return fail("{} of {} frames came back in {} s", lap.frames_back, all, kPatience.count());
        }
        lap.ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
        return lap;
    }

    // Up to frame `end`, a burst at most. Returns which is the next.
    std::size_t send(std::size_t next, std::size_t end) {
        Burst burst;
        while (next < end && !burst.full()) {
            rte_mbuf* const copy = near_.copy_of(connections_.frame(next));
            if (copy == nullptr) break;
            burst.push(copy);
            ++next;
        }
        std::atomic_ref(connections_.worker().given).fetch_add(burst.size());
        near_.transmit(&burst);
        return next;
    }

    // They come back in order.
    std::size_t take_back(std::size_t first) {
        Burst burst;
        near_.receive(&burst);
        for (std::size_t i = 0; i < burst.size(); ++i)
            connections_.acknowledge(connections_.corpus().chunks()[first + i]);
        return burst.size();
    }

    Connections& connections_;
    Port near_;
    Worker worker_;  // runs during a lap only
    Judge judge_;
    Cpus cpus_;
};

}  // namespace

Result<SearcherPtr> ring_search(const Eal& eal, Connections& connections, const SignatureSetPtr& set,
                                Cpus cpus) {
    static unsigned number = 0;  // DPDK's names are the process's
    Result<std::pair<Port, Port>> ports = Port::ring_pair(eal, fmt::format("bench{}", number++));
    if (!ports) return tl::unexpected(ports.error());
    return std::make_unique<RingSearch>(connections, set, std::move(ports->first), std::move(ports->second),
                                        cpus);
}

}  // namespace dishwall::bench
