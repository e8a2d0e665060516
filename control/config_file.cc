// SPDX-License-Identifier: BSD-3-Clause
#include "control/config_file.h"

#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "control/state_file.h"
#include "rules/frontend.h"

namespace dishwall {
namespace {

std::optional<std::uint16_t> service_port(std::string_view service, std::string_view proto) {
    const servent* entry = ::getservbyname(std::string(service).c_str(), std::string(proto).c_str());
    if (entry == nullptr) return std::nullopt;
    return ntohs(static_cast<std::uint16_t>(entry->s_port));
}

// Empty: this process may read (R_OK) or run (X_OK) it.
std::string why_no_access(const std::string& path, int mode) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return "it is a directory";
    return ::access(path.c_str(), mode) == 0 ? "" : std::strerror(errno);
}

tl::unexpected<ConfigFailure> failure(std::string message, std::string diagnostics = {},
                                      std::string interface = {}) {
    return tl::unexpected(ConfigFailure{std::move(message), std::move(diagnostics), std::move(interface)});
}

std::size_t count_errors(const std::vector<Diagnostic>& diagnostics) {
    return static_cast<std::size_t>(
        std::count_if(diagnostics.begin(), diagnostics.end(),
                      [](const Diagnostic& one) { return severity_of(one.code) == Severity::error; }));
}

}  // namespace

tl::expected<LoadedConfig, ConfigFailure> load_config(const std::string& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error))
        return failure(fmt::format("{} is a directory, not a rule file", path));
    Result<std::optional<std::string>> text = read_file(path);
    if (!text) return failure(text.error().message);
    if (!*text) return failure(fmt::format("there is no rule file {}", path));
    const Environment environment{service_port, std::filesystem::absolute(path, error).parent_path().string(),
                                  [](const std::string& file) { return why_no_access(file, R_OK); },
                                  [](const std::string& file) { return why_no_access(file, X_OK); }};
    Compiled compiled = read_policy(path, std::move(**text), environment);
    std::string rendered = render(compiled.diagnostics, compiled.sources, false);
    if (!compiled.policy) {
        const std::size_t errors = count_errors(compiled.diagnostics);
        return failure(fmt::format("{} has {} error{}", path, errors, errors == 1 ? "" : "s"),
                       std::move(rendered), std::move(compiled.interface));
    }
    return LoadedConfig{std::move(*compiled.policy), std::move(rendered)};
}

std::string interface_in(const std::string& path) {
    const auto config = load_config(path);
    return config ? config->policy.uplink.interface : config.error().interface;
}

}  // namespace dishwall
