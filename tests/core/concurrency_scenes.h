// SPDX-License-Identifier: BSD-3-Clause
//
// R27: several CPUs that create, update, evict and end the same flows at once do no harm. Each scene lets all
// CPUs of a machine at the same few keys and then looks at the tables. The machine is either threads that
// share the native core's tables, watched by the thread sanitizer (concurrency_test.cc), or the real CPUs
// with the loaded programs (concurrency_bpf_test.cc).
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "bpf/core/layout.h"
#include "rules/evaluate.h"
#include "tests/core/packet.h"

namespace dishwall::test {

class Machine {
public:
    virtual ~Machine() = default;
    [[nodiscard]] virtual unsigned cpus() const = 0;
    // On the thread that is to be this CPU, before it judges anything.
    virtual void enter(unsigned cpu) = 0;
    // Judges the frame so many times. Was it accepted the last time?
    virtual bool pass(unsigned cpu, Direction direction, const Bytes& frame, unsigned times) = 0;
    // Another policy and other prefixes come into force; `number` says which, any is valid. By one CPU at a
    // time.
    virtual void change(unsigned cpu, unsigned number) = 0;
    [[nodiscard]] virtual std::span<const dw_slots> slots() const = 0;
    [[nodiscard]] virtual std::span<const dw_flow> flows() const = 0;
    [[nodiscard]] virtual std::span<const dw_fragment_bucket> fragments() const = 0;
};

// Policies and prefixes that change() goes through. Each lets in what the scenes send, and refuses their
// strangers.
inline constexpr unsigned kChanges = 3;
[[nodiscard]] std::string changing_rules(unsigned number);
[[nodiscard]] Own changing_own(unsigned number);

// `rounds`: how long; the more, the more likely a race is hit.
void flows_open_once(Machine& machine, unsigned rounds);
void simultaneous_opens_work(Machine& machine, unsigned rounds);
void counts_add_up(Machine& machine, unsigned rounds, unsigned times);
void datagrams_open_once(Machine& machine, unsigned rounds);
// Of many openings at once exactly so many pass as the rates allow.
void rates_hold(Machine& machine);
// On few buckets: everything at once, and nothing passes that nobody allowed.
void strangers_stay_out(Machine& machine, unsigned rounds);

}  // namespace dishwall::test
