// SPDX-License-Identifier: BSD-3-Clause
//
// A place for a bench's files, sockets and pins that vanishes with its process, however it ends: a tmpfs and
// a bpffs in a mount namespace that nobody else sees.
#pragma once

#include <string>
#include <vector>

#include "rules/result.h"

namespace dishwall::bench {

struct Scratch {
    std::string directory;  // on a tmpfs
    std::string pins;       // a bpffs inside it
};

// Moves the process into a mount namespace of its own. `needed`: files that the scratch space must not hide.
[[nodiscard]] Result<Scratch> make_scratch(const std::vector<std::string>& needed);

}  // namespace dishwall::bench
