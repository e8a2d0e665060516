// SPDX-License-Identifier: BSD-3-Clause
//
// A page of `explain-error` is only worth reading when it is true. Each has an example that produces its code
// and no other one, and the same file mended, about which nothing is said at all. Walks the enum, so no code
// can be left out.
#include "rules/pages.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

constexpr Code kCodes[] = {
#define DW_CODE(identifier, number, severity, title) Code::identifier,
    DW_DIAGNOSTICS(DW_CODE)
#undef DW_CODE
};

// The parts of a page: its first line, and the examples below `## HEADING`, without their indent. A heading
// that is no word of ours is the path of a file beside the rule file.
struct Page {
    std::string title;
    std::size_t prose = 0;  // characters between the title and the first heading
    std::map<std::string, std::string> examples;
};

Page read_page(std::string_view text) {
    Page page;
    std::istringstream lines{std::string(text)};
    std::getline(lines, page.title);
    std::string heading;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("## "))
            heading = line.substr(3);
        else if (heading.empty())
            page.prose += line.size();
        else if (line.starts_with("    "))
            page.examples[heading] += line.substr(4) + "\n";
        else if (page.examples.count(heading))
            page.examples[heading] += "\n";
    }
    return page;
}

Compiled compile(const Page& page, const std::string& heading, Code code) {
    Environment environment = few_services();
    environment.inspects = code != Code::no_inspector;
    environment.read_text = [&](const std::string& path) -> tl::expected<std::string, std::string> {
        const auto found =
            page.examples.find(std::filesystem::path(path).lexically_relative("/etc/dishwall"));
        if (found == page.examples.end()) return tl::unexpected<std::string>("No such file or directory");
        return found->second;
    };
    return read_policy("dishwall.conf", page.examples.at(heading), environment);
}

std::set<Code> codes_of(const Compiled& compiled) {
    std::set<Code> codes;
    for (const Diagnostic& diagnostic : compiled.diagnostics) codes.insert(diagnostic.code);
    return codes;
}

class Pages : public testing::TestWithParam<Code> {};

TEST_P(Pages, SayWhatTheCodeMeansByAnExampleThatHasItAndOneThatHasNot) {
    const Code code = GetParam();
    const Page page = read_page(page_of(code));
    EXPECT_EQ(page.title, fmt::format("# {}: {}", to_string(code), title_of(code)));
    EXPECT_GE(page.prose, 100u);
    ASSERT_TRUE(page.examples.count("Example") && page.examples.count("Mended"));

    const Compiled wrong = compile(page, "Example", code);
    std::set<Code> said = codes_of(wrong);
    EXPECT_EQ(said.count(code), 1u) << errors_of(wrong);
    said.erase(code);
    EXPECT_TRUE(said.empty() || code == Code::too_many) << errors_of(wrong);
    EXPECT_EQ(errors_of(compile(page, "Mended", code)), "");
}

TEST_P(Pages, FitIntoATerminal) {
    std::istringstream lines{std::string(page_of(GetParam()))};
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 84u) << line;
}

TEST_P(Pages, AreFoundByTheCodeAsItIsPrinted) {
    std::string name = to_string(GetParam());
    EXPECT_EQ(code_named(name), GetParam());
    name[0] = name[0] == 'E' ? 'e' : 'w';
    EXPECT_EQ(code_named(name), GetParam());
    EXPECT_EQ(code_named(name.substr(1)), GetParam());
    EXPECT_EQ(code_named(std::to_string(static_cast<unsigned>(GetParam()))), GetParam());
    name[0] = name[0] == 'e' ? 'W' : 'E';
    EXPECT_EQ(code_named(name), std::nullopt);
}

// That the .err files are what is said, golden_test.cc shows.
TEST_P(Pages, HaveAGoldenTestOfTheirCode) {
    const std::string mark = "[" + to_string(GetParam()) + "]: ";
    for (const auto& entry : std::filesystem::directory_iterator(GOLDEN_DIR)) {
        if (entry.path().extension() != ".err") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        if (text.find(mark) != std::string::npos) return;
    }
    ADD_FAILURE() << "no golden/*.err shows " << to_string(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Codes, Pages, testing::ValuesIn(kCodes),
                         [](const auto& info) { return to_string(info.param); });

TEST(CodeNames, AreNothingElse) {
    for (const char* name : {"", "E", "E9999", "X0207", "E0207x", "0x207", "-207", "E 207", "warnings"})
        EXPECT_EQ(code_named(name), std::nullopt) << name;
}

}  // namespace
}  // namespace dishwall::test
