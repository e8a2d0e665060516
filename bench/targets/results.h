// SPDX-License-Identifier: BSD-3-Clause
//
// The benches' published results, asked by name. What is missing is missing: no target is met by default.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "rules/result.h"

namespace dishwall::bench {

class Results {
public:
    // DIRECTORY/live.json, tables.json, load.json and inspect.json; those that are there.
    [[nodiscard]] static Result<Results> read(const std::string& directory);

    // A row of `live`: ns a packet, and above a bare XDP_DROP.
    [[nodiscard]] std::optional<double> ns(const std::string& row) const;
    [[nodiscard]] std::optional<double> above(const std::string& row) const;
    // Of its policy: memory accesses, one after the other, and rules verified, at the most.
    [[nodiscard]] std::optional<double> worst_lines(const std::string& row) const;
    [[nodiscard]] std::optional<double> worst_rules(const std::string& row) const;
    // A contestant of `tables`.
    [[nodiscard]] std::optional<double> table(const std::string& row) const;
    // A load: ms of whoever's name begins like this; of a stage of our own, by its name.
    [[nodiscard]] std::optional<double> load(unsigned rules, unsigned feed, const std::string& who) const;
    [[nodiscard]] std::optional<double> stage(unsigned rules, unsigned feed, const std::string& what) const;

    // A field of a row of `inspect`.
    [[nodiscard]] std::optional<double> inspect(const std::string& row, const char* field) const {
        return field_of_row(inspect_, row, field);
    }

    // When each was measured, of what, on what.
    [[nodiscard]] std::string origins() const;

private:
    [[nodiscard]] std::optional<double> field_of_row(const nlohmann::json& result, const std::string& row,
                                                     const char* field) const;
    [[nodiscard]] const nlohmann::json* size(unsigned rules, unsigned feed) const;

    nlohmann::json live_, tables_, load_, inspect_;
};

}  // namespace dishwall::bench
