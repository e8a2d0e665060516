// SPDX-License-Identifier: BSD-3-Clause
//
// A load is asked first whether it cuts the connection that its caller sits on: a real TCP connection through
// the uplink, from another network namespace, held by this process, which is the caller.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <thread>

#include "daemon_lab.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::uint16_t kPort = 2222;
constexpr char kAdmin[] = "    accept tcp 2222 to self name ssh\n";
constexpr char kCut[] = "    drop tcp 2222 name closed\n";
constexpr char kMine[] = "2001:db8:5::1", kFar[] = "2001:db8:5::2";

sockaddr_in6 address(const char* text, std::uint16_t port) {
    sockaddr_in6 all{};
    all.sin6_family = AF_INET6;
    all.sin6_port = htons(port);
    ::inet_pton(AF_INET6, text, &all.sin6_addr);
    return all;
}

UniqueFd tcp_socket() { return UniqueFd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

class DaemonLockout : public DaemonLab {
protected:
    void SetUp() override {
        DaemonLab::SetUp();
        const UniqueFd here(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        far_ = UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        ASSERT_EQ(::setns(here.get(), CLONE_NEWNET), 0);
        const std::string far = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(far_.get());
        shell("ip link set isp0 netns " + far +
              " && sysctl -qw net.ipv6.conf.wan0.disable_ipv6=0 "
              "net.ipv6.conf.wan0.accept_dad=0 && ip addr add " +
              std::string(kMine) + "/64 dev wan0 nodad");
        shell("nsenter --net=" + far +
              " sh -c 'sysctl -qw net.ipv6.conf.isp0.disable_ipv6=0 && ip link set isp0 up && "
              "ip addr add " +
              kFar + "/64 dev isp0 nodad'");
        daemon->write_config(config_text(kAdmin));
        ASSERT_TRUE(daemon->start()) << daemon->log();
        listen();
    }

    void listen() {
        listening_ = tcp_socket();
        const int yes = 1;
        ::setsockopt(listening_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        const sockaddr_in6 any = address("::", kPort);
        ASSERT_EQ(::bind(listening_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
        ASSERT_EQ(::listen(listening_.get(), 4), 0);
    }
    // From the far end, as an administrator's client.
    void connect() {
        std::thread([&] {
            ASSERT_EQ(::setns(far_.get(), CLONE_NEWNET), 0);
            client_ = tcp_socket();
            const timeval patience{5, 0};
            ::setsockopt(client_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
            const sockaddr_in6 to = address(kMine, kPort);
            ASSERT_EQ(::connect(client_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0)
                << std::strerror(errno);
        }).join();
        session_ = UniqueFd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        ASSERT_TRUE(session_.is_open());
    }
    json load(const std::string& inbound, const json& parameters = json::object()) {
        daemon->write_config(config_text(inbound));
        return daemon->call("Load", parameters);
    }

    // By a process that holds nothing of ours, and whose parent is not this one.
    json load_as_a_stranger(const json& parameters) {
        int pipe[2];
        EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
        const UniqueFd out(pipe[0]);
        UniqueFd in(pipe[1]);
        const pid_t child = ::fork();
        if (child == 0) {
            const pid_t between = ::getpid();
            if (::fork() != 0) ::_exit(0);
            for (UniqueFd* fd : {&listening_, &client_, &session_}) *fd = UniqueFd();
            while (::getppid() == between) ::usleep(1000);  // until that one is gone, too
            const std::string reply = daemon->call("Load", parameters).dump();
            ::_exit(::write(in.get(), reply.data(), reply.size()) < 0 ? 1 : 0);
        }
        ::waitpid(child, nullptr, 0);
        in = UniqueFd();
        std::string reply;
        char block[4096];
        for (ssize_t got; (got = ::read(out.get(), block, sizeof block)) > 0;)
            reply.append(block, static_cast<std::size_t>(got));
        return json::parse(reply, nullptr, false);
    }

    UniqueFd far_, listening_, client_, session_;
};

TEST_F(DaemonLockout, ALoadThatCutsTheCallersConnectionIsRefusedUnlessForced) {
    EXPECT_EQ(load(kCut)["number"], 2) << "nobody is connected";
    EXPECT_EQ(load(kAdmin)["number"], 3);
    connect();
    const json refused = load(kCut);
    EXPECT_EQ(refused["error"], "org.dishwall.Refused") << refused.dump();
    const std::string message = refused["message"];
    EXPECT_EQ(message.find("your own connection from 2001:db8:5::2 port "), 0u) << message;
    EXPECT_NE(message.find(
                  " to 2001:db8:5::1 port 2222 would be dropped by rule closed (dishwall.conf:11); --force "
                  "does it all the same; the policy that was in force still is"),
              std::string::npos)
        << message;
    EXPECT_EQ(daemon->call("Status")["policy_number"], 3);
    EXPECT_EQ(daemon->call("Rollback")["error"], "org.dishwall.Refused") << "it is the same with a rollback";
    EXPECT_EQ(load("    accept tcp 2222 from 2001:db8:5::/64 to self name others\n")["number"], 4);
    EXPECT_EQ(load(kCut, {{"force", true}})["number"], 5);
    EXPECT_NE(daemon->log().find("forced: your own connection from"), std::string::npos);
}

TEST_F(DaemonLockout, ADefaultIsNamedToo) {
    connect();
    const std::string message = load("    accept tcp 443 to nas\n")["message"];
    EXPECT_NE(message.find("would be dropped by the default of policy inbound"), std::string::npos)
        << message;
}

TEST_F(DaemonLockout, TheCallerMayTellItsSocketsItself) {
    connect();
    struct stat status {};
    ASSERT_EQ(::fstat(session_.get(), &status), 0);
    daemon->write_config(config_text(kCut));
    const auto sockets = json::array({static_cast<std::uint64_t>(status.st_ino)});
    const json refused = load_as_a_stranger({{"sockets", sockets}});
    EXPECT_EQ(refused["error"], "org.dishwall.Refused") << refused.dump();
    EXPECT_EQ(load_as_a_stranger({{"confirm", 3600}})["number"], 2) << "who sits at the machine may cut it";
    EXPECT_EQ(daemon->call("Load", {{"sockets", "x"}})["error"], "org.dishwall.BadInput");
}

TEST_F(DaemonLockout, AProtectLineOfThePolicyInForceHoldsTheNextOneToo) {
    const std::string protect = "protect management { tcp 2222 from 2001:db8:7::/48 to self }\n";
    daemon->write_config(config_text(kAdmin) + protect);
    ASSERT_EQ(daemon->call("Load")["number"], 2);
    const json refused = load(kCut);
    EXPECT_EQ(refused["error"], "org.dishwall.Refused") << refused.dump();
    const std::string message = refused["message"];
    EXPECT_EQ(message.find("protect management: tcp from 2001:db8:7:"), 0u) << message;
    EXPECT_NE(message.find("rule closed (dishwall.conf:11)"), std::string::npos) << message;

    daemon->write_config(config_text(kCut) + protect);  // its own line
    const json broken = daemon->call("Load");
    EXPECT_EQ(broken["error"], "org.dishwall.Refused") << broken.dump();
    EXPECT_NE(broken["diagnostics"].get<std::string>().find("E0602"), std::string::npos) << broken.dump();
    EXPECT_EQ(daemon->call("Load", {{"force", true}})["number"], 3);
    daemon->signal(SIGKILL);
    (void)daemon->wait();
    ASSERT_TRUE(daemon->start()) << "what was forced is started again: " << daemon->log();
    EXPECT_EQ(daemon->call("Status")["policy_number"], 3);
}

}  // namespace
}  // namespace dishwall
