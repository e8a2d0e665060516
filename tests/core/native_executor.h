// SPDX-License-Identifier: BSD-3-Clause
//
// The packet core compiled for user space, and the tables that it works on: also those of its bytecode under
// the interpreter (interpreted_executor.h).
#pragma once

#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "bpf/core/native.h"
#include "tests/core/executor.h"
#include "tests/core/names.h"
#include "tests/core/native_image.h"

namespace dishwall::test {

template <typename T>
struct FreeAligned {
    void operator()(T* memory) const { std::free(memory); }
};
template <typename T>
using AlignedArray = std::unique_ptr<T[], FreeAligned<T>>;

template <typename T>
[[nodiscard]] AlignedArray<T> make_aligned(std::size_t count) {
    void* memory = std::aligned_alloc(DW_LINE, (count * sizeof(T) + DW_LINE - 1) / DW_LINE * DW_LINE);
    std::memset(memory, 0, count * sizeof(T));
    return AlignedArray<T>(static_cast<T*>(memory));
}

class NativeExecutor : public Executor {
public:
    explicit NativeExecutor(const TableSetup& setup)
        : slots_(make_aligned<dw_slots>(setup.buckets)),
          flows_(make_aligned<dw_flow>(setup.buckets * std::size_t{DW_WAYS})),
          fragments_(make_aligned<dw_fragment_bucket>(DW_FRAGMENT_BUCKETS)),
          link_(make_aligned<dw_link>(1)),
          rates_(make_aligned<dw_rates>(1)),
          inspection_(make_aligned<dw_inspection>(1)),
          counters_(make_aligned<dw_counter>(DW_COUNTERS)) {
        memory_.settings.bucket_mask = setup.buckets - 1;
        memory_.settings.ask_neighbours = setup.strangers;
        memory_.settings.hz = 1000;
        for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) memory_.settings.secret[i] = kTestSecret * (i + 1);
        memory_.slots = slots_.get();
        memory_.flows = flows_.get();
        memory_.fragments = fragments_.get();
        memory_.link = link_.get();
        memory_.rates = rates_.get();
        memory_.inspection = inspection_.get();
        memory_.counters = counters_.get();
        memory_.own = &own_;
        memory_.now = 10'000'000;
    }
    void install(const CompiledImage& compiled) override {
        image_ = NativeImage(compiled);
        image_.put_in_force(&memory_, ++generation_);
    }
    void set_own(const Own& own) override {
        if (const Result<void> done = encode(own, &own_); !done)
            throw std::runtime_error(done.error().message);
    }
    void forget() override {
        std::memset(static_cast<void*>(slots_.get()), 0, slots().size_bytes());
        std::memset(static_cast<void*>(flows_.get()), 0, flows().size_bytes());
        std::memset(static_cast<void*>(fragments_.get()), 0,
                    DW_FRAGMENT_BUCKETS * sizeof(dw_fragment_bucket));
        std::memset(static_cast<void*>(link_.get()), 0, sizeof(dw_link));
        std::memset(static_cast<void*>(rates_.get()), 0, sizeof(dw_rates));
    }
    void wait(std::chrono::milliseconds time) override {
        memory_.now += static_cast<std::uint64_t>(time.count()) * memory_.settings.hz / 1000;
    }
    void set_inspector(Inspector state) override { inspector_ = state; }
    dw_inspection& inspection() override { return inspection_[0]; }
    [[nodiscard]] std::uint64_t clock_ns() const override {
        return memory_.now * (1'000'000'000 / memory_.settings.hz);
    }
    dw_outcome run(Direction direction, const Bytes& frame) override {
        show_inspector();
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
    dw_flow flow(std::uint32_t id) override { return flows_[id - 1]; }
    dw_counter counter(std::uint32_t id) override { return counters_[id]; }
    bool pass(Direction direction, const Bytes& frame, unsigned times) override {
        while (times-- > 1) run(direction, frame);
        return run(direction, frame).verdict == DW_ACCEPT;
    }
    [[nodiscard]] std::span<const dw_slots> slots() const override {
        return {slots_.get(), memory_.settings.bucket_mask + 1ul};
    }
    [[nodiscard]] std::span<const dw_flow> flows() const override {
        return {flows_.get(), slots().size() * DW_WAYS};
    }
    [[nodiscard]] std::span<const dw_fragment_bucket> fragments() const override {
        return {fragments_.get(), DW_FRAGMENT_BUCKETS};
    }

protected:
    void show_inspector() { show(inspector_, clock_ns(), inspection_.get()); }

    AlignedArray<dw_slots> slots_;
    AlignedArray<dw_flow> flows_;
    AlignedArray<dw_fragment_bucket> fragments_;
    AlignedArray<dw_link> link_;
    AlignedArray<dw_rates> rates_;
    AlignedArray<dw_inspection> inspection_;
    AlignedArray<dw_counter> counters_;
    NativeImage image_;
    dw_own own_{};
    dw_memory memory_{};
    dw_reply_budget budget_{};
    std::uint32_t generation_ = 0;
    Inspector inspector_ = Inspector::none;
};

}  // namespace dishwall::test
