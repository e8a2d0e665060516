// SPDX-License-Identifier: BSD-3-Clause
//
// What a feed's file says: prefixes, one a line, in the forms that lists of bad networks come in.
//
//   2001:db8:1::/48              a prefix, or an address
//   2001:db8:2::/48 ; SBL123     Spamhaus DROP: what stands behind `;` is a note; lines that begin with `;`
//   are one 2001:db8:3::1 # seen today   `#` begins a comment 2001:db8:4::1,crowdsec,ban   comma-separated,
//   CrowdSec's way: the address is the first field that is one; a
//                                first line of nothing but names is the header
//
// IPv4 lines are counted and skipped: such lists are often mixed, and the rules are about IPv6.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/policy.h"

namespace dishwall {

inline constexpr std::size_t kMostFeedEntries = 1'000'000;  // of one file

struct FeedReading {
    struct BadLine {
        unsigned line = 0;               // from 1
        std::size_t begin = 0, end = 0;  // bytes of the text: what cannot be read
        std::string why;
    };
    std::shared_ptr<const FeedEntries> entries;  // sorted; what lies in another entry is left out
    std::size_t ipv4 = 0;                        // lines that were skipped
    std::vector<BadLine> bad;                    // the first hundred; not empty: the file cannot be used
};

[[nodiscard]] FeedReading read_feed(std::string_view text);

// The same policy with another reading of one feed.
[[nodiscard]] Policy with_feed(const Policy& policy, unsigned feed,
                               std::shared_ptr<const FeedEntries> entries);

}  // namespace dishwall
