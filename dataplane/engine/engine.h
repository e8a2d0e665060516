// SPDX-License-Identifier: BSD-3-Clause
//
// What becomes of a frame that the programs gave to a worker: which flow it is of, whether a receiver could
// read it in two ways, and whether a signature is in it. One engine a worker, on that worker's thread; no
// system calls, no logging and no locks where packets wait.
//
//   frame -> walk -> flow -> checksum -> [fragments: until whole] -> TCP: reassembler -> scanner -> go on |
//   drop
//                                                                 -> others: scan
//
// Of each frame exactly one of PASSED (handed back) and the reasons to drop it is counted; ALERTED and
// UNSCANNABLE are counted besides. A frame of a flow that was ended meanwhile counts as STRAY.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "bpf/core/native.h"
#include "dataplane/engine/engine_config.h"
#include "dataplane/engine/flow_states.h"
#include "dataplane/engine/flow_table.h"
#include "dataplane/engine/fragment_hold.h"
#include "dataplane/engine/frame_inspector.h"
#include "dataplane/engine/inspect_event.h"
#include "dataplane/signatures/scanner.h"
#include "dataplane/streams/stream_memory.h"

namespace dishwall {

class Engine final : public FrameInspector {
public:
    Engine(const EngineTables& tables, const EngineLimits& limits, FrameSender& sender,
           InspectEventSink& events);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // From any thread; holds from the next tick on. Flows that are open go on with the signatures they began
    // with.
    void configure(EngineConfig config);

    Fate inspect(const Frame& frame, std::uint64_t now_ns) override;
    void tick(std::uint64_t now_ns) override;

    [[nodiscard]] std::size_t flows() const { return states_.size(); }
    [[nodiscard]] const ScanWorker::Counters& scanned() const { return scans_.counters(); }
    [[nodiscard]] const FragmentHold& fragments() const { return fragments_; }

private:
    // A packet, or a whole datagram with the frame of its first fragment.
    struct Packet {
        std::uint8_t* frame;
        const dw_sight& sight;
        bool inbound;
        Bytes transport;   // from its header on
        bool is_datagram;  // put together from fragments
        FlowName flow;     // of a flow that is known
        std::uint32_t word;

        [[nodiscard]] Bytes payload() const;
        [[nodiscard]] std::uint16_t set() const { return word & DW_INSPECT_SIGNATURES; }
        [[nodiscard]] bool has(std::uint8_t tcp_flag) const { return sight.tcp_flags & tcp_flag; }
    };

    [[nodiscard]] bool came_in(const std::uint8_t* frame) const;
    // Nothing: it is of no flow that is known.
    [[nodiscard]] std::optional<Packet> packet_of(std::uint8_t* frame, const dw_sight& sight, bool inbound,
                                                  Bytes transport, bool is_datagram);
    [[nodiscard]] Fate hold(const Frame& frame, const dw_sight& sight, bool inbound);
    [[nodiscard]] Fate release(HeldDatagram& datagram, bool inbound);
    // True: it goes on.
    [[nodiscard]] bool judge(Packet& packet);
    [[nodiscard]] bool is_right(Packet& packet);
    [[nodiscard]] bool judge_segment(Packet& packet);
    [[nodiscard]] bool judge_answer(Packet& packet, FlowState& state, const StreamAnswer& answer);
    [[nodiscard]] bool judge_datagram(Packet& packet);
    [[nodiscard]] InspectedSignaturesPtr signatures(std::uint16_t set) const;
    [[nodiscard]] FlowState* state_of(const Packet& packet);
    [[nodiscard]] InspectedStream& stream_of(const Packet& packet, FlowState& state);
    void tell_acknowledgement(const Packet& packet, FlowState& state);
    [[nodiscard]] bool matched(const Packet& packet, InspectedSignaturesPtr signatures,
                               std::uint32_t signature);
    [[nodiscard]] bool unscannable(const Packet& packet, FlowState* state);
    void consider_clean(const Packet& packet, const InspectedSignatures& signatures, std::uint64_t searched);
    [[nodiscard]] std::uint32_t ban_source(const Packet& packet, const InspectedSignatures& signatures);
    void reject(const Packet& packet);
    void report(const Packet& packet, InspectEvent event);
    void report_once(const Packet& packet, FlowState& state, InspectEvent::Kind kind);
    void count(dw_tally tally, std::uint64_t more = 1);

    EngineTables tables_;
    FrameSender& sender_;
    InspectEventSink& events_;
    EngineConfig config_;
    FlowTable table_;
    StreamMemory memory_;  // these two outlive the streams in states_
    ScanWorker scans_;
    FlowStates states_;
    FragmentHold fragments_;
    std::vector<std::uint8_t> assembled_;
    std::uint64_t now_ns_ = 0;
    std::uint64_t swept_ns_ = 0;
    std::uint64_t bytes_counted_ = 0;
    dw_reply_budget replies_{};  // its `since` in ns

    std::atomic<bool> has_pending_ = false;
    std::mutex pending_lock_;
    std::optional<EngineConfig> pending_;
};

}  // namespace dishwall
