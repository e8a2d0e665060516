// SPDX-License-Identifier: BSD-3-Clause
//
// The source MAC address that the ingress program writes into each frame it passes, and without which the
// guard lets nothing in. It proves that a frame has been judged: a driver may hand over frames without its
// XDP program for a moment (veth delivers what waits in its ring when the device is taken down). Drawn with
// the maps, so that nobody on the dish segment can know it.
#pragma once

#include <array>
#include <cstdint>

namespace dishwall {

using Stamp = std::array<std::uint8_t, 6>;  // all zero: none is written or asked for

}  // namespace dishwall
