// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/signatures/signature_set.h"

#include <fmt/format.h>
#include <hs.h>

#include <algorithm>
#include <atomic>
#include <span>
#include <utility>

namespace dishwall {
namespace {

std::atomic<std::uint64_t> next_serial{1};

template <typename Line>
std::string lines_of(std::string_view file, const std::vector<Line>& bad) {
    std::string said;
    for (const auto& [line, what] : bad)
        said += fmt::format("{}{}{}: {}", said.empty() ? "" : "\n", file,
                            line ? fmt::format(":{}", line) : "", what);
    return said;
}

std::string complaints(std::string_view file, const SignatureReading& reading) {
    std::vector<std::pair<unsigned, std::string>> lines;
    for (const auto& bad : reading.bad) lines.emplace_back(bad.line, bad.why);
    return lines_of(file, lines);
}

std::string complaints(std::string_view file, const std::vector<BadPattern>& patterns) {
    std::vector<std::pair<unsigned, std::string>> lines;
    for (const BadPattern& bad : patterns)
        lines.emplace_back(bad.line, bad.line ? fmt::format("pattern {}: {}", bad.id, bad.why) : bad.why);
    return lines_of(file, lines);
}

}  // namespace

unsigned SignatureSet::line_of(std::uint32_t id) const {
    const auto found = std::lower_bound(ids_.begin(), ids_.end(), std::pair(id, 0U));
    return found != ids_.end() && found->first == id ? found->second : 0;
}

struct SignatureLoader {
    std::string_view file;
    std::span<const SignaturePattern> patterns;
    const SignatureCache* cache;
    LoadedSignatures loaded;

    Result<Database> database(ScanMode mode) {
        if (!cache) return compiled(mode);
        const std::string key = SignatureCache::key_of(patterns, mode);
        if (auto found = cache->find(key); !found) {
            warn(found.error());
        } else if (*found) {
            ++loaded.from_cache;
            return std::move(*found);
        }
        Result<Database> made = compiled(mode);
        if (made)
            if (const Result<void> stored = cache->store(key, **made); !stored) warn(stored.error());
        return made;
    }

    Result<Database> compiled(ScanMode mode) const {
        CompiledPatterns result = compile(patterns, mode);
        if (!result.bad.empty()) return fail("{}", complaints(file, result.bad));
        return std::move(result.database);
    }

    void warn(const Error& error) {
        loaded.warnings.push_back(
            fmt::format("the signatures are compiled without cache: {}", error.message));
    }

    Result<LoadedSignatures> run(std::string name) {
        const std::shared_ptr<SignatureSet> set(new SignatureSet);
        set->name_ = std::move(name);
        set->serial_ = next_serial.fetch_add(1, std::memory_order_relaxed);
        for (const SignaturePattern& pattern : patterns) set->ids_.emplace_back(pattern.id, pattern.line);
        std::sort(set->ids_.begin(), set->ids_.end());
        if (!patterns.empty()) {
            for (const ScanMode mode : {ScanMode::stream, ScanMode::block}) {
                Result<Database> made = database(mode);
                if (!made) return tl::unexpected(made.error());
                (mode == ScanMode::stream ? set->stream_ : set->block_) = std::move(*made);
            }
            if (const int code = hs_stream_size(set->stream_.get(), &set->stream_bytes_); code != HS_SUCCESS)
                return fail("{}: {}", file, hyperscan_error(code));
        }
        loaded.set = set;
        return std::move(loaded);
    }
};

Result<LoadedSignatures> load_signatures(std::string name, std::string_view file, std::string_view text,
                                         const SignatureCache* cache) {
    const SignatureReading reading = read_signatures(text);
    if (!reading.bad.empty()) return fail("{}", complaints(file, reading));
    return SignatureLoader{file, reading.patterns, cache, {}}.run(std::move(name));
}

}  // namespace dishwall
