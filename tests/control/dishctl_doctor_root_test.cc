// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl doctor` as a program, in a network namespace of its own: it has to see this one and no other, find
// what is wrong with it, and see each thing mended.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "control/ipc/client.h"
#include "control/ipc/server.h"
#include "control/unique_fd.h"
#include "tests/control/dishctl_replies.h"

namespace dishwall {
namespace {

using nlohmann::json;

struct Doctor {
    int code = -1;
    json checks;

    [[nodiscard]] std::string of(const std::string& name) const {
        for (const json& check : checks)
            if (check["name"] == name)
                return check["result"].get<std::string>() + ": " + check["text"].get<std::string>();
        return "";
    }
};

class DoctorInNamespace : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/dw-doctor-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
        if (outside_ = ::fork(); outside_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;) ::pause();
        }
        home_ = UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << "needs root";
        std::ofstream(directory_ / "rules.conf") << "version 1\nuplink dish {\n  interface wan0\n"
                                                    "  prefix pd from dhcpv6-pd\n}\n"
                                                    "network lan = dish.pd subnet 0x10 on br\n"
                                                    "policy inbound on dish { default drop }\n";
    }
    void TearDown() override {
        std::filesystem::remove_all(directory_);
        ::kill(outside_, SIGKILL);
        ::waitpid(outside_, nullptr, 0);
        if (!home_.is_open()) return;
        ASSERT_EQ(::setns(home_.get(), CLONE_NEWNET), 0);
    }
    static void shell(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

    Doctor doctor(const std::string& before = "") const {
        const std::string out = directory_ / "out";
        const std::string command = before + std::string(DISHCTL) + " -j doctor --run-dir " +
                                    directory_.string() + " --config " +
                                    (directory_ / "rules.conf").string() + " >" + out;
        const int status = std::system(command.c_str());
        std::ifstream in(out);
        const json document = json::parse(in, nullptr, false);
        EXPECT_TRUE(document.is_object());
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, document.value("checks", json::array())};
    }

    std::filesystem::path directory_;
    UniqueFd home_;
    pid_t outside_ = -1;  // a process that stays in the namespace the test began in
};

TEST_F(DoctorInNamespace, finds_that_there_is_no_uplink_and_no_forwarding) {
    const Doctor ill = doctor();
    EXPECT_EQ(ill.code, 1);
    EXPECT_EQ(ill.of("uplink"),
              "failed: there is no interface wan0, and none but lo in this network namespace");
    EXPECT_EQ(ill.of("forwarding"),
              "failed: net.ipv6.conf.all.forwarding is 0: nothing reaches the hosts behind this box");
    EXPECT_EQ(ill.of("daemon").substr(0, 8), "warning:");
    EXPECT_EQ(ill.of("rules").substr(0, 3), "ok:");
    EXPECT_EQ(ill.of("guard"), "ok: nftables takes a guard");
    for (const char* name : {"xdp", "accept_ra", "delegation", "dish-page"}) EXPECT_EQ(ill.of(name), "");
}

TEST_F(DoctorInNamespace, sees_each_thing_mended) {
    shell("ip link add wan0 type veth peer name isp0 && ip link set lo up");
    EXPECT_EQ(doctor().of("uplink"), "failed: wan0 is down, or has no carrier");
    shell(
        "ip link set wan0 up && ip link set isp0 up && sysctl -qw net.ipv6.conf.all.forwarding=1 "
        "net.ipv6.conf.wan0.accept_ra=0");
    const Doctor half = doctor();
    EXPECT_EQ(half.code, 1);
    EXPECT_EQ(half.of("uplink"), "ok: wan0 is up");
    EXPECT_EQ(half.of("forwarding"), "ok: net.ipv6.conf.all.forwarding is 1");
    EXPECT_EQ(half.of("xdp"), "warning: no XDP program is on wan0: nothing is filtered there");
    EXPECT_EQ(half.of("accept_ra"),
              "warning: net.ipv6.conf.wan0.accept_ra is 0: the kernel takes no router advertisement, and "
              "there is no "
              "default route for IPv6");
    EXPECT_EQ(half.of("delegation"), "failed: dish.pd has no prefix: nothing behind it can be reached");
    EXPECT_EQ(half.of("dish-page"), "warning: there is no route to 192.168.100.1, the dish's own page");

    shell(
        "ip -6 route add unreachable 2001:db8:1100::/60 dev lo && ip -6 route add default via fe80::1 dev "
        "wan0 && "
        "ip address add 100.64.0.2/24 dev wan0 && ip route add default via 100.64.0.1");
    const Doctor small = doctor();
    EXPECT_EQ(small.code, 1);
    EXPECT_EQ(small.of("delegation"), "ok: dish.pd 2001:db8:1100::/60");
    EXPECT_EQ(small.of("networks"), "failed: network lan is subnet 0x10, and 2001:db8:1100::/60 has 0..0xf");
    EXPECT_EQ(small.of("accept_ra"),
              "ok: net.ipv6.conf.wan0.accept_ra is 0: the kernel leaves router advertisements alone; a "
              "client handles "
              "them, as there is a default route");
    EXPECT_EQ(small.of("line"), "ok: IPv4: online behind CGNAT; IPv6: a prefix is delegated");
    EXPECT_EQ(small.of("dish-page"), "ok: 192.168.100.1, the dish's own page, is reached through wan0");

    shell(
        "ip -6 route del unreachable 2001:db8:1100::/60 dev lo && "
        "ip -6 route add unreachable 2001:db8:1100::/56 dev lo");
    EXPECT_EQ(doctor().of("networks"), "ok: the network of the rule file fits into the delegation");
}

// A socket that answers as a daemon with this process number would.
class DaemonSocket {
public:
    DaemonSocket(const std::filesystem::path& path, int pid) : path_(path) {
        sd_event_new(&loop_);
        server_.emplace(loop_);
        server_->add_method("org.dishwall.Status", [pid](const Caller&, const json&) {
            json status = canned_status();
            status["pid"] = pid;
            return CallResult(status);
        });
        server_->add_method("test.Quit", [this](const Caller&, const json&) {
            sd_event_exit(loop_, 0);
            return CallResult(json::object());
        });
        EXPECT_TRUE(server_->listen(path));
        ::chmod(path.c_str(), 0666);
        thread_ = std::thread([this] { sd_event_loop(loop_); });
    }
    ~DaemonSocket() {
        (void)IpcClient::connect(path_)->call("test.Quit", json::object());
        thread_.join();
        server_.reset();
        sd_event_unref(loop_);
    }
    DaemonSocket(const DaemonSocket&) = delete;
    DaemonSocket& operator=(const DaemonSocket&) = delete;

private:
    std::filesystem::path path_;
    sd_event* loop_ = nullptr;
    std::optional<IpcServer> server_;
    std::thread thread_;
};

TEST_F(DoctorInNamespace, tells_a_daemon_of_another_namespace) {
    {
        const DaemonSocket here(directory_ / "ctl.sock", ::getpid());
        EXPECT_EQ(doctor().of("daemon"),
                  "ok: dishwalld 0.1.0 answers, process " + std::to_string(::getpid()));
    }
    const DaemonSocket elsewhere(directory_ / "ctl.sock", outside_);
    EXPECT_EQ(doctor().of("daemon"), "failed: dishwalld, process " + std::to_string(outside_) +
                                         ", lives in another network namespace than this doctor");
    // An ordinary user cannot tell, and nothing is claimed.
    std::filesystem::permissions(directory_, std::filesystem::perms(0755));
    EXPECT_EQ(doctor("setpriv --reuid 65534 --regid 65534 --clear-groups ").of("daemon"),
              "ok: dishwalld 0.1.0 answers, process " + std::to_string(outside_));
}

TEST_F(DoctorInNamespace, changes_nothing) {
    shell("ip link add wan0 type veth peer name isp0 && ip link set wan0 up");
    (void)doctor();
    shell("test -z \"$(nft list ruleset)\"");
    shell("! ip link show dev wan0 | grep -q xdp");
    EXPECT_FALSE(std::filesystem::exists(directory_ / "ctl.sock"));
}

}  // namespace
}  // namespace dishwall
