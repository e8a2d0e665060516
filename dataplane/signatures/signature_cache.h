// SPDX-License-Identifier: BSD-3-Clause
//
// Compiled databases on disk, since compiling thousands of patterns takes seconds and a restart of the
// inspector is a time without inspection. Found by content: patterns, mode, Hyperscan's version and the
// processor are the key; it is hashed for the name and stands whole in the file, so that a file is taken for
// nothing but what it is. A file that cannot be used for any reason is as good as none.
#pragma once

#include <span>
#include <string>

#include "dataplane/signatures/compile.h"
#include "dataplane/signatures/hyperscan.h"
#include "rules/result.h"
#include "rules/signatures.h"

namespace dishwall {

class SignatureCache {
public:
    // The directory is made when something is stored. Files of other names in it are left alone.
    explicit SignatureCache(std::string directory) : directory_(std::move(directory)) {}

    // Everything that a database depends on; comments and empty lines of the file do not count.
    [[nodiscard]] static std::string key_of(std::span<const SignaturePattern> patterns, ScanMode mode);

    // Null when there is none; an error when there is one that cannot be used.
    [[nodiscard]] Result<Database> find(const std::string& key) const;
    // Written beside and renamed. Keeps the kMostFiles used last.
    [[nodiscard]] Result<void> store(const std::string& key, const hs_database& database) const;
    [[nodiscard]] std::string path_of(const std::string& key) const;

    static constexpr std::size_t kMostFiles = 64;

private:
    std::string directory_;
};

}  // namespace dishwall
