// SPDX-License-Identifier: BSD-3-Clause
//
// What the front end says about golden/NAME.conf is golden/NAME.err, to the letter. After a change that is
// meant: DISHWALL_UPDATE_GOLDEN=1 meson test rules, and read the difference before it is committed.
// Files that it names are in golden/files; NAME.d/*.conf are its conf.d.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> cases(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory))
        if (entry.path().extension() == ".conf") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// /etc/dishwall is the directory of the rule file.
tl::expected<std::string, std::string> read_named(const std::string& path) {
    const fs::path file = fs::path(GOLDEN_DIR) / "files" / fs::path(path).lexically_relative("/etc/dishwall");
    if (!fs::is_regular_file(file)) return tl::unexpected<std::string>("No such file or directory");
    return read_file(file);
}

Compiled compile(const fs::path& path) {
    Environment environment = few_services();
    environment.read_text = read_named;
    environment.inspects = path.stem() != "no-inspector";
    std::vector<RuleText> texts;
    texts.push_back({path.filename().string(), read_file(path)});
    const fs::path conf_d = fs::path(path).replace_extension(".d");
    if (fs::is_directory(conf_d))
        for (const std::string& name : cases(conf_d))
            texts.push_back({"conf.d/" + name + ".conf", read_file(conf_d / (name + ".conf"))});
    return read_policy(std::move(texts), environment);
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, DiagnosticsAreTheExpectedText) {
    const fs::path conf = fs::path(GOLDEN_DIR) / (GetParam() + ".conf");
    const fs::path expected = fs::path(conf).replace_extension(".err");
    const Compiled compiled = compile(conf);
    const std::string said = errors_of(compiled);
    const bool any_error = said.find("error[") != std::string::npos;
    EXPECT_EQ(compiled.policy.has_value(), !any_error) << "a file with an error gives no policy, others do";
    if (std::getenv("DISHWALL_UPDATE_GOLDEN")) std::ofstream(expected, std::ios::binary) << said;
    EXPECT_EQ(read_file(expected), said);
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(cases(GOLDEN_DIR)), [](const auto& info) {
    std::string name = info.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(Diagnostics, EveryKindIsShownByAGoldenFile) {
    std::set<Code> seen;
    for (const std::string& name : cases(GOLDEN_DIR))
        for (const Diagnostic& diagnostic : compile(fs::path(GOLDEN_DIR) / (name + ".conf")).diagnostics)
            seen.insert(diagnostic.code);
#define DW_EXPECT_SEEN(identifier, number, severity, title) \
    EXPECT_TRUE(seen.count(Code::identifier)) << to_string(Code::identifier) << ": " << title;
    DW_DIAGNOSTICS(DW_EXPECT_SEEN)
#undef DW_EXPECT_SEEN
}

TEST(Examples, PassWithoutAWord) {
    const std::vector<std::string> names = cases(EXAMPLES_DIR);
    ASSERT_FALSE(names.empty());
    for (const std::string& name : names) {
        const Compiled compiled = compile(fs::path(EXAMPLES_DIR) / (name + ".conf"));
        EXPECT_EQ(errors_of(compiled), "");
        EXPECT_TRUE(compiled.policy.has_value()) << name;
    }
}

TEST(Examples, TheManPageShowsThem) {
    const std::string page = read_file(fs::path(EXAMPLES_DIR).parent_path() / "dishwall.conf.5.scd");
    for (const std::string& name : cases(EXAMPLES_DIR)) {
        const std::string example = read_file(fs::path(EXAMPLES_DIR) / (name + ".conf"));
        EXPECT_NE(page.find("```\n" + example + "```\n"), std::string::npos) << name;
    }
}

}  // namespace
}  // namespace dishwall::test
