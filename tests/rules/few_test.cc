// SPDX-License-Identifier: BSD-3-Clause
//
// A list of few does what a vector does, whether its elements stand in place or not.
#include "rules/few.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace dishwall::test {
namespace {

using Texts = Few<std::string>;

std::string text_of(unsigned number) {
    return "text number " + std::to_string(number) + ", too long to stand in place";
}

template <typename List>
std::vector<std::string> all_of(const List& list) {
    return {list.begin(), list.end()};
}

TEST(Few, DoesWhatAVectorDoes) {
    std::mt19937 random(1);
    for (unsigned round = 0; round < 200; ++round) {
        Texts few;
        std::vector<std::string> many;
        for (unsigned step = 0; step < 20; ++step) {
            const unsigned what = random() % 8;
            if (what < 3) {
                few.push_back(text_of(step));
                many.push_back(text_of(step));
            } else if (what == 3 && !many.empty()) {
                few.pop_back();
                many.pop_back();
            } else if (what == 4 && !many.empty()) {
                const unsigned first = random() % many.size(), count = random() % (many.size() - first + 1);
                few.erase(few.begin() + first, few.begin() + first + count);
                many.erase(many.begin() + first, many.begin() + first + count);
            } else if (what == 5) {
                few.append(many.begin(), many.end());
                const auto same = many;
                many.insert(many.end(), same.begin(), same.end());
            } else if (what == 6) {
                Texts moved = std::move(few);
                EXPECT_TRUE(few.empty());  // NOLINT: what is left is a list
                few = moved;
            } else {
                few = Texts(few);
            }
            ASSERT_EQ(all_of(few), many);
            if (many.size() > 64) break;
        }
    }
}

TEST(Few, AnElementMayBeAddedToItsOwnList) {
    Texts few{text_of(1)};
    few.push_back(few.front());
    few.push_back(few.front());
    EXPECT_EQ(all_of(few), (std::vector<std::string>{text_of(1), text_of(1), text_of(1)}));
}

TEST(Few, OneElementTakesNoMemoryOfItsOwn) {
    const Few<std::uint64_t> one{7};
    const auto* const begin = reinterpret_cast<const std::byte*>(&one);
    const auto* const element = reinterpret_cast<const std::byte*>(one.data());
    EXPECT_TRUE(begin <= element && element < begin + sizeof one);
}

TEST(Few, IsAssignedFromElements) {
    Texts few{text_of(1), text_of(2), text_of(3)};
    few = {text_of(4)};
    EXPECT_EQ(all_of(few), std::vector<std::string>{text_of(4)});
    few.assign(3, text_of(5));
    EXPECT_EQ(all_of(few), std::vector<std::string>(3, text_of(5)));
    EXPECT_TRUE(few == (Texts{text_of(5), text_of(5), text_of(5)}));
}

}  // namespace
}  // namespace dishwall::test
