// SPDX-License-Identifier: BSD-3-Clause
//
// age-flows PIN_DIR SECONDS: lets that much time pass for every flow of a running instance.
//
// Idle times are hours (R22), and the clock of the packet path is the kernel's jiffies, which no test can
// move. So the other end is moved: when each flow was last used. It is written through the same pinned map
// and layout that the programs use; a flow that a packet renews at this moment keeps the packet's time.
#include <bpf/bpf.h>
#include <fmt/core.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "bpf/core/layout.h"
#include "control/mapping.h"
#include "control/unique_fd.h"

namespace dishwall {
namespace {

Result<Mapping> pinned(const std::string& path, std::size_t size) {
    UniqueFd fd(::bpf_obj_get(path.c_str()));
    if (!fd.is_open()) return fail("cannot open {}: {}", path, std::strerror(errno));
    return Mapping::of(fd.get(), size, Mapping::Access::write);
}

std::uint64_t set_back(std::uint64_t word, std::uint64_t jiffies) {
    return (word & ~std::uint64_t{DW_SLOT_TIME_MASK}) | ((word - jiffies) & DW_SLOT_TIME_MASK);
}

unsigned age(std::span<dw_slots> index, std::span<dw_flow> flows, std::uint64_t jiffies) {
    unsigned aged = 0;
    for (std::size_t i = 0; i < flows.size(); ++i) {
        const std::atomic_ref<__u64> slot(index[i / DW_WAYS].word[i % DW_WAYS]);
        __u64 word = slot.load();
        if ((word >> DW_SLOT_STATUS_SHIFT & 3) != DW_SLOT_LIVE) continue;
        if (!slot.compare_exchange_strong(word, set_back(word, jiffies))) continue;
        flows[i].last_seen -= jiffies;
        ++aged;
    }
    return aged;
}

Result<unsigned> age_all(const std::string& pins, std::uint64_t seconds) {
    auto control = pinned(pins + "/control", sizeof(dw_control));
    if (!control) return tl::unexpected(control.error());
    const std::size_t buckets = std::size_t{control->as<dw_control>()->bucket_mask} + 1;
    auto slots = pinned(pins + "/slots", buckets * sizeof(dw_slots));
    if (!slots) return tl::unexpected(slots.error());
    auto flows = pinned(pins + "/flows", buckets * DW_WAYS * sizeof(dw_flow));
    if (!flows) return tl::unexpected(flows.error());
    return age(slots->as_array<dw_slots>(buckets), flows->as_array<dw_flow>(buckets * DW_WAYS),
               seconds * control->as<dw_control>()->hz);
}

}  // namespace
}  // namespace dishwall

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: age-flows PIN_DIR SECONDS\n");
        return 2;
    }
    const auto aged = dishwall::age_all(argv[1], std::strtoull(argv[2], nullptr, 10));
    if (!aged) {
        fmt::print(stderr, "age-flows: {}\n", aged.error().message);
        return 1;
    }
    fmt::print("{}\n", *aged);
    return 0;
}
