// SPDX-License-Identifier: BSD-3-Clause
//
// The follower with the system's resolver, which finds its files in a mount namespace of this process's own
// and its name server on the loopback device of a network namespace of its own. Needs root.
//
// The server is a few lines here, since a real one cannot be told to refuse, fail or fall silent at a
// moment's notice; tests/e2e/test_names.py has a real one.
#include "control/names/name_follower.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "control/names/name_resolver.h"
#include "control/unique_fd.h"

namespace dishwall {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

// Answers each question for AAAA as it is told to at that moment.
class Server {
public:
    enum class Mood { good, silent, denies = 3, fails = 2, refuses = 5 };  // the last three: RFC 1035 codes

    Server(sd_event* loop, const std::string& address) {
        socket_ = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_in place{.sin_family = AF_INET, .sin_port = htons(53)};
        ::inet_pton(AF_INET, address.c_str(), &place.sin_addr);
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
        const auto on_io = [](sd_event_source*, int, std::uint32_t, void* self) {
            static_cast<Server*>(self)->on_question();
            return 0;
        };
        EXPECT_GE(sd_event_add_io(loop, &source_, socket_.get(), EPOLLIN, on_io, this), 0);
    }
    ~Server() { sd_event_source_disable_unref(source_); }

    Mood mood = Mood::good;
    std::vector<std::string> addresses;
    std::uint32_t ttl_s = 60, alias_ttl_s = 0;  // with an alias' TTL, the name is an alias of cdn.example
    unsigned asked = 0;

private:
    static void put(std::string* to, std::uint32_t value, int bytes) {
        while (bytes-- > 0) to->push_back(static_cast<char>(value >> (8 * bytes)));
    }
    static void put_record(std::string* to, std::uint16_t name, std::uint16_t type, std::uint32_t ttl,
                           const std::string& data) {
        put(to, name, 2);
        put(to, type, 2);
        put(to, 1, 2);
        put(to, ttl, 4);
        put(to, static_cast<std::uint32_t>(data.size()), 2);
        *to += data;
    }
    void on_question() {
        char question[512];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t got = ::recvfrom(socket_.get(), question, sizeof question, 0,
                                       reinterpret_cast<sockaddr*>(&from), &size);
        ++asked;
        if (got < 17 || mood == Mood::silent) return;
        std::string reply(question, static_cast<std::size_t>(got));
        reply.resize(12 + reply.substr(12).find('\0') + 5);  // without additional records
        const std::string labels("\3cdn\7example\0", 13);
        const bool alias = alias_ttl_s > 0;
        const auto name = static_cast<std::uint16_t>(0xc000 | (alias ? reply.size() + 12 : 12));
        const unsigned records = mood == Mood::good ? static_cast<unsigned>(addresses.size()) + alias : 0;
        std::string head = reply.substr(0, 2);
        put(&head, 0x8180 | (mood == Mood::good ? 0u : static_cast<unsigned>(mood)), 2);
        for (const unsigned count : {1u, records, 0u, 0u}) put(&head, count, 2);
        reply.replace(0, 12, head);
        if (mood == Mood::good && alias) put_record(&reply, 0xc00c, 5, alias_ttl_s, labels);
        for (const std::string& address : mood == Mood::good ? addresses : std::vector<std::string>{}) {
            char raw[16];
            ::inet_pton(AF_INET6, address.c_str(), raw);
            put_record(&reply, name, 28, ttl_s, std::string(raw, sizeof raw));
        }
        ::sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }

    UniqueFd socket_;
    sd_event_source* source_ = nullptr;
};

class NameFollowerTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/dw-names-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
        ASSERT_EQ(::unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
        ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        const UniqueFd any(::socket(AF_INET, SOCK_DGRAM, 0));
        ifreq loopback{.ifr_ifrn = {"lo"}, .ifr_ifru = {.ifru_flags = IFF_UP}};
        ASSERT_EQ(::ioctl(any.get(), SIOCSIFFLAGS, &loopback), 0);
        ASSERT_GE(sd_event_new(&loop_), 0);
        configure("resolv.conf", "nameserver 127.0.0.1\n");
        configure("hosts", "127.0.0.1 localhost\n");
        configure("nsswitch.conf", "hosts: files dns\n");
    }
    void TearDown() override {
        follower_.reset();
        server_.reset();
        sd_event_unref(loop_);
        for (const char* file : {"resolv.conf", "hosts", "nsswitch.conf"})
            ::umount2((std::string("/etc/") + file).c_str(), MNT_DETACH);
        std::filesystem::remove_all(directory_);
    }
    // Over the system's file, for this process only.
    void configure(const std::string& name, const std::string& text) const {
        const std::string ours = (directory_ / name).string(), theirs = "/etc/" + name;
        const bool mounted = std::filesystem::exists(ours);
        std::ofstream(ours) << text;
        ASSERT_TRUE(mounted || ::mount(ours.c_str(), theirs.c_str(), nullptr, MS_BIND, nullptr) == 0);
    }
    void serve(const std::string& address = "127.0.0.1") { server_.emplace(loop_, address); }
    void follow(const std::vector<std::string>& domains = {"vpn.example"}) {
        if (!follower_)
            follower_ = std::make_unique<NameFollower>(
                loop_, directory_,
                NameCallbacks{
                    .resolved = [this](std::vector<LearntAddress> all) { told_.push_back(std::move(all)); },
                    .warn = [this](const std::string& text) { warnings_ += text + "\n"; }});
        Policy policy;
        for (const std::string& domain : domains)
            policy.learnt.push_back({"host-" + domain,
                                     static_cast<std::uint32_t>(policy.learnt.size() + 1),
                                     DomainHost{domain},
                                     {}});
        const Result<void> followed = follower_->follow(policy);
        ASSERT_TRUE(followed) << followed.error().message;
    }
    template <typename Claim>
    bool run_until(const Claim& claim, milliseconds patience = seconds(15)) {
        const auto end = Steady::now() + patience;
        while (!claim() && Steady::now() < end) sd_event_run(loop_, 10'000);
        return claim();
    }
    nlohmann::json host(std::size_t index = 0) const { return follower_->json()[index]; }
    bool has_error() const { return !host()["error"].is_null(); }
    bool has_addresses() const { return !host()["addresses"].empty(); }

    sd_event* loop_ = nullptr;
    std::filesystem::path directory_;
    std::optional<Server> server_;
    std::unique_ptr<NameFollower> follower_;
    std::vector<std::vector<LearntAddress>> told_;
    std::string warnings_;
};

TEST_F(NameFollowerTest, AnAnswerIsTold) {
    serve();
    server_->addresses = {"2001:db8::2", "2001:db8::1"};
    follow();
    EXPECT_TRUE(told_.empty()) << "never from within follow";
    ASSERT_TRUE(run_until([&] { return has_addresses(); }));
    ASSERT_EQ(told_.size(), 2u);
    EXPECT_TRUE(told_[0].empty()) << "what is known at once: nothing";
    EXPECT_EQ(told_[1],
              (std::vector<LearntAddress>{{*parse_ipv6("2001:db8::1"), 1}, {*parse_ipv6("2001:db8::2"), 1}}));
    EXPECT_EQ(told_[1], follower_->addresses());
    nlohmann::json shown = host();
    EXPECT_NEAR(shown["resolved_at"].get<double>(), static_cast<double>(::time(nullptr)), 3);
    EXPECT_NEAR(shown["expires_in"].get<double>(), 60, 2);
    shown.erase("resolved_at");
    shown.erase("expires_in");
    EXPECT_EQ(shown.dump(),
              R"({"addresses":["2001:db8::1","2001:db8::2"],"domain":"vpn.example","error":null,)"
              R"("kind":"domain","name":"host-vpn.example","stale":false})");
    EXPECT_EQ(warnings_, "");
}

TEST_F(NameFollowerTest, AnAliasCountsWithItsTtl) {
    serve();
    server_->addresses = {"2001:db8::1"};
    server_->ttl_s = 3000;
    server_->alias_ttl_s = 200;
    follow();
    ASSERT_TRUE(run_until([&] { return has_addresses(); })) << warnings_;
    EXPECT_NEAR(host()["expires_in"].get<double>(), 200, 2);
}

TEST_F(NameFollowerTest, WhatCannotBeResolvedSaysWhy) {
    const struct {
        Server::Mood mood;
        const char* error;
    } kCases[] = {
        {Server::Mood::denies, "there is no such name"},
        {Server::Mood::good, "it has no AAAA record"},
        {Server::Mood::fails, "each name server refuses, fails, or cannot be reached"},
        {Server::Mood::refuses, "each name server refuses, fails, or cannot be reached"},
        {Server::Mood::silent, "no name server answers"},
    };
    serve();
    for (const auto& [mood, error] : kCases) {
        SCOPED_TRACE(error);
        follower_.reset();
        server_->mood = mood;
        follow();
        ASSERT_TRUE(run_until([&] { return has_error(); }));
        EXPECT_EQ(host()["error"], std::string(error));
    }
    server_.reset();
    follower_.reset();
    follow();
    ASSERT_TRUE(run_until([&] { return has_error(); }));
    EXPECT_EQ(host()["error"], "each name server refuses, fails, or cannot be reached");
}

TEST_F(NameFollowerTest, TheLoopGoesOnWhileNobodyAnswers) {
    serve();
    server_->mood = Server::Mood::silent;
    std::vector<std::string> many;
    for (int i = 0; i < 40; ++i) many.push_back(fmt::format("h{}.example", i));
    follow(many);
    auto longest = milliseconds(0);
    const auto end = Steady::now() + seconds(3);
    for (auto last = Steady::now(); last < end;) {
        sd_event_run(loop_, 1000);
        const auto now = Steady::now();
        longest = std::max(longest, std::chrono::ceil<milliseconds>(now - last));
        last = now;
    }
    EXPECT_LT(longest, milliseconds(100));
    EXPECT_EQ(server_->asked, 32u) << "16 at once, twice each by now";
    server_->mood = Server::Mood::good;
    server_->addresses = {"2001:db8::1"};
    ASSERT_TRUE(run_until([&] { return follower_->addresses().size() == 40; }, seconds(40)))
        << follower_->addresses().size();
}

TEST_F(NameFollowerTest, ALastGoodAnswerOutlivesTheServerAndTheDaemon) {
    serve();
    server_->addresses = {"2001:db8::1"};
    server_->ttl_s = 1;
    follow();
    ASSERT_TRUE(run_until([&] { return has_addresses(); }));
    server_->mood = Server::Mood::fails;
    ASSERT_TRUE(run_until([&] { return has_error(); })) << "asked again after the shortest TTL, 10 s";
    EXPECT_EQ(host()["stale"], true);
    EXPECT_EQ(host()["addresses"], nlohmann::json({"2001:db8::1"}));

    follower_.reset();
    told_.clear();
    follow();
    EXPECT_EQ(follower_->addresses().size(), 1u) << "at once";
    ASSERT_TRUE(run_until([&] { return !told_.empty(); }));
    EXPECT_EQ(told_[0].size(), 1u);
    EXPECT_EQ(host()["stale"], true);
    EXPECT_FALSE(host()["resolved_at"].is_null());
    server_->mood = Server::Mood::good;
    server_->addresses = {"2001:db8::2"};
    ASSERT_TRUE(run_until([&] { return host()["addresses"] == nlohmann::json({"2001:db8::2"}); }));
    EXPECT_EQ(host()["stale"], false);
}

TEST_F(NameFollowerTest, TheResolversFilesAreReadAnew) {
    configure("resolv.conf", "nameserver 127.0.0.2\nsearch somewhere.example\n");
    follow({"vpn.example", "hosted.example"});
    ASSERT_TRUE(run_until([&] { return has_error(); }));
    EXPECT_EQ(host()["error"], "each name server refuses, fails, or cannot be reached");
    serve("127.0.0.3");
    server_->addresses = {"2001:db8::1"};
    configure("resolv.conf", "nameserver 127.0.0.3\n");
    configure("hosts", "2001:db8::7 hosted.example\n");
    ASSERT_TRUE(run_until([&] { return follower_->addresses().size() == 2; })) << follower_->json().dump(2);
    EXPECT_EQ(host(0)["addresses"], nlohmann::json({"2001:db8::1"}));
    EXPECT_EQ(host(1)["addresses"], nlohmann::json({"2001:db8::7"}));
}

TEST_F(NameFollowerTest, ADamagedFileIsSaidAndForgotten) {
    std::ofstream(directory_ / "names.json") << "{ half of";
    serve();
    server_->addresses = {"2001:db8::1"};
    follow();
    EXPECT_EQ(warnings_, "addresses of names of the last run are forgotten: " + directory_.string() +
                             "/names.json is not JSON\n");
    ASSERT_TRUE(run_until([&] { return has_addresses(); }));
}

TEST_F(NameFollowerTest, ItEndsWithQuestionsOpen) {
    serve();
    server_->mood = Server::Mood::silent;
    follow({"a.example", "b.example"});
    ASSERT_TRUE(run_until([&] { return server_->asked == 2; }));
    follower_.reset();
    EXPECT_FALSE(run_until([&] { return server_->asked > 2; }, seconds(3)));
}

}  // namespace
}  // namespace dishwall
