// SPDX-License-Identifier: BSD-3-Clause
//
// The verbs about rule files: they need no daemon, say what is proven, and change a file only when told to.
#include <sys/stat.h>

#include <algorithm>

#include "control/dishctl/codes.h"
#include "rules/pages.h"
#include "tests/control/dishctl_program.h"

namespace dishwall {
namespace {

constexpr char kGood[] =
    "version 1\nuplink dish {\n    interface eth0\n    prefix pd from dhcpv6-pd\n}\n"
    "network lan = dish.pd subnet 1 on br\nhost nas = lan ::10\n"
    "policy inbound on dish {\n    accept tcp 443 to nas name web\n    accept tcp 22 to self name ssh\n}\n";
constexpr char kClaims[] =
    "protect management { tcp 22 to self }\n"
    "test \"web is up\" {\n"
    "    inbound tcp 443 from 2001:db8:1::1 to nas expect accept by web\n"
    "    inbound tcp 25 from 2001:db8:1::1 to nas expect drop\n"
    "}\n";

class FileVerbs : public DishctlTest {
protected:
    void write(const char* name, const std::string& text) const { std::ofstream(file(name)) << text; }
};

TEST_F(FileVerbs, check_needs_no_daemon) {
    write("good.conf", kGood);
    write("bad.conf", std::string(kGood) + "policy outbound on dish {\n  drop tcp 25 to nsa\n}\n");
    const Ran ran = run("check " + file("good.conf"));
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.out.substr(0, ran.out.find(", image")),
              file("good.conf") + " is good: 2 inbound rules, 0 outbound rules, 1 network");
    EXPECT_NE(ran.out.find(" of 64 MiB\n  inbound: "), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("\n  outbound: 0 services; at worst "), std::string::npos) << ran.out;
    const Ran bad = run("check " + file("bad.conf"));
    EXPECT_EQ(bad.code, 3);
    EXPECT_EQ(bad.out, "");
    EXPECT_NE(bad.err.find("bad.conf:13:"), std::string::npos) << bad.err;
    EXPECT_NE(bad.err.find("\ndishctl: " + file("bad.conf") + " has 1 error\n"), std::string::npos)
        << bad.err;
    expect("check " + file("none.conf"), 1, "", "dishctl: there is no rule file " + file("none.conf") + "\n");
}

TEST_F(FileVerbs, check_names_what_is_proven) {
    write("good.conf", std::string(kGood) + kClaims);
    const Ran ran = run("check " + file("good.conf"));
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(ran.out.substr(ran.out.find("\n  proven")),
              "\n  proven: protect management, 1 line (good.conf:12)\n"
              "  proven: test \"web is up\", 2 expectations (good.conf:13)\n");
    write("broken.conf", std::string(kGood) + "test \"mail\" { inbound tcp 25 to nas expect accept }\n");
    const Ran broken = run("check " + file("broken.conf"));
    EXPECT_EQ(broken.code, 3);
    EXPECT_NE(broken.err.find("error[E0601]"), std::string::npos) << broken.err;
}

TEST_F(FileVerbs, check_takes_several_files_and_is_as_bad_as_the_worst) {
    write("a.conf", kGood);
    write("b.conf", "version 1\n");
    const Ran ran = run("check " + file("a.conf") + " " + file("b.conf"));
    EXPECT_EQ(ran.code, 3);
    EXPECT_EQ(ran.out.find(file("a.conf") + " is good"), 0u) << ran.out;
    EXPECT_NE(ran.err.find("dishctl: " + file("b.conf") + " has "), std::string::npos) << ran.err;
    const json told = json::parse(run("check -j " + file("a.conf") + " " + file("b.conf")).out);
    EXPECT_EQ(told["good"], false);
    EXPECT_EQ(told["files"][0]["good"], true);
    EXPECT_EQ(told["files"][0]["rules"], canned(R"({"inbound":2,"outbound":0})"));
    EXPECT_NE(told["files"][1]["diagnostics"].get<std::string>().find("error["), std::string::npos);
    EXPECT_EQ(run("check " + file("b.conf") + " " + file("none.conf")).code, 1);
}

TEST_F(FileVerbs, fmt_shows_checks_and_writes) {
    write("odd.conf", "version 1\nuplink dish {\ninterface eth0   # here\n}\n");
    const std::string neat = "version 1\nuplink dish {\n    interface eth0  # here\n}\n";
    expect("fmt " + file("odd.conf"), 0, neat, "");
    EXPECT_NE(read(file("odd.conf")), neat);
    expect("fmt --check " + file("odd.conf"), 1,
           file("odd.conf") + " has another layout; 'dishctl fmt --write' changes it\n", "");
    ASSERT_EQ(::chmod(file("odd.conf").c_str(), 0604), 0);
    std::filesystem::create_symlink("odd.conf", file("link.conf"));
    expect("fmt --write " + file("link.conf"), 0, file("link.conf") + " is laid out anew\n", "");
    EXPECT_EQ(read(file("odd.conf")), neat);
    EXPECT_TRUE(std::filesystem::is_symlink(file("link.conf")));
    struct stat after {};
    ASSERT_EQ(::stat(file("odd.conf").c_str(), &after), 0);
    EXPECT_EQ(after.st_mode & 07777, 0604u);
    expect("fmt --check " + file("odd.conf"), 0, "", "");
    expect("fmt - <" + file("odd.conf"), 0, neat, "");
}

TEST_F(FileVerbs, fmt_leaves_a_file_with_errors_as_it_is) {
    const std::string text = "version 1\nuplink dish {\n";
    write("bad.conf", text);
    write("odd.conf", "version   1\n");
    const Ran ran = run("fmt --write " + file("bad.conf") + " " + file("odd.conf"));
    EXPECT_EQ(ran.code, 3);
    EXPECT_NE(ran.err.find("\ndishctl: " + file("bad.conf") + " has errors and is left as it is\n"),
              std::string::npos)
        << ran.err;
    EXPECT_EQ(read(file("bad.conf")), text);
    EXPECT_EQ(read(file("odd.conf")), "version 1\n");
    const json told = json::parse(run("fmt -j " + file("bad.conf") + " " + file("odd.conf")).out)["files"];
    EXPECT_TRUE(told[0]["text"].is_null());
    EXPECT_EQ(told[1], json({{"file", file("odd.conf")}, {"formatted", true}, {"text", "version 1\n"}}));
}

TEST_F(FileVerbs, explain_error_lists_all_codes_and_shows_a_page) {
    const std::string all = run("explain-error").out;
    for (const Code code : all_codes())
        EXPECT_NE(all.find("\n" + to_string(code) + " "), std::string::npos) << to_string(code);
    expect("explain-error e207", 0, std::string(page_of(Code::never_matches)), "");
    const json told = json::parse(run("explain-error -j W0301").out);
    EXPECT_EQ(told["severity"], "warning");
    EXPECT_EQ(told["title"], "these elements overlap");
    EXPECT_EQ(told["page"], page_of(Code::overlapping_elements));
    expect("explain-error E9999", 2, "",
           "dishctl: no error is called E9999; 'dishctl explain-error' lists them all\n");
}

TEST_F(FileVerbs, import_gives_a_good_rule_file_and_tells_what_it_lacks) {
    write("rules.save",
          "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
          "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
          "-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT\n"
          "-A INPUT -i eth0 -m set --match-set bad src -j ACCEPT\nCOMMIT\n");
    const std::string words = "import ip6tables-save " + file("rules.save") + " --uplink eth0";
    const Ran ran = run(words);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.err.find("left out: line 7: "), std::string::npos) << ran.err;
    EXPECT_NE(
        ran.err.find("dishctl: 1 of the original is NOT carried over; read the file before you load it\n"),
        std::string::npos)
        << ran.err;
    write("imported.conf", ran.out);
    const Ran checked = run("check " + file("imported.conf"));
    EXPECT_EQ(checked.code, 0) << checked.err << ran.out;
    const json told = json::parse(run("-j " + words).out);
    EXPECT_EQ(told["rules"], ran.out);
    EXPECT_EQ(std::ranges::count_if(told["remarks"], [](const json& one) { return one["line"] == 7; }), 1);
    EXPECT_EQ(run("import ip6tables-save - <" + file("rules.save") + " --uplink eth0").out.empty(), false);
    expect("import uci " + file("none"), 1, "", "dishctl: there is no file " + file("none") + "\n");
}

TEST_F(FileVerbs, init_writes_a_file_that_passes_check_and_replaces_none) {
    const Ran shown = run("init");
    EXPECT_EQ(shown.code, 0) << shown.err;
    EXPECT_EQ(run("init " + file("first.conf")).code, 0);
    const Ran checked = run("check " + file("first.conf"));
    EXPECT_EQ(checked.code, 0) << checked.err << read(file("first.conf"));
    write("mine.conf", "mine\n");
    const Ran refused = run("init " + file("mine.conf"));
    EXPECT_EQ(refused.code, 5);
    EXPECT_NE(refused.err.find("dishctl: " + file("mine.conf") + " is there already; --force replaces it\n"),
              std::string::npos);
    EXPECT_EQ(read(file("mine.conf")), "mine\n");
    EXPECT_EQ(run("init --force " + file("mine.conf")).code, 0);
    EXPECT_NE(read(file("mine.conf")), "mine\n");
}

}  // namespace
}  // namespace dishwall
