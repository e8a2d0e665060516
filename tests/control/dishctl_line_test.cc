// SPDX-License-Identifier: BSD-3-Clause
//
// What people see of the line and of what follows it, to the letter; and what a DHCPv6 client's hook may
// write.
#include "control/dishctl/flow_views.h"
#include "control/dishctl/line_views.h"
#include "control/dishctl/prefix_words.h"
#include "control/dishctl/views.h"
#include "tests/control/dishctl_view_fixture.h"

namespace dishwall {
namespace {

using nlohmann::json;

TEST_F(ViewTest, line_that_is_not_well_says_what_to_do) {
    EXPECT_EQ("\n" + line_fields(canned(R"({"up":false,
        "ipv4":{"state":"vendor-router","address":"192.168.1.23","text":"behind the vendor's router again"},
        "ipv6":{"present":false,"ra_age_s":null,"onlink":[],"delegations":[],"text":"not there"},
        "advice":"put the router in bypass mode"})"),
                                 kPipe),
              R"(
line       down
IPv4       192.168.1.23: behind the vendor's router again
IPv6       not there
last RA    none was seen yet
advice     put the router in bypass mode
)");
    // A prefix for ever has no lifetimes; without an address there is only the text.
    EXPECT_EQ("\n" + line_fields(canned(R"({"up":true,
        "ipv4":{"state":"none","address":null,"text":"no address: a second device on the dish"},
        "ipv6":{"present":true,"ra_age_s":70,"onlink":[],"text":"a /60 is delegated",
                "delegations":[{"prefix":"2001:db8:2200::/60","length":60,
                                "valid_in":null,"preferred_in":null}]},
        "advice":null})"),
                                 kPipe),
              R"(
line       up
IPv4       no address: a second device on the dish
IPv6       a /60 is delegated
delegated  2001:db8:2200::/60
last RA    1 min 10 s ago
)");
    EXPECT_EQ(line_fields(json(), kPipe), "");
}

TEST_F(ViewTest, hosts_with_their_addresses) {
    EXPECT_EQ(trimmed("\n" + hosts_view(canned_hosts(), kPipe)), R"(
HOST  IS                        ADDRESS                             STATE
cam   lan mac 02:11:22:33:44:55 2001:db8:2200:1:11ff:fe22:3344:5566 confirmed for 1 min
                                2001:db8:2200:1::77                 stale     for 1 h
tv    lan mac 02:11:22:33:44:66 -                                   unknown
tokyo name vpn.example.net      2001:db8:7::1                       current   asked again in 4 min
                                2001:db8:7::2                       current
oslo  name oslo.example.net     2001:db8:8::1                       stale     the resolver does not answer
rome  name rome.example.net     -                                   unknown   there is no such name
)");
    EXPECT_EQ(hosts_view(json::object(), kPipe),
              "the rule file has no host that is followed ('mac' or 'name')\n");
}

TEST_F(ViewTest, stale_and_failing_stand_out) {
    EXPECT_NE(hosts_view(canned_hosts(), kColors).find("\x1b[31mstale"), std::string::npos);
    EXPECT_NE(dns_table(canned_dns(), kColors).find("\x1b[31mfailing"), std::string::npos);
    EXPECT_EQ(hosts_view(canned_hosts(), kSmall).find('\x1b'), std::string::npos);
}

TEST_F(ViewTest, summary_of_hosts) {
    EXPECT_EQ(hosts_field(canned(R"({"devices":1,"addresses":1,"domains":0,"stale":0})")),
              "hosts      1 device with 1 address\n");
    EXPECT_EQ(hosts_field(canned(R"({"devices":0,"addresses":3,"domains":1,"stale":3})")),
              "hosts      1 name with 3 addresses, 3 of them stale\n");
    EXPECT_EQ(hosts_field(canned(R"({"devices":0,"addresses":0,"domains":0,"stale":0})")), "");
}

TEST_F(ViewTest, history_says_how_long_each_change_took) {
    EXPECT_EQ(trimmed("\n" + history_view(canned_history(), kSmall)), R"(
WHEN                ENFORCED IN WHAT
2026-11-22 13:05:02       85 us dish.pd: 2001:db8:1100::/56 is withdrawn
2026-11-22 13:05:01           - web.home.example is at 2001:db8:2200:1::10
2026-11-22 13:05:01     1204 us dish.pd: 2001:db8:2200::/56 is new
)");
    EXPECT_EQ(history_view(json::object(), kPipe), "nothing has changed yet\n");
}

TEST_F(ViewTest, host_that_changed_in_the_monitor) {
    json event = canned_change();
    event.update({{"kind", "host"}, {"text", "cam: address 2001:db8:2200:1::5 is learnt"}});
    EXPECT_EQ(event_view(event, kPipe), "13:05:02.000 host   cam: address 2001:db8:2200:1::5 is learnt\n");
}

TEST_F(ViewTest, names_from_the_line_cannot_steer_the_terminal) {
    json hosts = canned_hosts(), history = canned_history(), dns = canned_dns(), line = canned_line();
    for (json& host : hosts["hosts"]) host["name"] = host["error"] = host["domain"] = "a\x1b[2Jb";
    for (json& change : history["changes"]) change["text"] = "a\x1b[2Jb";
    dns[0]["records"][1]["error"] = line["advice"] = line["ipv4"]["text"] = "a\x1b[2Jb";
    for (const std::string& text : {hosts_view(hosts, kPipe), history_view(history, kPipe),
                                    dns_table(dns, kPipe), line_fields(line, kPipe)})
        EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
}

TEST_F(ViewTest, parts_of_another_version_still_show) {
    EXPECT_NO_THROW((void)line_fields(json::object(), kPipe));
    EXPECT_NO_THROW((void)hosts_view({{"hosts", {json::object()}}}, kPipe));
    EXPECT_NO_THROW((void)history_view({{"changes", {json::object()}}}, kPipe));
    EXPECT_NO_THROW((void)dns_table(json::array({{{"records", {json::object()}}}}), kPipe));
}

// ---- words behind `dishctl prefix`

using Words = std::vector<std::string>;

Words split(const std::string& text) {
    Words words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

TEST(PrefixWordsTest, good) {
    using Kind = PrefixRequest::Kind;
    const struct {
        const char* words;
        Kind kind;
        json parameters;
    } kCases[] = {
        {"", Kind::show, json::object()},
        {"history", Kind::history, json::object()},
        {"set dish.pd 2001:db8:1100::/56 valid 300 preferred 150", Kind::set,
         canned(R"({"source":"dish.pd","prefix":"2001:db8:1100::/56","valid":300,"preferred":150})")},
        // As hooks write it: not shortened, deprecated already, for ever.
        {"set dish.pd 2001:0DB8:1100:0::/56 valid 4294967295 preferred 0", Kind::set,
         canned(R"({"source":"dish.pd","prefix":"2001:db8:1100::/56","valid":4294967295,"preferred":0})")},
        {"withdraw dish.pd", Kind::withdraw, canned(R"({"source":"dish.pd"})")},
        {"withdraw dish.pd 2001:db8:1100::/56", Kind::withdraw,
         canned(R"({"source":"dish.pd","prefix":"2001:db8:1100::/56"})")},
    };
    for (const auto& c : kCases) {
        const auto request = parse_prefix_words(split(c.words));
        ASSERT_TRUE(request) << c.words << ": " << request.error().message;
        EXPECT_EQ(request->kind, c.kind) << c.words;
        EXPECT_EQ(request->parameters, c.parameters) << c.words;
    }
}

TEST(PrefixWordsTest, wrong_words_are_answered_with_what_to_write) {
    constexpr char kSet[] =
        "'prefix set' wants a source, a prefix and two lifetimes in seconds; write: dishctl prefix set "
        "dish.pd "
        "2001:db8:1100::/56 valid 300 preferred 150";
    constexpr char kWithdraw[] =
        "'prefix withdraw' wants a source, and a prefix unless all of it goes; write: dishctl prefix "
        "withdraw "
        "dish.pd [PREFIX]";
    const struct {
        const char *words, *expected;
    } kCases[] = {
        {"sett", "'prefix' knows no word 'sett'; write history, set or withdraw behind it, or nothing"},
        {"history 5", "'5' is too much; write: dishctl prefix history [--limit N]"},
        {"set", kSet},
        {"set dish.pd 2001:db8:1100::/56", kSet},
        {"set dish.pd 2001:db8:1100::/56 preferred 150 valid 300", kSet},
        {"set dish.pd 2001:db8:1100::/56 valid 300 preferred 150 now", kSet},
        {"set pd 2001:db8:1100::/56 valid 300 preferred 150",
         "'pd' is no prefix source; write the uplink's name and the source's, as in dish.pd"},
        {"set dish.pd 2001:db8:1100:: valid 300 preferred 150",
         "'2001:db8:1100::' is no IPv6 prefix; write an address and a length, as in 2001:db8:1100::/56"},
        {"set dish.pd 2001:db8:1100::/129 valid 300 preferred 150",
         "'2001:db8:1100::/129' is no IPv6 prefix; write an address and a length, as in 2001:db8:1100::/56"},
        {"set dish.pd 2001:db8:1100::1/56 valid 300 preferred 150",
         "2001:db8:1100::1/56 has bits behind its length; write 2001:db8:1100::/56"},
        {"set dish.pd 2001:db8:1100::/56 valid 5m preferred 150",
         "'5m' is no lifetime; write seconds, 0..4294967295 (which is for ever)"},
        {"set dish.pd 2001:db8:1100::/56 valid 300 preferred 4294967296",
         "'4294967296' is no lifetime; write seconds, 0..4294967295 (which is for ever)"},
        {"set dish.pd 2001:db8:1100::/56 valid 0 preferred 0",
         "a prefix that is valid for 0 s is withdrawn; write: dishctl prefix withdraw dish.pd "
         "2001:db8:1100::/56"},
        {"set dish.pd 2001:db8:1100::/56 valid 150 preferred 300",
         "preferred 300 is longer than valid 150; no address outlives its prefix"},
        {"withdraw", kWithdraw},
        {"withdraw dish.pd 2001:db8:1100::/56 now", kWithdraw},
        {"withdraw 2001:db8:1100::/56",
         "'2001:db8:1100::/56' is no prefix source; write the uplink's name and the source's, as in dish.pd"},
    };
    for (const auto& c : kCases) {
        const auto request = parse_prefix_words(split(c.words));
        ASSERT_FALSE(request) << c.words;
        EXPECT_EQ(request.error().message, c.expected) << c.words;
    }
}

}  // namespace
}  // namespace dishwall
