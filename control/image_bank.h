// SPDX-License-Identifier: BSD-3-Clause
//
// Where policy images lie: two banks that take turns, each of as many chunks as its image needs (a chunk is
// an array map with one value of 4 MiB, the most that kernel 6.1 gives one). Chunks are pinned by number, so
// that a restarted daemon can go on with both banks: finding a map by its id would need CAP_SYS_ADMIN.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpf/core/image_layout.h"
#include "control/mapping.h"
#include "control/pin_directory.h"
#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

// "image_a_0".."image_b_15": the name of its map and of its pin.
[[nodiscard]] std::string chunk_name(unsigned bank, std::size_t chunk);

class ImageBank {
public:
    // Nothing yet.
    explicit ImageBank(unsigned number) : number_(number) {}
    // The chunks that are pinned, from the first one on.
    [[nodiscard]] static Result<ImageBank> pinned(const PinDirectory& pins, unsigned number);

    [[nodiscard]] unsigned number() const { return number_; }
    [[nodiscard]] std::size_t chunks() const { return chunks_.size(); }
    [[nodiscard]] int fd(std::size_t chunk) const { return chunks_[chunk].fd.get(); }
    [[nodiscard]] std::uint32_t map_id(std::size_t chunk) const { return chunks_[chunk].id; }
    // The header of the image in it. It has a chunk.
    [[nodiscard]] dw_image* header() const { return chunks_.front().memory.as<dw_image>(); }

    // Makes chunks until there are `count`; `pins`: pins each of them. What was made stays when it fails.
    [[nodiscard]] Result<void> grow(std::size_t count, const PinDirectory* pins);
    // Gives back all but the first `count`, which no packet may see any more.
    [[nodiscard]] Result<void> shrink(std::size_t count, const PinDirectory* pins);
    // Pins every chunk, and removes the pins of others that stood there.
    [[nodiscard]] Result<void> pin(const PinDirectory& pins) const;
    // Copies an image into it. It has room.
    void fill(std::span<const std::byte> image);

private:
    struct Chunk {
        UniqueFd fd;
        Mapping memory;
        std::uint32_t id = 0;  // by which the slots of `policy` name it
    };
    [[nodiscard]] static Result<Chunk> chunk_of(UniqueFd fd);
    [[nodiscard]] Result<Chunk> make_chunk() const;

    unsigned number_;
    std::vector<Chunk> chunks_;
};

using ImageBanks = std::array<ImageBank, DW_BANKS>;
[[nodiscard]] ImageBanks empty_banks();
[[nodiscard]] Result<ImageBanks> pinned_banks(const PinDirectory& pins);

// Chunks that an image of so many lines takes.
[[nodiscard]] constexpr std::size_t chunks_for(std::size_t lines) {
    return (lines + DW_CHUNK_LINES - 1) / DW_CHUNK_LINES;
}

// The id of the map in a slot of `policy`; 0: the slot is empty.
[[nodiscard]] Result<std::uint32_t> map_in_slot(int policy_fd, std::uint32_t slot);
// The bank that packets are judged by; empty: there is no policy yet. Fails when it is neither of these.
[[nodiscard]] Result<std::optional<unsigned>> bank_in_force(int policy_fd, const ImageBanks& banks);

}  // namespace dishwall
