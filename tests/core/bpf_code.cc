// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/bpf_code.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <gelf.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace dishwall::test {
namespace {

constexpr const char* kSections[] = {"xdp", "tc", ".text"};
constexpr unsigned kCall = 10, kAddress = 1;  // R_BPF_64_32, R_BPF_64_64

struct Closer {
    void operator()(Elf* elf) const { elf_end(elf); }
    void operator()(bpf_object* object) const { bpf_object__close(object); }
};

class Linker {
public:
    Linker(Elf* elf, BpfCode* code) : elf_(elf), code_(code) {}

    Result<void> link() {
        if (elf_getshdrstrndx(elf_, &names_) != 0) return fail("no section names: {}", elf_errmsg(-1));
        for (const char* name : kSections)
            if (Result<void> placed = place(name); !placed) return placed;
        read_symbols();
        for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf_, section)) != nullptr;)
            if (Result<void> done = relocate(section); !done) return done;
        return {};
    }

private:
    GElf_Shdr header_of(Elf_Scn* section) const {
        GElf_Shdr header{};
        gelf_getshdr(section, &header);
        return header;
    }
    std::string name_of(Elf_Scn* section) const {
        return elf_strptr(elf_, names_, header_of(section).sh_name);
    }

    Result<void> place(const std::string& name) {
        for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf_, section)) != nullptr;) {
            if (name_of(section) != name) continue;
            const Elf_Data* data = elf_getdata(section, nullptr);
            base_[elf_ndxscn(section)] = code_->instructions.size();
            const auto* first = static_cast<const bpf_insn*>(data->d_buf);
            code_->instructions.insert(code_->instructions.end(), first,
                                       first + data->d_size / sizeof *first);
            return {};
        }
        return fail("the object has no section {}", name);
    }

    void read_symbols() {
        for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf_, section)) != nullptr;) {
            if (name_of(section) == ".rodata") {
                const Elf_Data* data = elf_getdata(section, nullptr);
                const auto* bytes = static_cast<const std::uint8_t*>(data->d_buf);
                code_->constants.assign(bytes, bytes + data->d_size);
                constants_ = elf_ndxscn(section);
            }
            const GElf_Shdr header = header_of(section);
            if (header.sh_type != SHT_SYMTAB) continue;
            Elf_Data* data = elf_getdata(section, nullptr);
            for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
                GElf_Sym symbol{};
                gelf_getsym(data, static_cast<int>(i), &symbol);
                symbols_.push_back(symbol);
                symbol_names_.emplace_back(elf_strptr(elf_, header.sh_link, symbol.st_name));
                if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC && base_.contains(symbol.st_shndx))
                    code_->functions[symbol_names_.back()] = place_of(symbol, 0);
                if (symbol_names_.back() == "settings") code_->settings = symbol.st_value;
            }
        }
    }
    std::size_t place_of(const GElf_Sym& symbol, std::int64_t bytes) const {
        return base_.at(symbol.st_shndx) +
               (symbol.st_value + static_cast<std::uint64_t>(bytes)) / sizeof(bpf_insn);
    }

    Result<void> relocate(Elf_Scn* section) {
        const GElf_Shdr header = header_of(section);
        if (header.sh_type != SHT_REL || !base_.contains(header.sh_info)) return {};
        Elf_Data* data = elf_getdata(section, nullptr);
        for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
            GElf_Rel relocation{};
            gelf_getrel(data, static_cast<int>(i), &relocation);
            const std::size_t at = base_.at(header.sh_info) + relocation.r_offset / sizeof(bpf_insn);
            if (Result<void> done = relocate(at, relocation); !done) return done;
        }
        return {};
    }

    Result<void> relocate(std::size_t at, const GElf_Rel& relocation) {
        bpf_insn& instruction = code_->instructions[at];
        const GElf_Sym& symbol = symbols_[GELF_R_SYM(relocation.r_info)];
        const std::string& name = symbol_names_[GELF_R_SYM(relocation.r_info)];
        const auto is_named = [&](const BpfMap& map) { return map.name == name; };
        const auto map = std::ranges::find_if(code_->maps, is_named);
        if (GELF_R_TYPE(relocation.r_info) == kCall) {
            const std::size_t target =
                place_of(symbol, (instruction.imm + 1) * std::int64_t{sizeof instruction});
            instruction.imm = static_cast<std::int32_t>(target - at) - 1;
        } else if (map != code_->maps.end()) {
            instruction.src_reg = BPF_PSEUDO_MAP_FD;
            instruction.imm = static_cast<std::int32_t>(map - code_->maps.begin());
        } else if (symbol.st_shndx == constants_) {
            instruction.src_reg = BPF_PSEUDO_MAP_VALUE;
            instruction.imm += static_cast<std::int32_t>(symbol.st_value);
        } else if (GELF_R_TYPE(relocation.r_info) == kAddress && base_.contains(symbol.st_shndx)) {
            instruction.src_reg = BPF_PSEUDO_FUNC;
            instruction.imm = static_cast<std::int32_t>(place_of(symbol, instruction.imm));
        } else {
            return fail("cannot link {} at instruction {}", name, at);
        }
        return {};
    }

    Elf* elf_;
    BpfCode* code_;
    std::size_t names_ = 0;
    std::map<std::size_t, std::size_t> base_;  // section -> where its first instruction stands
    std::size_t constants_ = 0;                // section
    std::vector<GElf_Sym> symbols_;
    std::vector<std::string> symbol_names_;
};

Result<void> read_maps(const std::string& path, BpfCode* code) {
    const std::unique_ptr<bpf_object, Closer> object(bpf_object__open_file(path.c_str(), nullptr));
    if (!object) return fail("libbpf cannot open {}: {}", path, std::strerror(errno));
    for (bpf_map* map = nullptr; (map = bpf_object__next_map(object.get(), map)) != nullptr;)
        code->maps.push_back(
            {bpf_map__name(map), bpf_map__type(map), bpf_map__value_size(map), bpf_map__max_entries(map)});
    return {};
}

}  // namespace

Result<BpfCode> read_bpf_code(const std::string& path) {
    BpfCode code;
    if (Result<void> read = read_maps(path, &code); !read) return tl::unexpected(read.error());
    elf_version(EV_CURRENT);
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail("cannot open {}: {}", path, std::strerror(errno));
    const std::unique_ptr<Elf, Closer> elf(elf_begin(fd, ELF_C_READ_MMAP, nullptr));
    Result<void> linked = elf ? Linker(elf.get(), &code).link() : fail("{}", elf_errmsg(-1));
    ::close(fd);
    if (!linked) return fail_with(linked.error(), path);
    return code;
}

}  // namespace dishwall::test
