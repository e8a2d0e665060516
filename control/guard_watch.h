// SPDX-License-Identifier: BSD-3-Clause
//
// Tells when somebody took the guard's table away. `nft flush ruleset` is the first line of many a rule set,
// Debian's own included, and clears the whole network namespace.
#pragma once

#include <systemd/sd-event.h>

#include <functional>
#include <memory>
#include <string>

#include "rules/result.h"

namespace dishwall {

class GuardWatch {
public:
    // `removed` is called from the loop when the table of this name (family inet) was deleted, or may have
    // been.
    [[nodiscard]] static Result<GuardWatch> open(sd_event* loop, std::string table,
                                                 std::function<void()> removed);

private:
    struct State;
    struct StateCloser {
        void operator()(State* state) const;
    };
    explicit GuardWatch(std::unique_ptr<State, StateCloser> state) : state_(std::move(state)) {}
    std::unique_ptr<State, StateCloser> state_;
};

}  // namespace dishwall
