// SPDX-License-Identifier: BSD-3-Clause
//
// A schedule of segments, decoded from any bytes (random ones in the tests, the fuzzer's in tests/fuzz) and
// played to the reassembler, to the model, and to a receiver behind it. The receiver loses packets, and of
// two copies it takes either; whatever it is, it must read nothing that the sink has not taken first, in the
// same order.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace dishwall::test {

struct Played {
    std::string wrong;  // what differed; empty when nothing did
    unsigned segments = 0, dropped = 0, conflicts = 0, gaps = 0, rewinds = 0;
    std::uint64_t read = 0;  // bytes by the receiver
};

[[nodiscard]] Played play_streams(std::span<const std::uint8_t> script);

}  // namespace dishwall::test
