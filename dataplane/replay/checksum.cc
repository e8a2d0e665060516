// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/replay/checksum.h"

namespace dishwall {

std::uint16_t internet_checksum(std::initializer_list<std::span<const std::uint8_t>> parts) {
    std::uint64_t sum = 0;
    for (const auto part : parts)
        for (std::size_t i = 0; i < part.size(); ++i) sum += i % 2 == 0 ? part[i] << 8 : part[i];
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace dishwall
