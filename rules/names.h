// SPDX-License-Identifier: BSD-3-Clause
//
// Words that people write: what may be a name, what they probably meant, and how ICMPv6 types are called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dishwall {

inline constexpr std::size_t kLongestName = 63;

// Letters, digits, - and _, at most kLongestName of them.
[[nodiscard]] bool is_name(std::string_view text);

// The candidate that a typing error away from `word` would explain best: swapped, missing, extra and wrong
// letters are counted, at most one in three. Empty when nothing is near.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      const std::vector<std::string_view>& candidates);

// "did you mean `X`?", or an empty string.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string_view>& candidates);

// ICMPv6 type numbers by name, in nftables' and OpenWrt's spelling (IANA "ICMPv6 type numbers").
[[nodiscard]] std::optional<std::uint8_t> icmpv6_type(std::string_view name);
[[nodiscard]] const std::vector<std::string_view>& icmpv6_type_names();

}  // namespace dishwall
