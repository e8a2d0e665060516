// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <list>
#include <map>

#include "control/ipc/connection.h"
#include "control/ipc/socket_file.h"

namespace dishwall {
namespace {

using nlohmann::json;

SharedText framed(const json& message) {
    // Replacing bad UTF-8 rather than throwing: an interface name may hold any bytes.
    std::string text = message.dump(-1, ' ', false, json::error_handler_t::replace);
    text.push_back('\0');
    return std::make_shared<const std::string>(std::move(text));
}

SharedText reply_of(const json& parameters) { return framed({{"parameters", parameters}}); }

SharedText error_of(const CallError& error) {
    const bool full = error.name.find('.') != std::string::npos;
    json parameters{{"message", error.message}};
    if (!error.diagnostics.empty()) parameters["diagnostics"] = error.diagnostics;
    return framed({{"error", full ? error.name : "org.dishwall." + error.name}, {"parameters", parameters}});
}

SharedText invalid(const char* parameter, const std::string& message) {
    return framed({{"error", "org.varlink.service.InvalidParameter"},
                   {"parameters", {{"parameter", parameter}, {"message", message}}}});
}

struct Request {
    std::string method;
    json parameters = json::object();
    bool more = false;
    bool oneway = false;
};

// The error is the reply.
tl::expected<Request, SharedText> request_in(std::string_view text) {
    const auto refuse = [](const char* what, const char* why) { return tl::unexpected(invalid(what, why)); };
    const json call = json::parse(text, nullptr, false);
    if (call.is_discarded()) return refuse("request", "the request is not JSON");
    if (!call.is_object() || !call.contains("method") || !call["method"].is_string())
        return refuse("method", "a request is an object with a method");
    Request request;
    request.method = call["method"];
    if (call.contains("parameters") && !call["parameters"].is_null()) request.parameters = call["parameters"];
    if (!request.parameters.is_object()) return refuse("parameters", "the parameters are an object");
    const auto flag = [&call](const char* name) { return call.contains(name) && call[name] == true; };
    request.more = flag("more");
    request.oneway = flag("oneway");
    return request;
}

}  // namespace

struct IpcServer::Impl {
    explicit Impl(sd_event* event_loop) : loop(event_loop) {}
    ~Impl() {
        if (listening) sd_event_source_disable_unref(listening);
        if (socket.is_open()) ::unlink(path.c_str());
    }

    void accept_one();
    void adopt(UniqueFd fd);
    void serve(Connection& connection, std::string_view text);
    SharedText call(const Connection& connection, const Request& request);
    void open_stream(Connection& connection, const Request& request);
    void sweep();

    sd_event* loop;
    std::filesystem::path path;
    UniqueFd socket;
    sd_event_source* listening = nullptr;
    std::map<std::string, Method> methods;
    std::map<std::string, Accept> streams;
    std::list<std::unique_ptr<Connection>> connections;
};

void IpcServer::Impl::accept_one() {
    UniqueFd fd{::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (fd.is_open()) adopt(std::move(fd));
}

void IpcServer::Impl::adopt(UniqueFd fd) {
    auto connection = Connection::open(
        loop, std::move(fd), [this](Connection& from, std::string_view text) { serve(from, text); },
        [this] { sweep(); });
    if (!connection) return;
    connections.push_back(std::move(*connection));
    if (connections.size() > kConnectionLimit)
        connections.back()->close_after(
            error_of({"Failed", fmt::format("{} programs are connected already", kConnectionLimit), {}}));
}

// `call` may run for long and is free to throw: JSON accessors do when a parameter has the wrong type.
SharedText IpcServer::Impl::call(const Connection& connection, const Request& request) try {
    const CallResult result = methods.at(request.method)(connection.caller(), request.parameters);
    return result ? reply_of(*result) : error_of(result.error());
} catch (const json::exception& error) {
    return invalid("parameters", error.what());
} catch (const std::exception& error) {
    return error_of({"Failed", fmt::format("{}: {}", request.method, error.what()), {}});
}

void IpcServer::Impl::open_stream(Connection& connection, const Request& request) {
    if (!request.more) {
        connection.send(
            framed({{"error", "org.varlink.service.ExpectedMore"}, {"parameters", json::object()}}));
        return;
    }
    const auto accepted = streams.at(request.method)(connection.caller(), request.parameters);
    if (accepted)
        connection.become_stream(request.method);
    else
        connection.send(error_of(accepted.error()));
}

void IpcServer::Impl::serve(Connection& connection, std::string_view text) {
    const tl::expected<Request, SharedText> request = request_in(text);
    if (!request) {
        connection.send(request.error());
    } else if (methods.contains(request->method)) {
        SharedText reply = call(connection, *request);
        if (!request->oneway) connection.send(std::move(reply));
    } else if (streams.contains(request->method)) {
        open_stream(connection, *request);
    } else {
        connection.send(framed({{"error", "org.varlink.service.MethodNotFound"},
                                {"parameters", {{"method", request->method}}}}));
    }
}

void IpcServer::Impl::sweep() {
    connections.remove_if([](const auto& connection) { return connection->over(); });
}

IpcServer::IpcServer(sd_event* loop) : impl_(std::make_unique<Impl>(loop)) {}

IpcServer::~IpcServer() = default;

void IpcServer::add_method(const std::string& name, Method method) {
    impl_->methods[name] = std::move(method);
}

void IpcServer::add_stream(const std::string& name, Accept accept) {
    impl_->streams[name] = std::move(accept);
}

Result<void> IpcServer::listen(const std::filesystem::path& path) {
    Result<UniqueFd> fd = listen_at(path);
    if (!fd) return tl::unexpected(fd.error());
    impl_->path = path;
    impl_->socket = std::move(*fd);
    const auto on_io = [](sd_event_source*, int, std::uint32_t, void* self) {
        static_cast<Impl*>(self)->accept_one();
        return 0;
    };
    const int error =
        sd_event_add_io(impl_->loop, &impl_->listening, impl_->socket.get(), EPOLLIN, on_io, impl_.get());
    if (error < 0) return fail("cannot watch the control socket: {}", std::strerror(-error));
    // Out of file descriptors, a waiting connection stays readable: try again, but not in a tight loop.
    sd_event_source_set_ratelimit(impl_->listening, 100'000, 100);
    return {};
}

std::size_t IpcServer::listeners(const std::string& stream) const {
    std::size_t count = 0;
    for (const auto& connection : impl_->connections)
        count += !connection->over() && connection->stream() == stream ? 1 : 0;
    return count;
}

void IpcServer::publish(const std::string& stream, const json& parameters) {
    if (listeners(stream) == 0) return;
    const SharedText message = framed({{"parameters", parameters}, {"continues", true}});
    static const SharedText kFarewell = error_of(
        {"Failed", fmt::format("this reader fell {} bytes behind and was dropped", kBacklogLimit), {}});
    for (const auto& connection : impl_->connections)
        if (!connection->over() && connection->stream() == stream)
            (void)connection->publish(message, kFarewell);
}

}  // namespace dishwall
