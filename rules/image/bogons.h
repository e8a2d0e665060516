// SPDX-License-Identifier: BSD-3-Clause
//
// Addresses that are never valid on the public Internet (R2), as prefixes: those of special_purpose.h without
// the holes in them.
#pragma once

#include <vector>

#include "rules/ipv6.h"
#include "rules/range_set.h"

namespace dishwall {

[[nodiscard]] std::vector<Ipv6Prefix> bogons(bool documentation_prefixes_are_ordinary);

// The fewest prefixes that hold exactly these keys.
[[nodiscard]] std::vector<Ipv6Prefix> prefixes_of(const RangeSet& set);

}  // namespace dishwall
