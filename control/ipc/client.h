// SPDX-License-Identifier: BSD-3-Clause
//
// The other end of the control socket, blocking, for dishctl and tests.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

struct CallFailure {
    enum class Kind {
        unreachable,  // no such socket, nobody listens, no rights
        broken,       // the connection ended or what came is no reply
        error,        // the daemon answered with an error
    };
    Kind kind = Kind::broken;
    std::string name;  // "org.dishwall.Refused"; only for error
    std::string message;
    std::string diagnostics;
};

class IpcClient {
public:
    [[nodiscard]] static tl::expected<IpcClient, CallFailure> connect(const std::filesystem::path& socket);

    // The reply's parameters.
    [[nodiscard]] tl::expected<nlohmann::json, CallFailure> call(const std::string& method,
                                                                 const nlohmann::json& parameters);
    // Calls with `more`; `each` gets the parameters of every reply and returns whether to go on.
    [[nodiscard]] tl::expected<void, CallFailure> stream(
        const std::string& method, const nlohmann::json& parameters,
        const std::function<bool(const nlohmann::json&)>& each);

private:
    explicit IpcClient(UniqueFd fd) : fd_(std::move(fd)) {}
    [[nodiscard]] tl::expected<void, CallFailure> send(const std::string& text);
    [[nodiscard]] tl::expected<nlohmann::json, CallFailure> receive();

    UniqueFd fd_;
    std::string received_;
};

}  // namespace dishwall
