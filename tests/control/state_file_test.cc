// SPDX-License-Identifier: BSD-3-Clause
#include "control/state_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "control/config_file.h"

namespace dishwall {
namespace {

class StateFile : public testing::Test {
protected:
    StateFile() {
        char path[] = "/tmp/dw-state-XXXXXX";
        EXPECT_NE(::mkdtemp(path), nullptr);
        directory_ = path;
    }
    ~StateFile() override { std::filesystem::remove_all(directory_); }
    std::string directory_;
};

TEST_F(StateFile, IsReplacedWholeAndLeavesNothingBeside) {
    const std::string path = directory_ + "/deep/counters.json";
    ASSERT_TRUE(replace_file(path, "first, which is longer"));
    ASSERT_TRUE(replace_file(path, "second"));
    EXPECT_EQ(*read_file(path), "second");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_ + "/deep"), {}), 1);
}

TEST_F(StateFile, AMissingFileIsNotAnError) { EXPECT_EQ(*read_file(directory_ + "/none"), std::nullopt); }

TEST_F(StateFile, WhatCannotBeWrittenSaysWhere) {
    std::ofstream(directory_ + "/file") << "in the way";
    const Result<void> refused = replace_file(directory_ + "/file/counters.json", "x");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "cannot create " + directory_ + "/file: Not a directory");
}

TEST_F(StateFile, ARuleFileThatIsADirectorySaysSo) {
    const auto config = load_config(directory_);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().message, directory_ + " is a directory, not a rule file");
}

TEST_F(StateFile, ARuleFileWithErrorsComesBackWithTheirPlaces) {
    std::ofstream(directory_ + "/bad.conf")
        << "version 1\nuplink dish {\n interface wan0\n prefix pd from dhcpv6-pd\n}\n"
           "network lan = dish.pp subnet 1\n";
    const auto config = load_config(directory_ + "/bad.conf");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().message, directory_ + "/bad.conf has 1 error");
    EXPECT_NE(config.error().diagnostics.find("bad.conf:6:"), std::string::npos)
        << config.error().diagnostics;
    EXPECT_EQ(config.error().diagnostics.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace dishwall
