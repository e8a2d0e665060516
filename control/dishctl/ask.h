// SPDX-License-Identifier: BSD-3-Clause
//
// What every verb that asks the daemon does: call, then show the reply as JSON or as a view makes it; and the
// one printer of errors, which also knows the exit code of each.
#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "control/dishctl/verbs.h"
#include "control/ipc/client.h"

namespace dishwall {

[[nodiscard]] std::filesystem::path socket_of(const Invocation& invocation);

// org.dishwall.`method`; the reply's parameters.
[[nodiscard]] tl::expected<nlohmann::json, CallFailure> ask(const Invocation& invocation, const char* method,
                                                            const nlohmann::json& parameters);

// Prints what failed and returns its exit code.
[[nodiscard]] int report(const Invocation& invocation, const CallFailure& failure);
[[nodiscard]] int report(const Invocation& invocation, const std::string& message, ExitCode code);

// One JSON document of the output: a line.
[[nodiscard]] std::string document(const nlohmann::json& value);

// Asks, and shows the reply as JSON or as `show` makes it.
template <typename Show>
[[nodiscard]] int ask_and_show(const Invocation& invocation, const char* method,
                               const nlohmann::json& parameters, const Show& show) {
    const auto reply = ask(invocation, method, parameters);
    if (!reply) return report(invocation, reply.error());
    *invocation.out << (invocation.as_json ? document(*reply) : show(*reply));
    return kOk;
}

// The reply's message alone: of verbs whose answer is a sentence.
[[nodiscard]] std::string message_view(const nlohmann::json& reply);

// ---- words of the command line

// 120s, 2m, 1h, 1d, as in rule files.
[[nodiscard]] Result<std::chrono::seconds> read_seconds(std::string_view text);
// As the daemon wants it, whose working directory is another one.
[[nodiscard]] std::string absolute_path(const std::string& path);

}  // namespace dishwall
