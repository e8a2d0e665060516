// SPDX-License-Identifier: BSD-3-Clause
//
// What a worker remembers of the flows that it inspects: for TCP a stream of each direction, for others how
// much was searched. A flow's state begins with its first payload, so that a flood of SYNs takes none; it is
// found by the flow's id and believed only under the flow's name, since ids are used again. When all places
// are taken, nobody who is being inspected makes way: a search that is given up in the middle could be made
// to miss what it looks for. The newcomer is what cannot be inspected then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/engine/engine_config.h"
#include "dataplane/engine/flow_table.h"
#include "dataplane/signatures/scanner.h"
#include "dataplane/streams/reassembler.h"

namespace dishwall {

// One direction of a TCP flow. Must not move.
struct InspectedStream {
    InspectedStream(StreamMemory& memory, ScanWorker& worker, const InspectedSignatures& signatures)
        : scanner(worker, signatures.set,
                  signatures.on_match == Signatures::OnMatch::alert ? AfterMatch::go_on : AfterMatch::stop),
          reassembler(memory, scanner) {}

    StreamScanner scanner;
    Reassembler reassembler;
};

struct FlowState {
    FlowName name;
    InspectedSignaturesPtr signatures;  // with which it began
    std::uint64_t used_ns = 0;
    std::uint64_t datagram_bytes[2] = {0, 0};   // searched; [0] in, [1] out
    std::optional<InspectedStream> streams[2];  // the same
    std::uint32_t reported = 0;                 // bits by InspectEvent::Kind: each is said once
};

class FlowStates {
public:
    // At most so many, of flows whose ids are at most `last_id`.
    FlowStates(std::size_t most, std::uint32_t last_id);

    // The state of this flow if it has one, and it began with this set. One of an older flow in its place is
    // dropped.
    [[nodiscard]] FlowState* find(const FlowName& name, std::uint16_t set);
    // Null: there are too many.
    [[nodiscard]] FlowState* add(const FlowName& name, InspectedSignaturesPtr signatures);
    void drop(std::uint32_t id);

    // Looks at up to `count` states, in turns, and drops those whose flow is gone, not inspected any more, or
    // idle.
    void sweep(const FlowTable& table, unsigned count, std::uint64_t now_ns);

    [[nodiscard]] std::size_t size() const { return states_.size(); }

private:
    struct Free {
        void operator()(std::uint32_t* memory) const { std::free(memory); }
    };

    void drop_at(std::size_t place);

    std::size_t most_;
    std::vector<std::unique_ptr<FlowState>> states_;
    // By flow id, the place in states_ plus one. From calloc: pages that no id falls into take no memory.
    std::unique_ptr<std::uint32_t[], Free> places_;
    std::size_t next_ = 0;  // to be looked at
};

}  // namespace dishwall
