// SPDX-License-Identifier: BSD-3-Clause
//
// The fuzzer's input for the packet core: a short story in few bytes. Most of a frame says the same each time
// (the Ethernet header, sixteen addresses of the world of world.h, lengths, checksums), and an answer repeats
// what was asked; the script has one action for each of these, so that a mutated byte is a step somewhere
// else and not a wrong address. Raw frames are there for what the compact forms cannot say.
//
// An action is a byte, its low three bits are the kind, then the kind's own bytes (packet_script.cc).
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "rules/evaluate.h"
#include "rules/own.h"
#include "tests/core/packet.h"
#include "tests/core/vectors.h"

namespace dishwall::test {

namespace script {
struct Frame {
    Direction direction = Direction::inbound;
    Bytes bytes;
};
struct Pause {
    unsigned seconds = 0;
};
struct Reload {
    unsigned policy = 0;
};
}  // namespace script

using ScriptStep = std::variant<script::Frame, script::Pause, script::Reload, Own>;

inline constexpr unsigned kScriptPolicies = 3;
[[nodiscard]] const char* script_rules(unsigned policy);

// Any bytes are a script.
[[nodiscard]] std::vector<ScriptStep> read_script(const std::uint8_t* data, std::size_t size);
// A vector as near as a script comes to it: times, policies and prefixes are those that scripts have.
[[nodiscard]] Bytes write_script(const Vector& vector);

}  // namespace dishwall::test
