// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "tests/core/bpf_interpreter.h"
#include "tests/core/native_executor.h"

namespace dishwall::test {

class InterpretedExecutor : public NativeExecutor {
public:
    using NativeExecutor::NativeExecutor;
    // The hook's return value. What it did is in cost().
    virtual std::uint64_t judge(Direction direction, const Bytes& frame) = 0;
    [[nodiscard]] virtual const BpfCost& cost() const = 0;
};

// `object`: path of dishwall.bpf.o. `trace`: outcomes are written, which costs instructions that the
// product's programs do not have; without it run() gives an empty outcome.
std::unique_ptr<InterpretedExecutor> make_interpreted_executor(const std::string& object,
                                                               const TableSetup& setup = {},
                                                               bool trace = true);

}  // namespace dishwall::test
