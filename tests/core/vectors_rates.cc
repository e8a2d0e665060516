// SPDX-License-Identifier: BSD-3-Clause
//
// Token buckets, feeds and audit. Each packet comes from another port, so each asks for a flow of its own.
#include "tests/core/story.h"

namespace dishwall::test {
namespace {

std::uint16_t next_port() {
    static std::uint16_t port = 10000;
    return ++port;
}

Packet ask(const char* source, std::uint16_t port) {
    return from_to(source, kNas) / Udp{.sport = next_port(), .dport = port};
}
Step passes(const char* source, std::uint16_t port) {
    return in_accept(ask(source, port), DW_REASON_RULE_ACCEPT);
}
Step is_over(const char* source, std::uint16_t port) {
    return in_drop(ask(source, port), DW_REASON_DEFAULT_DROP);
}
Load rules(const char* inbound, const char* outbound = "") {
    return {world_rules_with("", inbound, outbound)};
}

constexpr const char* kNeighbour = "2001:db8:1::2";   // in kPeer's /64
constexpr const char* kStranger = "2001:db8:1:1::1";  // in another /64, but the same /48
constexpr const char* kFarStranger = "2001:db8:2::1";

}  // namespace

void add_rate_vectors(std::vector<Vector>& all) {
    all.push_back({"language",
                   "a rate per source prefix: its hosts share a bucket, others have their own",
                   {rules("accept udp 7000 to nas rate 2/m per source/64 name slow"), passes(kPeer, 7000),
                    passes(kNeighbour, 7000), is_over(kPeer, 7000), is_over(kNeighbour, 7000),
                    passes(kStranger, 7000), Wait{31}, passes(kNeighbour, 7000), is_over(kPeer, 7000),
                    Wait{600}, passes(kPeer, 7000), passes(kPeer, 7000), is_over(kPeer, 7000)}});
    all.push_back({"language",
                   "a rate per source address, and per source prefix of another length",
                   {rules("accept udp 7000 to nas rate 1/h per source name one; "
                          "accept udp 7001 to nas rate 1/h per source/48 name many"),
                    passes(kPeer, 7000), passes(kNeighbour, 7000), is_over(kPeer, 7000), passes(kPeer, 7001),
                    is_over(kStranger, 7001), passes(kFarStranger, 7001)}});
    all.push_back({"language",
                   "a rate of the rule itself is shared by everybody",
                   {rules("accept udp 7000 to nas rate 10/s burst 3 name all"), passes(kPeer, 7000),
                    passes(kStranger, 7000), passes(kFarStranger, 7000), is_over(kPeer, 7000),
                    is_over("2001:db8:3::1", 7000), Wait{1}, passes(kPeer, 7000), passes(kPeer, 7000),
                    passes(kPeer, 7000), is_over(kPeer, 7000)}});
    all.push_back(
        {"language",
         "a packet over the rate does not match: the next rules see it",
         {rules("accept udp 7000 to nas rate 1/d name first; drop udp 7000 from 2001:db8:1::/48 name then; "
                "accept udp 7000 to nas name last"),
          passes(kPeer, 7000), in_drop(ask(kPeer, 7000), DW_REASON_RULE_DROP), passes(kFarStranger, 7000)}});
    all.push_back({"language",
                   "a rule with several ports has one bucket, and one packet spends one token",
                   {rules("accept udp { 7000-7010, 7005, 7005-7020 } to nas rate 2/d name wide"),
                    passes(kPeer, 7005), passes(kPeer, 7020), is_over(kPeer, 7005)}});
    all.push_back({"language",
                   "a packet that another part of the rule refuses spends nothing",
                   {rules("accept udp 7000 from 2001:db8:1::/48 to nas rate 1/d name one"),
                    is_over(kFarStranger, 7000), is_over(kFarStranger, 7000), passes(kPeer, 7000)}});
    const Packet opening = ask(kPeer, 7000);
    all.push_back(
        {"language",
         "what is open spends nothing, and a bucket outlives a load",
         {rules("accept udp 7000 to nas rate 1/d name one"), in_accept(opening, DW_REASON_RULE_ACCEPT),
          in_accept(opening, DW_REASON_FLOW), rules("accept udp 7000 to nas rate 1/d name one"),
          is_over(kPeer, 7000), in_accept(opening, DW_REASON_FLOW)}});
    all.push_back(
        {"language",
         "rates bound what leaves, too",
         {rules(
              "",
              "drop udp 7001 name stop; accept udp 7000 rate 1/h per source name go; drop udp 7000 name no"),
          out_accept(from_to(kNas, kPeer) / Udp{.sport = 1, .dport = 7000}, DW_REASON_RULE_ACCEPT),
          out_drop(from_to(kNas, kPeer) / Udp{.sport = 2, .dport = 7000}, DW_REASON_RULE_DROP),
          out_accept(from_to(kLaptop, kPeer) / Udp{.sport = 2, .dport = 7000}, DW_REASON_RULE_ACCEPT)}});
    all.push_back({"language",
                   "an audit rule with a rate lets its packets go on either way",
                   {rules("audit udp 7000 rate 1/d name look; accept udp 7000 to nas name open"),
                    passes(kPeer, 7000), passes(kPeer, 7000)}});
}

}  // namespace dishwall::test
