// SPDX-License-Identifier: BSD-3-Clause
//
// Lists of rules' numbers as words (dw_chain.lists): how many, then the numbers, least first. A list that
// fits a line does not lie across two. No list begins with word 0, so 0 can say that there is none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bpf/core/image_layout.h"

namespace dishwall {

class RuleLists {
public:
    // Which word the list begins with.
    std::uint32_t add(const std::vector<std::uint32_t>& numbers) {
        if (words_.empty()) words_.push_back(0);
        const std::size_t left = DW_NUMBERS_A_LINE - words_.size() % DW_NUMBERS_A_LINE;
        if (numbers.size() + 1 > left && left < DW_NUMBERS_A_LINE) words_.resize(words_.size() + left);
        const auto at = static_cast<std::uint32_t>(words_.size());
        words_.push_back(static_cast<std::uint32_t>(numbers.size()));
        words_.insert(words_.end(), numbers.begin(), numbers.end());
        longest_ = std::max(longest_, numbers.size());
        return at;
    }
    // Lines that a list of so many numbers takes.
    [[nodiscard]] static std::uint32_t lines(std::size_t numbers) {
        return static_cast<std::uint32_t>((numbers + DW_NUMBERS_A_LINE) / DW_NUMBERS_A_LINE);
    }
    [[nodiscard]] const std::vector<std::uint32_t>& words() const { return words_; }
    [[nodiscard]] std::size_t longest() const { return longest_; }

private:
    std::vector<std::uint32_t> words_;
    std::size_t longest_ = 0;
};

}  // namespace dishwall
