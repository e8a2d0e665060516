// SPDX-License-Identifier: BSD-3-Clause
//
// The Internet checksum (RFC 1071), for frames that are made or mended in user space.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

namespace dishwall {

// Over these parts one behind the other; all but the last of an even length.
[[nodiscard]] std::uint16_t internet_checksum(std::initializer_list<std::span<const std::uint8_t>> parts);

}  // namespace dishwall
