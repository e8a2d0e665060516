// SPDX-License-Identifier: BSD-3-Clause
#include <hs.h>

#include <chrono>

#include "bench/inspect/subjects.h"
#include "dataplane/signatures/hyperscan.h"

namespace dishwall::bench {
namespace {

int keep_id(unsigned id, unsigned long long, unsigned long long, unsigned, void* context) {
    *static_cast<std::uint32_t*>(context) = id;
    return 1;  // the first is enough, as for the engine
}

class RawSearch final : public Searcher {
public:
    RawSearch(const Corpus& corpus, SignatureSetPtr set, Raw raw, ScratchMemory scratch)
        : corpus_(corpus), set_(std::move(set)), raw_(raw), scratch_(std::move(scratch)) {}

    Result<Lap> lap() override {
        Lap lap;
        lap.found.assign(corpus_.flows(), 0);
        std::vector<ScanStream> streams(corpus_.flows());
        const auto begin = std::chrono::steady_clock::now();
        for (const Chunk& chunk : corpus_.chunks()) {
            const int code =
                raw_ == Raw::blocks ? search_block(chunk, &lap) : search_stream(chunk, &streams, &lap);
            if (code != HS_SUCCESS && code != HS_SCAN_TERMINATED) return fail("{}", hyperscan_error(code));
        }
        lap.ns = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
        lap.frames_back = corpus_.chunks().size();
        return lap;
    }

private:
    int search_block(const Chunk& chunk, Lap* lap) {
        const Bytes bytes = corpus_.bytes_of(chunk);
        lap->searched += bytes.size();
        return hs_scan(set_->database(ScanMode::block), reinterpret_cast<const char*>(bytes.data()),
                       static_cast<unsigned>(bytes.size()), 0, scratch_.get(), keep_id,
                       &lap->found[chunk.flow]);
    }

    int search_stream(const Chunk& chunk, std::vector<ScanStream>* streams, Lap* lap) {
        const Bytes bytes = corpus_.bytes_of(chunk);
        ScanStream& stream = (*streams)[chunk.flow];
        lap->searched += bytes.size();
        if (lap->found[chunk.flow] != 0) return HS_SUCCESS;
        if (!stream) {
            hs_stream_t* opened = nullptr;
            if (const int code = hs_open_stream(set_->database(ScanMode::stream), 0, &opened)) return code;
            stream.reset(opened);
        }
        const int code = hs_scan_stream(stream.get(), reinterpret_cast<const char*>(bytes.data()),
                                        static_cast<unsigned>(bytes.size()), 0, scratch_.get(), keep_id,
                                        &lap->found[chunk.flow]);
        if (code != HS_SUCCESS || !chunk.is_last) return code;
        return hs_close_stream(stream.release(), scratch_.get(), keep_id, &lap->found[chunk.flow]);
    }

    const Corpus& corpus_;
    SignatureSetPtr set_;
    Raw raw_;
    ScratchMemory scratch_;
};

}  // namespace

Result<SearcherPtr> raw_search(const Corpus& corpus, const SignatureSetPtr& set, Raw raw) {
    hs_scratch_t* scratch = nullptr;
    const int code =
        hs_alloc_scratch(set->database(raw == Raw::blocks ? ScanMode::block : ScanMode::stream), &scratch);
    if (code != HS_SUCCESS) return fail("no scratch memory: {}", hyperscan_error(code));
    return std::make_unique<RawSearch>(corpus, set, raw, ScratchMemory(scratch));
}

}  // namespace dishwall::bench
