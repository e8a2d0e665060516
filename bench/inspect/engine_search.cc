// SPDX-License-Identifier: BSD-3-Clause
#include <chrono>

#include "bench/inspect/judge.h"
#include "bench/inspect/subjects.h"

namespace dishwall::bench {
namespace {

constexpr std::size_t kBurst = 64;

class EngineSearch final : public Searcher, private FrameSender {
public:
    EngineSearch(Connections& connections, const SignatureSetPtr& set)
        : connections_(connections), judge_(connections, set, *this) {}

    Result<Lap> lap() override {
        judge_.begin_lap();
        Lap lap;
        const std::vector<Chunk>& chunks = connections_.corpus().chunks();
        const auto begin = std::chrono::steady_clock::now();
        for (std::size_t first = 0; first < chunks.size(); first += kBurst) {
            const std::size_t end = std::min(chunks.size(), first + kBurst);
            const std::uint64_t now_ns = now();
            judge_.engine().tick(now_ns);
            for (std::size_t i = first; i < end; ++i) lap.frames_back += inspect(i, now_ns);
            for (std::size_t i = first; i < end; ++i) connections_.acknowledge(chunks[i]);
        }
        lap.ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
        lap.searched = judge_.searched();
        lap.found = judge_.found();
        return lap;
    }

private:
    static std::uint64_t now() {
        return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    }
    [[nodiscard]] Frame frame(std::size_t number) {
        const std::span<std::uint8_t> frame = connections_.frame(number);
        const auto length = static_cast<std::uint32_t>(frame.size());
        return {frame.data(), length, length};
    }
    bool inspect(std::size_t number, std::uint64_t now_ns) {
        if (number + 1 < connections_.frames()) expect(frame(number + 1));
        return judge_.engine().inspect(frame(number), now_ns) == Fate::forward;
    }
    bool send(std::span<const std::uint8_t>) override { return false; }

    Connections& connections_;
    Judge judge_;
};

}  // namespace

OnCpu::OnCpu(unsigned cpu) {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    ::sched_setaffinity(0, sizeof only, &only);
}

OnCpu::~OnCpu() { ::sched_setaffinity(0, sizeof before_, &before_); }

SearcherPtr engine_search(Connections& connections, const SignatureSetPtr& set) {
    return std::make_unique<EngineSearch>(connections, set);
}

}  // namespace dishwall::bench
