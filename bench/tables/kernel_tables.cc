// SPDX-License-Identifier: BSD-3-Clause
#include "bench/tables/kernel_tables.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "bench/compiled.h"
#include "bench/published.h"

namespace dishwall::bench {
namespace {

struct TrieKey {
    std::uint32_t length;
    std::uint32_t address_be[4];
};

Ipv6Prefix network(std::uint64_t number) {
    return Ipv6Prefix::containing({dw_bench_network(number), 0}, DW_BENCH_PREFIX_LENGTH);
}

std::string feed_text(std::uint32_t prefixes) {
    std::string text;
    for (std::uint64_t n = 0; n < prefixes; ++n) text += to_string(network(n)) + "\n";
    return text;
}

std::string rules_with_feed() {
    return rule_file_head("    timeout udp 1h\n") +
           "feed listed = file \"feed.txt\"\npolicy inbound on dish {\n    default drop\n    drop from feed "
           "listed\n}\npolicy outbound on dish {\n    default accept\n}\n";
}

dw_settings settings_for(std::uint32_t buckets) {
    dw_settings settings = {};
    settings.bucket_mask = buckets - 1;
    settings.hz = static_cast<std::uint32_t>(::sysconf(_SC_CLK_TCK));
    for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) settings.secret[i] = dw_bench_scatter(i + 1);
    return settings;
}

}  // namespace

Result<std::unique_ptr<KernelTables>> KernelTables::load(const TableSizes& sizes) {
    auto made = std::make_unique<KernelTables>();
    if (auto opened = made->open(sizes); !opened) return tl::unexpected(opened.error());
    if (auto installed = made->install_feed(sizes.prefixes); !installed)
        return tl::unexpected(installed.error());
    if (auto filled = made->fill_trie(sizes.prefixes); !filled) return tl::unexpected(filled.error());
    return made;
}

Result<void> KernelTables::open(const TableSizes& sizes) {
    sizes_ = sizes;
    skeleton_.reset(tables__open());
    if (!skeleton_) return fail("cannot open the look-up programs: {}", std::strerror(errno));
    const auto& maps = skeleton_->maps;
    const std::uint32_t buckets = sizes.flows / DW_WAYS;
    bpf_map__set_max_entries(maps.slots, buckets);
    bpf_map__set_max_entries(maps.flows, sizes.flows);
    bpf_map__set_max_entries(maps.lru, sizes.flows);
    bpf_map__set_max_entries(maps.trie, std::max(sizes.prefixes, 1u));
    skeleton_->rodata->settings = settings_for(buckets);
    if (tables__load(skeleton_.get()) != 0)
        return fail("cannot load the look-up programs: {}", std::strerror(errno));
    return {};
}

Result<void> KernelTables::install_feed(std::uint32_t prefixes) {
    auto policy = policy_of(rules_with_feed(), feed_text(std::max(prefixes, 1u)));
    if (!policy) return tl::unexpected(policy.error());
    auto image = image_of(*policy);
    if (!image) return tl::unexpected(image.error());
    maps_.policy = UniqueFd(::fcntl(bpf_map__fd(skeleton_->maps.policy), F_DUPFD_CLOEXEC, 0));
    auto installer = PolicyInstaller::open(maps_);
    if (!installer) return tl::unexpected(installer.error());
    installer_.emplace(std::move(*installer));
    auto installed = installer_->install(*image);
    if (!installed) return tl::unexpected(installed.error());
    return {};
}

Result<void> KernelTables::fill_trie(std::uint32_t prefixes) const {
    const std::uint32_t value = 1;
    for (std::uint64_t n = 0; n < prefixes; ++n) {
        const std::uint64_t hi = network(n).first().hi;
        const TrieKey key = {DW_BENCH_PREFIX_LENGTH,
                             {__builtin_bswap32(static_cast<std::uint32_t>(hi >> 32)),
                              __builtin_bswap32(static_cast<std::uint32_t>(hi)), 0, 0}};
        if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.trie), &key, &value, BPF_ANY) != 0)
            return fail("the kernel's trie takes no more than {} prefixes: {}", n, std::strerror(errno));
    }
    return {};
}

Result<Looked> KernelTables::run(int program_fd, const dw_tables_job& job) {
    skeleton_->bss->job = job;
    const std::array<std::uint8_t, 64> packet = {};
    bpf_test_run_opts options = {};
    options.sz = sizeof(options);
    options.data_in = packet.data();
    options.data_size_in = packet.size();
    options.repeat = 1;
    const int error = bpf_prog_test_run_opts(program_fd, &options);
    if (error != 0) return fail("BPF_PROG_TEST_RUN: {}", std::strerror(-error));
    return Looked{static_cast<double>(options.duration) / job.count, skeleton_->bss->job.found};
}

Result<FlowTable> KernelTables::flows() {
    const std::size_t buckets = sizes_.flows / DW_WAYS;
    const auto& maps = skeleton_->maps;
    auto slots = Mapping::of(bpf_map__fd(maps.slots), buckets * sizeof(dw_slots), Mapping::Access::write);
    if (!slots) return tl::unexpected(slots.error());
    auto flows = Mapping::of(bpf_map__fd(maps.flows), sizes_.flows * sizeof(dw_flow), Mapping::Access::write);
    if (!flows) return tl::unexpected(flows.error());
    slots_ = std::move(*slots);
    flows_ = std::move(*flows);
    return FlowTable{slots_.as_array<dw_slots>(buckets), flows_.as_array<dw_flow>(sizes_.flows)};
}

}  // namespace dishwall::bench
