// SPDX-License-Identifier: BSD-3-Clause
//
// What people and programs see of `dishctl audit`, to the letter, and what is wrong usage of it. That the
// table itself is right is the generator's to show: audit_generator_test.py, and the meson test
// audit-rfc6092.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>

#include "control/dishctl/audit.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr const char* kTwo[] = {"R1: a multicast source is dropped", "test_x.Y.test_z"};
constexpr const char* kOne[] = {"R26: refused late"};
constexpr Recommendation kTable[] = {
    {1, "Multicast is never a source", AuditStatus::met, "", kTwo},
    {34, "Answered late", AuditStatus::met_by_option, "", kOne},
    {48, "Ports on demand", AuditStatus::not_applicable, "nobody asks", {}},
    {49, "Off switch", AuditStatus::not_met, "", {}},
};

TEST(AuditView, ShowsEachWithItsTestsAndAddsUp) {
    EXPECT_EQ("\n" + audit_view(kTable, {}), R"(
REC-1   met             Multicast is never a source
        R1: a multicast source is dropped
        test_x.Y.test_z
REC-34  met by option   Answered late
        R26: refused late
REC-48  not applicable  Ports on demand
        because nobody asks
REC-49  not met         Off switch

RFC 6092: 1 met, 1 met by option, 1 not applicable, 1 not met
)");
}

TEST(AuditView, ColorsDoNotMoveColumns) {
    const std::string colored = audit_view(std::span(kTable).first(1), {0, true, 0});
    EXPECT_EQ(colored.substr(0, colored.find('\n')),
              "REC-1   \x1b[32mmet\x1b[0m             Multicast is never a source");
}

TEST(AuditDocument, HasAReasonOnlyWhereThereIsOne) {
    EXPECT_EQ(audit_document(kTable), json::parse(R"({
      "document": "RFC 6092",
      "recommendations": [
        {"number": 1, "title": "Multicast is never a source", "status": "met",
         "tests": ["R1: a multicast source is dropped", "test_x.Y.test_z"]},
        {"number": 34, "title": "Answered late", "status": "met by option", "tests": ["R26: refused late"]},
        {"number": 48, "title": "Ports on demand", "status": "not applicable", "reason": "nobody asks", "tests": []},
        {"number": 49, "title": "Off switch", "status": "not met", "tests": []}],
      "summary": {"met": 1, "met by option": 1, "not applicable": 1, "not met": 1}})"));
}

TEST(Audit, HasAllFiftyInTheirOrder) {
    ASSERT_EQ(rfc6092().size(), 50u);
    for (unsigned i = 0; i < 50; ++i) EXPECT_EQ(rfc6092()[i].number, i + 1);
}

struct Output {
    std::string out;
    int code = -1;
};

Output run(const std::string& arguments) {
    Output done;
    FILE* pipe = ::popen((std::string(DISHCTL) + " " + arguments + " 2>&1").c_str(), "r");
    std::array<char, 4096> buffer;
    for (std::size_t got; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        done.out.append(buffer.data(), got);
    done.code = WEXITSTATUS(::pclose(pipe));
    return done;
}

TEST(Audit, NeedsNoDaemon) {
    const Output text = run("--run-dir /nonexistent audit rfc6092");
    EXPECT_EQ(text.code, 0);
    EXPECT_EQ(text.out, audit_view(rfc6092(), {}));
    const Output document = run("audit rfc6092 -j");
    EXPECT_EQ(document.code, 0);
    EXPECT_EQ(json::parse(document.out), audit_document(rfc6092()));
}

TEST(Audit, KnowsNoOtherStandard) {
    EXPECT_EQ(run("audit").code, 2);
    const Output other = run("audit rfc7084");
    EXPECT_EQ(other.code, 2);
    EXPECT_EQ(other.out, "dishctl: rfc6092 is the only standard that there is a table for\n");
}

}  // namespace
}  // namespace dishwall
