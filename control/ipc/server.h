// SPDX-License-Identifier: BSD-3-Clause
//
// The control socket: NUL-terminated JSON calls in Varlink's form over a Unix socket, served from the
// daemon's sd_event loop. Nothing a client does may stop that loop: all I/O is non-blocking, a request has a
// limit, a connection that does not read its replies is not read from, and a stream reader that falls behind
// is dropped.
//
//   -> {"method":"org.dishwall.Flows","parameters":{"limit":10}}\0
//   <- {"parameters":{...}}\0           or  {"error":"org.dishwall.Refused","parameters":{"message":"..."}}\0
//   -> {"method":"org.dishwall.Monitor","more":true}\0
//   <- {"parameters":{...},"continues":true}\0 ...
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "rules/result.h"

namespace dishwall {

// Who calls, by SO_PEERCRED.
struct Caller {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
};

// An error reply. `name` without a dot stands for org.dishwall.<name>: Refused, NotFound, BadInput, Failed.
struct CallError {
    std::string name = "Failed";
    std::string message;
    std::string diagnostics;  // rendered text of the rule compiler, if any
};
using CallResult = tl::expected<nlohmann::json, CallError>;  // the reply's parameters, an object

[[nodiscard]] inline tl::unexpected<CallError> call_error(std::string name, std::string message,
                                                          std::string diagnostics = {}) {
    return tl::unexpected(CallError{std::move(name), std::move(message), std::move(diagnostics)});
}

class IpcServer {
public:
    using Method = std::function<CallResult(const Caller&, const nlohmann::json& parameters)>;
    using Accept =
        std::function<tl::expected<void, CallError>(const Caller&, const nlohmann::json& parameters)>;

    static constexpr std::size_t kRequestLimit = 1 << 20;  // bytes of one request
    static constexpr std::size_t kBacklogLimit = 4 << 20;  // bytes a stream reader may be behind
    static constexpr std::size_t kConnectionLimit = 64;

    explicit IpcServer(sd_event* loop);
    ~IpcServer();  // closes all connections and removes the socket
    IpcServer(const IpcServer&) = delete;
    IpcServer& operator=(const IpcServer&) = delete;

    // Before `listen`. Full names: "org.dishwall.Status".
    void add_method(const std::string& name, Method method);
    // A call with `more`: once accepted, the caller gets everything that is published under this name.
    void add_stream(const std::string& name, Accept accept);

    // Makes the socket, mode 0660, in an existing directory. Fails when another process serves it; a socket
    // that nobody listens on is replaced.
    [[nodiscard]] Result<void> listen(const std::filesystem::path& path);

    [[nodiscard]] std::size_t listeners(const std::string& stream) const;
    void publish(const std::string& stream, const nlohmann::json& parameters);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dishwall
