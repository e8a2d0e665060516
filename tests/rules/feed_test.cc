// SPDX-License-Identifier: BSD-3-Clause
//
// What feed files say, in the forms that they come in; and what a feed means in a rule.
#include "rules/feed.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "rules/evaluate.h"
#include "rules/signatures.h"
#include "tests/rules/text.h"
#include "tests/sanitized.h"

namespace dishwall::test {
namespace {

std::string text_of(const FeedReading& reading) {
    std::string text;
    for (const Ipv6Prefix& prefix : reading.entries->prefixes) text += to_string(prefix) + " ";
    if (reading.ipv4 != 0) text += fmt::format("+{} ", reading.ipv4);
    for (const FeedReading::BadLine& bad : reading.bad)
        text += fmt::format("[{}:{}-{} {}]", bad.line, bad.begin, bad.end, bad.why);
    return text;
}
std::string entries(std::string_view text) { return text_of(read_feed(text)); }

TEST(Feed, IsPrefixesAndAddressesOneALine) {
    EXPECT_EQ(entries(""), "");
    EXPECT_EQ(entries("2001:db8:2::/48\n2001:db8:1::1"), "2001:db8:1::1/128 2001:db8:2::/48 ");
    EXPECT_EQ(entries("\xef\xbb\xbf 2001:DB8::/32\t\r\n\r\n"), "2001:db8::/32 ");
}

TEST(Feed, MayHaveNotes) {
    EXPECT_EQ(entries("# list\n; list\n2001:db8::/32 ; SBL1, SBL2\n  # :: \n2001:db9::/32# x"),
              "2001:db8::/32 2001:db9::/32 ");
}

TEST(Feed, MayBeCommaSeparated) {
    EXPECT_EQ(
        entries("id,source,ip,reason\n1,cscli,Ip:2001:db8::1,\"ban, 12:30\"\n2,x,Range:2001:db9::/32,y\n"),
        "2001:db8::1/128 2001:db9::/32 ");
    EXPECT_EQ(entries("24h,Ip,\"2001:db8::1\"\n"), "2001:db8::1/128 ");
    EXPECT_EQ(entries("duration,scope,value\n24h,range,2001:db8::/32,::1\n"), "2001:db8::/32 ")
        << "the first of two";
    EXPECT_EQ(entries("1,a\n"), "[1:0-3 no address or prefix]") << "a number is no column's name";
    EXPECT_EQ(entries("2001:db8::1\nip,reason\n"), "2001:db8::1/128 [2:12-21 no address or prefix]")
        << "a header is the first line";
}

TEST(Feed, SkipsIpv4) {
    EXPECT_EQ(entries("192.0.2.0/24\n198.51.100.255\n1,x,Ip:192.0.2.1,y\n2001:db8::1\n"),
              "2001:db8::1/128 +3 ");
    for (const char* bad :
         {"192.0.2", "192.0.2.256", "192.0.2.0/33", "192.0.2.0.1", "192.0..1", "1.2.3.4/", "1.2.3.4/x"})
        EXPECT_EQ(entries(bad), fmt::format("[1:0-{} no address or prefix]", std::string(bad).size())) << bad;
}

TEST(Feed, LeavesOutWhatLiesInAnotherEntry) {
    EXPECT_EQ(entries("2001:db8:1::/48\n2001:db8::/32\n2001:db8:1::/48\n2001:db8::\n2001:db9::\n"),
              "2001:db8::/32 2001:db9::/128 ");
    EXPECT_EQ(entries("8000::/1\n::/1\n2001:db8::1\nffff::1\n"), "::/1 8000::/1 ");
}

TEST(Feed, NamesEachBadLineAndItsPlace) {
    EXPECT_EQ(entries("2001:db8::/32\n\n  2001:db8::1/64 # x\n"),
              "2001:db8::/32 [3:17-31 bits are set behind the first 64: the prefix is 2001:db8::/64]");
    EXPECT_EQ(entries("::/0"), "[1:0-4 this is every address there is]");
    EXPECT_EQ(entries("fe80::1%eth0"), "[1:0-12 not an address or prefix]");
    EXPECT_EQ(entries("2001:db8::/-1"), "[1:0-13 the length of a prefix is 0 to 128]");
    EXPECT_EQ(entries("2001:db8::/"), "[1:0-11 the length of a prefix is 0 to 128]");
    EXPECT_EQ(entries("2001:db8:: 2001:db9::"), "[1:0-21 not an address or prefix]");
    EXPECT_EQ(entries(std::string_view("\0\n", 2)), "[1:0-1 no address or prefix]");
}

TEST(Feed, GivesUpAfterAHundredBadLines) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "x\n";
    EXPECT_EQ(read_feed(text).bad.size(), 100u);
}

TEST(Feed, HasAtMostAMillionEntries) {
    std::string text;
    for (unsigned i = 0; i < kMostFeedEntries; ++i)
        text += fmt::format("2001:db8:{:x}:{:x}::/64\n", i >> 16, i & 0xffff);
    const FeedReading over = read_feed(text + "::1\n::2\n");
    ASSERT_EQ(over.bad.size(), 1u);
    EXPECT_EQ(over.bad[0].line, kMostFeedEntries + 1);
    EXPECT_EQ(over.bad[0].why, "a feed has at most 1000000 entries");
    if (kSanitized) return;
    const FeedReading full = read_feed(text);
    EXPECT_EQ(full.entries->prefixes.size(), kMostFeedEntries);
    EXPECT_TRUE(full.bad.empty());
}

TEST(Feed, FindsItsEntry) {
    const auto feed = read_feed("2001:db8:1::/48\n2001:db8:3::3\nffff::/16\n").entries;
    const auto in = [&](const char* text) { return feed->contains(*parse_ipv6(text)); };
    EXPECT_TRUE(in("2001:db8:1::") && in("2001:db8:1:ffff:ffff:ffff:ffff:ffff") && in("2001:db8:3::3"));
    EXPECT_TRUE(in("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    EXPECT_FALSE(in("::") || in("2001:db8:2::") || in("2001:db8:3::2") || in("2001:db8:3::4") ||
                 in("fffe::"));
    EXPECT_FALSE(read_feed("").entries->contains(*parse_ipv6("::")));
}

// ---- in a rule

Environment with_lists() {
    Environment environment = few_services();
    environment.read_text = [](const std::string& path) -> tl::expected<std::string, std::string> {
        if (path == "/etc/dishwall/feeds/a.txt") return "2001:db8:a::/48\n2001:db8:b::b\n";
        if (path == "/lists/b.txt") return "2001:db8:a:1::/64\n";
        if (path == "/etc/dishwall/sig/web.hs") return "1:/a/\n2:/b/i\n";
        return tl::unexpected<std::string>("No such file or directory");
    };
    return environment;
}

Policy read_with_lists(std::string_view rules) {
    return policy_of(
        read_policy("/etc/dishwall/site.conf",
                    fmt::format("version 1\nuplink dish {{ interface eth0; prefix pd from dhcpv6-pd }}\n"
                                "feed a = file \"feeds/a.txt\" refresh 1d stale-after 7d\n"
                                "feed b = file \"/lists/b.txt\"\n"
                                "signatures web = file \"sig/web.hs\"\n"
                                "set bad = {{ feed a, not feed b }}\n"
                                "policy inbound on dish {{\n{}\n}}\n",
                                rules),
                    with_lists()));
}

// The senders of which the first rule takes packets: a, b and c are in feed a, c in feed b too; d is in none.
std::string taken(const Policy& policy) {
    std::string who;
    for (const auto& [letter, address] : {std::pair{'a', "2001:db8:a::1"},
                                          {'b', "2001:db8:b::b"},
                                          {'c', "2001:db8:a:1::1"},
                                          {'d', "2001:db8:d::1"}}) {
        Query query;
        query.direction = Direction::inbound;
        query.proto = IPPROTO_TCP;
        query.peer = *parse_ipv6(address);
        if (matches(policy.inbound.rules.at(0), Own{}, query)) who += letter;
    }
    return who;
}
std::string taken(std::string_view address) {
    return taken(read_with_lists(fmt::format("drop from {}", address)));
}

TEST(FeedInARule, IsAnAddressLikeAnyOther) {
    EXPECT_EQ(taken("feed a"), "abc");
    EXPECT_EQ(taken("feed b"), "c");
    EXPECT_EQ(taken("not feed a"), "d");
    EXPECT_EQ(taken("{ feed b, 2001:db8:d::/48 }"), "cd");
    EXPECT_EQ(taken("{ not feed b, 2001:db8:a::/48 }"), "a");
    EXPECT_EQ(taken("{ not feed b, not 2001:db8:d::1 }"), "ab");
    EXPECT_EQ(taken("bad"), "ab");
    EXPECT_EQ(taken("{ bad, feed b }"), "abc") << "the union is exact";
}

TEST(FeedInARule, KnowsItsFileAndTimes) {
    const Policy policy = read_with_lists("drop from feed b");
    ASSERT_EQ(policy.feeds.size(), 2u);
    EXPECT_EQ(policy.feeds[0].name, "a");
    EXPECT_EQ(policy.feeds[0].path, "/etc/dishwall/feeds/a.txt");
    EXPECT_EQ(policy.feeds[0].refresh_s, 86400u);
    EXPECT_EQ(policy.feeds[0].stale_after_s, 7 * 86400u);
    EXPECT_EQ(policy.feeds[0].place.line, 3u);
    EXPECT_EQ(policy.feeds[1].path, "/lists/b.txt");
    EXPECT_EQ(policy.feeds[1].refresh_s, 0u);
    EXPECT_EQ(policy.feeds[1].stale_after_s, 0u);
    EXPECT_EQ(std::get<InFeed>(policy.inbound.rules.at(0).from.include[0]).entries, policy.feeds[1].entries);
    ASSERT_EQ(policy.signatures.size(), 1u);
    EXPECT_EQ(policy.signatures[0].path, "/etc/dishwall/sig/web.hs");
    EXPECT_EQ(policy.signatures[0].patterns, 2u);
}

TEST(FeedInARule, FollowsAnotherReading) {
    const Policy before = read_with_lists("drop from { feed a, not feed b }");
    EXPECT_EQ(taken(with_feed(before, 0, read_feed("2001:db8:d::1").entries)), "d");
    EXPECT_EQ(taken(with_feed(before, 1, read_feed("2001:db8:b::/48").entries)), "ac");
    EXPECT_EQ(taken(before), "ab") << "the one before is as it was";
}

TEST(Signatures, AreAnIdARegexAndFlagsEach) {
    EXPECT_EQ(read_signatures("# x\n1:/a\\/b:c/is8\r\n\n4294967295:///\n").patterns.size(), 2u);
    EXPECT_TRUE(read_signatures("1:/a/imsHV8WPLCQ\n").bad.empty());
    const SignatureReading bad = read_signatures("1:/a/\n-2:/b/\n 3:/c/\n1:/d/\n");
    ASSERT_EQ(bad.bad.size(), 3u);
    EXPECT_EQ(bad.bad[2].line, 4u);
    EXPECT_EQ(bad.bad[2].begin, 20u);
    EXPECT_EQ(bad.bad[2].end, 25u);
    EXPECT_EQ(bad.bad[2].why, "this ID is used above");
}

// RFC 3629, table 3-7 of Unicode: the first and the last of each row, and their neighbours.
TEST(Signatures, AreUtf8CommentsToo) {
    const auto is_good = [](std::string bytes) {
        const bool pattern = read_signatures("1:/" + bytes + "/\n").bad.empty();
        EXPECT_EQ(read_signatures("# " + bytes + "\n").bad.empty(), pattern) << bytes;
        return pattern;
    };
    for (const char* good : {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                             "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z"})
        EXPECT_TRUE(is_good(good)) << good;
    for (const char* bad : {"\x80", "\xbf", "\xc1\xbf", "\xc3", "\xc3z", "\xe0\x9f\xbf", "\xe2\x82",
                            "\xe2\x28\xa1", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                            "\xf0\x90\x80", "\xf5\x80\x80\x80", "\xff", "\xe9"})
        EXPECT_FALSE(is_good(bad)) << bad;
    const SignatureReading latin = read_signatures("1:/a/\n2:/caf\xe9/\n");
    ASSERT_EQ(latin.bad.size(), 1u);
    EXPECT_EQ(latin.bad[0].line, 2u);
    EXPECT_EQ(latin.bad[0].why, "it is not UTF-8; write other bytes as \\xNN");
}

}  // namespace
}  // namespace dishwall::test
