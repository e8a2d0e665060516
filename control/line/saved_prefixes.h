// SPDX-License-Identifier: BSD-3-Clause
//
// prefixes.json in the state directory. Written by rename, so that a reader finds the old or the new one. Not
// synced to disk: an SD card may take seconds, and after a power cut there are no open flows left to grant a
// grace period to.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "control/line/prefix_tracker.h"
#include "rules/result.h"

namespace dishwall {

// Now, on the clocks that saved state is measured by.
[[nodiscard]] Instant instant_now();

// Writes FILE.new and renames it. Other state files of the line are written in the same way.
[[nodiscard]] Result<void> replace_unsynced(const std::filesystem::path& file, const std::string& text);

class SavedPrefixes {
public:
    // An empty directory keeps nothing. The table of devices is kept in the same way under another name.
    explicit SavedPrefixes(const std::filesystem::path& directory, const char* name = "prefixes.json");

    // No file yet: an empty state that PrefixTracker::from_json accepts.
    [[nodiscard]] Result<nlohmann::json> read() const;
    [[nodiscard]] Result<void> write(const nlohmann::json& state) const;

private:
    std::filesystem::path file_;
};

}  // namespace dishwall
