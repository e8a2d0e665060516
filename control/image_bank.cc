// SPDX-License-Identifier: BSD-3-Clause
#include "control/image_bank.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>

#include "control/kernel_support.h"

namespace dishwall {
namespace {

constexpr char kMoreMemory[] =
    "; more memory for dishwalld (MemoryMax= of its unit), or fewer rules and feed entries, would help";

}  // namespace

std::string chunk_name(unsigned bank, std::size_t chunk) {
    return fmt::format("image_{}_{}", static_cast<char>('a' + bank), chunk);
}

// ---- a chunk

Result<ImageBank::Chunk> ImageBank::chunk_of(UniqueFd fd) {
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0)
        return fail("cannot ask about a policy map: {}", describe_bpf_error(errno));
    if (info.value_size != DW_CHUNK_SIZE || info.max_entries != 1)
        return fail("a policy map has {} values of {} bytes", info.max_entries, info.value_size);
    Result<Mapping> memory = Mapping::of(fd.get(), DW_CHUNK_SIZE, Mapping::Access::write);
    if (!memory) return tl::unexpected(memory.error());
    return Chunk{std::move(fd), std::move(*memory), info.id};
}

Result<ImageBank::Chunk> ImageBank::make_chunk() const {
    bpf_map_create_opts options{};
    options.sz = sizeof options;
    options.map_flags = BPF_F_MMAPABLE;
    UniqueFd fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, chunk_name(number_, chunks_.size()).c_str(),
                               sizeof(std::uint32_t), DW_CHUNK_SIZE, 1, &options));
    const int error = errno;
    if (!fd.is_open())
        return fail("cannot make a policy map: {}{}", describe_bpf_error(error),
                    error == ENOMEM ? kMoreMemory : "");
    return chunk_of(std::move(fd));
}

// ---- a bank

Result<ImageBank> ImageBank::pinned(const PinDirectory& pins, unsigned number) {
    ImageBank bank(number);
    while (bank.chunks() < DW_CHUNKS) {
        Result<std::optional<UniqueFd>> fd = pins.get(chunk_name(number, bank.chunks()));
        if (!fd) return tl::unexpected(fd.error());
        if (!*fd) break;
        Result<Chunk> chunk = chunk_of(std::move(**fd));
        if (!chunk) return tl::unexpected(chunk.error());
        bank.chunks_.push_back(std::move(*chunk));
    }
    return bank;
}

Result<void> ImageBank::grow(std::size_t count, const PinDirectory* pins) {
    while (chunks_.size() < count) {
        Result<Chunk> chunk = make_chunk();
        if (!chunk) return tl::unexpected(chunk.error());
        // The pin first: a chunk in a slot without one would be lost to the next daemon.
        if (pins != nullptr)
            if (Result<void> put = pins->put(chunk_name(number_, chunks_.size()), chunk->fd.get()); !put)
                return put;
        chunks_.push_back(std::move(*chunk));
    }
    return {};
}

// From the last one down, so that those pinned stay without a gap.
Result<void> ImageBank::shrink(std::size_t count, const PinDirectory* pins) {
    while (chunks_.size() > count) {
        if (pins != nullptr) {
            const Result<bool> removed = pins->remove(chunk_name(number_, chunks_.size() - 1));
            if (!removed) return tl::unexpected(removed.error());
        }
        chunks_.pop_back();
    }
    return {};
}

Result<void> ImageBank::pin(const PinDirectory& pins) const {
    for (std::size_t i = 0; i < DW_CHUNKS; ++i) {
        const std::string name = chunk_name(number_, i);
        if (i < chunks_.size()) {
            if (Result<void> put = pins.put(name, fd(i)); !put) return put;
        } else if (const Result<bool> removed = pins.remove(name); !removed) {
            return tl::unexpected(removed.error());
        }
    }
    return {};
}

void ImageBank::fill(std::span<const std::byte> image) {
    for (const Chunk& chunk : chunks_) {
        const std::span<const std::byte> part =
            image.first(std::min<std::size_t>(image.size(), DW_CHUNK_SIZE));
        std::ranges::copy(part, chunk.memory.as<std::byte>());
        image = image.subspan(part.size());
    }
}

// ---- both

ImageBanks empty_banks() { return {ImageBank(0), ImageBank(1)}; }

Result<ImageBanks> pinned_banks(const PinDirectory& pins) {
    Result<ImageBank> a = ImageBank::pinned(pins, 0), b = ImageBank::pinned(pins, 1);
    if (!a) return tl::unexpected(a.error());
    if (!b) return tl::unexpected(b.error());
    return ImageBanks{std::move(*a), std::move(*b)};
}

Result<std::uint32_t> map_in_slot(int policy_fd, std::uint32_t slot) {
    std::uint32_t id = 0;
    if (bpf_map_lookup_elem(policy_fd, &slot, &id) != 0 && errno != ENOENT)
        return fail("cannot ask which policy is in force: {}", describe_bpf_error(errno));
    return id;
}

Result<std::optional<unsigned>> bank_in_force(int policy_fd, const ImageBanks& banks) {
    const Result<std::uint32_t> id = map_in_slot(policy_fd, DW_POLICY_IN_FORCE);
    if (!id) return tl::unexpected(id.error());
    if (*id == 0) return std::optional<unsigned>();
    for (const ImageBank& bank : banks)
        if (bank.chunks() > 0 && bank.map_id(0) == *id) return std::optional(bank.number());
    return fail("the policy in force is in none of the pinned images");
}

}  // namespace dishwall
