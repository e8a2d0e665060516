// SPDX-License-Identifier: BSD-3-Clause
//
// The packet core, run in two ways behind one face: compiled for user space, and as the program that the
// kernel's verifier approved (BPF_PROG_TEST_RUN). Tests give both the same frames and compare.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "rules/evaluate.h"
#include "rules/lower.h"
#include "rules/own.h"
#include "tests/core/inspector.h"
#include "tests/core/packet.h"

namespace dishwall::test {

class Executor {
public:
    virtual ~Executor() = default;
    virtual void install(const CompiledImage& compiled) = 0;
    virtual void set_own(const Own& own) = 0;
    // Flows, fragments, rates, and what is remembered of the link.
    virtual void forget() = 0;
    // Time goes by for everything remembered.
    virtual void wait(std::chrono::milliseconds time) = 0;
    // None at first.
    virtual void set_inspector(Inspector state) = 0;
    // What programs and inspector share.
    virtual dw_inspection& inspection() = 0;
    // CLOCK_MONOTONIC as the programs see it.
    [[nodiscard]] virtual std::uint64_t clock_ns() const = 0;
    virtual dw_outcome run(Direction direction, const Bytes& frame) = 0;
    // The frame that goes back to the sender of a rejected one; empty: none.
    virtual Bytes reply(const Bytes& frame) = 0;
    // The flow with this id (dw_outcome.flow).
    virtual dw_flow flow(std::uint32_t id) = 0;
    virtual dw_counter counter(std::uint32_t id) = 0;
    // For several threads at once, whose outcomes cannot be told apart: was it accepted, the last of so many
    // times?
    virtual bool pass(Direction direction, const Bytes& frame, unsigned times) = 0;
    // The flow table: its index, and what slot `way` of bucket `i` speaks of as number i * DW_WAYS + way.
    [[nodiscard]] virtual std::span<const dw_slots> slots() const = 0;
    [[nodiscard]] virtual std::span<const dw_flow> flows() const = 0;
    [[nodiscard]] virtual std::span<const dw_fragment_bucket> fragments() const = 0;
};

struct TableSetup {
    unsigned buckets = 1024;  // of the flow table, a power of two
    bool strangers = false;   // every host behind us is one that no neighbour entry is known for (R38)
};
std::unique_ptr<Executor> make_native_executor(const TableSetup& setup = {});
// Needs root. Throws std::runtime_error when the kernel refuses.
std::unique_ptr<Executor> make_bpf_executor(const TableSetup& setup = {});

std::string describe(const dw_outcome& outcome);

// What the two must agree on: everything but the padding.
bool same(const dw_outcome& a, const dw_outcome& b);
bool same(const dw_flow& a, const dw_flow& b);  // times left out

}  // namespace dishwall::test
