// SPDX-License-Identifier: BSD-3-Clause
//
// The table of packet behaviour: each vector names its requirement, and is a short story of frames with what
// must become of each. It happens in the world of world.h, and begins with empty tables. The claims say which
// recommendation of RFC 6092 they show, as [REC-12]: `dishctl audit rfc6092` is made from them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "bpf/core/reason.h"
#include "rules/evaluate.h"
#include "rules/own.h"
#include "tests/core/inspector.h"
#include "tests/core/packet.h"

namespace dishwall::test {

struct Judged {
    Direction direction = Direction::inbound;
    Bytes frame;
    dw_verdict verdict = DW_DROP;
    dw_reason reason = DW_REASON_INTERNAL;
};
struct Wait {
    unsigned seconds = 0;
};
struct Load {
    std::string rules;
};

// What the inspector writes: bits into the words of all flows that are inspected; a ban of a source's /64.
struct Found {
    std::uint32_t bits = 0;
};
struct Ban {
    std::string source;
    unsigned seconds = 0;
};

// A frame and what must become of it; time goes by; another policy is loaded; the line changes; what there is of
// an inspector, and what it does.
using Step = std::variant<Judged, Wait, Load, Own, Inspector, Found, Ban>;

struct Vector {
    std::string requirement;  // "R10", "N3", or "language" for what language.md promises
    std::string claim;
    std::vector<Step> steps;
    bool strangers = false;  // see TableSetup
};

[[nodiscard]] const std::vector<Vector>& vectors();

// Its chapters, one a file.
void add_address_vectors(std::vector<Vector>& all);
void add_header_vectors(std::vector<Vector>& all);
void add_fragment_vectors(std::vector<Vector>& all);
void add_icmp_vectors(std::vector<Vector>& all);
void add_link_vectors(std::vector<Vector>& all);
void add_flow_vectors(std::vector<Vector>& all);
void add_tcp_vectors(std::vector<Vector>& all);
void add_rfc6092_vectors(std::vector<Vector>& all);
void add_language_vectors(std::vector<Vector>& all);
void add_learnt_vectors(std::vector<Vector>& all);
void add_rate_vectors(std::vector<Vector>& all);
void add_inspect_vectors(std::vector<Vector>& all);

}  // namespace dishwall::test
