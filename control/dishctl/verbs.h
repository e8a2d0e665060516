// SPDX-License-Identifier: BSD-3-Clause
//
// What dishctl can do: one line of a table a verb. A verb gets what was said on the command line and returns
// the exit code; everything it has to say goes to the two streams that it is given, so that tests can read
// it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/dishctl/table.h"

namespace dishwall {

// The contract with scripts (docs/dishctl.8).
enum ExitCode : int {
    kOk = 0,
    kFailed = 1,
    kUsage = 2,
    kCheckFailed = 3,
    kUnreachable = 4,
    kRefused = 5,
};

struct Invocation {
    std::filesystem::path run_dir = "/run/dishwall";
    bool as_json = false;
    bool all = false;                    // counters --all
    std::optional<std::uint64_t> limit;  // flows and prefix history --limit; 0: all of them
    std::uint64_t events = 0;            // monitor --count; 0: no end
    std::string config;                  // doctor --config; empty: the daemon's
    std::vector<std::string> words;      // FILE, PACKET, STANDARD, prefix's words
    View view;
    std::ostream* out = nullptr;
    std::ostream* err = nullptr;
};

struct Verb {
    const char* name;
    const char* words;  // what stands behind it: "", "FILE", "[FILE]", "PACKET", "STANDARD", "[WORD...]"
    const char* summary;
    const char* examples;
    int (*run)(const Invocation& invocation);
};

[[nodiscard]] std::span<const Verb> all_verbs();

}  // namespace dishwall
