// SPDX-License-Identifier: BSD-3-Clause
//
// Signature files of any size, drawn by a seed, in the shapes that public rule sets for web servers have:
// mostly paths and tokens in any case, some tied to the request line, some with a class and a repeat behind a
// literal, some binary. No pattern is copied from anybody. Each comes with a text that it matches, to be
// planted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dishwall::bench {

struct Pattern {
    std::uint32_t id;
    std::string line;     // of the file: ID:/regex/flags
    std::string example;  // matches, wherever it stands
};

inline constexpr std::uint64_t kPatternSeed = 20260107;

// The first patterns of a longer list are those of a shorter one.
[[nodiscard]] std::vector<Pattern> make_patterns(unsigned count);
[[nodiscard]] std::string signature_file(const std::vector<Pattern>& patterns);

}  // namespace dishwall::bench
