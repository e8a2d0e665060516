// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/signatures/signature_set.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/dataplane/signatures_fixture.h"

namespace dishwall::test {
namespace {

std::string why_not(std::string_view text) {
    const auto loaded = load_signatures("bad", "sig/bad.hs", text, nullptr);
    return loaded ? "" : loaded.error().message;
}

TEST(Signatures, KnowTheirLines) {
    const SignatureSetPtr set = signatures("# what\n7:/a/\n\n3:/b/i\n");
    EXPECT_EQ(set->patterns(), 2u);
    EXPECT_EQ(set->line_of(3), 4u);
    EXPECT_EQ(set->line_of(7), 2u);
    EXPECT_EQ(set->line_of(4), 0u);
    EXPECT_GT(set->stream_bytes(), 0u);
}

TEST(Signatures, AFileWithoutPatternsFindsNothing) {
    const SignatureSetPtr set = signatures("# nothing\n");
    EXPECT_EQ(found_in(set, "anything"), 0u);
}

TEST(Signatures, FlagsMeanWhatHyperscansToolsMean) {
    EXPECT_EQ(found_in(signatures("1:/abc/"), "xABCx"), 0u);
    EXPECT_EQ(found_in(signatures("1:/abc/i"), "xABCx"), 1u);
    EXPECT_EQ(found_in(signatures("1:/^b/"), "a\nb"), 0u);
    EXPECT_EQ(found_in(signatures("1:/^b/m"), "a\nb"), 1u);
    EXPECT_EQ(found_in(signatures("1:/a.b/"), "a\nb"), 0u);
    EXPECT_EQ(found_in(signatures("1:/a.b/s"), "a\nb"), 1u);
    EXPECT_EQ(found_in(signatures("1:/a*/V"), "b"), 1u);
    EXPECT_NE(why_not("1:/a*/"), "") << "it matches the empty text";
    EXPECT_EQ(found_in(signatures("1:/^.$/s8"), "\xc3\xa9"), 1u);
    EXPECT_EQ(found_in(signatures("1:/^\\w$/8W"), "\xc3\xa9"), 1u);
    EXPECT_EQ(found_in(signatures("1:/^\\w$/8"), "\xc3\xa9"), 0u);
    EXPECT_EQ(found_in(signatures("1:/a(?=b)/P"), "ab"), 1u);
    EXPECT_NE(why_not("1:/a(?=b)/"), "");
    EXPECT_EQ(found_in(signatures("1:/abc/H"), "abcabc"), 1u);
    EXPECT_EQ(found_in(signatures("1:/a+b/L"), "aab"), 1u) << "the start has a horizon in streams";
}

TEST(Signatures, CombinationsAreOfOtherIds) {
    const SignatureSetPtr set = signatures("1:/GET/Q\n2:/evil/Q\n3:/nice/Q\n10:/1 & 2 & !3/C\n");
    EXPECT_EQ(found_in(set, "GET evil"), 10u);
    EXPECT_EQ(found_in(set, "GET good"), 0u);
    EXPECT_EQ(found_in(set, "evil"), 0u);
    EXPECT_EQ(why_not("1:/a/Q\n10:/1 & 77/C\n"), "sig/bad.hs:2: pattern 10: no pattern has the ID 77");
}

TEST(Signatures, EveryBadPatternIsListedAndNoneIsLoaded) {
    EXPECT_EQ(why_not("1:/fine/\n2:/a(b/\n# c\n3:/[z-a]/i\n4:/also fine/\n5:/(a)\\1/\n9:/2 & 4/C\n"),
              "sig/bad.hs:2: pattern 2: Missing close parenthesis for group started at index 1\n"
              "sig/bad.hs:4: pattern 3: Range out of order in character class at index 3\n"
              "sig/bad.hs:6: pattern 5: Back-references are unsupported");
}

TEST(Signatures, LinesThatAreNoPatternsComeFirst) {
    EXPECT_EQ(why_not("1:/a(b/\nx:/a/\n2:/a/z\n"),
              "sig/bad.hs:2: a line is ID:/regex/flags, and the ID a number of at most 32 bits\n"
              "sig/bad.hs:3: the flags are of imsHV8WPLCQ");
    EXPECT_EQ(why_not(std::string_view("1:/a\0b/\n", 8)),
              "sig/bad.hs:1: the regex has a NUL byte; write it \\x00");
}

TEST(Signatures, APatternTooLargeIsFoundByCompiling) {
    const std::string said =
        why_not("1:/fine/\n2:/(?:(?:a.{1,900}b.{1,900}){1,90}c){4,900}/s\n3:/fine, too/\n");
    EXPECT_TRUE(said.starts_with("sig/bad.hs:2: pattern 2: ")) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
}

TEST(Signatures, AtMostAHundredAreListed) {
    std::string text;
    for (int i = 0; i < 150; ++i) text += fmt::format("{}:/a(b/\n", i);
    const std::string said = why_not(text);
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 99);
}

}  // namespace
}  // namespace dishwall::test
