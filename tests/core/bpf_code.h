// SPDX-License-Identifier: BSD-3-Clause
//
// The bytecode of the built BPF object, linked as libbpf links it, but without a kernel: programs and
// functions one behind the other, and what an instruction says of a map, of constants or of a function as a
// number that bpf_interpreter.h understands.
#pragma once

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rules/result.h"

namespace dishwall::test {

struct BpfMap {
    std::string name;
    bpf_map_type type{};
    std::uint32_t value_size = 0, entries = 0;
};

struct BpfCode {
    // src_reg of a 64-bit load says what its first imm is: BPF_PSEUDO_MAP_FD the map's number here,
    // BPF_PSEUDO_MAP_VALUE an offset in the constants, BPF_PSEUDO_FUNC the number of a first instruction.
    // Calls are relative, as the kernel takes them.
    std::vector<bpf_insn> instructions;
    std::map<std::string, std::size_t> functions;  // their first instructions
    std::vector<BpfMap> maps;
    std::vector<std::uint8_t> constants;  // .rodata
    std::size_t settings = 0;             // where struct dw_settings is in it
};

[[nodiscard]] Result<BpfCode> read_bpf_code(const std::string& path);

}  // namespace dishwall::test
