// SPDX-License-Identifier: BSD-3-Clause
//
// R34, R35: the uplink's device goes and comes back, is another one, is not there yet, or belongs to somebody
// else; and the guard in nftables that stays shut in between. tests/e2e/test_uplink.py shows the same with
// streams of packets and hosts that would receive them.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <functional>
#include <regex>
#include <thread>

#include "bpf/core/layout.h"
#include "daemon_lab.h"

namespace dishwall {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr char kDelete[] = "ip link del wan0";
// Of the guard's rule while no device is armed.
constexpr char kShut[] = "\t\tiifname \"wan0\" counter name \"inbound\" drop";

bool within_five_seconds(const std::function<bool()>& claim) {
    for (int i = 0; i < 100 && !claim(); ++i) std::this_thread::sleep_for(50ms);
    return claim();
}

class DaemonUplink : public DaemonLab {
protected:
    // `more`: for `ip link add`, such as an index.
    static void make_device(const std::string& more = "") {
        shell("ip link add wan0 " + more + " type veth peer name isp0 && ip link set isp0 up");
        // A stack that would take packets in: what does not reach it was held back by us.
        shell("sysctl -qw net.ipv6.conf.wan0.disable_ipv6=0 && ip link set wan0 up");
    }
    static unsigned index() { return ::if_nametoindex("wan0"); }
    static std::string guard() { return shell("nft list tables; nft list table inet dishwall-wan0 || true"); }
    // nft shows an index by the name that it has at this moment.
    static bool guard_is_open() {
        return guard().find("\t\tiif != \"wan0\" iifname \"wan0\"") != std::string::npos;
    }
    static bool guard_is_shut() { return guard().find(kShut) != std::string::npos; }
    static std::uint64_t held_back() {
        const json listed = json::parse(shell("nft -j list counter inet dishwall-wan0 inbound"));
        return listed["nftables"][1]["counter"]["packets"].get<std::uint64_t>();
    }
    bool becomes(const std::string& state) {
        return within_five_seconds([&] { return daemon->call("Status")["state"] == state; });
    }
    bool log_has(const std::string& text) const { return daemon->log().find(text) != std::string::npos; }
    std::string unload_without_daemon() {
        std::string command;
        for (const std::string& word : daemon->command({"--unload"})) command += word + " ";
        return shell(command);
    }
    void kill_daemon() {
        daemon->signal(SIGKILL);
        EXPECT_EQ(daemon->wait(), 128 + SIGKILL);
    }
};

// ---- R34

TEST_F(DaemonUplink, GuardIsOpenForTheArmedDeviceOnly) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(guard_is_open()) << guard();
    const json status = daemon->call("Status");
    EXPECT_EQ(status["guard"]["table"], "dishwall-wan0");
    EXPECT_EQ(status["guard"]["trouble"], "");
    EXPECT_EQ(status["guard"]["held_back"]["inbound"]["packets"], 0);
    (void)daemon->call("Unload");
    EXPECT_EQ(daemon->wait(), 0);
    EXPECT_EQ(guard().find("dishwall-wan0 {"), std::string::npos) << guard();
}

TEST_F(DaemonUplink, OfTheArmedDeviceOnlyStampedFramesPass) {
    const auto stamp_rule = [] {
        const std::regex wanted(
            R"re(iif "wan0" ether saddr != (?!00)[0-9a-f][26ae](:[0-9a-f]{2}){5} counter name "inbound" drop)re");
        std::smatch found;
        const std::string text = guard();
        return std::regex_search(text, found, wanted) ? found.str() : "none in " + text;
    };
    ASSERT_TRUE(daemon->start()) << daemon->log();
    const std::string first = stamp_rule();
    EXPECT_EQ(first.find("none"), std::string::npos) << first;
    kill_daemon();
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_EQ(stamp_rule(), first) << "the maps that are adopted bring their stamp";
}

TEST_F(DaemonUplink, NothingPassesADeviceMadeAnewWhileTheDaemonIsDead) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    kill_daemon();
    shell(kDelete);
    make_device();
    ASSERT_EQ(xdp_program_on_uplink(), 0u);
    const std::uint64_t before = held_back();
    send(kToWeb, 2);
    send(kToSsh, 3);
    EXPECT_EQ(held_back() - before, 5u) << guard();

    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(log_has("link_ingress: the device it was on is gone; attaching anew"));
    EXPECT_NE(xdp_program_on_uplink(), 0u);
    EXPECT_EQ(egress_programs_on_uplink(), 1u);
    EXPECT_TRUE(guard_is_open()) << guard();
    EXPECT_EQ(daemon->call("Status")["guard"]["held_back"]["inbound"]["packets"], held_back());
    send(kToWeb);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
}

TEST_F(DaemonUplink, ADeviceMadeAnewWhileTheDaemonRunsIsArmed) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    shell(kDelete);
    ASSERT_TRUE(becomes("waiting")) << daemon->log();
    EXPECT_TRUE(guard_is_shut()) << guard();
    make_device();
    ASSERT_TRUE(becomes("enforced")) << daemon->log();
    EXPECT_NE(xdp_program_on_uplink(), 0u);
    EXPECT_EQ(egress_programs_on_uplink(), 1u);
    EXPECT_TRUE(guard_is_open()) << guard();
    EXPECT_TRUE(log_has(fmt::format("wan0 is a new device (interface {})", index()))) << daemon->log();
    send(kToWeb);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
}

TEST_F(DaemonUplink, ADeviceWithTheFormerOnesIndexIsArmedToo) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    const unsigned before = index();
    shell(kDelete);
    make_device(fmt::format("index {}", before));
    ASSERT_EQ(index(), before);
    EXPECT_TRUE(within_five_seconds([this] { return xdp_program_on_uplink() != 0; })) << daemon->log();
    ASSERT_TRUE(becomes("enforced")) << daemon->log();
    EXPECT_TRUE(guard_is_open()) << guard();
}

TEST_F(DaemonUplink, ANameThatMovesToAnotherDeviceIsANewDevice) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    const unsigned before = index();
    shell("ip link set wan0 down && ip link set wan0 name old0 && ip link add wan0 type veth peer name isp1");
    EXPECT_TRUE(within_five_seconds([this] { return xdp_program_on_uplink() != 0; })) << daemon->log();
    ASSERT_TRUE(becomes("enforced")) << daemon->log();
    EXPECT_NE(daemon->call("Status")["ifindex"], before);
    EXPECT_TRUE(guard_is_open()) << guard();
}

TEST_F(DaemonUplink, ADeviceThatAppearsAfterTheDaemonIsArmed) {
    shell(kDelete);
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(log_has("there is no wan0 yet; waiting for it")) << daemon->log();
    const json status = daemon->call("Status");
    EXPECT_EQ(status["state"], "waiting");
    EXPECT_EQ(status["interface"], "wan0");
    EXPECT_EQ(status["ifindex"], 0);
    EXPECT_TRUE(guard_is_shut()) << guard();
    EXPECT_EQ(daemon->call("Explain", {{"packet", kToWeb}})["verdict"], "accept");
    make_device();
    ASSERT_TRUE(becomes("enforced")) << daemon->log();
    send(kToWeb);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
}

TEST_F(DaemonUplink, UnloadWhileWaitingTakesTheGuardAway) {
    shell(kDelete);
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_EQ(daemon->call("Unload")["message"],
              "wan0 is open: nothing is filtered any more, and dishwalld ends");
    EXPECT_EQ(daemon->wait(), 0);
    EXPECT_EQ(guard().find("dishwall-wan0 {"), std::string::npos) << guard();
    EXPECT_FALSE(std::filesystem::exists(daemon->pin_dir));
}

TEST_F(DaemonUplink, DownAndUpChangesNothingButTheLearntRouters) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    const UniqueFd link(bpf_obj_get((daemon->pin_dir + "/link").c_str()));
    ASSERT_TRUE(link.is_open());
    dw_link learnt{};
    learnt.router[0] = {0xbad, ~0ull};
    const std::uint32_t only = 0;
    ASSERT_EQ(bpf_map_update_elem(link.get(), &only, &learnt, BPF_ANY), 0);
    const json routers = daemon->call("Status")["routers"];
    ASSERT_EQ(routers.size(), 1u);
    EXPECT_EQ(routers[0]["address"], "fe80::bad");

    const std::uint32_t program = xdp_program_on_uplink();
    shell("ip link set isp0 down");  // the dish reboots: no carrier, but the same line
    ASSERT_TRUE(within_five_seconds([this] { return log_has("wan0 is down"); })) << daemon->log();
    EXPECT_EQ(daemon->call("Status")["routers"].size(), 1u);
    shell("ip link set isp0 up && ip link set wan0 down");
    EXPECT_TRUE(within_five_seconds([this] { return daemon->call("Status")["routers"].empty(); }));
    shell("ip link set wan0 up");
    EXPECT_EQ(xdp_program_on_uplink(), program);
    EXPECT_EQ(egress_programs_on_uplink(), 1u);
    EXPECT_TRUE(guard_is_open()) << guard();
    send(kToWeb);
    EXPECT_EQ(daemon->packets_of_rule("web"), 1u);
}

TEST_F(DaemonUplink, AFlushedRuleSetIsNoWayAroundTheGuard) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    shell("nft flush ruleset");
    EXPECT_TRUE(within_five_seconds(guard_is_open)) << guard();
    EXPECT_TRUE(log_has("somebody removed the nftables table inet dishwall-wan0; it is put back"));
}

TEST_F(DaemonUplink, AGuardThatCannotBeMadeIsSaidAndTheProgramsAreArmedAllTheSame) {
    FILE* owner = ::popen("nft -i > /dev/null", "we");  // not the daemon's too: nft ends with its input
    ASSERT_NE(owner, nullptr);
    std::fputs("add table inet dishwall-wan0 { flags owner; }\n", owner);
    std::fflush(owner);
    ASSERT_TRUE(within_five_seconds([] { return guard().find("dishwall-wan0 {") != std::string::npos; }));
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(
        log_has("the guard for a new wan0 is not as it should be: table inet dishwall-wan0: nftables "
                "refuses: "))
        << daemon->log();
    json status = daemon->call("Status");
    EXPECT_EQ(status["state"], "enforced");
    EXPECT_NE(status["guard"]["trouble"], "");
    ::pclose(owner);
    EXPECT_TRUE(within_five_seconds(guard_is_open)) << guard() << daemon->log();
    EXPECT_EQ(daemon->call("Status")["guard"]["trouble"], "");
}

TEST_F(DaemonUplink, TwoUplinksInOneNamespaceHaveAGuardEach) {
    shell("ip link add wan1 type veth peer name isp1");
    Instance second("b");
    std::string text = config_text("");
    second.write_config(text.replace(text.find("wan0"), 4, "wan1"));
    ASSERT_TRUE(daemon->start()) << daemon->log();
    ASSERT_TRUE(second.start()) << second.log();
    const std::string both = shell("nft list tables");
    EXPECT_NE(both.find("dishwall-wan0"), std::string::npos) << both;
    EXPECT_NE(both.find("dishwall-wan1"), std::string::npos) << both;
    (void)second.call("Unload");
    EXPECT_EQ(second.wait(), 0);
    EXPECT_TRUE(guard_is_open()) << guard();
    EXPECT_EQ(shell("nft list tables").find("dishwall-wan1"), std::string::npos);
}

TEST_F(DaemonUplink, TheGuardOfAFormerUplinkIsRemoved) {
    shell("ip link add wan1 type veth peer name isp1");
    ASSERT_TRUE(daemon->start()) << daemon->log();
    daemon->signal(SIGTERM);
    EXPECT_EQ(daemon->wait(), 0);
    std::string text = config_text("");
    daemon->write_config(text.replace(text.find("wan0"), 4, "wan1"));
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_EQ(guard().find("dishwall-wan0 {"), std::string::npos) << guard();
    EXPECT_TRUE(log_has("removed the guard of an uplink that is no longer ours: dishwall-wan0"));
}

// ---- a start that fails

TEST_F(DaemonUplink, ABrokenRuleFileAtTheFirstStartClosesTheUplinkByName) {
    daemon->write_config(config_text("    acept tcp 443 to nas\n"));
    EXPECT_FALSE(daemon->start());
    EXPECT_EQ(daemon->wait(), 1);
    EXPECT_TRUE(
        log_has("nothing passes wan0 until dishwalld starts with success; 'dishwalld --unload' opens it "
                "unprotected"))
        << daemon->log();
    EXPECT_TRUE(guard_is_shut()) << guard();

    EXPECT_NE(unload_without_daemon().find("unloaded: wan0 is open"), std::string::npos);
    EXPECT_EQ(guard().find("dishwall-wan0 {"), std::string::npos) << guard();

    EXPECT_FALSE(daemon->start());  // closed again, and a good file opens it as its policy says
    EXPECT_EQ(daemon->wait(), 1);
    daemon->write_config(config_text("    accept tcp 443 to nas name web\n"));
    ASSERT_TRUE(daemon->start()) << daemon->log();
    EXPECT_TRUE(guard_is_open()) << guard();
}

TEST_F(DaemonUplink, ABrokenRuleFileThatNamesNoInterfaceClosesNothingAndSaysSo) {
    daemon->write_config("version 1\nuplink dish {\n}\n");
    EXPECT_FALSE(daemon->start());
    EXPECT_EQ(daemon->wait(), 1);
    EXPECT_TRUE(log_has("the file does not tell the uplink's interface")) << daemon->log();
    EXPECT_EQ(shell("nft list tables"), "");
}

TEST_F(DaemonUplink, ABrokenRuleFileAtARestartLeavesThePolicyInForce) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    kill_daemon();
    const std::uint32_t program = xdp_program_on_uplink();
    daemon->write_config(config_text("    acept tcp 443 to nas\n"));
    EXPECT_FALSE(daemon->start());
    EXPECT_EQ(daemon->wait(), 1);
    EXPECT_TRUE(log_has("what a former daemon left in force on wan0 stays")) << daemon->log();
    EXPECT_EQ(xdp_program_on_uplink(), program);
    EXPECT_TRUE(guard_is_open()) << guard();
}

TEST_F(DaemonUplink, UnloadWithoutADaemonTakesOffWhatItLeft) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    std::string command;
    for (const std::string& word : daemon->command({"--unload"})) command += word + " ";
    EXPECT_NE(shell(command + "; test $? = 1").find("'dishctl unload' tells it to"), std::string::npos);
    EXPECT_NE(xdp_program_on_uplink(), 0u);
    kill_daemon();
    EXPECT_NE(unload_without_daemon().find("unloaded: wan0 is open"), std::string::npos);
    EXPECT_EQ(xdp_program_on_uplink(), 0u);
    EXPECT_EQ(egress_programs_on_uplink(), 0u);
    EXPECT_EQ(guard().find("dishwall-wan0 {"), std::string::npos) << guard();
    EXPECT_FALSE(std::filesystem::exists(daemon->pin_dir));
}

// ---- R35

TEST_F(DaemonUplink, AForeignProgramAtTheFirstStartIsRefusedAndNothingIsTouched) {
    const UniqueFd stranger = pass_everything();
    ASSERT_EQ(bpf_xdp_attach(static_cast<int>(index()), stranger.get(), 0, nullptr), 0);
    EXPECT_FALSE(daemon->start());
    EXPECT_EQ(daemon->wait(), 1);
    EXPECT_TRUE(log_has("is on wan0 and is not replaced")) << daemon->log();
    EXPECT_EQ(shell("nft list tables"), "") << "its owner's device, and its owner's business";
}

TEST_F(DaemonUplink, ABrokenRuleFileClosesNoDeviceThatCarriesAForeignProgram) {
    const UniqueFd stranger = pass_everything();
    ASSERT_EQ(bpf_xdp_attach(static_cast<int>(index()), stranger.get(), 0, nullptr), 0);
    daemon->write_config(config_text("    acept tcp 443 to nas\n"));
    EXPECT_FALSE(daemon->start());
    EXPECT_EQ(daemon->wait(), 1);
    EXPECT_TRUE(log_has("dishwall.conf has 1 error")) << daemon->log();
    EXPECT_TRUE(log_has("is on wan0 and is not replaced")) << daemon->log();
    EXPECT_EQ(shell("nft list tables"), "");
}

TEST_F(DaemonUplink, AForeignProgramOnADeviceMadeAnewIsNotReplacedAndTheGuardStaysShut) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    daemon->signal(SIGSTOP);  // so that the stranger is first
    shell(kDelete);
    make_device();
    const UniqueFd stranger = pass_everything();
    ASSERT_EQ(bpf_xdp_attach(static_cast<int>(index()), stranger.get(), 0, nullptr), 0);
    const std::uint32_t id = xdp_program_on_uplink();
    daemon->signal(SIGCONT);
    ASSERT_TRUE(becomes("closed")) << daemon->log();
    const std::string trouble = fmt::format("another XDP program (id {}) is on wan0 and is not replaced", id);
    EXPECT_EQ(daemon->call("Status")["trouble"].get<std::string>().find(trouble), 0u);
    EXPECT_TRUE(log_has("wan0 stays closed: " + trouble)) << daemon->log();
    EXPECT_TRUE(guard_is_shut()) << guard();
    const std::uint64_t before = held_back();
    send(kToWeb, 4);
    EXPECT_EQ(held_back() - before, 4u);
    EXPECT_EQ(xdp_program_on_uplink(), id);

    ASSERT_EQ(bpf_xdp_detach(static_cast<int>(index()), 0, nullptr), 0);  // its owner takes it away
    ASSERT_TRUE(becomes("enforced")) << daemon->log();
    EXPECT_TRUE(guard_is_open()) << guard();
}

TEST_F(DaemonUplink, AForeignProgramFoundAtARestartIsNotReplacedAndTheGuardStaysShut) {
    ASSERT_TRUE(daemon->start()) << daemon->log();
    kill_daemon();
    shell(kDelete);
    make_device();
    const UniqueFd stranger = pass_everything();
    ASSERT_EQ(bpf_xdp_attach(static_cast<int>(index()), stranger.get(), 0, nullptr), 0);
    const std::uint32_t id = xdp_program_on_uplink();
    EXPECT_FALSE(daemon->start());
    EXPECT_EQ(daemon->wait(), 1);
    EXPECT_TRUE(log_has(fmt::format("another XDP program (id {}) is on wan0 and is not replaced", id)));
    EXPECT_EQ(xdp_program_on_uplink(), id);
    const std::uint64_t before = held_back();
    send(kToWeb, 4);
    EXPECT_EQ(held_back() - before, 4u);
}

}  // namespace
}  // namespace dishwall
