// SPDX-License-Identifier: BSD-3-Clause
//
// Rules with `inspect`: which packets leave for the inspector, what its failure comes to, and what it may say of a
// flow (issue 7). No inspector runs here: what it would write, the story writes.
#include "tests/core/story.h"

namespace dishwall::test {
namespace {

std::string inspecting_rules() {
    std::string rules = world_rules_with("",
                                         "accept tcp 8000 to nas inspect web on-failure drop   name strict\n"
                                         "accept tcp 8001 to nas inspect web on-failure accept name lenient\n"
                                         "accept udp 8002 to nas inspect both                  name games",
                                         "accept tcp 8443 inspect both on-failure accept       name downloads");
    rules.insert(rules.find("host nas"),
                 "signatures web = file \"web.hs\"\nsignatures both = file \"web.hs\" both-directions\n");
    return rules;
}

Packet in_to(std::uint16_t port, std::uint8_t flags = kSyn, std::uint32_t seq = 0, std::uint32_t ack = 0) {
    return from_to(kPeer, kNas) / Tcp{.sport = 4000, .dport = port, .flags = flags, .seq = seq, .ack = ack};
}

Packet out_of(std::uint16_t port, std::uint8_t flags, std::uint32_t seq = 0, std::uint32_t ack = 0) {
    return from_to(kNas, kPeer) / Tcp{.sport = port, .dport = 4000, .flags = flags, .seq = seq, .ack = ack};
}

const Packet kGame = from_to(kPeer, kNas) / Udp{.sport = 4000, .dport = 8002};
const Packet kGameBack = from_to(kNas, kPeer) / Udp{.sport = 8002, .dport = 4000};

void add_failures(std::vector<Vector>& all) {
    for (const Inspector gone : {Inspector::none, Inspector::stale, Inspector::behind})
        all.push_back({"inspect",
                       gone == Inspector::none    ? "without an inspector each rule's on-failure holds"
                       : gone == Inspector::stale ? "an inspector that stands still has failed"
                                                  : "an inspector that is behind has failed",
                       {Load{inspecting_rules()}, gone, in_drop(in_to(8000), DW_REASON_INSPECT_FAILED),
                        in_accept(in_to(8001), DW_REASON_INSPECT_AROUND),
                        out_accept(out_of(8001, kSyn | kAck, 0, 1), DW_REASON_FLOW),
                        in_accept(in_to(8001, kAck, 1, 1), DW_REASON_INSPECT_AROUND),
                        in_drop(in_to(81), DW_REASON_DEFAULT_DROP), Inspector::works,
                        in_accept(in_to(8000), DW_REASON_INSPECT),
                        in_accept(in_to(8001, kAck, 1, 1), DW_REASON_INSPECT), gone,
                        in_drop(in_to(8000), DW_REASON_INSPECT_FAILED),
                        in_accept(in_to(8001, kAck, 1, 1), DW_REASON_INSPECT_AROUND)}});
}

}  // namespace

void add_inspect_vectors(std::vector<Vector>& all) {
    add_failures(all);
    all.push_back({"inspect",
                   "packets from the line leave for the inspector, ours do not",
                   {Load{inspecting_rules()}, Inspector::works, in_accept(in_to(8000), DW_REASON_INSPECT),
                    out_accept(out_of(8000, kSyn | kAck, 0, 1), DW_REASON_FLOW),
                    in_accept(in_to(8000, kAck, 1, 1), DW_REASON_INSPECT),
                    in_accept(in_to(80), DW_REASON_RULE_ACCEPT)}});
    all.push_back({"inspect",
                   "both directions when the signatures ask for it, from either side",
                   {Load{inspecting_rules()}, Inspector::works, in_accept(kGame, DW_REASON_INSPECT),
                    out_accept(kGameBack, DW_REASON_INSPECT), in_accept(kGame, DW_REASON_INSPECT),
                    out_accept(from_to(kLaptop, kPeer) / Tcp{.sport = 5000, .dport = 8443, .flags = kSyn, .seq = 0},
                               DW_REASON_INSPECT),
                    in_accept(from_to(kPeer, kLaptop) /
                                  Tcp{.sport = 8443, .dport = 5000, .flags = kSyn | kAck, .ack = 1},
                              DW_REASON_INSPECT)}});
    all.push_back({"inspect",
                   "a flow found clean stays on the fast path, whatever becomes of the inspector",
                   {Load{inspecting_rules()}, Inspector::works, in_accept(kGame, DW_REASON_INSPECT),
                    Found{DW_INSPECT_CLEAN}, in_accept(kGame, DW_REASON_INSPECT_CLEAN),
                    out_accept(kGameBack, DW_REASON_INSPECT_CLEAN), Inspector::none,
                    in_accept(kGame, DW_REASON_INSPECT_CLEAN)}});
    all.push_back({"inspect",
                   "nothing passes of a flow that matched a signature",
                   {Load{inspecting_rules()}, Inspector::works, in_accept(in_to(8000), DW_REASON_INSPECT),
                    out_accept(out_of(8000, kSyn | kAck, 0, 1), DW_REASON_FLOW), Found{DW_INSPECT_ENDED},
                    in_drop(in_to(8000, kAck, 1, 1), DW_REASON_SIGNATURE),
                    out_drop(out_of(8000, kAck, 1, 1), DW_REASON_SIGNATURE), Inspector::none,
                    in_drop(in_to(8000, kAck, 1, 1), DW_REASON_SIGNATURE)}});
    all.push_back({"inspect",
                   "a flow from outside that a load wants to see inspected is, from its next packet on [R28]",
                   {in_accept(in_to(8000), DW_REASON_RULE_ACCEPT), Inspector::works,
                    out_accept(out_of(8000, kSyn | kAck, 0, 1), DW_REASON_FLOW),
                    in_accept(in_to(8000, kAck, 1, 1), DW_REASON_FLOW), Load{inspecting_rules()},
                    in_accept(in_to(8000, kAck, 1, 1), DW_REASON_INSPECT)}});
    all.push_back({"inspect",
                   "a load keeps what was found of flows from outside [R28]",
                   {Load{inspecting_rules()}, Inspector::works, in_accept(kGame, DW_REASON_INSPECT),
                    Found{DW_INSPECT_CLEAN}, Load{inspecting_rules()},
                    in_accept(kGame, DW_REASON_INSPECT_CLEAN), Load{std::string(kWorldRules)},
                    in_drop(kGame, DW_REASON_DEFAULT_DROP)}});
    all.push_back({"inspect",
                   "later fragments go where their datagram's first one went",
                   {Load{inspecting_rules()}, Inspector::works,
                    in_accept(from_to(kPeer, kNas) / Fragment{.offset = 0, .more = true, .id = 9} /
                                  Udp{.sport = 4000, .dport = 8002} / Payload{Bytes(8)},
                              DW_REASON_INSPECT),
                    in_accept(from_to(kPeer, kNas) / Fragment{.offset = 2, .more = false, .id = 9} /
                                  Payload{Bytes(8)},
                              DW_REASON_INSPECT)}});
    all.push_back({"inspect",
                   "a banned source opens nothing that is inspected or not, for as long as its ban lasts",
                   {Load{inspecting_rules()}, Inspector::works, in_accept(kGame, DW_REASON_INSPECT),
                    Ban{kPeer, 600}, in_accept(kGame, DW_REASON_INSPECT),
                    in_drop(in_to(8000), DW_REASON_BANNED), in_drop(in_to(80), DW_REASON_BANNED),
                    in_drop(in_to(81), DW_REASON_BANNED), Ban{kPeer, 0},
                    in_accept(in_to(80), DW_REASON_RULE_ACCEPT)}});
}

}  // namespace dishwall::test
