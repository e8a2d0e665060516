// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/executor.h"

#include <fmt/format.h>

#include <cstring>

#include "tests/core/names.h"
#include "tests/core/native_executor.h"

namespace dishwall::test {

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
           a.inspect == b.inspect && std::memcmp(&a.window, &b.window, sizeof a.window) == 0;
}

}  // namespace dishwall::test
