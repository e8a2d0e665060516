// SPDX-License-Identifier: BSD-3-Clause
//
// Each stage of the compiler on a handful of files: golden_stages/NAME.conf comes to NAME.tokens, .tree,
// .resolved (the policy), .compiled (the image), and NAME.formatted, to the letter. After a change that is
// meant: DISHWALL_UPDATE_GOLDEN=1 meson test rules, and read the difference before it is committed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "rules/format.h"
#include "tests/rules/stages.h"
#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> cases() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(STAGES_DIR))
        if (entry.path().extension() == ".conf") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

class Stages : public testing::TestWithParam<std::string> {
protected:
    [[nodiscard]] fs::path path(const char* extension) const {
        return fs::path(STAGES_DIR) / (GetParam() + extension);
    }
    [[nodiscard]] std::string text() const { return read_file(path(".conf")); }
    [[nodiscard]] std::string name() const { return GetParam() + ".conf"; }

    [[nodiscard]] Compiled compile() const {
        Environment environment = few_services();
        environment.read_text = [](const std::string& asked) -> tl::expected<std::string, std::string> {
            const fs::path beside =
                fs::path(STAGES_DIR) / fs::path(asked).lexically_relative("/etc/dishwall");
            if (!fs::exists(beside)) return tl::unexpected<std::string>("No such file or directory");
            return read_file(beside);
        };
        return read_policy(name(), text(), environment);
    }

    void expect_golden(const char* stage, const std::string& made) const {
        if (std::getenv("DISHWALL_UPDATE_GOLDEN")) std::ofstream(path(stage), std::ios::binary) << made;
        EXPECT_EQ(read_file(path(stage)), made);
    }
};

TEST_P(Stages, Tokens) {
    SourceMap sources;
    const FileId file = sources.add(name(), text());
    expect_golden(".tokens", dump_tokens(sources, file));
}

TEST_P(Stages, Tree) { expect_golden(".tree", tree_of(text())); }

TEST_P(Stages, Resolved) { expect_golden(".resolved", dump_policy(policy_of(compile()))); }

TEST_P(Stages, Compiled) {
    std::uint32_t next = DW_REASONS_MAX;
    const auto image = lower(policy_of(compile()), [&](const Rule&) { return next++; });
    ASSERT_TRUE(image.has_value());
    expect_golden(".compiled", dump_image(*image));
}

TEST_P(Stages, Formatted) { expect_golden(".formatted", format_rules(name(), text()).text.value_or("")); }

INSTANTIATE_TEST_SUITE_P(Files, Stages, testing::ValuesIn(cases()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace dishwall::test
