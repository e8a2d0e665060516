// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/signatures/signature_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "tests/dataplane/signatures_fixture.h"

namespace dishwall::test {
namespace {

namespace fs = std::filesystem;

class SignatureCacheTest : public testing::Test {
protected:
    SignatureCacheTest() { fs::remove_all(directory_); }
    ~SignatureCacheTest() override { fs::remove_all(directory_); }

    LoadedSignatures load(std::string_view text) {
        auto loaded = load_signatures("web", "web.hs", text, &cache_);
        EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
        return loaded ? std::move(*loaded) : LoadedSignatures{};
    }
    std::vector<fs::path> files() const {
        std::vector<fs::path> found;
        if (fs::exists(directory_))
            for (const auto& entry : fs::directory_iterator(directory_)) found.push_back(entry.path());
        return found;
    }
    // Changes every file by `edit`, a function of its text.
    template <typename Edit>
    void edit_files(Edit edit) {
        for (const fs::path& path : files()) {
            std::stringstream text;
            text << std::ifstream(path, std::ios::binary).rdbuf();
            std::ofstream(path, std::ios::binary) << edit(text.str());
        }
    }

    std::string directory_ = fmt::format("{}/dw-S-cache-{}", fs::temp_directory_path().string(), ::getpid());
    SignatureCache cache_{directory_ + "/signatures"};

private:
    void SetUp() override { directory_ += "/signatures"; }
    void TearDown() override { fs::remove_all(fs::path(directory_).parent_path()); }
};

TEST_F(SignatureCacheTest, FindsWhatWasStored) {
    EXPECT_EQ(load("1:/abc/i\n").from_cache, 0u);
    EXPECT_EQ(files().size(), 2u) << "for streams and for datagrams; nothing temporary is left";
    const LoadedSignatures again = load("1:/abc/i\n");
    EXPECT_EQ(again.from_cache, 2u);
    EXPECT_TRUE(again.warnings.empty());
    EXPECT_EQ(found_in(again.set, "xABC"), 1u);
}

TEST_F(SignatureCacheTest, CommentsAreNotContent) {
    load("1:/abc/i\n");
    const LoadedSignatures again = load("# new\n\n1:/abc/i\n");
    EXPECT_EQ(again.from_cache, 2u);
    EXPECT_EQ(again.set->line_of(1), 3u) << "the lines are of this text";
}

TEST_F(SignatureCacheTest, OtherContentIsAnotherFile) {
    load("1:/abc/i\n");
    for (const char* const text : {"2:/abc/i\n", "1:/abc/\n", "1:/abd/i\n", "1:/abc/i\n2:/x/\n"})
        EXPECT_EQ(load(text).from_cache, 0u) << text;
    EXPECT_EQ(files().size(), 10u);
}

TEST_F(SignatureCacheTest, ADamagedFileIsCompiledAgain) {
    const auto flip = [](std::size_t from_end) {
        return [from_end](std::string text) {
            text[text.size() - from_end] ^= 1;
            return text;
        };
    };
    load("1:/abc/\n");
    edit_files(flip(1));
    const LoadedSignatures again = load("1:/abc/\n");
    EXPECT_EQ(again.from_cache, 0u);
    ASSERT_EQ(again.warnings.size(), 2u);
    EXPECT_TRUE(again.warnings[0].starts_with("the signatures are compiled without cache: "))
        << again.warnings[0];
    EXPECT_TRUE(again.warnings[0].ends_with(".hsdb is damaged")) << again.warnings[0];
    EXPECT_EQ(load("1:/abc/\n").from_cache, 2u) << "it was written anew";

    for (const auto& edit :
         {std::function<std::string(std::string)>([](std::string) { return ""; }),
          std::function<std::string(std::string)>([](std::string text) { return text.substr(0, 40); }),
          std::function<std::string(std::string)>([](std::string text) { return text + "x"; }),
          std::function<std::string(std::string)>([](std::string text) { return "d\n" + text; }),
          std::function<std::string(std::string)>([](std::string) { return "\n\n\n"; })}) {
        edit_files(edit);
        EXPECT_EQ(load("1:/abc/\n").from_cache, 0u);
    }
}

TEST_F(SignatureCacheTest, AFileUnderAnotherKeysNameIsNotTaken) {
    load("1:/abc/\n");
    const std::string key = SignatureCache::key_of(read_signatures("1:/other/\n").patterns, ScanMode::stream);
    fs::copy_file(files().front(), cache_.path_of(key));
    const auto found = cache_.find(key);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().message, cache_.path_of(key) + " is damaged");
}

TEST_F(SignatureCacheTest, ADirectoryThatCannotBeWrittenIsAWarning) {
    fs::create_directories(fs::path(directory_).parent_path());
    std::ofstream(directory_) << "a file";
    const LoadedSignatures loaded = load("1:/abc/\n");
    EXPECT_EQ(found_in(loaded.set, "abc"), 1u);
    ASSERT_EQ(loaded.warnings.size(), 2u);
    EXPECT_NE(loaded.warnings[0].find("cannot create " + directory_), std::string::npos)
        << loaded.warnings[0];
}

TEST_F(SignatureCacheTest, KeepsTheFilesUsedLast) {
    load("1:/first/\n");
    fs::create_directories(directory_);
    for (std::size_t i = 0; i < SignatureCache::kMostFiles; ++i) {
        const fs::path path = fs::path(directory_) / fmt::format("{}.hsdb", i);
        std::ofstream(path) << "old";
        fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1 + i));
    }
    load("1:/second/\n");
    EXPECT_EQ(files().size(), SignatureCache::kMostFiles);
    EXPECT_EQ(load("1:/first/\n").from_cache, 2u);
    EXPECT_EQ(load("1:/second/\n").from_cache, 2u);
}

}  // namespace
}  // namespace dishwall::test
