// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/cuckoo.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bpf/core/image_layout.h"

namespace dishwall::test {
namespace {

std::vector<std::uint64_t> hashes(std::size_t count) {
    std::vector<std::uint64_t> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(dw_mix(i, 7));
    return made;
}

bool sits_in(const std::vector<std::uint32_t>& seats, std::uint32_t line, unsigned ways, std::uint32_t who) {
    const auto begin = seats.begin() + static_cast<std::ptrdiff_t>(std::size_t{line} * ways);
    return std::find(begin, begin + ways, who) != begin + ways;
}

// Everybody has exactly one seat, in one of his two lines. Gives how many sit in the first.
std::size_t check(const std::vector<std::uint64_t>& hashes, const std::vector<std::uint32_t>& seats,
                  std::uint32_t lines, unsigned ways) {
    std::size_t first = 0, found = 0;
    for (std::uint32_t i = 0; i < hashes.size(); ++i) {
        const bool in_first = sits_in(seats, dw_pick(hashes[i], lines), ways, i);
        first += in_first;
        found += in_first || sits_in(seats, dw_pick(dw_mix(hashes[i], 1), lines), ways, i);
    }
    EXPECT_EQ(found, hashes.size());
    EXPECT_EQ(seats.size(), std::size_t{lines} * ways);
    EXPECT_EQ(static_cast<std::size_t>(std::count(seats.begin(), seats.end(), kNobody)),
              seats.size() - hashes.size());
    return first;
}

TEST(Cuckoo, TwoWaysAreFilledToThreeQuarters) {
    const auto keys = hashes(200'000);
    const std::uint32_t lines = lines_for(keys.size(), DW_SERVICE_WAYS, 0.75);
    const auto seats = seat(keys, lines, DW_SERVICE_WAYS);
    ASSERT_TRUE(seats.has_value());
    EXPECT_GT(check(keys, *seats, lines, DW_SERVICE_WAYS), keys.size() * 6 / 10) << "most are found at once";
}

TEST(Cuckoo, EightWaysAreFilledToNineTenths) {
    const auto keys = hashes(200'000);
    const std::uint32_t lines = lines_for(keys.size(), DW_ENTRY_WAYS, 0.9);
    const auto seats = seat(keys, lines, DW_ENTRY_WAYS);
    ASSERT_TRUE(seats.has_value());
    check(keys, *seats, lines, DW_ENTRY_WAYS);
}

TEST(Cuckoo, AFewSitAnywhere) {
    for (std::size_t count = 0; count < 40; ++count) {
        const auto keys = hashes(count);
        const std::uint32_t lines = lines_for(count, DW_ENTRY_WAYS, 0.85);
        EXPECT_GE(lines, 1u);
        const auto seats = seat(keys, lines, DW_ENTRY_WAYS);
        ASSERT_TRUE(seats.has_value()) << count;
        check(keys, *seats, lines, DW_ENTRY_WAYS);
    }
}

TEST(Cuckoo, EqualHashesFillTheirTwoLinesAndNoMore) {
    const std::uint64_t hash = dw_mix(1, 2);
    const auto lines = [](std::uint64_t h) { return dw_pick(h, 100) != dw_pick(dw_mix(h, 1), 100); };
    ASSERT_TRUE(lines(hash));
    EXPECT_TRUE(seat(std::vector<std::uint64_t>(4, hash), 100, DW_SERVICE_WAYS).has_value());
    EXPECT_FALSE(seat(std::vector<std::uint64_t>(5, hash), 100, DW_SERVICE_WAYS).has_value());
}

TEST(Cuckoo, TheSameEveryTime) { EXPECT_EQ(seat(hashes(1000), 700, 2), seat(hashes(1000), 700, 2)); }

}  // namespace
}  // namespace dishwall::test
