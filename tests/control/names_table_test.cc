// SPDX-License-Identifier: BSD-3-Clause
#include "control/names/name_table.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace dishwall {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using Kind = NameAnswer::Kind;

const std::string kVpn = "vpn.example.net";

NameAnswer addresses(const std::vector<std::string>& texts, int ttl_s = 60) {
    NameAnswer answer{.kind = Kind::addresses, .ttl = seconds(ttl_s)};
    for (const std::string& text : texts) answer.addresses.push_back(*parse_ipv6(text));
    return answer;
}
NameAnswer failed(const std::string& why = "no name server answers") { return {.error = why}; }
NameAnswer denied() { return {.kind = Kind::denied, .error = "there is no such name"}; }

class NameTableTest : public testing::Test {
protected:
    // What the table says of the domain, in one line.
    std::string known(const std::string& domain = kVpn) const {
        const KnownName name = table_.known(domain, now_);
        std::string text;
        for (const Ipv6Address& address : name.addresses) text += to_string(address) + " ";
        if (name.stale) text += "stale ";
        if (name.expires_in) text += fmt::format("for {} s ", whole_seconds(*name.expires_in));
        return text + (name.error.empty() ? "" : "(" + name.error + ")");
    }
    // Warnings, one a line, and "changed" first when it did.
    std::string answer(NameAnswer what, const std::string& domain = kVpn) {
        const NameNews news = table_.answered(domain, std::move(what), now_, wall_ + now_);
        std::string text = news.changed ? "changed\n" : "";
        for (const std::string& warning : news.warnings) text += warning + "\n";
        return text;
    }
    // Waits for the deadline, at most so long, and takes what is due.
    std::vector<std::string> wait(std::chrono::nanoseconds at_most = hours(48)) {
        const auto due = table_.deadline();
        now_ = std::max(now_, std::min(now_ + at_most, due.value_or(now_ + at_most)));
        return table_.take_due(now_, 16);
    }
    void resolve(NameAnswer what) {
        table_.follow({kVpn}, now_);
        ASSERT_EQ(wait(), std::vector{kVpn});
        answer(std::move(what));
    }

    NameTable table_{1};
    MonotonicTime now_ = seconds(1000);
    UnixTime wall_ = seconds(1'700'000'000);
};

TEST_F(NameTableTest, ANewNameIsDueAtOnceAndHasNoAddress) {
    table_.follow({kVpn}, now_);
    EXPECT_EQ(known(), "");
    EXPECT_EQ(table_.take_due(now_, 16), std::vector{kVpn});
    EXPECT_TRUE(table_.take_due(now_, 16).empty()) << "it is being asked for already";
    EXPECT_EQ(table_.deadline(), std::nullopt);
}

TEST_F(NameTableTest, AnAnswerIsGoodForItsTtlAndAskedForAgainWhenItIsOver) {
    table_.follow({kVpn}, now_);
    wait();
    EXPECT_EQ(answer(addresses({"2001:db8::2", "2001:db8::1"})), "changed\n");
    EXPECT_EQ(known(), "2001:db8::1 2001:db8::2 for 60 s ");
    EXPECT_EQ(table_.deadline(), now_ + seconds(60));
    EXPECT_EQ(wait(), std::vector{kVpn});
    EXPECT_EQ(known(), "2001:db8::1 2001:db8::2 for 0 s ") << "not stale before the next answer is there";
    EXPECT_EQ(answer(addresses({"2001:db8::1", "2001:db8::2"})), "") << "the order is no change";
    wait();
    EXPECT_EQ(answer(addresses({"2001:db8::3"})), "changed\n");
    EXPECT_EQ(known(), "2001:db8::3 for 60 s ");
}

TEST_F(NameTableTest, TtlsAreBounded) {
    const struct {
        int ttl_s, asked_after_s;
    } kCases[] = {{0, 10}, {1, 10}, {10, 10}, {11, 11}, {86'400, 86'400}, {2'000'000'000, 86'400}};
    for (const auto& [ttl_s, after_s] : kCases) {
        resolve(addresses({"2001:db8::1"}, ttl_s));
        EXPECT_EQ(table_.deadline(), now_ + seconds(after_s)) << ttl_s;
    }
}

TEST_F(NameTableTest, TheLastGoodAnswerStaysForEver) {
    resolve(addresses({"2001:db8::1"}));
    wait();
    EXPECT_EQ(answer(failed()), kVpn + ": no name server answers; its last addresses stay in use\n");
    EXPECT_EQ(known(), "2001:db8::1 stale (no name server answers)");
    const MonotonicTime a_month_later = now_ + hours(24 * 30);
    while (now_ < a_month_later) {
        ASSERT_EQ(wait(), std::vector{kVpn});
        ASSERT_EQ(answer(failed()), "") << "told once";
    }
    EXPECT_EQ(known(), "2001:db8::1 stale (no name server answers)");
    wait();
    EXPECT_EQ(answer(addresses({"2001:db8::1"})), "");
    EXPECT_EQ(known(), "2001:db8::1 for 60 s ");
}

TEST_F(NameTableTest, AFailureIsTriedAgainAfter5SecondsDoublingTo5Minutes) {
    table_.follow({kVpn}, now_);
    EXPECT_EQ(wait(), std::vector{kVpn});
    const double kDelays[] = {5, 10, 20, 40, 80, 160, 300, 300, 300};
    for (const double delay : kDelays) {
        answer(failed());
        const double waited = std::chrono::duration<double>(*table_.deadline() - now_).count();
        EXPECT_GE(waited, delay * 0.75);
        EXPECT_LE(waited, delay * 1.25);
        wait();
    }
    answer(addresses({"2001:db8::1"}));
    wait();
    answer(failed());
    EXPECT_LE(*table_.deadline() - now_, seconds(7)) << "a good answer begins anew";
}

TEST_F(NameTableTest, AFailureBeforeTheFirstAnswerSaysThatNothingIsKnown) {
    table_.follow({kVpn}, now_);
    wait();
    EXPECT_EQ(answer(failed("no name server can be reached")),
              kVpn + ": no name server can be reached; no address of it is known\n");
    EXPECT_EQ(known(), "(no name server can be reached)");
}

TEST_F(NameTableTest, ADenialIsBelievedWhenItWasRepeatedForAnHour) {
    resolve(addresses({"2001:db8::1"}));
    wait();
    EXPECT_EQ(answer(denied()), kVpn + ": there is no such name; its last addresses stay in use\n");
    const MonotonicTime first = now_;
    std::string said;
    while (said.empty()) {
        ASSERT_EQ(known(), "2001:db8::1 stale (there is no such name)");
        wait();
        said = answer(denied());
    }
    EXPECT_EQ(said, "changed\n" + kVpn +
                        ": there is no such name, for an hour now: its last addresses are given up\n");
    EXPECT_GE(now_ - first, hours(1));
    EXPECT_LE(now_ - first, hours(1) + seconds(375));
    EXPECT_EQ(known(), "(there is no such name)");
}

TEST_F(NameTableTest, ADenialAfterAnHourWithoutAnyAnswerIsNotEnough) {
    resolve(addresses({"2001:db8::1"}));
    wait();
    answer(denied());
    for (const MonotonicTime later = now_ + hours(2); now_ < later; wait()) answer(failed());
    answer(denied());
    EXPECT_EQ(known(), "2001:db8::1 stale (there is no such name)") << "denied twice";
    wait();
    answer(denied());
    EXPECT_EQ(known(), "(there is no such name)");
}

TEST_F(NameTableTest, AGoodAnswerEndsTheDenials) {
    resolve(addresses({"2001:db8::1"}));
    wait();
    for (int i = 0; i < 10; ++i) answer(denied());
    answer(addresses({"2001:db8::1"}));
    now_ += hours(1);
    for (int i = 0; i < 10; ++i) answer(denied());
    EXPECT_EQ(known(), "2001:db8::1 stale (there is no such name)");
}

TEST_F(NameTableTest, AddressesThatNoPeerHasAreIgnored) {
    table_.follow({kVpn}, now_);
    wait();
    EXPECT_EQ(
        answer(addresses({"::", "::1", "fe80::1", "ff02::1", "::ffff:c000:201", "2001:db8::1"})),
        "changed\n" + kVpn +
            ": :: (the unspecified address), ::1 (the loopback address), fe80::1 (a link-local address), "
            "ff02::1 (a multicast address), ::ffff:c000:201 (an IPv4 address) is ignored: no peer has it\n");
    EXPECT_EQ(known(), "2001:db8::1 for 60 s ");
    wait();
    EXPECT_EQ(answer(addresses({"::1", "2001:db8::1"})), "") << "told once";
}

TEST_F(NameTableTest, AnAnswerWithNothingUsableIsAFailure) {
    resolve(addresses({"2001:db8::1"}));
    wait();
    EXPECT_EQ(answer(addresses({"::"})),
              kVpn + ": :: (the unspecified address) is ignored: no peer has it\n" + kVpn +
                  ": no usable address, only :: (the unspecified address); its last addresses stay in use\n");
    EXPECT_EQ(known(), "2001:db8::1 stale (no usable address, only :: (the unspecified address))");
}

TEST_F(NameTableTest, ANameHasAtMost16AddressesAndKeepsThoseInUse) {
    resolve(addresses({"2001:db8::99"}));
    wait();
    std::vector<std::string> many{"2001:db8::99"};
    for (int i = 1; i <= 20; ++i) many.push_back(fmt::format("2001:db8::{:x}", i));
    EXPECT_EQ(answer(addresses(many)),
              "changed\n" + kVpn + ": has 21 addresses, only 16 are used: others stay closed\n");
    const std::vector<Ipv6Address> used = table_.known(kVpn, now_).addresses;
    EXPECT_EQ(used.size(), 16u);
    EXPECT_EQ(to_string(used.front()), "2001:db8::1");
    EXPECT_EQ(to_string(used.back()), "2001:db8::99");
    wait();
    EXPECT_EQ(answer(addresses(many)), "");
}

TEST_F(NameTableTest, ALoadKeepsWhatIsKnownByDomain) {
    resolve(addresses({"2001:db8::1"}));
    table_.follow({kVpn, "other.example"}, now_);
    EXPECT_EQ(known(), "2001:db8::1 for 60 s ");
    EXPECT_EQ(table_.take_due(now_, 16), std::vector<std::string>{"other.example"});
    table_.follow({"other.example"}, now_);
    EXPECT_EQ(answer(addresses({"2001:db8::2"})), "") << "an answer that comes too late";
    EXPECT_EQ(known(), "");
}

TEST_F(NameTableTest, NoMoreThanWantedAreTakenAndTheLongestDueFirst) {
    table_.follow({"b.example"}, now_);
    now_ += seconds(1);
    table_.follow({"a.example", "b.example", "c.example"}, now_);
    EXPECT_EQ(table_.take_due(now_, 2), (std::vector<std::string>{"b.example", "a.example"}));
    EXPECT_EQ(table_.take_due(now_, 2), (std::vector<std::string>{"c.example"}));
}

TEST_F(NameTableTest, WhatIsRestoredIsInUseAndStaleUntilItIsConfirmed) {
    resolve(addresses({"2001:db8::1", "2001:db8::2"}, 86'400));
    NameTable next{2};
    ASSERT_TRUE(next.from_json(table_.to_json()));
    table_ = std::move(next);
    now_ = seconds(5);  // another boot
    table_.follow({kVpn}, now_);
    EXPECT_EQ(known(), "2001:db8::1 2001:db8::2 stale ");
    EXPECT_EQ(table_.known(kVpn, now_).resolved_at, wall_ + seconds(1000));
    EXPECT_EQ(table_.take_due(now_, 16), std::vector{kVpn});
    EXPECT_EQ(answer(addresses({"2001:db8::1", "2001:db8::2"})), "");
    EXPECT_EQ(known(), "2001:db8::1 2001:db8::2 for 60 s ");
}

TEST_F(NameTableTest, BrokenFilesAreRefusedWhole) {
    const struct {
        const char *text, *error;
    } kCases[] = {
        {R"({"version": 2, "names": []})", "it is of another version"},
        {R"({"version": 1, "names": [{"domain": "a", "addresses": ["2001:db8::g"]}]})",
         "'2001:db8::g' is no address"},
        {R"({"version": 1, "names": [{"domain": "a", "addresses": ["::1"]}]})", "'::1' is no address"},
        {R"({"version": 1})", "[json.exception.out_of_range.403] key 'names' not found"},
    };
    for (const auto& [text, error] : kCases) {
        const Result<void> read = table_.from_json(nlohmann::json::parse(text));
        ASSERT_FALSE(read) << text;
        EXPECT_EQ(read.error().message, error);
    }
    EXPECT_TRUE(table_.from_json(nlohmann::json())) << "no file";
}

// Whatever a resolver does, an address is in use only if it was the last good answer, and it is lost only to
// an hour of denials; and everybody is asked again within the longest TTL or retry.
TEST_F(NameTableTest, RandomAnswersLoseNothing) {
    std::mt19937 random(4);
    const auto one_of = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const std::set<std::string> domains{"a.example", "b.example", "c.example"};
    table_.follow(domains, now_);
    std::map<std::string, std::vector<Ipv6Address>> last_good;
    std::map<std::string, std::optional<MonotonicTime>> denied_since;
    for (int step = 0; step < 30'000; ++step) {
        for (const std::string& domain : wait()) {
            const int fate = one_of(10);
            if (fate < 2) {
                const NameAnswer good =
                    addresses({fmt::format("2001:db8::{:x}", 1 + one_of(3))}, one_of(400));
                last_good[domain] = good.addresses;
                denied_since[domain].reset();
                answer(good, domain);
            } else if (fate < 4) {
                answer(failed(), domain);
            } else {
                if (!denied_since[domain]) denied_since[domain] = now_;
                const bool was_known = !table_.known(domain, now_).addresses.empty();
                answer(denied(), domain);
                if (was_known && table_.known(domain, now_).addresses.empty()) {
                    ASSERT_GE(now_ - *denied_since[domain], hours(1));
                    last_good[domain].clear();
                }
            }
            ASSERT_EQ(table_.known(domain, now_).addresses, last_good[domain]);
        }
        ASSERT_LE(*table_.deadline() - now_, seconds(400));
    }
}

}  // namespace
}  // namespace dishwall
