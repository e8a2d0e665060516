// SPDX-License-Identifier: BSD-3-Clause
//
// The way from text to in force, stage by stage, by the functions that the daemon calls, in this process. The
// bench runs itself for this, so that each time the heap is cold and the peak of memory is this load's own.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "rules/result.h"

namespace dishwall::bench {

struct Stages {
    double parse_ms = 0;    // text -> tokens -> tree
    double feed_ms = 0;     // the feed's text -> prefixes
    double resolve_ms = 0;  // tree -> policy; of a short file also checked and proven
    double lower_ms = 0;    // policy -> image and ranges, counters named; of a long file beside the checks
    double prove_ms = 0;    // of a long file: checks and proofs, as far as they take longer than that
    double swap_ms = 0;     // into the kernel's memory, and the one slot changed
    double image_mib = 0;   // what the policy takes once it is loaded
    double peak_mib = 0;    // of this process, the kernel's maps included as far as they are mapped

    [[nodiscard]] double total_ms() const {
        return parse_ms + feed_ms + resolve_ms + lower_ms + prove_ms + swap_ms;
    }
};

[[nodiscard]] nlohmann::json to_json(const Stages& stages);
[[nodiscard]] Stages stages_of(const nlohmann::json& json);

// `before`, `rules`, `feed` ("-": there is none): paths; `pins`: a directory on a bpffs, to be made. The load
// replaces `before`.
[[nodiscard]] Result<Stages> measure_stages(const std::string& before, const std::string& rules,
                                            const std::string& feed, const std::string& pins);

}  // namespace dishwall::bench
