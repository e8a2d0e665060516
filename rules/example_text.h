// SPDX-License-Identifier: BSD-3-Clause
//
// One packet of a box in words, by the names that the rule file gives its ends, for messages about whole sets
// of packets: "tcp from 2001:db8:7::5 port 1024 to nas port 22".
#pragma once

#include <string>

#include "rules/box.h"
#include "rules/packet_space.h"

namespace dishwall {

[[nodiscard]] std::string example_of(const PacketSpace& space, const Box& packets);

}  // namespace dishwall
