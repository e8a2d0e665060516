// SPDX-License-Identifier: BSD-3-Clause
//
// The sum over many bytes at once equals the sum over words of two (RFC 1071), at every length and alignment,
// with and without the CPU's wider vectors.
#include "bpf/core/wide_sum.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "dataplane/engine/frame_edit.h"

namespace dishwall {
namespace {

std::uint16_t folded(std::uint64_t sum) {
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

// In the byte order of the wire; an odd byte is the upper half of a word.
std::uint16_t word_by_word(std::span<const std::uint8_t> bytes) {
    std::uint64_t sum = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) sum += at % 2 == 0 ? bytes[at] << 8 : bytes[at];
    return folded(sum);
}

TEST(WideSum, IsTheSumWordByWord) {
    std::mt19937 dice(1071);
    std::vector<std::uint8_t> bytes(4096);
    for (const int fill : {0, 0xff, -1}) {
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(fill < 0 ? dice() : fill);
        for (std::size_t size = 0; size <= bytes.size() - 64; size += size < 300 ? 1 : 97) {
            const std::span<const std::uint8_t> some(bytes.data() + dice() % 64, size);
            const std::uint16_t expected = word_by_word(some);
            ASSERT_EQ(WireSum().add(some).complement(), static_cast<std::uint16_t>(~expected)) << size;
            ASSERT_EQ(folded(dw_wide_sum(some.data(), size)), folded(dw_wide_sum_of(some.data(), size)))
                << size;
        }
    }
}

}  // namespace
}  // namespace dishwall
