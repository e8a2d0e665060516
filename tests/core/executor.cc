// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/executor.h"

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>

#include "bpf/core/native.h"
#include "tests/core/names.h"

namespace dishwall::test {
namespace {

template <typename T>
struct FreeAligned {
    void operator()(T* memory) const { std::free(memory); }
};
template <typename T>
using AlignedArray = std::unique_ptr<T[], FreeAligned<T>>;

template <typename T>
AlignedArray<T> make_aligned(std::size_t count) {
    void* memory = std::aligned_alloc(DW_LINE, (count * sizeof(T) + DW_LINE - 1) / DW_LINE * DW_LINE);
    std::memset(memory, 0, count * sizeof(T));
    return AlignedArray<T>(static_cast<T*>(memory));
}

class NativeExecutor final : public Executor {
public:
    explicit NativeExecutor(const TableSetup& setup)
        : buckets_(make_aligned<dw_bucket>(setup.buckets)),
          fragments_(make_aligned<dw_fragment_bucket>(DW_FRAGMENT_BUCKETS)),
          link_(make_aligned<dw_link>(1)),
          rates_(make_aligned<dw_rates>(1)),
          counters_(make_aligned<dw_counter>(DW_COUNTERS)),
          image_(make_aligned<std::byte>(DW_IMAGE_SIZE)) {
        memory_.settings.bucket_mask = setup.buckets - 1;
        memory_.settings.ask_neighbours = setup.strangers;
        memory_.settings.hz = 1000;
        for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) memory_.settings.secret[i] = kTestSecret * (i + 1);
        memory_.buckets = buckets_.get();
        memory_.fragments = fragments_.get();
        memory_.link = link_.get();
        memory_.rates = rates_.get();
        memory_.counters = counters_.get();
        memory_.own = &own_;
        memory_.now = 10'000'000;
    }
    void install(const CompiledImage& compiled) override {
        std::memcpy(image_.get(), compiled.image.data(), compiled.image.size());
        ranges_ = compiled.ranges;
        memory_.ranges = ranges_.data();
        memory_.range_count = static_cast<std::uint32_t>(ranges_.size());
        reinterpret_cast<dw_image*>(image_.get())->generation = ++generation_;
        memory_.image = reinterpret_cast<const dw_blob*>(image_.get());
    }
    void set_own(const Own& own) override {
        if (const Result<void> done = encode(own, &own_); !done)
            throw std::runtime_error(done.error().message);
    }
    void forget() override {
        std::memset(static_cast<void*>(buckets_.get()), 0,
                    (memory_.settings.bucket_mask + 1ul) * sizeof(dw_bucket));
        std::memset(static_cast<void*>(fragments_.get()), 0,
                    DW_FRAGMENT_BUCKETS * sizeof(dw_fragment_bucket));
        std::memset(static_cast<void*>(link_.get()), 0, sizeof(dw_link));
        std::memset(static_cast<void*>(rates_.get()), 0, sizeof(dw_rates));
    }
    void wait(std::chrono::milliseconds time) override {
        memory_.now += static_cast<std::uint64_t>(time.count()) * memory_.settings.hz / 1000;
    }
    dw_outcome run(Direction direction, const Bytes& frame) override {
        dw_outcome outcome{};
        const auto judge = direction == Direction::inbound ? dw_native_inbound : dw_native_outbound;
        judge(&memory_, frame.data(), static_cast<std::uint32_t>(frame.size()), &outcome);
        return outcome;
    }
    Bytes reply(const Bytes& frame) override {
        Bytes out(2048);
        const auto length = static_cast<std::uint32_t>(frame.size());
        out.resize(dw_native_reject(&memory_, &budget_, frame.data(), length, out.data()));
        return out;
    }
    dw_flow flow(std::uint32_t id) override { return buckets_[(id - 1) / DW_WAYS].flow[(id - 1) % DW_WAYS]; }
    dw_counter counter(std::uint32_t id) override { return counters_[id]; }
    bool pass(Direction direction, const Bytes& frame, unsigned times) override {
        while (times-- > 1) run(direction, frame);
        return run(direction, frame).verdict == DW_ACCEPT;
    }
    [[nodiscard]] std::span<const dw_bucket> buckets() const override {
        return {buckets_.get(), memory_.settings.bucket_mask + 1ul};
    }
    [[nodiscard]] std::span<const dw_fragment_bucket> fragments() const override {
        return {fragments_.get(), DW_FRAGMENT_BUCKETS};
    }

private:
    AlignedArray<dw_bucket> buckets_;
    AlignedArray<dw_fragment_bucket> fragments_;
    AlignedArray<dw_link> link_;
    AlignedArray<dw_rates> rates_;
    AlignedArray<dw_counter> counters_;
    AlignedArray<std::byte> image_;
    std::vector<dw_range> ranges_;
    dw_own own_{};
    dw_memory memory_{};
    dw_reply_budget budget_{};
    std::uint32_t generation_ = 0;
};

}  // namespace

std::unique_ptr<Executor> make_native_executor(const TableSetup& setup) {
    return std::make_unique<NativeExecutor>(setup);
}

std::string describe(const dw_outcome& outcome) {
    return fmt::format("{} ({}), rule {} index {}, proto {}, flow {} seen {:#x}, prefix {} state {}",
                       verdict_name(outcome.verdict), reason_name(outcome.reason), outcome.rule,
                       outcome.rule_index, outcome.proto, outcome.flow, outcome.flow_seen,
                       outcome.prefix_slot, outcome.prefix_state);
}

bool same(const dw_outcome& a, const dw_outcome& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

bool same(const dw_flow& a, const dw_flow& b) {
    return std::memcmp(&a.key, &b.key, sizeof a.key) == 0 && a.rule == b.rule &&
           a.generation == b.generation && a.seen == b.seen && a.origin == b.origin && a.reason == b.reason &&
           std::memcmp(&a.in, &b.in, sizeof a.in) == 0 && std::memcmp(&a.out, &b.out, sizeof a.out) == 0 &&
           std::memcmp(&a.scale, &b.scale, sizeof a.scale) == 0 &&
           std::memcmp(&a.window, &b.window, sizeof a.window) == 0;
}

}  // namespace dishwall::test
