// SPDX-License-Identifier: BSD-3-Clause
//
// One signature file, compiled: a database for streams and one for datagrams. Never changed once it is made
// and held by shared_ptr: a reload makes another one, and a stream that is open goes on with the one it began
// with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/signatures/compile.h"
#include "dataplane/signatures/hyperscan.h"
#include "dataplane/signatures/signature_cache.h"
#include "rules/result.h"

namespace dishwall {

class SignatureSet {
public:
    [[nodiscard]] const std::string& name() const { return name_; }
    // Null when the file has no patterns.
    [[nodiscard]] const hs_database* database(ScanMode mode) const {
        return (mode == ScanMode::stream ? stream_ : block_).get();
    }
    [[nodiscard]] std::size_t patterns() const { return ids_.size(); }
    [[nodiscard]] std::size_t stream_bytes() const { return stream_bytes_; }  // of state for each open stream
    [[nodiscard]] std::uint64_t serial() const { return serial_; }  // no other set of this process has it
    [[nodiscard]] unsigned line_of(std::uint32_t id) const;         // in its file; 0 when unknown

private:
    friend struct SignatureLoader;
    SignatureSet() = default;

    std::string name_;
    Database stream_, block_;
    std::size_t stream_bytes_ = 0;
    std::uint64_t serial_ = 0;
    std::vector<std::pair<std::uint32_t, unsigned>> ids_;  // ID and line, sorted
};
using SignatureSetPtr = std::shared_ptr<const SignatureSet>;

struct LoadedSignatures {
    SignatureSetPtr set;
    unsigned from_cache = 0;            // of its two databases
    std::vector<std::string> warnings;  // about the cache; the set is as good without it
};

// `name` as rules call it, `file` for errors, `text` what is in it; `cache` may be null. The error has a line
// `FILE:LINE: pattern ID: why` for each bad pattern, a hundred at most, and nothing is loaded then. May take
// seconds: not for a thread that packets wait for.
[[nodiscard]] Result<LoadedSignatures> load_signatures(std::string name, std::string_view file,
                                                       std::string_view text, const SignatureCache* cache);

}  // namespace dishwall
