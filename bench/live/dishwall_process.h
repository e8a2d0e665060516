// SPDX-License-Identifier: BSD-3-Clause
//
// The real thing: the built dishwalld with a rule file, in a network namespace, ready.
#pragma once

#include <chrono>
#include <string>

#include "bench/live/command.h"
#include "bench/live/netns.h"
#include "rules/result.h"

namespace dishwall::bench {

// The path of a program of the build, such as "control/dishwalld": of the build directory that has the
// running bench as bench/KIND/dishwall-bench-KIND.
[[nodiscard]] std::string built(const std::string& program);

struct DishwallPlace {
    std::string daemon;     // path of dishwalld
    std::string directory;  // of this instance: rule file, socket, state
    std::string pins;       // on a bpffs
};

class DishwallProcess {
public:
    DishwallProcess() = default;
    // Returns once the daemon has said READY=1, that is when the rules are enforced.
    [[nodiscard]] static Result<DishwallProcess> start(const NetworkNamespace& where,
                                                       const DishwallPlace& place, const std::string& rules,
                                                       std::chrono::seconds patience);

    [[nodiscard]] pid_t pid() const { return daemon_.pid(); }

private:
    explicit DishwallProcess(Background daemon) : daemon_(std::move(daemon)) {}

    Background daemon_;
};

}  // namespace dishwall::bench
