// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/flow_table.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "bpf/core/image_layout.h"

namespace dishwall {
namespace {

template <typename T>
T read(const T& shared) {
    return std::atomic_ref<T>(const_cast<T&>(shared)).load(std::memory_order_relaxed);
}

// Finding a flow asks an image for its timeouts. The policy is the programs' affair: what they sent here was
// alive.
const dw_image* image_without_timeouts() {
    alignas(DW_LINE) static const dw_image image = [] {
        dw_image made{};
        std::fill(std::begin(made.timeout_s), std::end(made.timeout_s), std::numeric_limits<__u32>::max());
        return made;
    }();
    return &image;
}

unsigned status_of(std::uint64_t word) { return word >> DW_SLOT_STATUS_SHIFT & 3; }

}  // namespace

bool operator==(const dw_flow_key& a, const dw_flow_key& b) {
    return read(a.inside.hi) == b.inside.hi && read(a.inside.lo) == b.inside.lo &&
           read(a.outside.hi) == b.outside.hi && read(a.outside.lo) == b.outside.lo &&
           read(a.inside_port) == b.inside_port && read(a.outside_port) == b.outside_port &&
           read(a.proto) == b.proto;
}

FlowTable::FlowTable(const EngineTables& tables) {
    memory_.settings.bucket_mask = tables.bucket_mask;
    memory_.settings.hz = tables.hz;
    memory_.settings.dry = 1;
    std::copy(tables.secret.begin(), tables.secret.end(), memory_.settings.secret);
    memory_.slots = tables.slots;
    memory_.flows = tables.flows;
    memory_.image = reinterpret_cast<const dw_blob*>(image_without_timeouts());
    memory_.image_lines = sizeof(dw_image) / DW_LINE;
}

bool FlowTable::look(const std::uint8_t* frame, std::uint32_t length, bool inbound, dw_sight* sight) {
    return dw_native_look(&memory_, frame, length, inbound, sight) == 0;
}

FlowName FlowTable::name(const dw_sight& sight) const {
    return {sight.flow, sight.key, read(flow(sight.flow).first_seen)};
}

std::uint32_t FlowTable::word(std::uint32_t id) const { return read(flow(id).inspect); }

std::uint32_t FlowTable::rule(std::uint32_t id) const { return read(flow(id).rule); }

std::optional<std::uint32_t> FlowTable::acknowledged(std::uint32_t id) const {
    if (read(flow(id).scale[0]) == DW_SCALE_UNSEEN) return std::nullopt;
    return read(flow(id).window.acked);
}

bool FlowTable::is_established(std::uint32_t id) const { return read(flow(id).seen) & DW_SEEN_ESTABLISHED; }

bool FlowTable::is_there(const FlowName& name) const {
    const std::uint64_t slot = read(memory_.slots[(name.id - 1) / DW_WAYS].word[(name.id - 1) % DW_WAYS]);
    return status_of(slot) == DW_SLOT_LIVE && flow(name.id).key == name.key &&
           read(flow(name.id).first_seen) == name.first_seen;
}

std::optional<unsigned> FlowTable::timeout_class(const FlowName& name) const {
    if (!is_there(name)) return std::nullopt;
    const std::uint64_t slot = read(memory_.slots[(name.id - 1) / DW_WAYS].word[(name.id - 1) % DW_WAYS]);
    return slot >> DW_SLOT_TIMEOUT_SHIFT & (DW_TIMEOUTS - 1);
}

bool FlowTable::mark(const FlowName& name, std::uint16_t set, std::uint32_t bit) {
    if (!is_there(name)) return false;
    std::atomic_ref<__u32> word(flow(name.id).inspect);
    __u32 was = word.load();
    do {
        if ((was & DW_INSPECT_SIGNATURES) != set || was & bit) return false;
    } while (!word.compare_exchange_weak(was, was | bit));
    if (is_there(name)) return true;
    word.fetch_and(~bit);  // its slot went to another flow between the two looks
    return false;
}

}  // namespace dishwall
