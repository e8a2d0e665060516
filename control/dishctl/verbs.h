// SPDX-License-Identifier: BSD-3-Clause
//
// What dishctl can do: one line of a table a verb, with its words and options, from which the command line,
// the help and the shells' completion are made. A verb gets what was said on the command line and returns the
// exit code; everything it has to say goes to the two streams that it is given, so that tests can read it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <variant>
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
    bool force = false;                  // load, rollback, init --force
    bool check = false, write = false;   // fmt --check, --write
    std::optional<std::uint64_t> limit;  // flows, history and prefix history --limit; 0: all of them
    std::uint64_t events = 0;            // monitor --count; 0: no end
    std::string config;                  // doctor, replay --config; empty: the daemon's
    std::string confirm;                 // load --confirm; empty: needs none
    std::string duration = "60s";        // shadow --for
    std::string pcap;                    // explain --pcap
    std::string uplink;                  // import --uplink
    std::vector<std::string> networks;   // import --network
    std::string against;                 // replay --against; empty: compares with nothing
    bool signatures = false;             // replay --signatures
    std::vector<std::string> prefixes;   // replay --prefix
    std::vector<std::string> self;       // replay --self
    std::vector<std::string> words;      // what stands behind the verb
    View view;
    std::ostream* out = nullptr;
    std::ostream* err = nullptr;
};

// What a shell offers for a word.
enum class Offer {
    nothing,
    files,
    durations,
    codes,     // of diagnostics
    policies,  // numbers of the history
    policies_or_files,
    rules,
    hosts,
    formats_then_files,  // import
    packet,              // explain
    prefix,              // prefix
    standards,           // audit
};

struct VerbOption {
    // Where the value goes says what it is; a flag has none.
    using Target =
        std::variant<bool Invocation::*, std::uint64_t Invocation::*, std::filesystem::path Invocation::*,
                     std::optional<std::uint64_t> Invocation::*, std::string Invocation::*,
                     std::vector<std::string> Invocation::*>;
    const char* names;  // "-n,--limit", the long one last
    Target into;
    const char* summary;
    Offer offer = Offer::nothing;
};

struct VerbWords {
    static constexpr int kNoEnd = -1;
    const char* shown = "";  // "FILE"
    int least = 0, most = 0;
    const char* summary = "";
    Offer offer = Offer::nothing;
};

struct Verb {
    const char* name;
    VerbWords words;
    std::span<const VerbOption> options;
    const char* summary;
    const char* examples;
    int (*run)(const Invocation& invocation);
};

[[nodiscard]] std::span<const Verb> all_verbs();
// Those that may stand before and behind every verb.
[[nodiscard]] std::span<const VerbOption> global_options();

}  // namespace dishwall
