// SPDX-License-Identifier: BSD-3-Clause
//
// What the files of the control protocol's methods (methods_*.cc) share, and what each of them adds. One noun
// of the protocol is one file: status, flows and counters, prefixes, policies, explain.
#pragma once

#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>

#include "control/daemon.h"
#include "control/ipc/server.h"

namespace dishwall {

// Error when this caller may only ask.
[[nodiscard]] tl::expected<void, CallError> check_may_change(const Caller& caller);
// How much a reply may hold: `by_default` when the caller does not say, everything for 0.
[[nodiscard]] tl::expected<std::size_t, CallError> limit_in(const nlohmann::json& parameters,
                                                            std::size_t by_default);

// Takes the short name: "Status".
using AddMethod = std::function<void(const char* verb, IpcServer::Method method)>;

// Of each file; `daemon` is referenced.
void add_status_methods(const AddMethod& add, Daemon* daemon);
void add_flow_methods(const AddMethod& add, Daemon* daemon);
void add_prefix_methods(const AddMethod& add, Daemon* daemon);
void add_policy_methods(const AddMethod& add, Daemon* daemon);
void add_explain_methods(const AddMethod& add, Daemon* daemon);

}  // namespace dishwall
