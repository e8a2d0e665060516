// SPDX-License-Identifier: BSD-3-Clause
//
// What an engine is given: the tables that it shares with the programs, its bounds, and the signatures in
// force.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "bpf/core/layout.h"
#include "dataplane/signatures/signature_set.h"
#include "dataplane/streams/stream_memory.h"
#include "rules/policy.h"

namespace dishwall {

using MacAddress = std::array<std::uint8_t, 6>;

// All outlive the engine.
struct EngineTables {
    std::uint32_t bucket_mask = 0;  // these three are the daemon's dw_control
    std::uint32_t hz = 0;
    std::array<std::uint64_t, DW_SECRET_WORDS> secret{};
    dw_slots* slots = nullptr;  // bucket_mask + 1
    dw_flow* flows = nullptr;   // DW_WAYS times as many
    dw_inspection* inspection = nullptr;
    unsigned worker = 0;  // whose mac[] and tally[] are this engine's

    [[nodiscard]] static EngineTables of(const dw_control& control, dw_slots* slots, dw_flow* flows,
                                         dw_inspection* inspection, unsigned worker) {
        EngineTables tables{control.bucket_mask, control.hz, {}, slots, flows, inspection, worker};
        std::copy(std::begin(control.secret), std::end(control.secret), tables.secret.begin());
        return tables;
    }
};

// Of one worker.
struct EngineLimits {
    std::size_t flows = 65536;         // of which something is remembered
    std::size_t scan_streams = 65536;  // of Hyperscan, a direction each
    std::size_t datagrams = 1024;      // of which fragments are held
    std::size_t datagram_bytes = std::size_t{16} << 20;
    StreamLimits streams;
};

// A set and what its rules want done about it.
struct InspectedSignatures {
    SignatureSetPtr set;
    Signatures::OnMatch on_match = Signatures::OnMatch::drop;
    std::uint32_t ban_s = 0;        // 0: nobody is banned
    std::uint64_t clean_after = 0;  // bytes of a direction; 0: never
    std::uint16_t id = 0;
};
using InspectedSignaturesPtr = std::shared_ptr<const InspectedSignatures>;

struct EngineConfig {
    MacAddress uplink_mac{};  // all zero: not known, our end's stands in
    std::unordered_map<std::uint16_t, InspectedSignaturesPtr> signatures;  // by DW_INSPECT_SIGNATURES
};

}  // namespace dishwall
