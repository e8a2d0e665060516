// SPDX-License-Identifier: BSD-3-Clause
//
// Rule files on disk: what is read besides the file itself, and the same policy from the texts alone.
#include "control/config_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "rules/feed.h"

namespace dishwall {
namespace {

class ConfigFile : public testing::Test {
protected:
    void SetUp() override {
        char path[] = "/tmp/dw-config-XXXXXX";
        ASSERT_NE(::mkdtemp(path), nullptr);
        directory_ = path;
        std::filesystem::create_directories(directory_ + "/conf.d");
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(directory_ + "/" + name) << text;
        return directory_ + "/" + name;
    }
    std::string write_main(const std::string& more) const {
        return write(
            "d.conf",
            "version 1\nuplink dish {\n    interface wan0\n    prefix fixed static 2001:db8:aa00::/56\n"
            "    documentation-prefixes allow\n}\n"
            "network lan = dish.fixed subnet 0x1\nhost nas = lan ::10\n" +
                more);
    }
    static std::string message_of(const ConfigResult& result) {
        return result ? "it was read" : result.error().message;
    }

    std::string directory_;
};

TEST_F(ConfigFile, ConfDInNameOrderAndIncludes) {
    const std::string main = write_main("include \"more.rules\"\n");
    write("more.rules", "version 1\npolicy inbound on dish {\n    accept tcp 22 to nas name ssh\n}\n");
    write("conf.d/20.conf", "version 1\npolicy inbound on dish {\n    accept tcp 443 to nas name web\n}\n");
    write("conf.d/10.conf", "version 1\npolicy inbound on dish {\n    accept tcp 80 to nas name plain\n}\n");
    write("conf.d/.hidden.conf", "nonsense");
    write("conf.d/readme.txt", "nonsense");
    ConfigResult loaded = load_config(main);
    ASSERT_TRUE(loaded) << loaded.error().message << loaded.error().diagnostics;
    EXPECT_EQ(loaded->policy.inbound.rules.size(), 3u);
    ASSERT_EQ(loaded->texts.size(), 4u);
    EXPECT_EQ(loaded->texts[0].name, main);
    EXPECT_EQ(loaded->texts[1].name, directory_ + "/conf.d/10.conf");
    EXPECT_EQ(loaded->texts[2].name, directory_ + "/conf.d/20.conf");
    EXPECT_EQ(loaded->texts[3].name, directory_ + "/more.rules");

    std::filesystem::remove_all(directory_);  // what is stored needs none of them
    const ConfigResult again = load_texts(loaded->texts);
    ASSERT_TRUE(again) << again.error().message << again.error().diagnostics;
    ASSERT_EQ(again->policy.inbound.rules.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(again->policy.inbound.rules[i].name, loaded->policy.inbound.rules[i].name);
    EXPECT_TRUE(again->missing.empty());
}

TEST_F(ConfigFile, StoredTextsDoWithoutTheirFeeds) {
    const std::string main = write_main(
        "feed bad = file \"bad.txt\"\npolicy inbound on dish {\n    drop from feed bad name f\n}\n"
        "test \"it is dropped\" { inbound tcp 80 from 2001:db8:66::1 to nas expect drop by f }\n");
    const std::string feed = write("bad.txt", "2001:db8:66::/48\n");
    ConfigResult loaded = load_config(main);
    ASSERT_TRUE(loaded) << loaded.error().message << loaded.error().diagnostics;
    EXPECT_EQ(loaded->policy.feeds.at(0).entries->prefixes.size(), 1u);

    write("bad.txt", "2001:db8:66::/48\n2001:db8:67::/48\n");
    ConfigResult again = load_texts(loaded->texts);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->policy.feeds.at(0).entries->prefixes.size(), 2u) << "feeds are read from disk";
    EXPECT_TRUE(again->missing.empty());

    write("bad.txt", "garbage\n");
    EXPECT_FALSE(load_config(main));
    again = load_texts(loaded->texts);
    ASSERT_TRUE(again) << "the way back does not depend on a feed: " << again.error().diagnostics;
    EXPECT_EQ(again->missing, std::vector<std::string>{feed});
    EXPECT_TRUE(again->policy.feeds.at(0).entries->prefixes.empty());
}

TEST_F(ConfigFile, OnlyRegularFilesAreRead) {
    const std::string fifo = directory_ + "/fifo.conf";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(message_of(load_config(fifo)), "cannot read " + fifo + ": it is not a regular file");
    EXPECT_EQ(message_of(load_config(directory_)), directory_ + " is a directory, not a rule file");
    EXPECT_EQ(message_of(load_config(directory_ + "/none")), "there is no rule file " + directory_ + "/none");
    EXPECT_EQ(read_regular_file("/dev/zero").error(), "it is not a regular file");
    const std::string large = write("large.conf", "");
    ASSERT_EQ(::truncate(large.c_str(), (64 << 20) + 1), 0);
    EXPECT_EQ(message_of(load_config(large)), "cannot read " + large + ": it is larger than 64 MiB");
}

TEST_F(ConfigFile, ABrokenProtectLineIsAnErrorThatCanBeForced) {
    const std::string main = write_main(
        "policy inbound on dish {\n    drop tcp 22 name closed\n}\nprotect management { tcp 22 to nas }\n");
    const ConfigResult loaded = load_config(main);
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().diagnostics.find("E0602"), std::string::npos) << loaded.error().diagnostics;
    ASSERT_TRUE(loaded.error().unprotected);
    EXPECT_EQ(loaded.error().unprotected->policy.inbound.rules.size(), 1u);
    EXPECT_EQ(loaded.error().unprotected->texts.size(), 1u);
    EXPECT_EQ(loaded.error().texts.size(), 1u);
}

}  // namespace
}  // namespace dishwall
