// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/engine.h"

#include <algorithm>
#include <utility>

#include "bpf/core/wire.h"
#include "dataplane/engine/answers.h"
#include "dataplane/engine/ban_list.h"
#include "dataplane/engine/frame_edit.h"

namespace dishwall {
namespace {

constexpr std::uint8_t kUrgent = 0x20;
constexpr std::uint64_t kSecond_ns = 1'000'000'000;
constexpr std::uint64_t kSweepEvery_ns = 20'000;  // one state: 50,000 a second
constexpr std::uint64_t kMostSwept = 256;         // in one tick
constexpr std::uint32_t kRepliesASecond = 100;    // as the programs' (RFC 4443 2.4 f)
constexpr std::size_t kUdpHeader = 8;

unsigned way(bool inbound) { return inbound ? 0 : 1; }

MacAddress mac_at(const std::uint8_t* at) {
    MacAddress mac;
    std::copy_n(at, mac.size(), mac.begin());
    return mac;
}

}  // namespace

Engine::Engine(const EngineTables& tables, const EngineLimits& limits, FrameSender& sender,
               InspectEventSink& events)
    : tables_(tables),
      sender_(sender),
      events_(events),
      table_(tables),
      memory_(limits.streams),
      scans_(limits.scan_streams),
      states_(limits.flows, (tables.bucket_mask + 1) * DW_WAYS),
      fragments_(limits.datagrams, limits.datagram_bytes) {}

void Engine::configure(EngineConfig config) {
    const std::lock_guard lock(pending_lock_);
    pending_ = std::move(config);
    has_pending_ = true;
}

void Engine::tick(std::uint64_t now_ns) {
    now_ns_ = now_ns;
    if (has_pending_.load(std::memory_order_relaxed)) {
        const std::lock_guard lock(pending_lock_);
        std::swap(config_, *pending_);
        pending_.reset();
        has_pending_ = false;
        // A set without scratch memory says so again when it is searched for: then its flows cannot be
        // inspected.
        for (const auto& [id, signatures] : config_.signatures) (void)scans_.prepare(*signatures->set);
    }
    fragments_.expire(now_ns);
    const std::uint64_t due = (now_ns - swept_ns_) / kSweepEvery_ns;
    if (due == 0) return;
    swept_ns_ = now_ns;
    states_.sweep(table_, static_cast<unsigned>(std::min(due, kMostSwept)), now_ns);
}

void Engine::count(dw_tally tally, std::uint64_t more) {
    std::atomic_ref<__u64> counter(tables_.inspection->worker[tables_.worker].tally[tally]);
    counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

// The programs gave a frame from the line the address of our end, and left the others theirs.
bool Engine::came_in(const std::uint8_t* frame) const {
    return std::equal(frame, frame + 6, tables_.inspection->mac[tables_.worker]);
}

Fate Engine::inspect(const Frame& frame, std::uint64_t now_ns) {
    now_ns_ = now_ns;
    dw_sight sight;
    const bool inbound = frame.length >= kEthernetLength && came_in(frame.data);
    Fate fate = Fate::drop;
    if (!table_.look(frame.data, frame.length, inbound, &sight)) {
        count(DW_TALLY_STRAY);
    } else if (sight.is_fragment) {
        fate = hold(frame, sight, inbound);
    } else {
        const Bytes transport(frame.data + sight.l4, frame.data + sight.end);
        std::optional<Packet> packet = packet_of(frame.data, sight, inbound, transport, false);
        if (packet && judge(*packet)) {
            count(DW_TALLY_PASSED);
            fate = Fate::forward;
        }
    }
    if (const std::uint64_t bytes = scans_.counters().bytes; bytes != bytes_counted_) {
        count(DW_TALLY_BYTES, bytes - bytes_counted_);
        bytes_counted_ = bytes;
    }
    return fate;
}

// ---- fragments
// -----------------------------------------------------------------------------------------------------

// Whatever is known of the flow by now: a datagram of which some fragments were held is completed here.
Fate Engine::hold(const Frame& frame, const dw_sight& sight, bool inbound) {
    using Is = FragmentHold::Answer::Is;
    FragmentHold::Answer answer = fragments_.add({frame.data, frame.length}, sight, inbound, now_ns_);
    if (answer.is == Is::refused) {
        count(DW_TALLY_UNSCANNABLE);
        return Fate::drop;
    }
    count(DW_TALLY_FRAGMENTS);
    return answer.is == Is::whole ? release(answer.datagram, inbound) : Fate::held;
}

Fate Engine::release(HeldDatagram& datagram, bool inbound) {
    HeldFragment& first = datagram.front();
    assemble(datagram, &assembled_);
    const auto length = static_cast<std::uint32_t>(first.frame.size());
    dw_sight sight;
    if (!table_.look(first.frame.data(), length, inbound, &sight)) {  // it could before
        count(DW_TALLY_STRAY);
        return Fate::drop;
    }
    const Bytes transport = Bytes(assembled_).subspan(sight.l4 - sight.fragment_at);
    std::optional<Packet> packet = packet_of(first.frame.data(), sight, inbound, transport, true);
    if (!packet || !judge(*packet)) return Fate::drop;
    for (const HeldFragment& fragment : datagram)
        if (sender_.send(fragment.frame)) count(DW_TALLY_PASSED);
    return Fate::held;
}

// ---- one packet
// ----------------------------------------------------------------------------------------------------

Bytes Engine::Packet::payload() const {
    Bytes bytes = transport.subspan(sight.payload - sight.l4);
    if (sight.proto == DW_UDP) {  // what is behind its own length is not the datagram's
        const std::size_t length = load_be16(transport.data() + 4);
        bytes = bytes.first(std::min(bytes.size(), length - kUdpHeader));
    }
    return bytes;
}

bool Engine::is_right(Packet& packet) {
    if (packet.is_datagram) return datagram_is_right(packet.frame, packet.sight, packet.transport);
    return check_and_complete(packet.frame, packet.sight) == Checksum::right;
}

std::optional<Engine::Packet> Engine::packet_of(std::uint8_t* frame, const dw_sight& sight, bool inbound,
                                                Bytes transport, bool is_datagram) {
    if (sight.flow == 0) {
        count(DW_TALLY_STRAY);
        return std::nullopt;
    }
    return Packet{frame, sight, inbound, transport, is_datagram, table_.name(sight), table_.word(sight.flow)};
}

bool Engine::judge(Packet& packet) {
    if (packet.word & DW_INSPECT_ENDED) {
        count(DW_TALLY_STRAY);
        return false;
    }
    if (!is_right(packet)) {
        count(DW_TALLY_CHECKSUM);
        return false;
    }
    if (packet.set() == 0 || packet.word & DW_INSPECT_CLEAN) return true;
    if (!packet.inbound && !(packet.word & DW_INSPECT_BOTH)) return true;
    return packet.sight.proto == DW_TCP ? judge_segment(packet) : judge_datagram(packet);
}

InspectedSignaturesPtr Engine::signatures(std::uint16_t set) const {
    const auto found = config_.signatures.find(set);
    return found == config_.signatures.end() ? nullptr : found->second;
}

// Null: it has none, and there is no room for one or its signatures are not known.
FlowState* Engine::state_of(const Packet& packet) {
    FlowState* state = states_.find(packet.flow, packet.set());
    if (!state) {
        InspectedSignaturesPtr wanted = signatures(packet.set());
        state = wanted ? states_.add(packet.flow, std::move(wanted)) : nullptr;
    }
    if (state) state->used_ns = now_ns_;
    return state;
}

// A match: reported, and dropped unless it is an alert. After an alert the rest of the flow is not searched,
// since what is found is said once, so it need not come here any more.
bool Engine::matched(const Packet& packet, InspectedSignaturesPtr signatures, std::uint32_t signature) {
    InspectEvent event{.action = signatures->on_match, .signature = signature};
    const bool is_alert = signatures->on_match == Signatures::OnMatch::alert;
    const bool is_mine =
        table_.mark(packet.flow, signatures->id, is_alert ? DW_INSPECT_CLEAN : DW_INSPECT_ENDED);
    count(is_alert ? DW_TALLY_ALERTED : DW_TALLY_MATCHED);
    if (is_mine && !is_alert) count(DW_TALLY_FLOWS_ENDED);
    event.banned_s = ban_source(packet, *signatures);
    if (signatures->on_match == Signatures::OnMatch::reject) reject(packet);
    report(packet, event);
    states_.drop(packet.flow.id);
    return is_alert;
}

// Only who has shown that it hears us: anybody may write another's address into a first packet. Our own side
// is not banned.
std::uint32_t Engine::ban_source(const Packet& packet, const InspectedSignatures& signatures) {
    if (signatures.ban_s == 0 || !packet.inbound || !table_.is_established(packet.flow.id)) return 0;
    const std::uint64_t until_ns = now_ns_ + signatures.ban_s * kSecond_ns;
    if (!ban(tables_.inspection, packet.flow.key.outside, now_ns_, until_ns)) return 0;
    count(DW_TALLY_BANS);
    return signatures.ban_s;
}

bool Engine::unscannable(const Packet& packet, FlowState* state) {
    count(DW_TALLY_UNSCANNABLE);
    if (state) report_once(packet, *state, InspectEvent::Kind::unscannable);
    return packet.word & DW_INSPECT_PASS_ON_FAILURE;
}

// The flow's state is gone after this if it was found clean.
void Engine::consider_clean(const Packet& packet, const InspectedSignatures& signatures,
                            std::uint64_t searched) {
    if (signatures.clean_after == 0 || searched < signatures.clean_after) return;
    if (table_.mark(packet.flow, signatures.id, DW_INSPECT_CLEAN)) count(DW_TALLY_FLOWS_CLEAN);
    states_.drop(packet.flow.id);
}

// ---- TCP
// -----------------------------------------------------------------------------------------------------------

// A stream begins where its receiver stands, if the programs know that: what lies before is acknowledged and
// ignored, what lies behind has to come by here. Otherwise the reassembler finds out.
InspectedStream& Engine::stream_of(const Packet& packet, FlowState& state) {
    std::optional<InspectedStream>& stream = state.streams[way(packet.inbound)];
    const std::optional<std::uint32_t> acknowledged =
        packet.inbound ? table_.acknowledged(packet.flow.id) : std::nullopt;
    if (!stream) {
        stream.emplace(memory_, scans_, *state.signatures);
        if (acknowledged && !packet.has(DW_SYN))
            (void)stream->reassembler.segment({.sequence = *acknowledged - 1, .payload = {}, .syn = true});
    }
    if (acknowledged) stream->reassembler.acknowledged(*acknowledged);
    return *stream;
}

bool Engine::judge_segment(Packet& packet) {
    const Bytes payload = packet.payload();
    const bool urgent = packet.has(kUrgent);
    const bool matters = !payload.empty() || states_.find(packet.flow, packet.set());
    if (!matters) {  // opens, acknowledges or ends a flow of which nothing was searched yet
        if (urgent) clear_urgent(packet.frame + packet.sight.l4);
        return true;
    }
    FlowState* const state = state_of(packet);
    if (!state) return unscannable(packet, nullptr);
    StreamAnswer answer{};
    if (!payload.empty() || state->streams[way(packet.inbound)])
        answer = stream_of(packet, *state)
                     .reassembler.segment({.sequence = packet.sight.seq,
                                           .payload = payload,
                                           .syn = packet.has(DW_SYN),
                                           .fin = packet.has(DW_FIN),
                                           .rst = packet.has(DW_RST),
                                           .urgent = urgent});
    const bool passes = judge_answer(packet, *state, answer);
    if (passes && urgent) clear_urgent(packet.frame + packet.sight.l4);
    return passes;
}

// What a segment of one side says of the other's bytes.
void Engine::tell_acknowledgement(const Packet& packet, FlowState& state) {
    if (!(packet.word & DW_INSPECT_BOTH) || !packet.has(DW_ACK)) return;
    std::optional<InspectedStream>& other = state.streams[way(!packet.inbound)];
    if (!other) other.emplace(memory_, scans_, *state.signatures);
    other->reassembler.acknowledged(packet.sight.ack);
}

bool Engine::judge_answer(Packet& packet, FlowState& state, const StreamAnswer& answer) {
    using Kind = InspectEvent::Kind;
    const std::optional<InspectedStream>& stream = state.streams[way(packet.inbound)];
    if (stream && stream->scanner.match())
        return matched(packet, state.signatures, stream->scanner.match()->id);
    if (answer.decision == Decision::unscannable) return unscannable(packet, &state);
    if (answer.decision == Decision::forward) {
        if (answer.event == StreamEvent::gap) report_once(packet, state, Kind::gap);
        tell_acknowledgement(packet, state);
        if (stream) consider_clean(packet, *state.signatures, stream->reassembler.taken_bytes());
        return true;
    }
    if (answer.event == StreamEvent::conflict) {
        count(DW_TALLY_CONFLICT);
        report_once(packet, state, Kind::conflict);
        return false;
    }
    count(DW_TALLY_UNSCANNABLE);
    if (answer.event == StreamEvent::unverifiable) report_once(packet, state, Kind::unverifiable);
    return false;
}

// ---- datagrams
// -----------------------------------------------------------------------------------------------------

bool Engine::judge_datagram(Packet& packet) {
    FlowState* const state = state_of(packet);
    const InspectedSignaturesPtr wanted = state ? state->signatures : signatures(packet.set());
    if (!wanted) return unscannable(packet, nullptr);
    const Bytes payload = packet.payload();
    const auto found = scans_.scan(wanted->set, payload);
    if (!found) return unscannable(packet, state);
    if (*found) return matched(packet, wanted, (*found)->id);
    if (!state) return true;  // no room to count in: it is searched for as long as it lasts
    std::uint64_t& searched = state->datagram_bytes[way(packet.inbound)];
    searched += payload.size();
    consider_clean(packet, *wanted, searched);
    return true;
}

// ---- what is said
// --------------------------------------------------------------------------------------------------

// Both ends of a connection; of anything else the sender. Not about fragments (RFC 4443 2.4 e).
void Engine::reject(const Packet& packet) {
    if (packet.is_datagram) return;
    if (now_ns_ - replies_.since >= kSecond_ns) replies_ = {.since = now_ns_, .sent = 0, .pad = 0};
    if (replies_.sent++ >= kRepliesASecond) return;
    const MacAddress ours = mac_at(tables_.inspection->mac[tables_.worker]);
    const MacAddress& uplink = config_.uplink_mac == MacAddress{} ? ours : config_.uplink_mac;
    const EthernetEnds as_it_was{mac_at(packet.frame), mac_at(packet.frame + 6)};
    const EthernetEnds back =
        packet.inbound ? EthernetEnds{as_it_was.source, uplink} : EthernetEnds{ours, as_it_was.destination};
    if (packet.sight.proto != DW_TCP) {
        sender_.send(prohibited(packet.frame, packet.sight, back));
        return;
    }
    sender_.send(reset_to_sender(packet.frame, packet.sight, back));
    sender_.send(reset_onward(packet.frame, packet.sight, as_it_was));
}

void Engine::report(const Packet& packet, InspectEvent event) {
    const dw_flow_key& key = packet.flow.key;
    event.set = packet.set();
    event.rule = table_.rule(packet.flow.id);
    event.proto = packet.sight.proto;
    event.inbound = packet.inbound;
    event.source = packet.inbound ? key.outside : key.inside;
    event.destination = packet.inbound ? key.inside : key.outside;
    event.sport = packet.inbound ? key.outside_port : key.inside_port;
    event.dport = packet.inbound ? key.inside_port : key.outside_port;
    events_.report(event);
}

void Engine::report_once(const Packet& packet, FlowState& state, InspectEvent::Kind kind) {
    const std::uint32_t bit = 1u << static_cast<unsigned>(kind);
    if (state.reported & bit) return;
    state.reported |= bit;
    report(packet, {.kind = kind, .action = state.signatures->on_match});
}

}  // namespace dishwall
