// SPDX-License-Identifier: BSD-3-Clause
//
// What `{ a, not b, { c, not d } }` means is plain logic. Random expressions are judged by that logic,
// address by address, and by the AddressSet that the front end made of them; where it refuses an expression,
// that is counted, so that refusing all of them would not pass.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "rules/evaluate.h"
#include "tests/rules/text.h"
#include "tests/sanitized.h"

namespace dishwall::test {
namespace {

constexpr const char* kNames[] = {"any",
                                  "self",
                                  "lan",
                                  "nas",
                                  "dish.pd",
                                  "dish.onlink",
                                  "cam",
                                  "tv",
                                  "tokyo",
                                  "printer",
                                  "dmz",
                                  "2001:db8::/32",
                                  "2001:db8:7::/48",
                                  "2001:db8:7::5",
                                  "2001:db8:8::/48"};

Policy policy_from(const std::string& expression) {
    return policy_of(read_after_preamble(std::string(kMoreNames) + "policy inbound on dish {\n accept from " +
                                         expression + "\n}\n"));
}

// The device is at nas's address too, and shares one with the other device.
std::vector<LearntAddress> learnt_addresses() {
    const Policy policy = policy_from("any");
    const std::uint32_t cam = policy.learnt[0].id, tv = policy.learnt[1].id, tokyo = policy.learnt[2].id;
    std::vector<LearntAddress> learnt = {{*parse_ipv6("2001:db8:aa00:1::10"), cam},
                                         {*parse_ipv6("2001:db8:aa00:1::11"), cam},
                                         {*parse_ipv6("2001:db8:aa00:1::11"), tv},
                                         {*parse_ipv6("2001:db8:7::5"), tokyo}};
    tidy(&learnt);
    return learnt;
}

Own make_moment() {
    Own own;
    own.prefixes.push_back({*Ipv6Prefix::make({0x20010db8aa000000, 0}, 56), 0, DW_PREFIX_PREFERRED, false});
    own.prefixes.push_back({*Ipv6Prefix::make({0x20010db8000f0001, 0}, 64), 1, DW_PREFIX_PREFERRED, true});
    own.self = {*parse_ipv6("2001:db8:aa00:1::1"), *parse_ipv6("2001:db8:f:1::1")};
    own.learnt = learnt_addresses();
    return own;
}

const Own& moment() {
    static const Own own = make_moment();
    return own;
}

std::vector<Ipv6Address> addresses() {
    std::vector<Ipv6Address> made;
    for (const char* text : {"2001:db8:aa00:1::10", "2001:db8:aa00:1::11", "2001:db8:aa00:2::10",
                             "2001:db8:aa00:1::1", "2001:db8:aa00:9::1", "2001:db8:f:1::1", "2001:db8:f:1::2",
                             "2001:db8:7::5", "2001:db8:7::6", "2001:db8:8::1", "2a00::1"})
        made.push_back(*parse_ipv6(text));
    return made;
}

// An expression as text, and for each of addresses() whether it is in it.
struct Expression {
    std::string text;
    std::vector<bool> holds;
    bool negated = false;
};

class Random {
public:
    explicit Random(unsigned seed) : generator_(seed) {}

    Expression expression(int depth) {
        const bool list = depth > 0 && below(2) == 0;
        Expression made = list ? this->list(depth) : name();
        if (below(4) != 0) return made;
        made.text = "not " + made.text;
        made.holds.flip();
        made.negated = true;
        return made;
    }

private:
    unsigned below(unsigned bound) {
        return std::uniform_int_distribution<unsigned>(0, bound - 1)(generator_);
    }

    Expression name() {
        const unsigned which = below(std::size(kNames));
        Expression made{kNames[which], {}, false};
        const Policy policy = policy_from(made.text);
        for (const Ipv6Address& address : addresses())
            made.holds.push_back(contains(policy.inbound.rules.at(0).from, moment(), address));
        return made;
    }

    // In one of the positive ones (in anything, when there are none), and in none that follow a `not`.
    Expression list(int depth) {
        const unsigned count = 1 + below(3);
        std::vector<bool> in(addresses().size(), false);
        std::vector<bool> out(addresses().size(), false);
        bool positive = false;
        Expression made;
        for (unsigned i = 0; i < count; ++i) {
            const Expression element = expression(depth - 1);
            made.text += (i == 0 ? "{ " : ", ") + element.text;
            for (std::size_t a = 0; a < in.size(); ++a) {
                if (element.negated)
                    out[a] = out[a] || !element.holds[a];
                else
                    in[a] = in[a] || element.holds[a];
            }
            positive = positive || !element.negated;
        }
        made.text += " }";
        for (std::size_t a = 0; a < in.size(); ++a) made.holds.push_back((in[a] || !positive) && !out[a]);
        return made;
    }

    std::mt19937 generator_;
};

TEST(AddressSet, MeansWhatTheExpressionSaysOrIsRefused) {
    Random random(1);
    int refused = 0;
    constexpr int kTries = 4000 / kRandomRunsDividedBy;
    for (int i = 0; i < kTries; ++i) {
        const Expression expected = random.expression(3);
        const Compiled compiled = read_after_preamble(
            std::string(kMoreNames) + "policy inbound on dish {\n accept from " + expected.text + "\n}\n");
        if (!compiled.policy) {
            const std::string said = errors_of(compiled);
            const bool empty = said.find("[E0208]") != std::string::npos;
            ASSERT_TRUE(empty || said.find("[E0211]") != std::string::npos) << said;
            ++refused;
            continue;
        }
        const AddressSet& set = compiled.policy->inbound.rules.at(0).from;
        for (std::size_t a = 0; a < expected.holds.size(); ++a)
            ASSERT_EQ(contains(set, moment(), addresses()[a]), expected.holds[a])
                << expected.text << " and " << to_string(addresses()[a]);
    }
    EXPECT_LT(refused, kTries / 3);
}

}  // namespace
}  // namespace dishwall::test
