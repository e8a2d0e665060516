// SPDX-License-Identifier: BSD-3-Clause
#include "rules/render.h"

#include <gtest/gtest.h>

#include "tests/rules/text.h"

namespace dishwall::test {
namespace {

Diagnostic diagnostic(Span primary, std::string label) {
    return {Code::never_matches, {primary, std::move(label)}, {}, {}};
}

// The place of `part` in the only file of `sources`.
Span find(const SourceMap& sources, FileId file, std::string_view part) {
    const auto begin = static_cast<std::uint32_t>(sources.file(file).text().find(part));
    return {file, begin, begin + static_cast<std::uint32_t>(part.size())};
}

TEST(Render, LooksAsTheLanguageSaysItDoes) {
    std::string text =
        "version 1\nuplink dish {\n interface eth0\n prefix pd from dhcpv6-pd\n}\n"
        "network lan = dish.pd\nhost nas = lan ::10\n";
    text.append(13, '\n');
    text +=
        "policy inbound on dish {\n\n\n    accept tcp to nas                name all\n\n\n\n\n\n\n    drop "
        "tcp 22 to nas\n}\n";
    EXPECT_EQ(errors_of(read_policy("dishwall.conf", text, few_services())),
              "error[E0207]: this rule can never match\n"
              "  --> dishwall.conf:31:5\n"
              "   |\n"
              "24 |     accept tcp to nas                name all\n"
              "   |     ----------------------------------------- takes every packet first\n"
              "31 |     drop tcp 22 to nas\n"
              "   |     ^^^^^^^^^^^^^^^^^^ never reached\n"
              "   = help: move line 31 above line 24\n");
}

TEST(Render, ShowsTheSecondPlaceInItsOwnFile) {
    SourceMap sources;
    const FileId first = sources.add("a.conf", "\n\n\n\n\n\n\n\n\nhost nas = lan ::10\n");
    const FileId second = sources.add("b.conf", "host nas = lan ::11\n");
    Diagnostic made = diagnostic(find(sources, second, "nas"), "defined again");
    made.and_at(find(sources, first, "nas"), "first defined here");
    EXPECT_EQ(render({made}, sources, false),
              "error[E0207]: this rule can never match\n"
              "  --> b.conf:1:6\n"
              "   |\n"
              " 1 | host nas = lan ::11\n"
              "   |      ^^^ defined again\n"
              "  ::: a.conf:10:6\n"
              "   |\n"
              "10 | host nas = lan ::10\n"
              "   |      --- first defined here\n");
}

TEST(Render, PutsTwoPlacesOnOneLineInTheirOrder) {
    SourceMap sources;
    const FileId file = sources.add("a.conf", "drop udp; drop udp 5\n");
    Diagnostic made = diagnostic(find(sources, file, "drop udp 5"), "never reached");
    made.and_at({file, 0, 8}, "takes every packet first");
    EXPECT_EQ(render({made}, sources, false),
              "error[E0207]: this rule can never match\n"
              " --> a.conf:1:11\n"
              "  |\n"
              "1 | drop udp; drop udp 5\n"
              "  | -------- takes every packet first\n"
              "  |           ^^^^^^^^^^ never reached\n");
}

TEST(Render, CountsCharactersAndWidensTabs) {
    SourceMap sources;
    const FileId file = sources.add("a.conf", "\t\"\xc3\xa9\" x\r\n");
    EXPECT_EQ(render({diagnostic(find(sources, file, "x"), "here")}, sources, false),
              "error[E0207]: this rule can never match\n"
              " --> a.conf:1:6\n"
              "  |\n"
              "1 |     \"\xc3\xa9\" x\n"
              "  |         ^ here\n");
}

TEST(Render, LetsNoControlCharacterThrough) {
    SourceMap sources;
    const FileId file = sources.add("a\x1b.conf", "x \x1b[31m \x80 \xe2\x80\xae \xc2\x9b y\n");
    const std::string said = render({diagnostic({file, 0, 1}, "here\x07")}, sources, false);
    EXPECT_EQ(said.find('\x1b'), std::string::npos);
    EXPECT_EQ(said.find('\x07'), std::string::npos);
    EXPECT_EQ(said.find("\xe2\x80\xae"), std::string::npos);
    EXPECT_EQ(said.find("\xc2\x9b"), std::string::npos);
    EXPECT_NE(said.find("[31m"), std::string::npos);
}

TEST(Render, PointsBehindTheEndOfALine) {
    SourceMap sources;
    const FileId file = sources.add("a.conf", "set x =\n");
    EXPECT_EQ(render({diagnostic({file, 7, 8}, "expected `{`")}, sources, false),
              "error[E0207]: this rule can never match\n"
              " --> a.conf:1:8\n"
              "  |\n"
              "1 | set x =\n"
              "  |        ^ expected `{`\n");
    EXPECT_EQ(render({diagnostic({file, 8, 8}, "the end")}, sources, false),
              "error[E0207]: this rule can never match\n"
              " --> a.conf:2:1\n"
              "  |\n"
              "2 |\n"
              "  | ^ the end\n");
}

TEST(Render, ColoursOnlyWhenAsked) {
    SourceMap sources;
    const FileId file = sources.add("a.conf", "x\n");
    const Diagnostic made = diagnostic({file, 0, 1}, "here");
    EXPECT_EQ(render({made}, sources, false).find('\x1b'), std::string::npos);
    EXPECT_NE(render({made}, sources, true).find("\x1b[1;31merror[E0207]\x1b[0m"), std::string::npos);
    EXPECT_EQ(render({}, sources, true), "");
}

}  // namespace
}  // namespace dishwall::test
