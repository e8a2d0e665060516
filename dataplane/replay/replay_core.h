// SPDX-License-Identifier: BSD-3-Clause
//
// The packet core with one policy and tables of its own: what the kernel's programs do, in this process, and
// the clock is the capture's. So flows, timeouts and rates come to what they came to on the line.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "bpf/core/native.h"
#include "rules/own.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

class ReplayCore {
public:
    static constexpr std::uint32_t kHz = 1000;  // jiffies a second: capture times are good for milliseconds

    // Fails when the policy does not fit into an image.
    [[nodiscard]] static Result<std::unique_ptr<ReplayCore>> make(const Policy& policy);

    // Fails when there are more prefixes or addresses than the tables hold; what was ours then stays.
    [[nodiscard]] Result<void> set_own(const Own& own);
    // Since any moment; time that runs backwards stands still. An inspector is always there.
    void set_time(std::int64_t time_ns);
    [[nodiscard]] dw_outcome judge(Direction direction, std::span<const std::uint8_t> frame);

    // Of an outcome's `flow`, which is not 0.
    [[nodiscard]] const dw_flow& flow(std::uint32_t id) const { return flows_[id - 1]; }
    [[nodiscard]] std::size_t flow_slots() const {
        return (memory_.settings.bucket_mask + std::size_t{1}) * DW_WAYS;
    }
    // Flows that have neither ended nor expired.
    [[nodiscard]] std::uint64_t open_flows() const;
    [[nodiscard]] std::uint64_t clock_ns() const { return memory_.now * (1'000'000'000 / kHz); }
    // For an engine on the same tables.
    [[nodiscard]] const dw_memory& memory() const { return memory_; }

    // Of the rule that an outcome names, as rule_at() counts.
    [[nodiscard]] static std::uint32_t rule_index(std::uint32_t rule) { return rule - DW_REASONS_MAX; }

private:
    static constexpr std::align_val_t kAlignment{DW_LINE};
    struct Free {
        void operator()(void* memory) const { ::operator delete(memory, kAlignment); }
    };
    template <typename T>
    using Table = std::unique_ptr<T[], Free>;
    template <typename T>
    [[nodiscard]] static Table<T> make_table(std::size_t count);

    ReplayCore(std::vector<std::byte> image, unsigned flow_table);

    std::vector<std::byte> image_;
    Table<dw_own> own_;  // two, in turn
    unsigned own_in_force_ = 0;
    Table<dw_slots> slots_;
    Table<dw_flow> flows_;
    Table<dw_fragment_bucket> fragments_;
    Table<dw_link> link_;
    Table<dw_rates> rates_;
    Table<dw_inspection> inspection_;
    Table<dw_counter> counters_;
    dw_memory memory_{};
    std::int64_t started_ns_ = 0;
    bool started_ = false;
};

}  // namespace dishwall
