// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/signatures/scanner.h"

#include <hs.h>

#include <algorithm>
#include <utility>

namespace dishwall {
namespace {

constexpr std::size_t kMostPrepared = 64;  // remembered; asking Hyperscan again is cheap

struct Found {
    bool any = false;
    std::uint32_t id = 0;
    std::uint64_t end = 0;
};

int keep_first(unsigned id, unsigned long long, unsigned long long end, unsigned, void* context) {
    *static_cast<Found*>(context) = {true, id, end};
    return 1;  // no more of them
}

}  // namespace

Result<void> ScanWorker::prepare(const SignatureSet& set) {
    if (std::find(prepared_.begin(), prepared_.end(), set.serial()) != prepared_.end()) return {};
    for (const ScanMode mode : {ScanMode::stream, ScanMode::block}) {
        const hs_database* const database = set.database(mode);
        if (!database) continue;
        hs_scratch_t* scratch = scratch_.release();
        const int code = hs_alloc_scratch(database, &scratch);
        scratch_.reset(scratch);
        if (code == HS_SUCCESS) continue;
        prepared_.clear();
        return fail("no scratch memory for signatures {}: {}", set.name(), hyperscan_error(code));
    }
    if (prepared_.size() == kMostPrepared) prepared_.clear();
    prepared_.push_back(set.serial());
    return {};
}

Result<std::optional<SignatureMatch>> ScanWorker::scan(const SignatureSetPtr& set, Bytes datagram) {
    if (!set->database(ScanMode::block)) return std::nullopt;
    if (Result<void> ready = prepare(*set); !ready) {
        ++counters_.failures;
        return tl::unexpected(ready.error());
    }
    ++counters_.calls;
    counters_.bytes += datagram.size();
    Found found;
    const int code = hs_scan(set->database(ScanMode::block), reinterpret_cast<const char*>(datagram.data()),
                             static_cast<unsigned>(datagram.size()), 0, scratch_.get(), keep_first, &found);
    if (code != HS_SUCCESS && code != HS_SCAN_TERMINATED) {
        ++counters_.failures;
        return fail("signatures {} cannot be searched for: {}", set->name(), hyperscan_error(code));
    }
    if (!found.any) return std::nullopt;
    ++counters_.matches;
    return SignatureMatch{found.id, found.end, set};
}

bool StreamScanner::open() {
    if (stream_) return true;
    if (worker_.counters_.open_streams >= worker_.most_streams_ || !worker_.prepare(*set_)) return false;
    hs_stream_t* stream = nullptr;
    if (hs_open_stream(set_->database(ScanMode::stream), 0, &stream) != HS_SUCCESS) return false;
    stream_.reset(stream);
    ++worker_.counters_.open_streams;
    return true;
}

void StreamScanner::close() {
    if (!stream_) return;
    stream_.reset();
    --worker_.counters_.open_streams;
}

void StreamScanner::restart() {
    if (stream_) hs_reset_stream(stream_.get(), 0, nullptr, nullptr, nullptr);
}

Taken StreamScanner::take(Bytes bytes) {
    if (match_) return after_ == AfterMatch::stop ? Taken::stop : Taken::go_on;
    if (bytes.empty() || !set_->database(ScanMode::stream)) return Taken::go_on;
    if (!open()) {
        ++worker_.counters_.failures;
        return Taken::unable;
    }
    ++worker_.counters_.calls;
    worker_.counters_.bytes += bytes.size();
    Found found;
    const int code =
        hs_scan_stream(stream_.get(), reinterpret_cast<const char*>(bytes.data()),
                       static_cast<unsigned>(bytes.size()), 0, worker_.scratch_.get(), keep_first, &found);
    if (found.any) match_ = SignatureMatch{found.id, found.end, set_};
    return result_of(code);
}

Taken StreamScanner::end() {
    if (match_ || !set_->database(ScanMode::stream)) return take({});
    if (!stream_) return Taken::go_on;
    Found found;
    const int code = hs_close_stream(stream_.release(), worker_.scratch_.get(), keep_first, &found);
    --worker_.counters_.open_streams;
    if (found.any) match_ = SignatureMatch{found.id, found.end, set_};
    return result_of(code);
}

Taken StreamScanner::result_of(int code) {
    if (match_) {
        ++worker_.counters_.matches;
        close();
        return after_ == AfterMatch::stop ? Taken::stop : Taken::go_on;
    }
    if (code == HS_SUCCESS) return Taken::go_on;
    ++worker_.counters_.failures;
    close();
    return Taken::unable;
}

}  // namespace dishwall
