// SPDX-License-Identifier: BSD-3-Clause
//
// A part's memory over restarts: one JSON file in the state directory, read once and replaced whole, not synced
// (state_file.h): after a power cut there are no open flows to be right about, and the rest is learnt again.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "rules/result.h"

namespace dishwall {

class SavedJson {
public:
    // Without a directory nothing is kept.
    SavedJson(const std::filesystem::path& directory, const std::string& name)
        : file_(directory.empty() ? std::string() : (directory / name).string()) {}

    // Null when there is no such file.
    [[nodiscard]] Result<nlohmann::json> read() const;
    [[nodiscard]] Result<void> write(const nlohmann::json& state) const;

private:
    std::string file_;
};

}  // namespace dishwall
