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
    ring_buffer* ring = nullptr;
    sd_event_source* source = nullptr;
};

namespace {

int take_event(void* context, void* data, std::size_t size) {
    dw_event event;
    if (size < sizeof event) return 0;  // not one of ours
    std::memcpy(&event, data, sizeof event);
    (*static_cast<EventReader::Callback*>(context))(event);
    return 0;
}

int on_readable(sd_event_source*, int, std::uint32_t, void* ring) {
    ring_buffer__consume(static_cast<ring_buffer*>(ring));
    return 0;
}

}  // namespace

void EventReader::StateCloser::operator()(State* state) const {
    sd_event_source_disable_unref(state->source);
    ring_buffer__free(state->ring);
    delete state;
}

Result<EventReader> EventReader::open(sd_event* loop, const KernelMaps& maps, Callback callback) {
    std::unique_ptr<State, StateCloser> state(new State{std::move(callback), nullptr, nullptr});
    state->ring = ring_buffer__new(maps.events.get(), take_event, &state->callback, nullptr);
    if (state->ring == nullptr) return fail("cannot read events: {}", describe_bpf_error(errno));
    const int error = sd_event_add_io(loop, &state->source, ring_buffer__epoll_fd(state->ring), EPOLLIN,
                                      on_readable, state->ring);
    if (error < 0) return fail("cannot wait for events: {}", std::strerror(-error));
    return EventReader(std::move(state));
}

nlohmann::json event_json(const dw_event& event, const CounterRegistry& names,
                          std::chrono::nanoseconds wall_offset) {
    const bool accepted = event.verdict == DW_ACCEPT;
    const ReasonInfo& reason = reason_info(event.reason);
    const RuleCounter* rule = event.rule == DW_NO_RULE ? nullptr : names.find(event.rule);
    nlohmann::json fields{
        {"kind", event.audit != 0 ? "audit"
                 : accepted       ? "accept"
                                  : "drop"},
        {"time", iso_time(MonotonicTime(event.time_ns) + wall_offset)},
        {"direction", event.direction == 0 ? "in" : "out"},
        {"verdict", event.audit != 0 ? "AUDIT"
                    : accepted       ? "FORWARDED"
                                     : "DROPPED"},
        {"IP", ip_json(event.src, event.dst)},
        {"reason", reason.name},
        {"drop_reason_desc", accepted ? nlohmann::json(nullptr) : nlohmann::json(reason.name)},
        {"rule", rule == nullptr ? nlohmann::json(nullptr) : nlohmann::json(rule->name)},
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
