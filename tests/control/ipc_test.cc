// SPDX-License-Identifier: BSD-3-Clause
//
// Server and client over a real socket: the good calls, and everything a client can do wrong.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

#include "control/ipc/client.h"
#include "control/ipc/server.h"
#include "control/ipc/socket_file.h"

namespace dishwall {
namespace {

using nlohmann::json;

// A server in a thread of its own, with methods to misuse.
class IpcTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/dw-ipc-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
        socket_ = directory_ / "ctl.sock";
        ASSERT_GE(sd_event_new(&loop_), 0);
        server_.emplace(loop_);
        add_methods();
        const Result<void> listening = server_->listen(socket_);
        ASSERT_TRUE(listening) << listening.error().message;
        thread_ = std::thread([this] { sd_event_loop(loop_); });
    }
    void TearDown() override {
        if (thread_.joinable()) {
            (void)client().call("test.Quit", json::object());
            thread_.join();
        }
        server_.reset();
        sd_event_unref(loop_);
        std::filesystem::remove_all(directory_);
    }
    void add_methods() {
        server_->add_method("test.Echo", [](const Caller&, const json& p) { return CallResult(p); });
        server_->add_method("test.Who", [](const Caller& who, const json&) {
            return CallResult(json{{"uid", who.uid}, {"gid", who.gid}, {"pid", who.pid}});
        });
        server_->add_method("test.Refuse", [](const Caller&, const json&) -> CallResult {
            return call_error("Refused", "not now", "error[E0001]: no\n");
        });
        server_->add_method("test.Big", [](const Caller&, const json& p) {
            return CallResult(json{{"text", std::string(p.at("bytes").get<std::size_t>(), 'x')}});
        });
        server_->add_method("test.Bytes", [](const Caller&, const json&) {
            return CallResult(json{{"text", "a\xff\xfe"}});
        });
        server_->add_method("test.Publish", [this](const Caller&, const json& p) {
            const std::string padding(p.value("bytes", 0u), 'x');
            for (int n = 0; n < p.value("count", 1); ++n)
                server_->publish("test.Watch", {{"n", n}, {"padding", padding}});
            return CallResult(json{{"listeners", server_->listeners("test.Watch")}});
        });
        server_->add_method("test.Quit", [this](const Caller&, const json&) {
            sd_event_exit(loop_, 0);
            return CallResult(json::object());
        });
        server_->add_stream("test.Watch", [](const Caller&, const json& p) -> tl::expected<void, CallError> {
            if (p.contains("bad")) return call_error("BadInput", "bad is not known");
            return {};
        });
    }

    IpcClient client() {
        auto made = IpcClient::connect(socket_);
        EXPECT_TRUE(made) << made.error().message;
        return std::move(*made);
    }
    UniqueFd raw() {
        const sockaddr_un address = socket_address(socket_).value();
        UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        const timeval patience{20, 0};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        return fd;
    }
    static void write_to(const UniqueFd& fd, const std::string& text) {
        for (std::size_t sent = 0; sent < text.size();) {
            const ssize_t n = ::send(fd.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (n < 0) return;
            sent += static_cast<std::size_t>(n);
        }
    }
    // Up to the next NUL, or what came before the end.
    static std::string message_from(const UniqueFd& fd) {
        std::string text;
        char c = 0;
        while (::recv(fd.get(), &c, 1, 0) == 1 && c != '\0') text.push_back(c);
        return text;
    }
    static std::string rest_of(const UniqueFd& fd) {
        std::string text(64 << 20, '\0');
        std::size_t size = 0;
        for (ssize_t n = 0; (n = ::recv(fd.get(), text.data() + size, text.size() - size, 0)) > 0;)
            size += static_cast<std::size_t>(n);
        text.resize(size);
        return text;
    }
    void wait_for_listeners(std::size_t wanted) {
        for (int tries = 0; tries < 500; ++tries) {
            const auto reply = client().call("test.Publish", {{"count", 0}});
            if (reply && (*reply)["listeners"] == wanted) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        FAIL() << "never " << wanted << " listeners";
    }
    void expect_alive() { EXPECT_EQ(client().call("test.Echo", {{"a", 1}}).value(), json({{"a", 1}})); }

    std::filesystem::path directory_, socket_;
    sd_event* loop_ = nullptr;
    std::optional<IpcServer> server_;
    std::thread thread_;
};

constexpr const char kNul = '\0';

TEST_F(IpcTest, call_and_reply_in_varlink_form) {
    const UniqueFd fd = raw();
    write_to(fd, std::string(R"({"method":"test.Echo","parameters":{"x":[1,"two"]}})") + kNul);
    EXPECT_EQ(message_from(fd), R"({"parameters":{"x":[1,"two"]}})");
}

TEST_F(IpcTest, many_calls_on_one_connection_are_answered_in_order) {
    const UniqueFd fd = raw();
    std::string calls;
    for (int n = 0; n < 100; ++n)
        calls += fmt::format(R"({{"method":"test.Echo","parameters":{{"n":{}}}}})", n) + kNul;
    write_to(fd, calls);
    for (int n = 0; n < 100; ++n)
        EXPECT_EQ(message_from(fd), fmt::format(R"({{"parameters":{{"n":{}}}}})", n));
}

TEST_F(IpcTest, request_in_single_bytes) {
    const UniqueFd fd = raw();
    for (char c : std::string(R"({"method":"test.Echo"})") + kNul) write_to(fd, std::string(1, c));
    EXPECT_EQ(message_from(fd), R"({"parameters":{}})");
}

TEST_F(IpcTest, half_closed_connection_still_gets_its_reply) {
    const UniqueFd fd = raw();
    write_to(fd, std::string(R"({"method":"test.Big","parameters":{"bytes":3000000}})") + kNul);
    ::shutdown(fd.get(), SHUT_WR);
    EXPECT_EQ(rest_of(fd).size(), 3'000'000 + std::string(R"({"parameters":{"text":""}})").size() + 1);
}

TEST_F(IpcTest, error_reply_carries_message_and_diagnostics) {
    const auto reply = client().call("test.Refuse", json::object());
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, CallFailure::Kind::error);
    EXPECT_EQ(reply.error().name, "org.dishwall.Refused");
    EXPECT_EQ(reply.error().message, "not now");
    EXPECT_EQ(reply.error().diagnostics, "error[E0001]: no\n");
}

TEST_F(IpcTest, oneway_call_has_no_reply) {
    const UniqueFd fd = raw();
    write_to(fd, std::string(R"({"method":"test.Echo","oneway":true})") + kNul +
                     R"({"method":"test.Bytes"})" + kNul);
    EXPECT_EQ(message_from(fd), "{\"parameters\":{\"text\":\"a\xEF\xBF\xBD\xEF\xBF\xBD\"}}")
        << "and bad UTF-8 is replaced";
}

TEST_F(IpcTest, caller_is_known_by_the_kernel) {
    const auto who = client().call("test.Who", json::object()).value();
    EXPECT_EQ(who, json({{"uid", ::getuid()}, {"gid", ::getgid()}, {"pid", ::getpid()}}));
}

TEST_F(IpcTest, reply_larger_than_any_buffer) {
    EXPECT_EQ(client().call("test.Big", {{"bytes", 30'000'000}}).value()["text"].get<std::string>().size(),
              30'000'000u);
}

TEST_F(IpcTest, malformed_requests_get_an_error_and_the_connection_goes_on) {
    const struct {
        std::string request, reply;
    } kCases[] = {
        {"{", R"("parameters":{"message":"the request is not JSON","parameter":"request"}})"},
        {"", R"("parameters":{"message":"the request is not JSON","parameter":"request"}})"},
        {"\xff\xfe", R"("parameters":{"message":"the request is not JSON","parameter":"request"}})"},
        {"[1]", R"("parameters":{"message":"a request is an object with a method","parameter":"method"}})"},
        {"{}", R"("parameters":{"message":"a request is an object with a method","parameter":"method"}})"},
        {R"({"method":7})",
         R"("parameters":{"message":"a request is an object with a method","parameter":"method"}})"},
        {R"({"method":"test.Echo","parameters":[]})",
         R"("parameters":{"message":"the parameters are an object","parameter":"parameters"}})"},
    };
    const UniqueFd fd = raw();
    for (const auto& c : kCases) {
        write_to(fd, c.request + kNul);
        EXPECT_EQ(message_from(fd), R"({"error":"org.varlink.service.InvalidParameter",)" + c.reply);
    }
    write_to(fd, std::string(R"({"method":"no.Such"})") + kNul);
    EXPECT_EQ(message_from(fd),
              R"({"error":"org.varlink.service.MethodNotFound","parameters":{"method":"no.Such"}})");
    write_to(fd, std::string(R"({"method":"test.Big","parameters":{"bytes":"many"}})") + kNul);
    EXPECT_EQ(
        message_from(fd),
        R"({"error":"org.varlink.service.InvalidParameter","parameters":{"message":"[json.exception.type_error.302] )"
        R"(type must be number, but is string","parameter":"parameters"}})");
    write_to(fd, std::string(R"({"method":"test.Watch"})") + kNul);
    EXPECT_EQ(message_from(fd), R"({"error":"org.varlink.service.ExpectedMore","parameters":{}})");
    write_to(fd, std::string(R"({"method":"test.Echo"})") + kNul);
    EXPECT_EQ(message_from(fd), R"({"parameters":{}})");
}

TEST_F(IpcTest, deeply_nested_json_is_survived) {
    const UniqueFd fd = raw();
    write_to(fd, std::string(900'000, '[') + kNul);
    EXPECT_NE(message_from(fd).find("not JSON"), std::string::npos);
    expect_alive();
}

TEST_F(IpcTest, oversized_request_is_refused_and_the_connection_closed) {
    for (const std::string& end : {std::string(), std::string(1, kNul)}) {
        const UniqueFd fd = raw();
        write_to(fd, R"({"method":"test.Echo","parameters":{"x":")" + std::string(2 << 20, 'x') + end);
        EXPECT_EQ(rest_of(fd),
                  std::string(R"({"error":"org.varlink.service.InvalidParameter","parameters":)"
                              R"({"message":"a request has at most 1048576 bytes","parameter":"request"}})") +
                      kNul);
    }
    expect_alive();
}

TEST_F(IpcTest, client_reads_the_refusal_of_what_it_could_not_send) {
    const auto reply = client().call("test.Echo", {{"x", std::string(8 << 20, 'x')}});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().message, "a request has at most 1048576 bytes");
}

TEST_F(IpcTest, caller_that_never_reads_holds_one_reply_and_stops_nobody) {
    const UniqueFd fd = raw();
    std::string calls;
    for (int n = 0; n < 1000; ++n)
        calls += std::string(R"({"method":"test.Big","parameters":{"bytes":10000000}})") + kNul;
    write_to(fd, calls);
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    for (int n = 0; n < 20; ++n) expect_alive();
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 100 << 10) << "KiB; all replies would be 10 GB";
}

// ---- streams

TEST_F(IpcTest, stream_gets_what_is_published) {
    std::thread publisher([this] {
        wait_for_listeners(1);
        (void)client().call("test.Publish", {{"count", 3}});
    });
    std::vector<int> seen;
    const auto done = client().stream("test.Watch", json::object(), [&](const json& p) {
        seen.push_back(p["n"]);
        return seen.size() < 3;
    });
    publisher.join();
    EXPECT_TRUE(done);
    EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
    wait_for_listeners(0);
}

TEST_F(IpcTest, stream_can_be_refused) {
    const auto done = client().stream("test.Watch", {{"bad", 1}}, [](const json&) { return true; });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().name, "org.dishwall.BadInput");
}

TEST_F(IpcTest, slow_reader_is_dropped_and_told_so_while_others_go_on) {
    const UniqueFd slow = raw(), fast = raw();
    const std::string watch = std::string(R"({"method":"test.Watch","more":true})") + kNul;
    write_to(slow, watch);
    write_to(fast, watch);
    wait_for_listeners(2);
    std::atomic<std::size_t> fast_messages = 0;
    std::thread reader([&] {
        std::string chunk(1 << 16, '\0');
        for (ssize_t n = 0; (n = ::recv(fast.get(), chunk.data(), chunk.size(), 0)) > 0;)
            fast_messages += static_cast<std::size_t>(std::count(chunk.begin(), chunk.begin() + n, '\0'));
    });
    for (int n = 0; n < 80; ++n) {  // 8 MB in all, never 4 MiB at once for one who reads
        (void)client().call("test.Publish", {{"count", 100}, {"bytes", 1000}});
        while (fast_messages < static_cast<std::size_t>(n + 1) * 100) std::this_thread::yield();
    }
    wait_for_listeners(1);
    const std::string left = rest_of(slow);
    const std::string told =
        R"({"error":"org.dishwall.Failed","parameters":{"message":"this reader fell 4194304 bytes )"
        R"(behind and was dropped"}})";
    ASSERT_GT(left.size(), told.size());
    EXPECT_EQ(left.substr(left.size() - told.size() - 1), told + kNul);
    ::shutdown(fast.get(), SHUT_RDWR);
    reader.join();
    wait_for_listeners(0);
}

TEST_F(IpcTest, reader_that_disconnects_in_the_middle_is_forgotten) {
    for (int n = 0; n < 100; ++n) {
        UniqueFd fd = raw();
        write_to(fd, std::string(R"({"method":"test.Watch","more":true})") + kNul);
        if (n % 2 == 0) wait_for_listeners(1);
        fd = UniqueFd();
        (void)client().call("test.Publish", {{"count", 10}, {"bytes", 100000}});
        wait_for_listeners(0);
    }
}

TEST_F(IpcTest, stream_reader_that_talks_is_closed) {
    const UniqueFd fd = raw();
    write_to(fd, std::string(R"({"method":"test.Watch","more":true})") + kNul);
    wait_for_listeners(1);
    write_to(fd, "x");
    EXPECT_EQ(rest_of(fd), "");
    wait_for_listeners(0);
}

TEST_F(IpcTest, connection_over_the_limit_is_told_why) {
    std::vector<UniqueFd> held;
    for (std::size_t n = 0; n < IpcServer::kConnectionLimit; ++n) held.push_back(raw());
    const UniqueFd one_more = raw();
    EXPECT_EQ(
        rest_of(one_more),
        std::string(
            R"({"error":"org.dishwall.Failed","parameters":{"message":"64 programs are connected already"}})") +
            kNul);
    held.clear();
    for (int tries = 0; tries < 200; ++tries) {
        if (client().call("test.Echo", json::object())) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL() << "still refused";
}

// ---- the socket's file

TEST_F(IpcTest, socket_has_mode_0660_and_no_other_file_is_left) {
    struct stat status {};
    ASSERT_EQ(::stat(socket_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0660u);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(IpcTest, second_server_on_a_living_socket_is_refused) {
    IpcServer second{loop_};
    const Result<void> listening = second.listen(socket_);
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error().message, "another dishwalld serves " + socket_.string() +
                                             ": stop it, or give this one its own --run-dir");
    expect_alive();
}

TEST_F(IpcTest, socket_that_a_dead_server_left_is_replaced) {
    const std::filesystem::path stale = directory_ / "stale.sock";
    { UniqueFd left = listen_at(stale).value(); }
    ASSERT_TRUE(std::filesystem::exists(stale));
    const auto nobody = IpcClient::connect(stale);
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().kind, CallFailure::Kind::unreachable);
    EXPECT_EQ(nobody.error().message, "dishwalld is not running: nobody listens on " + stale.string());
    EXPECT_TRUE(listen_at(stale));
}

TEST_F(IpcTest, file_that_is_no_socket_is_left_alone) {
    const std::filesystem::path file = directory_ / "file";
    std::ofstream(file) << "precious";
    const auto listening = listen_at(file);
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error().message, file.string() + " is in the way of the control socket: remove it");
}

TEST_F(IpcTest, socket_path_must_fit) {
    const auto listening = listen_at(directory_ / std::string(100, 'x'));
    ASSERT_FALSE(listening);
    EXPECT_NE(listening.error().message.find("at most 107"), std::string::npos) << listening.error().message;
}

TEST_F(IpcTest, missing_socket_says_which) {
    const auto made = IpcClient::connect(directory_ / "none.sock");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message, "no dishwalld here: there is no " + (directory_ / "none.sock").string());
}

}  // namespace
}  // namespace dishwall
