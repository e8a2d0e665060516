// SPDX-License-Identifier: BSD-3-Clause
//
// The signatures that come with dishwall: each has a request that it must find, whole and in one-byte
// segments, and none may find anything in ordinary requests. first_set/NAME.txt has both.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <charconv>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "rules/signatures.h"
#include "tests/dataplane/signatures_fixture.h"

namespace dishwall::test {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file) << path;
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            plain += text[i];
            continue;
        }
        const char what = text[++i];
        if (what == 'x') {
            unsigned value = 0;
            std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16);
            plain += static_cast<char>(value);
            i += 2;
        } else {
            plain += what == 'r' ? '\r' : what == 'n' ? '\n' : what;
        }
    }
    return plain;
}

struct Sample {
    std::uint32_t id = 0;  // 0: nothing may be found
    std::string said, text;
};

std::vector<Sample> samples_of(const std::string& name) {
    std::vector<Sample> samples;
    std::istringstream lines(
        text_of(fmt::format("{}/tests/dataplane/first_set/{}.txt", DISHWALL_SOURCE_ROOT, name)));
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line.front() == '#') continue;
        Sample sample{0, line, unescape(std::string_view(line).substr(line.find(' ') + 1))};
        if (line.front() != '-') sample.id = static_cast<std::uint32_t>(std::stoul(line));
        if (name == "web" && sample.text.find('\r') == std::string::npos)
            sample.text += " HTTP/1.1\r\nHost: nas.example\r\n\r\n";
        samples.push_back(std::move(sample));
    }
    return samples;
}

bool found_byte_by_byte(const SignatureSetPtr& set, const std::string& text) {
    ScanWorker worker(1);
    StreamMemory memory{StreamLimits{}};
    StreamScanner scanner(worker, set, AfterMatch::stop);
    Reassembler stream(memory, scanner);
    for (std::size_t i = 0; i < text.size() && !scanner.match(); ++i)
        (void)stream.segment(
            {static_cast<std::uint32_t>(i), bytes_of(text).subspan(i, 1), false, i + 1 == text.size()});
    return scanner.match().has_value();
}

class FirstSet : public testing::TestWithParam<const char*> {
protected:
    std::string text_ = text_of(fmt::format("{}/rules/signatures/{}.hs", DISHWALL_SOURCE_ROOT, GetParam()));
    SignatureSetPtr set_ = signatures(text_);
    std::vector<Sample> samples_ = samples_of(GetParam());
};

TEST_P(FirstSet, EverySignatureFindsItsSamples) {
    std::map<std::uint32_t, unsigned> found;
    for (const SignaturePattern& pattern : read_signatures(text_).patterns) {
        const SignatureSetPtr alone =
            signatures(fmt::format("{}:/{}/{}\n", pattern.id, pattern.regex, pattern.flags));
        for (const Sample& sample : samples_)
            if (sample.id == pattern.id) {
                ++found[pattern.id];
                EXPECT_EQ(found_in(alone, sample.text), pattern.id) << sample.said;
            }
        EXPECT_GT(found[pattern.id], 0u) << "no sample for " << pattern.id;
    }
    for (const Sample& sample : samples_)
        EXPECT_TRUE(sample.id == 0 || found.contains(sample.id)) << sample.said;
}

TEST_P(FirstSet, TheSamplesAreFoundByteByByte) {
    for (const Sample& sample : samples_)
        EXPECT_EQ(found_byte_by_byte(set_, sample.text), sample.id != 0) << sample.said;
}

TEST_P(FirstSet, OrdinaryTrafficIsClean) {
    unsigned clean = 0;
    for (const Sample& sample : samples_)
        if (sample.id == 0) {
            EXPECT_EQ(found_in(set_, sample.text), 0u) << sample.said;
            ++clean;
        }
    EXPECT_GE(clean, 5u);
}

INSTANTIATE_TEST_SUITE_P(Files, FirstSet, testing::Values("web", "dns", "ssh"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace dishwall::test
