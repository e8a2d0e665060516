// SPDX-License-Identifier: BSD-3-Clause
//
// Which connection the caller sits on, read from the kernel's table, and who would be locked out.
#include "control/caller/caller_connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "control/caller/lockout.h"
#include "policy_maker.h"

namespace dishwall {
namespace {

constexpr char kTable[] =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue "
    "tr "
    "tm->when retrnsmt   uid  timeout inode\n"
    "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000     0        0 11 1 0000000000000000 100 0 0 10 0\n"
    "   1: B80D0120000000AA0000000001000000:0016 B80D0120000007000000000005000000:C350 01 00000000:00000000 "
    "02:0000A12B 00000000     0        0 12 2 0000000000000000 20 4 29 10 -1\n"
    "   2: 0000000000000000FFFF00000100007F:0016 0000000000000000FFFF00000200007F:C351 01 00000000:00000000 "
    "00:00000000 00000000     0        0 13 1 0000000000000000 20 4 29 10 -1\n"
    "   3: B80D0120000000AA0000000001000000:9C40 B80D0120000007000000000005000000:01BB 01 00000000:00000000 "
    "00:00000000 00000000     0        0 14 1 0000000000000000 20 4 29 10 -1\n"
    "   4: B80D0120000000AA0000000001000000:0016 B80D0120000007000000000005000000:C352 06 00000000:00000000 "
    "00:00000000 00000000     0        0 15 1 0000000000000000 20 4 29 10 -1\n"
    "   5: garbage\n";

TEST(Caller, OnlyConnectionsThatOthersOpenedOverIpv6) {
    const auto all = accepted_connections(kTable, {11, 12, 13, 14, 15});
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(to_string(all[0].peer), "2001:db8:7::5");
    EXPECT_EQ(all[0].peer_port, 50000);
    EXPECT_EQ(to_string(all[0].local), "2001:db8:aa00::1");
    EXPECT_EQ(all[0].local_port, 22);
    EXPECT_TRUE(accepted_connections(kTable, {14}).empty()) << "opened from here";
    EXPECT_TRUE(accepted_connections(kTable, {}).empty());
}

SocketInode inode_of(int fd) {
    struct stat status {};
    EXPECT_EQ(::fstat(fd, &status), 0);
    return status.st_ino;
}

TEST(Caller, SocketsOfAncestorsAreFoundInAGrandchild) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const SocketInode wanted = inode_of(pair[0]);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(pair[0]);
        ::close(pair[1]);
        const pid_t grandchild = ::fork();
        if (grandchild == 0) {
            const auto sockets = sockets_of_ancestors(::getpid());
            ::_exit(std::find(sockets.begin(), sockets.end(), wanted) == sockets.end() ? 1 : 0);
        }
        int status = 0;
        ::waitpid(grandchild, &status, 0);
        ::_exit(WEXITSTATUS(status));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 0) << "the parent's parent holds the socket";
    ::close(pair[0]);
    ::close(pair[1]);
}

// ---- who would be locked out

class Lockout : public testing::Test {
protected:
    Own own_{{{*parse_prefix("2001:db8:aa00::/56"), 0, DW_PREFIX_PREFERRED, false}},
             {*parse_ipv6("2001:db8:aa00::1")},
             {},
             {}};
    TcpConnection ssh_{*parse_ipv6("2001:db8:7::5"), *parse_ipv6("2001:db8:aa00::1"), 50000, 22};
    Policy open_ = policy_with("    accept tcp 22 to self name ssh\n");
    Policy closed_ = policy_with("    drop tcp 22 name closed\n    accept tcp 443 to self\n");

    std::vector<std::string> cut(const TcpConnection& connection, const Policy& now, const Policy& then) {
        return cut_connections({connection}, own_, now, then);
    }
};

TEST_F(Lockout, NamesConnectionRuleAndPlace) {
    EXPECT_EQ(cut(ssh_, open_, closed_),
              (std::vector<std::string>{
                  "your own connection from 2001:db8:7::5 port 50000 to 2001:db8:aa00::1 port 22 "
                  "would be dropped by rule closed (test.conf:10)"}));
    EXPECT_EQ(cut(ssh_, open_, policy_with("    accept tcp 443\n")),
              (std::vector<std::string>{
                  "your own connection from 2001:db8:7::5 port 50000 to 2001:db8:aa00::1 port 22 "
                  "would be dropped by the default of policy inbound"}));
    EXPECT_EQ(cut(ssh_, open_, open_), std::vector<std::string>{});
}

TEST_F(Lockout, ARateIsNoLockout) {
    EXPECT_EQ(cut(ssh_, open_, policy_with("    accept tcp 22 to self rate 1/d burst 1 name slow\n")),
              std::vector<std::string>{});
}

TEST_F(Lockout, WhatDoesNotComeThroughTheUplinkIsInNoDanger) {
    TcpConnection from_lan = ssh_;
    from_lan.peer = *parse_ipv6("2001:db8:aa00:1::10");
    EXPECT_EQ(cut(from_lan, open_, closed_), std::vector<std::string>{});
    TcpConnection to_another = ssh_;
    to_another.local = *parse_ipv6("2001:db8:5::1");
    EXPECT_EQ(cut(to_another, open_, closed_), std::vector<std::string>{});
    EXPECT_EQ(cut(ssh_, closed_, closed_), std::vector<std::string>{})
        << "it comes another way: it is not let in now";
}

TEST_F(Lockout, ProtectLinesOfBothPoliciesHold) {
    const auto with_line = [](const std::string& inbound) {
        const Policy policy = policy_with(inbound);
        Policy with =
            policy_with(inbound + "}\nprotect management { tcp 22 to self }\npolicy inbound on dish {\n");
        EXPECT_EQ(with.protects.size(), 1u);
        return with;
    };
    const Policy promising = with_line("    accept tcp 22 to self name ssh\n");
    EXPECT_EQ(broken_protection(promising, promising), std::vector<std::string>{});
    EXPECT_EQ(broken_protection(open_, closed_), std::vector<std::string>{});
    const auto broken = broken_protection(promising, closed_);
    ASSERT_EQ(broken.size(), 1u);
    EXPECT_EQ(broken[0].find("protect management: tcp from "), 0u) << broken[0];
    EXPECT_NE(broken[0].find("is dropped by rule closed (test.conf:10)"), std::string::npos) << broken[0];
}

}  // namespace
}  // namespace dishwall
