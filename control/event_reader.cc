// SPDX-License-Identifier: BSD-3-Clause
#include "control/event_reader.h"
#include "control/clock.h"

#include <bpf/libbpf.h>
#include <sys/epoll.h>

#include <cerrno>
#include <cstring>

#include "control/counter_reader.h"
#include "control/kernel_support.h"
#include "control/packet_json.h"

namespace dishwall {

struct EventReader::State {
    Callback callback;
    MonotonicTime until{0};  // of this turn
    ring_buffer* ring = nullptr;
    sd_event_source* source = nullptr;

    static int take_event(void* self, void* data, std::size_t size);
    static int on_readable(sd_event_source* source, int fd, std::uint32_t events, void* self);
};

namespace {

// While a shadow runs, packets may come faster than they can be compared: the loop's other work has its turn,
// too.
constexpr auto kTurn = std::chrono::milliseconds(20);

}  // namespace

// A negative answer ends the turn; what is left waits in the buffer.
int EventReader::State::take_event(void* self, void* data, std::size_t size) {
    auto* state = static_cast<State*>(self);
    dw_event event;
    if (size < sizeof event) return 0;  // not one of ours
    std::memcpy(&event, data, sizeof event);
    state->callback(event);
    return monotonic_time() < state->until ? 0 : -EAGAIN;
}

int EventReader::State::on_readable(sd_event_source*, int, std::uint32_t, void* self) {
    auto* state = static_cast<State*>(self);
    state->until = monotonic_time() + kTurn;
    ring_buffer__consume(state->ring);
    return 0;
}

void EventReader::StateCloser::operator()(State* state) const {
    sd_event_source_disable_unref(state->source);
    ring_buffer__free(state->ring);
    delete state;
}

Result<EventReader> EventReader::open(sd_event* loop, const KernelMaps& maps, Callback callback) {
    std::unique_ptr<State, StateCloser> state(new State{std::move(callback)});
    state->ring = ring_buffer__new(maps.events.get(), State::take_event, state.get(), nullptr);
    if (state->ring == nullptr) return fail("cannot read events: {}", describe_bpf_error(errno));
    const int error = sd_event_add_io(loop, &state->source, ring_buffer__epoll_fd(state->ring), EPOLLIN,
                                      State::on_readable, state.get());
    if (error < 0) return fail("cannot wait for events: {}", std::strerror(-error));
    return EventReader(std::move(state));
}

nlohmann::json event_json(const dw_event& event, const CounterRegistry& names,
                          std::chrono::nanoseconds wall_offset) {
    const bool accepted = event.verdict == DW_ACCEPT;
    const ReasonInfo& reason = reason_info(event.reason);
    const bool audit = (event.kind & DW_EVENT_AUDIT) != 0;
    const std::uint32_t named = audit ? event.audit_rule : event.rule;
    const std::optional<RuleCounter> rule = names.find(named);
    nlohmann::json fields{
        {"kind", audit      ? "audit"
                 : accepted ? "accept"
                            : "drop"},
        {"time", iso_time(MonotonicTime(event.time_ns) + wall_offset)},
        {"direction", event.direction == 0 ? "in" : "out"},
        {"verdict", audit      ? "AUDIT"
                    : accepted ? "FORWARDED"
                               : "DROPPED"},
        {"IP", ip_json(event.src, event.dst)},
        {"reason", reason.name},
        {"drop_reason_desc", accepted ? nlohmann::json(nullptr) : nlohmann::json(reason.name)},
        {"rule", rule ? nlohmann::json(rule->name) : nlohmann::json(nullptr)},
        {"length", event.length},
        {"skipped", event.skipped},
    };
    if (is_icmp(event.proto))
        fields["l4"] = {{protocol_name(event.proto), {{"type", event.sport}, {"code", event.dport}}}};
    else
        fields["l4"] = l4_json(event.proto, event.sport, event.dport);
    return fields;
}

}  // namespace dishwall
