// SPDX-License-Identifier: BSD-3-Clause
//
// Starts that must not succeed: each with one clear error, a non-zero exit, and nothing left behind.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>

#include <csignal>

#include "daemon_lab.h"

namespace dishwall {
namespace {

class DaemonRefusal : public DaemonLab {
protected:
    void expect_refusal(const std::string& message, const std::vector<std::string>& more = {},
                        const std::vector<std::string>& wrapper = {}) {
        EXPECT_FALSE(daemon->start(more, wrapper)) << daemon->log();
        EXPECT_EQ(daemon->wait(), 1);
        EXPECT_NE(daemon->log().find(message), std::string::npos) << daemon->log();
        EXPECT_EQ(egress_programs_on_uplink(), 0u);
        EXPECT_FALSE(std::filesystem::exists(daemon->pin_dir + "/control"));
    }
};

TEST_F(DaemonRefusal, AnotherXdpProgramIsNeverReplaced) {
    const UniqueFd stranger = pass_everything();
    ASSERT_TRUE(stranger.is_open());
    ASSERT_EQ(bpf_xdp_attach(static_cast<int>(::if_nametoindex("wan0")), stranger.get(), 0, nullptr), 0);
    const std::uint32_t id = xdp_program_on_uplink();
    expect_refusal(fmt::format("another XDP program (id {}) is on wan0 and is not replaced", id));
    EXPECT_EQ(xdp_program_on_uplink(), id);
}

TEST_F(DaemonRefusal, AnotherXdpLinkIsNeverReplaced) {
    const UniqueFd stranger = pass_everything();
    const UniqueFd link(
        bpf_link_create(stranger.get(), static_cast<int>(::if_nametoindex("wan0")), BPF_XDP, nullptr));
    ASSERT_TRUE(link.is_open());
    const std::uint32_t id = xdp_program_on_uplink();
    expect_refusal(fmt::format("another XDP program (id {}) is on wan0 and is not replaced", id));
    EXPECT_EQ(xdp_program_on_uplink(), id);
}

TEST_F(DaemonRefusal, ABrokenRuleFileIsShownWithItsPlace) {
    daemon->write_config(config_text("    acept tcp 443 to nas\n"));
    expect_refusal("dishwall.conf has 1 error");
    EXPECT_NE(daemon->log().find("dishwall.conf:11:"), std::string::npos) << daemon->log();
}

TEST_F(DaemonRefusal, WithoutRightsItNamesTheCapabilities) {
    expect_refusal("dishwalld needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON", {},
                   {"setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"});
}

TEST_F(DaemonRefusal, TheThreeCapabilitiesAreEnough) {
    shell("mkdir -p " + daemon->pin_dir);
    const std::vector<std::string> only{"setpriv", "--bounding-set=-all,+bpf,+net_admin,+perfmon,+net_raw",
                                        "--inh-caps=-all", "--"};
    ASSERT_TRUE(daemon->start({}, only)) << daemon->log();
    EXPECT_EQ(
        daemon->call("Explain", {{"packet", "in udp [2001:db8:1::1]:1 > [2001:db8:aa00:1::10]:2"}})["agree"],
        true);
    daemon->signal(SIGKILL);
    (void)daemon->wait();
    ASSERT_TRUE(daemon->start({}, only)) << daemon->log();  // adopting asks for no more
    EXPECT_EQ(daemon->call("Status")["generation"], 2);
}

TEST_F(DaemonRefusal, ASecondDaemonInTheSameRunDirectory) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    const std::uint32_t program = xdp_program_on_uplink();
    std::string command;
    for (const std::string& word : daemon->command()) command += word + " ";
    const std::string output = shell(command + "; test $? = 1");
    EXPECT_NE(output.find("another dishwalld runs in " + daemon->run_dir().string()), std::string::npos)
        << output;
    const std::string elsewhere =
        shell(command + "--run-dir " + daemon->run_dir().string() + "2; test $? = 1");
    EXPECT_NE(elsewhere.find("another dishwalld uses the pin directory " + daemon->pin_dir),
              std::string::npos)
        << elsewhere;
    EXPECT_EQ(xdp_program_on_uplink(), program);
    EXPECT_EQ(daemon->call("Status")["generation"], 1);
}

TEST_F(DaemonRefusal, TwoInstancesInTwoNamespacesDoNotMeet) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    const std::uint32_t first = xdp_program_on_uplink();
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    make_uplink();
    Instance second("b");
    ASSERT_TRUE(second.start()) << second.log();
    EXPECT_NE(xdp_program_on_uplink(), first);
    send("in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S", 2);
    EXPECT_EQ(second.packets_of_rule("web"), 2u);
    EXPECT_EQ(daemon->packets_of_rule("web"), 0u);
    (void)second.call("Unload");
    EXPECT_EQ(second.wait(), 0);
    EXPECT_EQ(daemon->call("Status")["generation"], 1);
}

// A named namespace, since this is about what `ip netns exec` does to /sys.
TEST_F(DaemonRefusal, UnderIpNetnsExecItSaysWhyPinsWouldBeLost) {
    const std::string name = fmt::format("dw-{}", ::getpid());
    shell("ip netns add " + name);
    const std::string in = "ip netns exec " + name + " ";
    shell(in + "ip link add wan0 type veth peer name isp0");
    EXPECT_FALSE(daemon->start({}, {"ip", "netns", "exec", name}));
    EXPECT_EQ(daemon->wait(), 1);
    EXPECT_NE(daemon->log().find("use 'nsenter --net=/run/netns/NAME dishwalld ...' instead"),
              std::string::npos)
        << daemon->log();

    EXPECT_TRUE(daemon->start({}, {"nsenter", "--net=/run/netns/" + name})) << daemon->log();
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(), 0);
    shell("ip netns del " + name);
}

TEST_F(DaemonRefusal, APinDirectoryOffBpfFs) {
    expect_refusal("is not on a bpf file system, so nothing can be pinned there",
                   {"--pin-dir", (daemon->run_dir() / "pins").string()});
}

TEST_F(DaemonRefusal, BadCommandLineIsExitStatus2) {
    EXPECT_FALSE(daemon->start({"--nonsense"}));
    EXPECT_EQ(daemon->wait(), 2);
    EXPECT_NE(daemon->log().find("--nonsense"), std::string::npos);
}

}  // namespace
}  // namespace dishwall
