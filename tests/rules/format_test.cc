// SPDX-License-Identifier: BSD-3-Clause
//
// The one layout. What must hold for every file is shown on every rule file of the tests: the formatted text
// has the same tree and the same comments, formatting it again changes nothing, and what cannot be parsed is
// refused.
#include "rules/format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "rules/render.h"
#include "tests/rules/stages.h"

namespace dishwall::test {
namespace {

namespace fs = std::filesystem;

std::string formatted(const std::string& text) {
    const Formatted made = format_rules("rules.conf", text);
    EXPECT_TRUE(made.text.has_value()) << render(made.diagnostics, made.sources, false);
    return made.text.value_or("");
}

std::vector<fs::path> rule_files() {
    std::vector<fs::path> paths;
    for (const char* directory : {GOLDEN_DIR, STAGES_DIR, EXAMPLES_DIR})
        for (const auto& entry : fs::directory_iterator(directory))
            if (entry.path().extension() == ".conf") paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    return paths;
}

// From each `#` outside of quotes to the end of its line.
std::vector<std::string> comments_of(const std::string& text) {
    std::vector<std::string> comments;
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '"' || text[at] == '\n') quoted = text[at] == '"' && !quoted;
        if (text[at] != '#' || quoted) continue;
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string comment = text.substr(at, end - at);
        comment.erase(comment.find_last_not_of(" \t\r") + 1);
        comments.push_back(std::move(comment));
        at = end - 1;
    }
    return comments;
}

TEST(Format, ChangesNeitherTheTreeNorACommentAndIsDoneOnce) {
    std::size_t parsed = 0;
    for (const fs::path& path : rule_files()) {
        std::ifstream file(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const std::string tree = tree_of(text);
        const Formatted made = format_rules(path.filename(), text);
        ASSERT_EQ(made.text.has_value(), !tree.empty()) << path;
        ASSERT_EQ(made.text.has_value(), made.diagnostics.empty()) << path;
        if (!made.text) continue;
        ++parsed;
        EXPECT_EQ(tree_of(*made.text), tree) << path;
        EXPECT_EQ(comments_of(*made.text), comments_of(text)) << path;
        EXPECT_EQ(formatted(*made.text), *made.text) << path;
    }
    EXPECT_GT(parsed, 20u);
}

struct Layout {
    const char* what;
    const char* text;
    const char* formatted;
};

constexpr Layout kLayouts[] = {
    {"one statement a line", "version 1;network lan=dish.pd", "version 1\nnetwork lan = dish.pd\n"},
    {"blanks inside braces and around `=`", "set a={nas,tv}", "set a = { nas, tv }\n"},
    {"nothing between empty braces", "uplink dish { }", "uplink dish {}\n"},
    {"a block of one line stays one", "policy inbound on dish {accept}",
     "policy inbound on dish { accept }\n"},
    {"unless there is more in it", "policy inbound on dish {accept tcp;drop}",
     "policy inbound on dish {\n    accept tcp\n    drop\n}\n"},
    {"a block that is open at its first line is one of many lines", "policy inbound on dish { accept\n}",
     "policy inbound on dish {\n    accept\n}\n"},
    {"line breaks in lists stay", "set a = {\nnas,\n  { tv,\n cam } }",
     "set a = {\n    nas,\n    { tv,\n        cam } }\n"},
    {"and so does a continued line", "network lan = dish.pd \\\n on br0",
     "network lan = dish.pd \\\n    on br0\n"},
    {"when there is anything to continue", "network lan = dish.pd \\\n\n", "network lan = dish.pd\n"},
    {"one empty line is enough", "\n\nversion 1\n\n\n\nset a = { b }\n\n", "version 1\n\nset a = { b }\n"},
    {"none at the ends of a block", "uplink dish {\n\n  interface eth0\n\n\n  vlan 7\n\n}",
     "uplink dish {\n    interface eth0\n\n    vlan 7\n}\n"},
    {"comments stay on their lines, and keep their text",
     "  #one \nversion 1#  two\n  #three\npolicy inbound on dish { # four\n#five\n\n#six\n} # seven",
     "#one\nversion 1  #  two\n#three\npolicy inbound on dish {  # four\n    #five\n\n    #six\n}  # "
     "seven\n"},
    {"comments behind neighbours stand below one another",
     "set a = { b } # one\nset longer = { b } # two\n\nset c = { b } # three",
     "set a      = { b }  # one\nset longer = { b }  # two\n\nset c = { b }  # three\n"},
    {"and so do names of rules",
     "policy inbound on dish {\naccept name a\naccept tcp 22 name b\ndrop\naccept udp 53 name c\n}",
     "policy inbound on dish {\n    accept        name a\n    accept tcp 22 name b\n    drop\n    accept udp "
     "53 name c\n}\n"},
    {"what is quoted stays as it is", "host a=name  \"x  =  y # {\\\"", "host a = name \"x  =  y # {\\\"\n"},
    {"returns at the ends of lines go", "version 1\r\nset a = { b }\r\n", "version 1\nset a = { b }\n"},
    {"and so does a byte order mark", "\xef\xbb\xbfversion 1", "version 1\n"},
};

TEST(Format, MakesTheLayoutThatFormatHPromises) {
    for (const Layout& each : kLayouts) EXPECT_EQ(formatted(each.text), each.formatted) << each.what;
}

TEST(Format, LeavesALongLineOutOfTheColumns) {
    const std::string list =
        "{ 2001:db8:1::/48, 2001:db8:2::/48, 2001:db8:3::/48, 2001:db8:4::/48, 2001:db8:5::/48 }";
    EXPECT_EQ(formatted("policy inbound on dish {\naccept from " + list +
                        " name a\naccept name b\naccept tcp name c\n}"),
              "policy inbound on dish {\n    accept from " + list +
                  " name a\n    accept     name b\n    accept tcp name c\n}\n");
}

TEST(Format, RefusesWhatCannotBeParsed) {
    const Formatted made = format_rules("rules.conf", "version 1\npolicy inbound on dish {\n    acept\n");
    EXPECT_FALSE(made.text.has_value());
    const std::string said = render(made.diagnostics, made.sources, false);
    EXPECT_NE(said.find("error[E0102]: unknown keyword\n --> rules.conf:3:5\n"), std::string::npos) << said;
    EXPECT_NE(said.find("error[E0103]: this block is not closed\n --> rules.conf:2:1\n"), std::string::npos)
        << said;
}

TEST(Format, DoesNotAskWhatNamesMean) {
    EXPECT_EQ(formatted("include  \"more.conf\"\npolicy inbound on nobody { accept to nowhere }"),
              "include \"more.conf\"\npolicy inbound on nobody { accept to nowhere }\n");
}

}  // namespace
}  // namespace dishwall::test
