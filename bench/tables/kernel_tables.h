// SPDX-License-Identifier: BSD-3-Clause
//
// The look-up programs with their tables: our flow table and policy image, the kernel's LRU hash and LPM
// trie.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "bench/tables/skeleton.h"
#include "control/flow_reader.h"
#include "control/kernel_maps.h"
#include "control/mapping.h"
#include "control/policy_installer.h"
#include "rules/result.h"

namespace dishwall::bench {

struct TableSizes {
    std::uint32_t flows = 1u << 20;  // room for so many, in each of the two; a power of two
    std::uint32_t prefixes = 0;      // of the feed
};

struct Looked {
    double ns = 0;  // each
    std::uint64_t found = 0;
};

class KernelTables {
public:
    // With the feed in both the image and the trie; no flow.
    [[nodiscard]] static Result<std::unique_ptr<KernelTables>> load(const TableSizes& sizes);

    // Runs `program` over `job.count` keys.
    [[nodiscard]] Result<Looked> run(int program_fd, const dw_tables_job& job);
    [[nodiscard]] const auto& programs() const { return skeleton_->progs; }

    // The flow table, as user space sees it.
    [[nodiscard]] Result<FlowTable> flows();
    [[nodiscard]] int lru_fd() const { return bpf_map__fd(skeleton_->maps.lru); }

private:
    struct Close {
        void operator()(tables* skeleton) const { tables__destroy(skeleton); }
    };
    [[nodiscard]] Result<void> open(const TableSizes& sizes);
    [[nodiscard]] Result<void> install_feed(std::uint32_t prefixes);
    [[nodiscard]] Result<void> fill_trie(std::uint32_t prefixes) const;

    TableSizes sizes_;
    std::unique_ptr<tables, Close> skeleton_;
    KernelMaps maps_;  // only `policy` is set
    std::optional<PolicyInstaller> installer_;
    Mapping slots_, flows_;
};

}  // namespace dishwall::bench
