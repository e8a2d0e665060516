// SPDX-License-Identifier: BSD-3-Clause
//
// `match` expressions of nftables' JSON (libnftables-json(5)) -> what they say of a rule. A left side is a
// line of a table; an expression without one makes its rule unclear.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/dishctl/import/ruleset.h"

namespace dishwall::import {

// A set or map by name. `fixed` is false when packets or time change it.
struct NftSet {
    nlohmann::json elements = nlohmann::json::array();
    bool fixed = true;
};

class NftMatches {
public:
    // `sets`: by "FAMILY TABLE NAME", `table` is "FAMILY TABLE".
    NftMatches(const std::map<std::string, NftSet>& sets, std::string table)
        : sets_(sets), table_(std::move(table)) {}

    void apply(const nlohmann::json& match, ForeignRule* rule) const;
    // left == right
    void apply(const nlohmann::json& left, const std::string& op, const nlohmann::json& right,
               ForeignRule* rule) const;
    // The set that `@name` means, if it is there and fixed.
    [[nodiscard]] const NftSet* find(const nlohmann::json& reference) const;

private:
    // Single values, prefixes and ranges; empty optional: it cannot be told which.
    [[nodiscard]] std::optional<std::vector<nlohmann::json>> values(const nlohmann::json& right) const;

    const std::map<std::string, NftSet>& sets_;
    const std::string table_;
};

// Narrows the rule by a `limit` statement, each source for itself when `per_source` is its prefix length.
void apply_nft_limit(const nlohmann::json& limit, std::optional<std::uint8_t> per_source, ForeignRule* rule);

}  // namespace dishwall::import
