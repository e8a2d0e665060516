// SPDX-License-Identifier: BSD-3-Clause
//
// The named counters of an nftables table, asked of the kernel itself: `nft list counters` first reads all
// elements of all sets, six seconds for 131,072.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "bench/live/netns.h"

namespace dishwall::bench {

// `family`: NFPROTO_NETDEV, NFPROTO_INET. Packets by name.
[[nodiscard]] Result<std::map<std::string, std::uint64_t>> nft_counters(const NetworkNamespace& where,
                                                                        std::uint8_t family,
                                                                        const std::string& table);

}  // namespace dishwall::bench
