// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc/client.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "control/ipc/socket_file.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Kind = CallFailure::Kind;

tl::unexpected<CallFailure> failure(Kind kind, std::string message) {
    return tl::unexpected(CallFailure{kind, "", std::move(message), ""});
}

std::string why_unreachable(const std::string& path, int error) {
    if (error == ENOENT) return fmt::format("no dishwalld here: there is no {}", path);
    if (error == ECONNREFUSED) return fmt::format("dishwalld is not running: nobody listens on {}", path);
    if (error == EACCES || error == EPERM)
        return fmt::format("no right to use {}: only root and the socket's group may", path);
    return fmt::format("cannot reach dishwalld at {}: {}", path, std::strerror(error));
}

std::string text_in(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// An error reply, as a failure. Errors of Varlink itself need not carry a message.
CallFailure failure_in(const json& reply) {
    const json parameters = reply.value("parameters", json::object());
    CallFailure failure{Kind::error, text_in(reply, "error"), text_in(parameters, "message"),
                        text_in(parameters, "diagnostics")};
    if (failure.name == "org.varlink.service.MethodNotFound")
        failure.message = fmt::format("this dishwalld does not know {}: is it another version than dishctl?",
                                      text_in(parameters, "method"));
    if (failure.message.empty()) failure.message = fmt::format("dishwalld answers {}", reply.dump());
    return failure;
}

std::string request_of(const std::string& method, const json& parameters, bool more) {
    json request{{"method", method}, {"parameters", parameters}};
    if (more) request["more"] = true;
    return request.dump(-1, ' ', false, json::error_handler_t::replace) + '\0';
}

}  // namespace

tl::expected<IpcClient, CallFailure> IpcClient::connect(const std::filesystem::path& socket) {
    const Result<sockaddr_un> address = socket_address(socket);
    if (!address) return failure(Kind::unreachable, address.error().message);
    UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!fd.is_open()) return failure(Kind::unreachable, why_unreachable(socket.string(), errno));
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0)
        return failure(Kind::unreachable, why_unreachable(socket.string(), errno));
    return IpcClient{std::move(fd)};
}

// A daemon that refuses a request may close while it is still being sent: its reason is there to read.
tl::expected<void, CallFailure> IpcClient::send(const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t n = ::send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) return {};
        if (n < 0)
            return failure(Kind::broken, fmt::format("cannot call dishwalld: {}", std::strerror(errno)));
        sent += static_cast<std::size_t>(n);
    }
    return {};
}

// The next message, whole.
tl::expected<json, CallFailure> IpcClient::receive() {
    std::array<char, 64 << 10> buffer;
    std::size_t searched = 0, end = std::string::npos;
    while ((end = received_.find('\0', searched)) == std::string::npos) {
        searched = received_.size();
        const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) return failure(Kind::broken, "dishwalld ended the connection");
        if (n < 0)
            return failure(Kind::broken, fmt::format("cannot read from dishwalld: {}", std::strerror(errno)));
        received_.append(buffer.data(), static_cast<std::size_t>(n));
    }
    json message =
        json::parse(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    received_.erase(0, end + 1);
    if (!message.is_object()) return failure(Kind::broken, "what dishwalld sent is no reply");
    if (message.contains("error")) return tl::unexpected(failure_in(message));
    return message;
}

tl::expected<json, CallFailure> IpcClient::call(const std::string& method, const json& parameters) {
    if (const auto sent = send(request_of(method, parameters, false)); !sent)
        return tl::unexpected(sent.error());
    tl::expected<json, CallFailure> reply = receive();
    if (!reply) return reply;
    return reply->value("parameters", json::object());
}

tl::expected<void, CallFailure> IpcClient::stream(const std::string& method, const json& parameters,
                                                  const std::function<bool(const json&)>& each) {
    if (const auto sent = send(request_of(method, parameters, true)); !sent) return sent;
    for (;;) {
        const tl::expected<json, CallFailure> reply = receive();
        if (!reply) return tl::unexpected(reply.error());
        if (!each(reply->value("parameters", json::object()))) return {};
        if (reply->value("continues", json()) != true) return {};
    }
}

}  // namespace dishwall
