// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl check FILE`: the whole compiler, without a daemon and without rights, so that a rule file can be
// tried anywhere.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rules/image/facts.h"

namespace dishwall {

// A `test` or a `protect` block of the file, which was proven for every packet that it means.
struct ProvenClaim {
    enum class Kind { test, protect };
    Kind kind = Kind::test;
    std::string name;
    std::size_t statements = 0;
    std::string place;  // "dishwall.conf:40"
};

struct CheckReport {
    std::string file;
    bool readable = true;  // false: `message` says why there is no text to check
    bool good = false;
    std::string message;              // one line
    std::string diagnostics;          // errors and warnings, rendered
    std::vector<ProvenClaim> claims;  // of a good file: all of them
    std::size_t inbound = 0, outbound = 0, networks = 0;
    ImageFacts cost;  // of a good file
};

[[nodiscard]] CheckReport check_rule_file(const std::string& path);

// Of a good file: what it is, and what was proven. Lines.
[[nodiscard]] std::string check_view(const CheckReport& report);
[[nodiscard]] nlohmann::json check_document(const std::vector<CheckReport>& reports);

}  // namespace dishwall
