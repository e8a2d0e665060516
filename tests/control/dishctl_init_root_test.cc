// SPDX-License-Identifier: BSD-3-Clause
//
// A real gateway in a network namespace: an uplink with a default route, a delegation's unreachable route, a
// LAN with an address and a neighbour, and a listening socket. What `init` writes of it is a rule file that
// knows all of them.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "control/dishctl/init/first_rule_file.h"
#include "control/unique_fd.h"
#include "rules/frontend.h"

namespace dishwall {
namespace {

void run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

UniqueFd listen_on(std::uint16_t port) {
    UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    EXPECT_EQ(::listen(socket.get(), 1), 0);
    return socket;
}

TEST(InitMachine, AGatewayIsSeenAsItIs) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);  // this process's own, until it ends
    run("ip link set lo up");
    run("ip link add wan0 type veth peer name dish0 && ip link set wan0 up && ip link set dish0 up");
    run("ip link add br-lan type bridge && ip link set br-lan up");
    run("ip -6 address add 2a0d:3344:ff::2/64 dev wan0 nodad");
    run("ip -6 address add 2a0d:3344:aa:7::1/64 dev br-lan nodad");
    run("ip -6 route add default via fe80::1 dev wan0 && ip -6 route add unreachable 2a0d:3344:aa::/56 "
        "metric 1024");
    run("ip -6 neigh add 2a0d:3344:aa:7::10 lladdr 02:11:22:33:44:55 dev br-lan nud reachable");
    const UniqueFd socket = listen_on(8443);

    const MachineView view = read_machine_view();
    EXPECT_EQ(view.uplink, "wan0");
    EXPECT_FALSE(view.uplink_by_ipv4);
    EXPECT_TRUE(view.troubles.empty()) << view.troubles.front();
    const std::string text = first_rule_file(view);
    for (const char* line :
         {"    interface wan0                          # the IPv6 default route leads here\n",
          "    prefix pd     from dhcpv6-pd            # 2a0d:3344:aa::/56 now; used as dish.pd\n",
          "network lan = dish.pd subnet 0x7 on br-lan  # 2a0d:3344:aa:7::/64 now\n",
          "host device-334455 = lan mac 02:11:22:33:44:55 # 2a0d:3344:aa:7::10 now\n",
          "    audit tcp 8443 to self name try-control_init_te-8443"})
        EXPECT_NE(text.find(line), std::string::npos) << line << "is not in:\n" << text;
    const Compiled compiled = read_policy(
        "first.conf", text,
        {.service_port = [](std::string_view, std::string_view) { return std::optional<std::uint16_t>(); }});
    EXPECT_TRUE(compiled.policy) << render(compiled.diagnostics, compiled.sources, false);
}

}  // namespace
}  // namespace dishwall
