// SPDX-License-Identifier: BSD-3-Clause
//
// What every bench of this directory registers itself with, and how a wrong verdict fails the whole run:
// Google Benchmark alone would print the error and exit with 0.
#pragma once

#include <benchmark/benchmark.h>

#include <string>

namespace dishwall::bench {

// Skips the benchmark and makes the program's exit status 1.
void refuse(benchmark::State& state, const std::string& why);

// `quick`: as few iterations as possible; for the verdicts only.
void register_native_benches(bool quick);
void register_kernel_benches(bool quick);
void register_compile_benches(bool quick);

}  // namespace dishwall::bench
