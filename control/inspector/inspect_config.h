// SPDX-License-Identifier: BSD-3-Clause
//
// What dishwalld tells dishwall-inspect: RUN_DIR/inspect.json, replaced whole by rename at each load. It
// comes from a process with more rights than ours and is still read as if it were anybody's: a file that is
// wrong in one word is refused as a whole, by the name of that word, and what was in force stays.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

struct InspectConfig {
    struct Worker {
        std::string interface;  // the worker's end of the pair
        bool operator==(const Worker&) const = default;
    };
    struct SignatureFile {
        std::uint16_t id = 0;  // never 0
        std::string name;
        std::string file;  // where the text is from, for messages
        std::string text;
        Signatures::OnMatch on_match = Signatures::OnMatch::drop;
        std::uint32_t ban_s = 0;  // 0: none
        bool both_directions = false;
        std::uint64_t clean_after = 0;  // bytes; 0: never
        bool operator==(const SignatureFile&) const = default;
    };

    std::uint64_t generation = 0;
    std::uint64_t armed_at = 0;  // dw_control.armed_at of the maps in `pins`; 0: the file does not say
    std::string pins;            // directory of the daemon's maps
    std::string cache;           // directory for compiled signatures
    std::string events;          // socket of the daemon
    std::string uplink;          // interface
    std::array<std::uint8_t, 6> uplink_mac{};  // all zero: not known
    std::vector<Worker> workers;               // at most DW_WORKERS; none: nothing is inspected
    std::vector<SignatureFile> signatures;     // each id once
};

[[nodiscard]] Result<InspectConfig> parse_inspect_config(const std::string& text);

// Why a process that runs `now` cannot take `next` over while it goes on: what it opened when it still had
// the rights to. Nothing: it can.
[[nodiscard]] std::optional<std::string> what_needs_a_restart(const InspectConfig& now,
                                                              const InspectConfig& next);

}  // namespace dishwall
