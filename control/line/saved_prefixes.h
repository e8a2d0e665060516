// SPDX-License-Identifier: BSD-3-Clause
//
// prefixes.json in the state directory. Written by rename, so that a reader finds the old or the new one. Not
// synced to disk: an SD card may take seconds, and after a power cut there are no open flows left to grant a
// grace period to.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "rules/result.h"

namespace dishwall {

class SavedPrefixes {
public:
    explicit SavedPrefixes(const std::filesystem::path& directory);  // empty: keeps nothing

    // No file yet: an empty state that PrefixTracker::from_json accepts.
    [[nodiscard]] Result<nlohmann::json> read() const;
    [[nodiscard]] Result<void> write(const nlohmann::json& state) const;

private:
    std::filesystem::path file_;
};

}  // namespace dishwall
