// SPDX-License-Identifier: BSD-3-Clause
//
// The whole native path under a fuzzer: the input is a sequence of frames, each with a byte for its direction
// and two for its length. Besides what the sanitizers see: every packet gets a reason that exists, a verdict
// that fits it, and nothing is accepted "by a flow" that is not in the table.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "bpf/core/reason.h"
#include "tests/core/executor.h"
#include "tests/core/names.h"
#include "tests/core/world.h"

namespace {

using namespace dishwall;
using namespace dishwall::test;

void check(const dw_outcome& outcome) {
    if (reason_name(outcome.reason).starts_with("reason ")) std::abort();
    if (outcome.reason == DW_REASON_INTERNAL || outcome.reason == DW_REASON_NO_POLICY) std::abort();
    if (outcome.verdict != DW_ACCEPT && outcome.verdict != DW_DROP && outcome.verdict != DW_REJECT) std::abort();
    if (outcome.reason == DW_REASON_FLOW && (outcome.flow == 0 || outcome.verdict != DW_ACCEPT)) std::abort();
    if (outcome.reason == DW_REASON_ICMP_ERROR && outcome.flow == 0) std::abort();
    if (outcome.reason == DW_REASON_TRUNCATED && outcome.verdict != DW_DROP) std::abort();
}

Executor& core() {
    static const std::unique_ptr<Executor> native = [] {
        std::unique_ptr<Executor> made = make_native_executor({.buckets = 4});
        made->set_own(world_own());
        made->install(lower_or_throw(read_or_throw(kWorldRules)));
        return made;
    }();
    return *native;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    core().forget();
    while (size > 3) {  // a frame has at least one byte
        const Direction direction = data[0] & 1 ? Direction::outbound : Direction::inbound;
        const std::size_t wanted = data[1] | (data[2] & 7) << 8;
        const std::size_t length = std::clamp<std::size_t>(wanted, 1, size - 3);
        check(core().run(direction, Bytes(data + 3, data + 3 + length)));
        data += 3 + length;
        size -= 3 + length;
    }
    return 0;
}
