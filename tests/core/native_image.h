// SPDX-License-Identifier: BSD-3-Clause
//
// A compiled image as the native core takes it: the same lines, in a row, numbered.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "bpf/core/native.h"
#include "rules/lower.h"

namespace dishwall::test {

class NativeImage {
public:
    NativeImage() = default;
    explicit NativeImage(CompiledImage compiled) : bytes_(std::move(compiled.image)) {}

    // Judges by this image from now on; it must outlive that.
    void put_in_force(dw_memory* memory, std::uint32_t generation) {
        header()->generation = generation;
        put_in_force(memory);
    }
    void put_in_force(dw_memory* memory) const {
        memory->image = reinterpret_cast<const dw_blob*>(bytes_.data());
        memory->image_lines = static_cast<std::uint32_t>(bytes_.size() / DW_LINE);
    }
    [[nodiscard]] dw_image* header() { return reinterpret_cast<dw_image*>(bytes_.data()); }

private:
    std::vector<std::byte> bytes_;
};

}  // namespace dishwall::test
