// SPDX-License-Identifier: BSD-3-Clause
#include "control/policy_installer.h"

#include <bpf/bpf.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "control/kernel_support.h"

namespace dishwall {
namespace {

// 0 stands for "no policy" in the layout, so the count leaves it out when it wraps.
std::uint32_t after(std::uint32_t generation) { return generation + 1 == 0 ? 1 : generation + 1; }

// ---- slots

struct Slots {  // of `policy`, to be set in this order
    std::vector<std::uint32_t> keys;
    std::vector<int> fds;

    void add(std::uint32_t key, int fd) {
        keys.push_back(key);
        fds.push_back(fd);
    }
};

// Each update of a slot waits until no packet reads what stood there before, 5 to 25 ms: many in one call wait
// once (kernel 6.8; 5.19 takes them but waits for each, an older one takes one at a time).
Result<void> put(int policy_fd, const Slots& slots) {
    auto done = static_cast<__u32>(slots.keys.size());
    if (done == 0 || bpf_map_update_batch(policy_fd, slots.keys.data(), slots.fds.data(), &done, nullptr) == 0)
        return {};
    for (std::size_t i = 0; i < slots.keys.size(); ++i)
        if (bpf_map_update_elem(policy_fd, &slots.keys[i], &slots.fds[i], BPF_ANY) != 0)
            return fail("cannot put the policy in force: {}", describe_bpf_error(errno));
    return {};
}

}  // namespace

Result<PolicyInstaller> PolicyInstaller::open(const KernelMaps& maps) {
    return PolicyInstaller(maps.policy.get(), empty_banks());
}

Result<PolicyInstaller> PolicyInstaller::adopt(const KernelMaps& maps, ImageBanks banks,
                                               const PinDirectory& pins) {
    const Result<std::optional<unsigned>> number = bank_in_force(maps.policy.get(), banks);
    if (!number) return tl::unexpected(number.error());
    PolicyInstaller installer(maps.policy.get(), std::move(banks));
    installer.pins_ = &pins;
    if (*number) {
        installer.in_force_ = installer.banks_[**number].header();
        installer.spare_ = 1 - **number;
    }
    return installer;
}

Result<void> PolicyInstaller::keep_pinned(const PinDirectory& pins) {
    for (const ImageBank& bank : banks_)
        if (Result<void> pinned = bank.pin(pins); !pinned) return pinned;
    pins_ = &pins;
    return {};
}

// Every step before the last leaves what is in force alone, and what a crash leaves half done is in the spare
// bank: chunks that are pinned and in no slot yet, chunks in a slot of theirs, lines that nobody looks at. The
// next daemon fills that bank again from its first line.
Result<std::uint32_t> PolicyInstaller::install(const CompiledImage& compiled) {
    const std::span<const std::byte> image(compiled.image);
    if (image.size() < sizeof(dw_image) || image.size() > DW_IMAGE_SIZE || image.size() % DW_LINE != 0)
        return fail("a policy of {} bytes; it has to be whole lines of {}, and the limit is {}", image.size(),
                    DW_LINE, DW_IMAGE_SIZE);
    ImageBank& target = banks_[spare_];
    const std::size_t chunks = chunks_for(image.size() / DW_LINE);
    if (Result<void> room = make_room(chunks); !room) return tl::unexpected(room.error());
    target.fill(image);
    dw_image* header = target.header();
    header->generation = after(generation());
    header->bank = target.number();
    set_reporting(header);
    if (Result<void> switched = switch_to(target, chunks); !switched) return tl::unexpected(switched.error());
    in_force_ = header;
    spare_ = 1 - spare_;
    give_back_what_is_spare();
    return header->generation;
}

Result<void> PolicyInstaller::make_room(std::size_t chunks) {
    ImageBank& target = banks_[spare_];
    const Result<void> grown = target.grow(chunks, pins_);
    if (grown) return {};
    const std::size_t got = target.chunks();
    give_back_what_is_spare();
    return fail("the policy needs {} chunks of {} MiB, and after {} of them: {}", chunks, DW_CHUNK_SIZE >> 20, got,
                grown.error().message);
}

// Returns when no packet reads the bank that was in force before: it is the next spare.
Result<void> PolicyInstaller::switch_to(const ImageBank& bank, std::size_t chunks) const {
    Slots slots;
    for (std::uint32_t i = 0; i < chunks; ++i) {
        const std::uint32_t key = DW_POLICY_CHUNK(bank.number(), i);
        const Result<std::uint32_t> there = map_in_slot(policy_fd_, key);
        if (!there) return tl::unexpected(there.error());
        if (*there != bank.map_id(i)) slots.add(key, bank.fd(i));
    }
    slots.add(DW_POLICY_IN_FORCE, bank.fd(0));
    return put(policy_fd_, slots);
}

// Chunks that are not given back now are tried again at the next swap.
void PolicyInstaller::give_back_what_is_spare() {
    const std::size_t keep = in_force_ == nullptr ? 0 : chunks_for(in_force_->lines);
    for (ImageBank& bank : banks_)
        if (Result<void> done = give_back(&bank, keep); !done)
            spdlog::warn("policy memory that is not needed any more stays: {}", done.error().message);
}

// A slot that holds a chunk keeps it alive. One that is not needed any more takes the bank's first chunk, and
// not nothing, because removals cannot be batched.
Result<void> PolicyInstaller::give_back(ImageBank* bank, std::size_t beyond) const {
    Slots slots;
    for (auto i = static_cast<std::uint32_t>(std::max<std::size_t>(beyond, 1)); i < bank->chunks(); ++i) {
        const std::uint32_t key = DW_POLICY_CHUNK(bank->number(), i);
        const Result<std::uint32_t> there = map_in_slot(policy_fd_, key);
        if (!there) return tl::unexpected(there.error());
        if (*there == bank->map_id(i)) slots.add(key, bank->fd(0));
    }
    if (Result<void> emptied = put(policy_fd_, slots); !emptied) return emptied;
    return bank->shrink(beyond, pins_);
}

void PolicyInstaller::report_judged(bool wanted) {
    report_judged_ = wanted;
    if (in_force_ != nullptr) set_reporting(in_force_);
}

void PolicyInstaller::set_reporting(dw_image* header) const {
    const std::uint32_t others = header->options & ~std::uint32_t{DW_OPTION_REPORT_JUDGED};
    __atomic_store_n(&header->options, others | (report_judged_ ? DW_OPTION_REPORT_JUDGED : 0),
                     __ATOMIC_RELAXED);
}

}  // namespace dishwall
