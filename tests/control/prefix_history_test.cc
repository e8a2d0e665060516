// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/prefix_history.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/control/line_facts.h"

namespace dishwall {
namespace {

constexpr UnixTime kAt = std::chrono::milliseconds(1'795'376'400'123);

class PrefixHistoryTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "dishwall-history-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::filesystem::path file() const { return directory_ / "prefix-history.jsonl"; }
    std::string text() const {
        std::ifstream in(file());
        return {std::istreambuf_iterator<char>(in), {}};
    }
    std::size_t lines() const {
        const std::string all = text();
        return static_cast<std::size_t>(std::ranges::count(all, '\n'));
    }
    void append_raw(const std::string& raw) const { std::ofstream(file(), std::ios::app) << raw; }
    static std::string texts(const PrefixHistory& history, std::size_t limit = 10) {
        std::string all;
        for (const nlohmann::json& entry : history.list(limit))
            all += (all.empty() ? "" : ", ") + entry["text"].get<std::string>();
        return all;
    }
    static void note(PrefixHistory* history, int n) { history->add_note(kAt, "dns", std::to_string(n)); }

    std::filesystem::path directory_;
};

LineChange change(LineChange::Kind kind) {
    return {kind, "dish.pd", LivePrefix{.prefix = pfx("2001:db8:1100::/56")},
            "dish.pd: 2001:db8:1100::/56 is new"};
}

TEST_F(PrefixHistoryTest, entry_says_when_what_and_how_fast) {
    PrefixHistory history(directory_);
    history.add(kAt, change(LineChange::Kind::added), 61'999);
    history.add(kAt, change(LineChange::Kind::no_room), std::nullopt);
    history.add(kAt, {LineChange::Kind::mac_changed, "", {}, "the MAC address of wan is 02:00"}, 5'000);
    history.add_note(kAt, "dns", "web.home.example is 2001:db8:1100:1::10");
    const nlohmann::json list = history.list(100);
    ASSERT_EQ(list.size(), 4u);
    EXPECT_EQ(list[3].dump(), R"({"enforced_in_us":61,"kind":"added","prefix":"2001:db8:1100::/56",)"
                              R"("source":"dish.pd","text":"dish.pd: 2001:db8:1100::/56 is new",)"
                              R"("time":"2026-11-22T19:40:00.123Z"})");
    EXPECT_EQ(list[2]["enforced_in_us"], nullptr);
    EXPECT_EQ(list[2]["kind"], "no-room");
    EXPECT_EQ(list[1]["prefix"], "");
    EXPECT_EQ(list[0]["kind"], "dns");
    EXPECT_TRUE(history.take_warnings().empty());
}

TEST_F(PrefixHistoryTest, newest_comes_first_and_limit_holds) {
    PrefixHistory history(directory_);
    for (int n = 1; n <= 5; ++n) note(&history, n);
    EXPECT_EQ(texts(history, 3), "5, 4, 3");
    EXPECT_EQ(texts(history, 0), "");
}

TEST_F(PrefixHistoryTest, next_daemon_reads_it) {
    {
        PrefixHistory history(directory_);
        note(&history, 1);
        history.add(kAt, change(LineChange::Kind::added), 61'000);
    }
    PrefixHistory next(directory_);
    note(&next, 3);
    EXPECT_EQ(texts(next), "3, dish.pd: 2001:db8:1100::/56 is new, 1");
    EXPECT_EQ(next.list(2)[1]["enforced_in_us"], 61);
}

TEST_F(PrefixHistoryTest, thousand_are_kept_and_the_file_is_at_most_twice_that) {
    PrefixHistory history(directory_);
    std::size_t longest = 0;
    for (int n = 1; n <= 4500; ++n) {
        note(&history, n);
        if (n % 100 == 0) longest = std::max(longest, lines());
    }
    EXPECT_EQ(history.list(5000).size(), 1000u);
    EXPECT_EQ(longest, 2000u);
    EXPECT_FALSE(std::filesystem::exists(file().string() + ".new"));
    PrefixHistory next(directory_);
    EXPECT_EQ(next.list(5000), history.list(5000));
    EXPECT_EQ(texts(next, 2), "4500, 4499");
}

TEST_F(PrefixHistoryTest, torn_last_line_is_left_out_with_a_warning) {
    {
        PrefixHistory history(directory_);
        note(&history, 1);
    }
    append_raw(R"({"enforced_in_us":61,"kind":"added","pre)");
    PrefixHistory next(directory_);
    EXPECT_EQ(next.take_warnings(),
              std::vector{file().string() + ": 1 of 2 lines cannot be read and are left out"});
    note(&next, 2);
    EXPECT_EQ(texts(next), "2, 1");
    PrefixHistory last(directory_);
    EXPECT_TRUE(last.take_warnings().empty()) << "the file is whole again";
    EXPECT_EQ(texts(last), "2, 1");
}

TEST_F(PrefixHistoryTest, whole_last_line_without_its_end_is_kept) {
    {
        PrefixHistory history(directory_);
        note(&history, 1);
    }
    std::filesystem::resize_file(file(), std::filesystem::file_size(file()) - 1);
    PrefixHistory next(directory_);
    note(&next, 2);
    EXPECT_EQ(texts(PrefixHistory(directory_)), "2, 1");
}

TEST_F(PrefixHistoryTest, lines_of_something_else_are_left_out) {
    append_raw(
        "[]\n{}\n7\n\n\xff\xfe\n"
        R"({"time":1,"kind":"","source":"","prefix":"","text":"","enforced_in_us":1})"
        "\n");
    PrefixHistory history(directory_);
    EXPECT_EQ(history.list(10).size(), 0u);
    EXPECT_EQ(history.take_warnings(),
              std::vector{file().string() + ": 6 of 6 lines cannot be read and are left out"});
}

TEST_F(PrefixHistoryTest, bytes_that_are_no_utf8_are_no_reason_to_fail) {
    PrefixHistory history(directory_);
    history.add_note(kAt, "dns", "bad \xff name");
    EXPECT_EQ(texts(PrefixHistory(directory_)), "bad \xEF\xBF\xBD name");
}

TEST_F(PrefixHistoryTest, file_that_cannot_be_written_warns_once_and_is_made_up_for) {
    const auto missing = directory_ / "not-yet";
    PrefixHistory history(missing);
    note(&history, 1);
    note(&history, 2);
    EXPECT_EQ(history.take_warnings(),
              std::vector<std::string>{"cannot write " + (missing / "prefix-history.jsonl").string() +
                                       ": No such file or directory"});
    std::filesystem::create_directory(missing);
    note(&history, 3);
    EXPECT_TRUE(history.take_warnings().empty());
    EXPECT_EQ(texts(PrefixHistory(missing)), "3, 2, 1");
}

TEST_F(PrefixHistoryTest, without_a_directory_nothing_is_written) {
    PrefixHistory history("");
    note(&history, 1);
    EXPECT_EQ(texts(history), "1");
    EXPECT_TRUE(history.take_warnings().empty());
}

}  // namespace
}  // namespace dishwall
