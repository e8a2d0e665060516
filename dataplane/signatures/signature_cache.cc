// SPDX-License-Identifier: BSD-3-Clause
//
// A file: "dishwall hsdb 1\n", the key's length, the database's length and its XXH3-128, as text on one line;
// the key; the database as hs_serialize_database() gave it.
#include "dataplane/signatures/signature_cache.h"

#include <fmt/format.h>
#include <hs.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace dishwall {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".hsdb";

std::string hash_of(std::string_view bytes) {
    const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
    return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string head_of(const std::string& key, std::string_view database) {
    return fmt::format("dishwall hsdb 1\n{} {} {}\n{}", key.size(), database.size(), hash_of(database), key);
}

Result<Database> deserialize(std::string_view bytes) {
    hs_database_t* database = nullptr;
    if (const int code = hs_deserialize_database(bytes.data(), bytes.size(), &database); code != HS_SUCCESS)
        return fail("{}", hyperscan_error(code));
    return Database(database);
}

// Removes what was used longest ago. Failing is harmless: the next time it is tried again.
void remove_oldest(const std::string& directory, std::size_t most) {
    std::vector<std::pair<fs::file_time_type, fs::path>> files;
    std::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
        if (at->path().extension() == kSuffix) files.emplace_back(at->last_write_time(error), at->path());
    if (files.size() <= most) return;
    std::sort(files.begin(), files.end());
    for (std::size_t i = 0; i < files.size() - most; ++i) fs::remove(files[i].second, error);
}

Result<void> write_file(const std::string& path, std::string_view head, std::string_view body) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(head.data(), static_cast<std::streamsize>(head.size()));
    file.write(body.data(), static_cast<std::streamsize>(body.size()));
    file.close();
    if (!file) return fail("cannot write {}", path);
    return {};
}

}  // namespace

std::string SignatureCache::key_of(std::span<const SignaturePattern> patterns, ScanMode mode) {
    hs_platform_info_t platform{};
    hs_populate_platform(&platform);
    std::string key =
        fmt::format("mode {}\nversion {}\nprocessor {} {}\n", mode == ScanMode::stream ? "stream" : "block",
                    hs_version(), platform.tune, platform.cpu_features);
    for (const SignaturePattern& pattern : patterns)
        key += fmt::format("{}:/{}/{}\n", pattern.id, pattern.regex, pattern.flags);
    return key;
}

std::string SignatureCache::path_of(const std::string& key) const {
    return fmt::format("{}/{}{}", directory_, hash_of(key), kSuffix);
}

Result<Database> SignatureCache::find(const std::string& key) const {
    const std::string path = path_of(key);
    std::ifstream file(path, std::ios::binary);
    if (!file) return Database();
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string_view view = text;
    // The head is made again from what should be in the file, so there is nothing in it to believe.
    const std::size_t begin = std::min(view.size(), view.find('\n'));
    const std::size_t line = std::min(view.size(), view.find('\n', begin + 1));
    const std::size_t body = std::min(view.size(), line + 1 + key.size());
    const std::string_view bytes = view.substr(body);
    if (view.substr(0, body) != head_of(key, bytes)) return fail("{} is damaged", path);
    Result<Database> database = deserialize(bytes);
    if (!database) return fail_with(database.error(), fmt::format("{} cannot be used", path));
    std::error_code ignored;
    fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
    return database;
}

Result<void> SignatureCache::store(const std::string& key, const hs_database& database) const {
    char* bytes = nullptr;
    std::size_t size = 0;
    if (const int code = hs_serialize_database(&database, &bytes, &size); code != HS_SUCCESS)
        return fail("cannot write the database out: {}", hyperscan_error(code));
    const std::unique_ptr<char, decltype(&std::free)> owned(bytes, std::free);
    std::error_code error;
    fs::create_directories(directory_, error);
    if (error) return fail("cannot create {}: {}", directory_, error.message());
    const std::string path = path_of(key), beside = fmt::format("{}.new-{}", path, ::getpid());
    Result<void> written = write_file(beside, head_of(key, {bytes, size}), {bytes, size});
    if (written) {
        fs::rename(beside, path, error);
        if (error) written = fail("cannot replace {}: {}", path, error.message());
    }
    if (!written) fs::remove(beside, error);
    remove_oldest(directory_, kMostFiles);
    return written;
}

}  // namespace dishwall
