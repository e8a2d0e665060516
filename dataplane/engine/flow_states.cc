// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/flow_states.h"

#include <utility>

namespace dishwall {
namespace {

constexpr std::uint64_t kSecond_ns = 1'000'000'000;

// A closing connection's bytes are acknowledged, so nothing is lost; an established one is kept for as long
// as any policy's timeout is likely to be (RFC 5382 5: two hours and four minutes).
std::uint64_t idle_limit_ns(unsigned timeout_class) {
    if (timeout_class == DW_TIMEOUT_TCP_CLOSING) return 10 * kSecond_ns;
    if (timeout_class == DW_TIMEOUT_TCP_ESTABLISHED) return 7440 * kSecond_ns;
    return 300 * kSecond_ns;
}

bool is_over(const FlowTable& table, const FlowState& state, std::uint64_t now_ns) {
    const std::optional<unsigned> timeout_class = table.timeout_class(state.name);
    if (!timeout_class || now_ns - state.used_ns >= idle_limit_ns(*timeout_class)) return true;
    const std::uint32_t word = table.word(state.name.id);
    return (word & DW_INSPECT_SIGNATURES) != state.signatures->id ||
           word & (DW_INSPECT_CLEAN | DW_INSPECT_ENDED);
}

}  // namespace

FlowStates::FlowStates(std::size_t most, std::uint32_t last_id)
    : most_(most),
      places_(static_cast<std::uint32_t*>(std::calloc(std::size_t{last_id} + 1, sizeof(std::uint32_t)))) {
    if (!places_) most_ = 0;  // everybody is one too many
}

FlowState* FlowStates::find(const FlowName& name, std::uint16_t set) {
    if (!places_ || places_[name.id] == 0) return nullptr;
    const std::size_t place = places_[name.id] - 1;
    FlowState& state = *states_[place];
    if (state.name == name && state.signatures->id == set) return &state;
    drop_at(place);
    return nullptr;
}

FlowState* FlowStates::add(const FlowName& name, InspectedSignaturesPtr signatures) {
    if (states_.size() >= most_) return nullptr;
    states_.push_back(std::make_unique<FlowState>());
    FlowState& state = *states_.back();
    state.name = name;
    state.signatures = std::move(signatures);
    places_[name.id] = static_cast<std::uint32_t>(states_.size());
    return &state;
}

void FlowStates::drop(std::uint32_t id) {
    if (places_ && places_[id] != 0) drop_at(places_[id] - 1);
}

void FlowStates::drop_at(std::size_t place) {
    places_[states_[place]->name.id] = 0;
    if (place + 1 != states_.size()) {
        states_[place] = std::move(states_.back());
        places_[states_[place]->name.id] = static_cast<std::uint32_t>(place + 1);
    }
    states_.pop_back();
}

void FlowStates::sweep(const FlowTable& table, unsigned count, std::uint64_t now_ns) {
    for (; count > 0 && !states_.empty(); --count) {
        if (next_ >= states_.size()) next_ = 0;
        if (is_over(table, *states_[next_], now_ns))
            drop_at(next_);
        else
            ++next_;
    }
}

}  // namespace dishwall
