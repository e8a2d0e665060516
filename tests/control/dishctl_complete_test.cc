// SPDX-License-Identifier: BSD-3-Clause
//
// Completion: what may stand where, and the two shells' files, run by the shells themselves.
#include "control/dishctl/complete.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>

#include "tests/control/dishctl_program.h"

namespace dishwall {
namespace {

using Words = std::vector<std::string>;

// "a b c", with ":files" first.
std::string offered(const Words& words, const json& names = canned_names()) {
    const Completion answer = complete(words, names);
    std::string text = answer.files ? ":files" : "";
    for (const Candidate& one : answer.candidates) text += (text.empty() ? "" : " ") + one.word;
    return text;
}

TEST(Complete, what_may_stand_where) {
    const struct {
        Words words;
        const char* expected;
    } kCases[] = {
        {{"fl"}, "flows"},
        {{"-j", "fl"}, "flows"},
        {{"--run-dir", "/x", "hi"}, "history"},
        {{"load", ""}, ":files"},
        {{"load", "x", ""}, ""},
        {{"load", "--"}, "--confirm --force --json --run-dir --help"},
        {{"load", "x", "--f"}, "--force"},
        {{"load", "--confirm", "1"}, "120s 10m 1h"},
        {{"load", "--confirm", "=", "1"}, "120s 10m 1h"},
        {{"rollback", ""}, "4 3 2 1"},
        {{"rollback", "--force", ""}, "4 3 2 1"},
        {{"diff", "3", ""}, ":files 4 3 2 1"},
        {{"diff", "3", "4", ""}, ""},
        {{"explain-error", "E010"}, "E0101 E0102 E0103 E0104 E0105 E0106 E0107 E0108 E0109"},
        {{"counters", "we"}, "web websites"},
        {{"counters", "ssh", "n"}, ""},
        {{"hosts", ""}, "nas cam"},
        {{"import", ""}, "nft ip6tables-save uci"},
        {{"import", "uci", ""}, ":files"},
        {{"explain", "i"}, "in"},
        {{"explain", "in", "t"}, "tcp"},
        {{"explain", "--pcap", ""}, ":files"},
        {{"prefix", ""}, "history set withdraw"},
        {{"prefix", "set", "dish.o"}, "dish.onlink"},
        {{"prefix", "set", "dish.pd", "2001:db8::/56", ""}, "valid"},
        {{"prefix", "history", ""}, ""},
        {{"audit", ""}, "rfc6092"},
        {{"frobnicate", ""}, ""},
        {{"status", ""}, ""},
        {{"shadow", "x", "--for", "6"}, "60s"},
        {{"replay", ""}, ":files"},
        {{"replay", "x.pcap", "--against", ""}, ":files"},
        {{"replay", "x.pcap", "--s"}, "--signatures --self"},
        {{"replay", "--prefix", "dish.pd=2001:db8::/56", ""}, ":files"},
        {{"-"}, "--json --run-dir --help"},
    };
    for (const auto& c : kCases) EXPECT_EQ(offered(c.words), c.expected) << json(c.words).dump();
}

TEST(Complete, without_a_daemon_only_names_are_missing) {
    EXPECT_EQ(offered({"rollback", ""}, json()), "");
    EXPECT_EQ(offered({"diff", ""}, json()), ":files");
    EXPECT_EQ(offered({"ver"}, json()), "version");
    EXPECT_EQ(offered({"rollback", ""}, canned(R"({"policies":"many","rules":[1,null]})")), "");
    EXPECT_FALSE(wants_names({"rollback", "--"}));
    EXPECT_TRUE(wants_names({"prefix", "withdraw", ""}));
}

class CompleteProgram : public DishctlTest {
protected:
    // What bash offers for these words, sorted, one a line.
    std::string bash(const std::string& words) {
        std::ofstream(file("ask.bash"))
            << "source " BASH_COMPLETION "\nCOMP_WORDS=(" DISHCTL " --run-dir " << directory_.string() << " "
            << words << ")\nCOMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))\n"
            << "complete -p dishctl >/dev/null || exit 1\n_dishctl " DISHCTL
               "\nfor word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done | sort\n";
        return output("bash --norc --noprofile " + file("ask.bash"));
    }
    // The same of zsh, whose own completion functions are replaced by ones that print what they are given.
    std::string zsh(const std::string& words) {
        std::ofstream(file("ask.zsh"))
            << "_call_program() { shift; eval \"$@\" }\n"
            << "_describe() { print -l -- ${(P)${@[-1]}} }\n_files() { print :files }\n"
            << "words=(" DISHCTL " --run-dir " << directory_.string() << " " << words << ")\n"
            << "CURRENT=$#words; PREFIX=${words[-1]}\nsource " ZSH_COMPLETION "\n";
        return output("zsh -f " + file("ask.zsh"));
    }
    std::string output(const std::string& command) {
        const int status =
            std::system(("cd " + directory_.string() + " && " + command + " >shell-out 2>shell-err").c_str());
        EXPECT_TRUE(WIFEXITED(status)) << command;
        return read(file("shell-out")) + read(file("shell-err"));
    }
};

TEST_F(CompleteProgram, bash_asks_dishctl) {
    serve();
    EXPECT_EQ(bash("ro"), "rollback\n");
    EXPECT_EQ(bash("rollback ''"), "1\n2\n3\n4\n");
    EXPECT_EQ(bash("counters we"), "web\nwebsites\n");
    EXPECT_EQ(bash("load --confirm = 2"), "");
    EXPECT_EQ(bash("load --confirm = 6"), "60s\n");
    EXPECT_EQ(bash("load --confirm ="), "10m\n120s\n1h\n60s\n");
    std::ofstream(file("4 my rules.conf")) << "x";
    EXPECT_EQ(bash("diff 4"), "4\n4 my rules.conf\n");
}

TEST_F(CompleteProgram, zsh_asks_dishctl) {
    serve();
    EXPECT_EQ(output("zsh -n " ZSH_COMPLETION), "");
    EXPECT_EQ(zsh("ro"), "rollback:put a policy in force again that was before\n");
    EXPECT_EQ(zsh("counters we"), "web:rule\nwebsites:rule\n");
    EXPECT_EQ(zsh("counters ''"), "web:rule\nssh:rule\nwebsites:rule\n");
    EXPECT_EQ(zsh("load ''"), ":files\n");
}

TEST_F(CompleteProgram, nothing_is_said_without_a_daemon) {
    expect("", 2, "", "dishctl: say what to do; 'dishctl --help' lists the verbs\n");
    EXPECT_EQ(bash("rollback ''"), "");
    EXPECT_EQ(zsh("rollback ''"), "");
    const Ran ran = run("", std::string(DISHCTL) + " complete rollback '' #");
    EXPECT_EQ(ran.code, 0);
}

// A socket that somebody listens on and nobody reads.
TEST_F(CompleteProgram, a_daemon_that_hangs_costs_no_more_than_the_patience_of_a_shell) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", file("ctl.sock").c_str());
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(fd, 1), 0);
    std::ofstream(file("zz.conf")) << "x";
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(bash("diff z"), "zz.conf\n");
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
    ::close(fd);
}

}  // namespace
}  // namespace dishwall
