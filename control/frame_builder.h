// SPDX-License-Identifier: BSD-3-Clause
//
// PacketSpec -> the frame that would carry it: Ethernet, IPv6, transport header, checksums right.
#pragma once

#include <cstdint>
#include <vector>

#include "control/device.h"
#include "control/packet_text.h"

namespace dishwall {

// `own`: the uplink's MAC address; the other end's is made up.
[[nodiscard]] std::vector<std::uint8_t> build_frame(const PacketSpec& packet, const MacAddress& own);

}  // namespace dishwall
