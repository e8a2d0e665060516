// SPDX-License-Identifier: BSD-3-Clause
//
// What both ends of a rejected flow are told (`on-match reject`): TCP resets with numbers that each end
// believes (RFC 9293 3.10.7.4, RFC 5961 3.2), or to the sender of a datagram that it is prohibited (ICMPv6
// 1/1, ICMP 3/13). The packet core's builders (bpf/core/reject.h) know IPv6 and the sender only.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/engine/engine_config.h"
#include "dataplane/engine/frame_edit.h"

namespace dishwall {

// Ethernet addresses say to dw_return where a frame goes.
struct EthernetEnds {
    MacAddress destination, source;
};

// To the sender of the TCP segment in `frame`.
[[nodiscard]] std::vector<std::uint8_t> reset_to_sender(const std::uint8_t* frame, const dw_sight& sight,
                                                        const EthernetEnds& ends);
// To whom the segment was for, as if its sender had ended the connection in its place.
[[nodiscard]] std::vector<std::uint8_t> reset_onward(const std::uint8_t* frame, const dw_sight& sight,
                                                     const EthernetEnds& ends);
// Quotes the packet.
[[nodiscard]] std::vector<std::uint8_t> prohibited(const std::uint8_t* frame, const dw_sight& sight,
                                                   const EthernetEnds& ends);

}  // namespace dishwall
