// SPDX-License-Identifier: BSD-3-Clause
//
// Runs BPF bytecode in user space and counts what it does: instructions, helper calls, and the lines of 64
// bytes that it touches. Timings on a shared machine say nothing about a change of one per cent; these
// numbers are the same on every machine, so a budget can be one of them (budget_test.cc).
//
// Registers hold addresses of this process. Each access must lie in memory that was named before, so a wild
// one ends the run by name instead of reading what happens to be there.
#pragma once

#include <array>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "tests/core/bpf_code.h"

namespace dishwall::test {

struct BpfCost {
    std::uint64_t instructions = 0;  // as compiled; the kernel puts some in place of helpers it knows
    std::uint64_t helpers = 0;       // calls out of the program; bpf_loop's own counts as one
    std::set<std::pair<std::string, std::size_t>> lines;  // of which memory, and which one of it
    std::map<std::string, std::uint64_t> by_function;     // instructions
};

class BpfInterpreter {
public:
    static constexpr unsigned kArguments = 5;
    using Arguments = std::array<std::uint64_t, kArguments>;
    // A helper by its number in linux/bpf.h; bpf_loop is the interpreter's own.
    using Helpers = std::function<std::uint64_t(std::uint32_t helper, const Arguments& arguments)>;
    // The hook's context: what a load of 32 bits at offset 4 * i gives. Addresses there are whole here.
    using Context = std::array<std::uint64_t, 64>;

    BpfInterpreter(const BpfCode& code, Helpers helpers);

    // Memory that programs may use, by this name. `counted`: its lines are. Again with the same name: moved.
    void set_memory(const std::string& name, const void* base, std::size_t size, bool counted = true);
    // What a 64-bit load of a map gives; passed to helpers as it is.
    void set_map(const std::string& name, std::uint64_t handle);
    void set_settings(const void* settings, std::size_t size);

    // Of the run at hand or the last one; a helper may change it.
    Context& context() { return context_; }

    // Throws std::runtime_error when the program does what it must not.
    std::uint64_t run(const std::string& program, const Context& context, BpfCost* cost);

private:
    struct Memory {
        std::string name;
        std::uintptr_t base;
        std::size_t size;
        bool counted;
    };
    struct Frame;

    std::uint64_t call(std::size_t at, const Arguments& arguments, unsigned depth);
    std::size_t step(std::size_t at, Frame* frame);
    std::uint64_t loop(const Arguments& arguments, unsigned depth);
    void call_from(const bpf_insn& instruction, std::size_t at, Frame* frame);
    std::uint64_t address_of(const bpf_insn* instruction) const;
    std::uint64_t load(std::uintptr_t address, unsigned size);
    void store(std::uintptr_t address, unsigned size, std::uint64_t value);
    void change(const bpf_insn& instruction, Frame* frame);
    void check(std::uintptr_t address, unsigned size);
    [[noreturn]] void refuse(const std::string& what) const;

    BpfCode code_;
    Helpers helpers_;
    std::vector<Memory> memories_;
    std::size_t last_ = 0;  // the memory of the access before
    std::vector<std::uint64_t> handles_;
    std::map<std::size_t, std::string> names_;  // of functions, by their first instruction
    Context context_{};
    std::vector<std::uint8_t> stack_;
    std::string function_;
    BpfCost* cost_ = nullptr;
    std::uint64_t* of_function_ = nullptr;
};

}  // namespace dishwall::test
