// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/bpf_interpreter.h"

#include <fmt/core.h>

#include <cstring>
#include <limits>
#include <stdexcept>

#include "bpf/core/layout.h"

namespace dishwall::test {
namespace {

constexpr unsigned kFrames = 8, kFrameBytes = 512, kFramePointer = 10;
constexpr std::uint64_t kMaxInstructions = 10'000'000;

unsigned size_of(const bpf_insn& instruction) {
    switch (BPF_SIZE(instruction.code)) {
        case BPF_B:
            return 1;
        case BPF_H:
            return 2;
        case BPF_W:
            return 4;
        default:
            return 8;
    }
}

std::uint64_t swapped(std::uint64_t value, std::int32_t bits) {
    if (bits == 16) return __builtin_bswap16(static_cast<std::uint16_t>(value));
    return bits == 32 ? __builtin_bswap32(static_cast<std::uint32_t>(value)) : __builtin_bswap64(value);
}

// Of 32 or 64 bits; BPF defines division by zero, and takes shifts modulo the width.
template <typename Word>
std::uint64_t calculated(std::uint8_t operation, Word a, Word b) {
    using Signed = std::make_signed_t<Word>;
    constexpr Word kShift = std::numeric_limits<Word>::digits - 1;
    switch (operation) {
        case BPF_ADD:
            return static_cast<Word>(a + b);
        case BPF_SUB:
            return static_cast<Word>(a - b);
        case BPF_MUL:
            return static_cast<Word>(a * b);
        case BPF_DIV:
            return b == 0 ? 0 : a / b;
        case BPF_MOD:
            return b == 0 ? a : a % b;
        case BPF_OR:
            return a | b;
        case BPF_AND:
            return a & b;
        case BPF_XOR:
            return a ^ b;
        case BPF_LSH:
            return static_cast<Word>(a << (b & kShift));
        case BPF_RSH:
            return a >> (b & kShift);
        case BPF_ARSH:
            return static_cast<Word>(static_cast<Signed>(a) >> (b & kShift));
        case BPF_NEG:
            return static_cast<Word>(-a);
        case BPF_MOV:
            return b;
    }
    throw std::runtime_error(fmt::format("no arithmetic {:#x}", operation));
}

template <typename Word>
bool holds(std::uint8_t condition, Word a, Word b) {
    using Signed = std::make_signed_t<Word>;
    const auto x = static_cast<Signed>(a), y = static_cast<Signed>(b);
    switch (condition) {
        case BPF_JA:
            return true;
        case BPF_JEQ:
            return a == b;
        case BPF_JNE:
            return a != b;
        case BPF_JSET:
            return (a & b) != 0;
        case BPF_JGT:
            return a > b;
        case BPF_JGE:
            return a >= b;
        case BPF_JLT:
            return a < b;
        case BPF_JLE:
            return a <= b;
        case BPF_JSGT:
            return x > y;
        case BPF_JSGE:
            return x >= y;
        case BPF_JSLT:
            return x < y;
        case BPF_JSLE:
            return x <= y;
    }
    throw std::runtime_error(fmt::format("no condition {:#x}", condition));
}

}  // namespace

struct BpfInterpreter::Frame {
    std::array<std::uint64_t, 11> r{};
    unsigned depth = 0;
};

BpfInterpreter::BpfInterpreter(const BpfCode& code, Helpers helpers)
    : code_(code), helpers_(std::move(helpers)), handles_(code.maps.size()), stack_(kFrames * kFrameBytes) {
    for (const auto& [name, at] : code_.functions) names_[at] = name;
    set_memory("stack", stack_.data(), stack_.size(), false);
    set_memory("constants", code_.constants.data(), code_.constants.size(), false);
}

void BpfInterpreter::set_memory(const std::string& name, const void* base, std::size_t size, bool counted) {
    std::erase_if(memories_, [&](const Memory& memory) { return memory.name == name; });
    memories_.push_back({name, reinterpret_cast<std::uintptr_t>(base), size, counted});
    last_ = 0;
}

void BpfInterpreter::set_map(const std::string& name, std::uint64_t handle) {
    for (std::size_t i = 0; i < handles_.size(); ++i)
        if (code_.maps[i].name == name) handles_[i] = handle;
}

void BpfInterpreter::set_settings(const void* settings, std::size_t size) {
    std::memcpy(code_.constants.data() + code_.settings, settings, size);
}

std::uint64_t BpfInterpreter::run(const std::string& program, const Context& context, BpfCost* cost) {
    context_ = context;
    cost_ = cost;
    const auto at = code_.functions.find(program);
    if (at == code_.functions.end()) refuse("no program " + program);
    return call(at->second, {reinterpret_cast<std::uint64_t>(context_.data())}, 0);
}

std::uint64_t BpfInterpreter::call(std::size_t at, const Arguments& arguments, unsigned depth) {
    if (depth == kFrames) refuse("too many frames");
    Frame frame;
    frame.depth = depth;
    for (unsigned i = 0; i < kArguments; ++i) frame.r[i + 1] = arguments[i];
    frame.r[kFramePointer] = reinterpret_cast<std::uint64_t>(stack_.data() + (depth + 1) * kFrameBytes);
    const std::string caller = std::exchange(function_, names_.contains(at) ? names_[at] : "?");
    std::uint64_t* const of_caller = std::exchange(of_function_, &cost_->by_function[function_]);
    while (code_.instructions[at].code != (BPF_JMP | BPF_EXIT)) {
        ++*of_function_;
        if (++cost_->instructions > kMaxInstructions) refuse("no end");
        at = step(at, &frame);
    }
    ++*of_function_;
    ++cost_->instructions;
    function_ = caller;
    of_function_ = of_caller;
    return frame.r[0];
}

// One instruction; returns the place of the next one.
std::size_t BpfInterpreter::step(std::size_t at, Frame* frame) {
    const bpf_insn& instruction = code_.instructions[at];
    auto& r = frame->r;
    const std::uint64_t source = BPF_SRC(instruction.code) == BPF_X
                                     ? r[instruction.src_reg]
                                     : static_cast<std::uint64_t>(std::int64_t{instruction.imm});
    std::uint64_t& target = r[instruction.dst_reg];
    const auto offset = static_cast<std::uint64_t>(std::int64_t{instruction.off});
    const std::uint8_t operation = BPF_OP(instruction.code);
    switch (BPF_CLASS(instruction.code)) {
        case BPF_ALU:
        case BPF_ALU64:
            if (operation == BPF_END) {
                if (BPF_SRC(instruction.code) != BPF_TO_BE) refuse("an odd byte order");
                target = swapped(target, instruction.imm);
            } else if (BPF_CLASS(instruction.code) == BPF_ALU64) {
                target = calculated<std::uint64_t>(operation, target, source);
            } else {
                target = calculated<std::uint32_t>(operation, static_cast<std::uint32_t>(target),
                                                   static_cast<std::uint32_t>(source));
            }
            return at + 1;
        case BPF_LD:
            target = address_of(&instruction);
            return at + 2;
        case BPF_LDX:
            target = load(r[instruction.src_reg] + offset, size_of(instruction));
            return at + 1;
        case BPF_ST:
            store(target + offset, size_of(instruction),
                  static_cast<std::uint64_t>(std::int64_t{instruction.imm}));
            return at + 1;
        case BPF_STX:
            if (BPF_MODE(instruction.code) == BPF_ATOMIC)
                change(instruction, frame);
            else
                store(target + offset, size_of(instruction), r[instruction.src_reg]);
            return at + 1;
        default:
            break;
    }
    if (operation == BPF_CALL) {
        call_from(instruction, at, frame);
        return at + 1;
    }
    const bool wide = BPF_CLASS(instruction.code) == BPF_JMP;
    const bool jumps = wide ? holds<std::uint64_t>(operation, target, source)
                            : holds<std::uint32_t>(operation, static_cast<std::uint32_t>(target),
                                                   static_cast<std::uint32_t>(source));
    return at + 1 + (jumps ? offset : 0);
}

void BpfInterpreter::call_from(const bpf_insn& instruction, std::size_t at, Frame* frame) {
    Arguments arguments;
    for (unsigned i = 0; i < kArguments; ++i) arguments[i] = frame->r[i + 1];
    if (instruction.src_reg == BPF_PSEUDO_CALL) {
        const auto target = at + 1 + static_cast<std::size_t>(std::int64_t{instruction.imm});
        frame->r[0] = call(target, arguments, frame->depth + 1);
        return;
    }
    ++cost_->helpers;
    frame->r[0] = instruction.imm == BPF_FUNC_loop
                      ? loop(arguments, frame->depth)
                      : helpers_(static_cast<std::uint32_t>(instruction.imm), arguments);
}

std::uint64_t BpfInterpreter::loop(const Arguments& arguments, unsigned depth) {
    for (std::uint64_t i = 0; i < static_cast<std::uint32_t>(arguments[0]); ++i)
        if (call(arguments[1], {i, arguments[2]}, depth + 1) != 0) return i + 1;
    return arguments[0];
}

std::uint64_t BpfInterpreter::address_of(const bpf_insn* instruction) const {
    const auto low = static_cast<std::uint32_t>(instruction[0].imm);
    switch (instruction->src_reg) {
        case BPF_PSEUDO_MAP_FD:
            return handles_[low];
        case BPF_PSEUDO_MAP_VALUE:
            return reinterpret_cast<std::uint64_t>(code_.constants.data() + low);
        case BPF_PSEUDO_FUNC:
            return low;
        default:
            return low | std::uint64_t{static_cast<std::uint32_t>(instruction[1].imm)} << 32;
    }
}

std::uint64_t BpfInterpreter::load(std::uintptr_t address, unsigned size) {
    const std::uintptr_t in_context = address - reinterpret_cast<std::uintptr_t>(context_.data());
    if (in_context < context_.size() * 4) return context_[in_context / 4];
    check(address, size);
    std::uint64_t value = 0;
    std::memcpy(&value, reinterpret_cast<const void*>(address), size);
    return value;
}

void BpfInterpreter::store(std::uintptr_t address, unsigned size, std::uint64_t value) {
    check(address, size);
    std::memcpy(reinterpret_cast<void*>(address), &value, size);
}

// Atomic instructions: one thread runs here, so they need not be.
void BpfInterpreter::change(const bpf_insn& instruction, Frame* frame) {
    const std::uintptr_t address =
        frame->r[instruction.dst_reg] + static_cast<std::uintptr_t>(std::int64_t{instruction.off});
    const unsigned size = size_of(instruction);
    std::uint64_t& source = frame->r[instruction.src_reg];
    const std::uint64_t was = load(address, size);
    if (instruction.imm == BPF_CMPXCHG) {
        if (was == (size == 4 ? static_cast<std::uint32_t>(frame->r[0]) : frame->r[0]))
            store(address, size, source);
        frame->r[0] = was;
        return;
    }
    const bool replaces = instruction.imm == BPF_XCHG;
    store(address, size, replaces ? source : calculated<std::uint64_t>(BPF_OP(instruction.imm), was, source));
    if ((instruction.imm & BPF_FETCH) != 0) source = was;
}

void BpfInterpreter::check(std::uintptr_t address, unsigned size) {
    const auto holds_it = [&](const Memory& memory) {
        return address - memory.base < memory.size && address - memory.base + size <= memory.size;
    };
    if (!holds_it(memories_[last_]))
        for (last_ = 0; last_ < memories_.size() && !holds_it(memories_[last_]);) ++last_;
    if (last_ == memories_.size()) {
        last_ = 0;
        refuse(fmt::format("an access of {} bytes outside of all memory", size));
    }
    const Memory& memory = memories_[last_];
    if (!memory.counted) return;
    for (std::uintptr_t line = (address - memory.base) / DW_LINE;
         line <= (address - memory.base + size - 1) / DW_LINE; ++line)
        cost_->lines.emplace(memory.name, line);
}

void BpfInterpreter::refuse(const std::string& what) const {
    throw std::runtime_error(fmt::format("BPF: {}, in {}", what, function_));
}

}  // namespace dishwall::test
