// SPDX-License-Identifier: BSD-3-Clause
//
// The daemon's maps as this process sees them: the flow table, so that a match ends a flow for the fast path
// too, and the page through which worker and XDP program speak. Opened once, with rights that are given up
// afterwards; the mappings stay good as long as the process, also when the pins are replaced: still_pinned()
// tells.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "bpf/core/layout.h"
#include "control/mapping.h"
#include "rules/result.h"

namespace dishwall {

class SharedTables {
public:
    // Wants CAP_BPF and the right to write to the pins.
    [[nodiscard]] static Result<SharedTables> open(const std::string& pins);

    [[nodiscard]] const dw_control& control() const { return *control_.as<const dw_control>(); }
    [[nodiscard]] dw_inspection& inspection() const { return *inspection_.as<dw_inspection>(); }
    [[nodiscard]] std::span<dw_slots> slots() const { return slots_.as_array<dw_slots>(buckets()); }
    [[nodiscard]] std::span<dw_flow> flows() const { return flows_.as_array<dw_flow>(buckets() * DW_WAYS); }

private:
    SharedTables() = default;
    [[nodiscard]] std::size_t buckets() const { return std::size_t{control().bucket_mask} + 1; }

    Mapping control_, inspection_, slots_, flows_;
};

}  // namespace dishwall
