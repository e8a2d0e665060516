// SPDX-License-Identifier: BSD-3-Clause
//
// Other programs, run inside a network namespace: `ip`, `nft`, `dishctl`, and the daemon under test.
// Children die with the harness (PR_SET_PDEATHSIG), so a killed bench leaves no daemon behind.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "bench/live/netns.h"
#include "rules/result.h"

namespace dishwall::bench {

// Runs to the end; gives what it wrote to stdout. A non-zero exit is an error that quotes its stderr.
// `peak_mib`: how much memory it had at most, and at least what this process had when it was started (the
// kernel counts from fork).
[[nodiscard]] Result<std::string> run(const NetworkNamespace& where, const std::vector<std::string>& command,
                                      std::string_view input = {}, double* peak_mib = nullptr);

// This thread has the CPU for itself: programs in the background run on any but this one.
[[nodiscard]] Result<void> take_cpu(int cpu);

// This thread runs where those programs do.
[[nodiscard]] Result<void> leave_cpu();

// A program in the background; ended by SIGTERM, then SIGKILL, when this object goes.
class Background {
public:
    Background() = default;
    [[nodiscard]] static Result<Background> start(const NetworkNamespace& where,
                                                  const std::vector<std::string>& command,
                                                  const std::vector<std::string>& environment);
    Background(Background&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)), log_(std::move(other.log_)) {}
    Background& operator=(Background&& other) noexcept;
    ~Background();

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool is_running() const;
    [[nodiscard]] std::string log() const;  // what it wrote so far, stdout and stderr

private:
    Background(pid_t pid, UniqueFd log) : pid_(pid), log_(std::move(log)) {}

    pid_t pid_ = -1;
    UniqueFd log_;
};

}  // namespace dishwall::bench
