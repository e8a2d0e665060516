// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/ask.h"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <system_error>

#include "control/dishctl/text.h"
#include "rules/literal.h"

namespace dishwall {
namespace {

using nlohmann::json;

ExitCode exit_code_of(const CallFailure& failure) {
    if (failure.kind == CallFailure::Kind::unreachable) return kUnreachable;
    if (failure.name == "org.dishwall.Refused") return kRefused;
    if (failure.name != "org.dishwall.BadInput") return kFailed;
    return failure.diagnostics.empty() ? kUsage : kCheckFailed;
}

}  // namespace

std::filesystem::path socket_of(const Invocation& invocation) { return invocation.run_dir / "ctl.sock"; }

tl::expected<json, CallFailure> ask(const Invocation& invocation, const char* method,
                                    const json& parameters) {
    return IpcClient::connect(socket_of(invocation)).and_then([&](IpcClient client) {
        return client.call(std::string("org.dishwall.") + method, parameters);
    });
}

int report(const Invocation& invocation, const CallFailure& failure) {
    if (!failure.diagnostics.empty()) *invocation.err << failure.diagnostics << "\n";
    fmt::print(*invocation.err, "dishctl: {}", printable(failure.message));
    if (failure.kind == CallFailure::Kind::unreachable)
        *invocation.err << "; start it (systemctl start dishwalld), or name its directory with --run-dir";
    *invocation.err << "\n";
    return exit_code_of(failure);
}

int report(const Invocation& invocation, const std::string& message, ExitCode code) {
    fmt::print(*invocation.err, "dishctl: {}\n", printable(message));
    return code;
}

std::string document(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string message_view(const json& reply) { return printable(text_of(reply, "message")) + "\n"; }

Result<std::chrono::seconds> read_seconds(std::string_view text) {
    constexpr std::uint64_t kDay = 24 * 60 * 60;
    Diagnostics complaints;  // of a rule file: here the command line is what has to be told
    const auto seconds = text.empty() ? std::nullopt : read_duration({text, {}}, {1, kDay}, &complaints);
    if (!seconds)
        return fail("'{}' is no duration of 1s to 1d; write it as in rule files: 120s, 2m, 1h", text);
    return std::chrono::seconds(*seconds);
}

std::string absolute_path(const std::string& path) {
    std::error_code error;  // only a current directory that is gone
    return std::filesystem::absolute(path, error).lexically_normal().string();
}

}  // namespace dishwall
