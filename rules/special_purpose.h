// SPDX-License-Identifier: BSD-3-Clause
//
// Addresses that never are a valid source or destination on the public Internet (requirement R2), as data.
// Sources: IANA IPv6 Special-Purpose Address Registry and IPv6 Address Space, as read on 2026-11-22;
// RFC 6890, 9637 (3fff::/20), 9602 (5f00::/16), 4291, 3879 (fec0::/10).
// Within 2001::/23 only the blocks that the registry calls globally reachable are let through.
#pragma once

namespace dishwall {

struct SpecialPurpose {
    const char* prefix;
    enum class Kind { forbidden, documentation, reachable } kind;  // reachable: carved out of a forbidden block
};

inline constexpr SpecialPurpose kSpecialPurpose[] = {
    {"::/96", SpecialPurpose::Kind::forbidden},       // ::, ::1 and IPv4-compatible addresses
    {"::ffff:0:0/96", SpecialPurpose::Kind::forbidden},
    {"64:ff9b:1::/48", SpecialPurpose::Kind::forbidden},
    {"100::/64", SpecialPurpose::Kind::forbidden},    // discard only
    {"100:0:0:1::/64", SpecialPurpose::Kind::forbidden},
    {"2001::/23", SpecialPurpose::Kind::forbidden},   // IETF protocol assignments
    {"2001:1::1/128", SpecialPurpose::Kind::reachable},
    {"2001:1::2/128", SpecialPurpose::Kind::reachable},
    {"2001:1::3/128", SpecialPurpose::Kind::reachable},
    {"2001:3::/32", SpecialPurpose::Kind::reachable},
    {"2001:4:112::/48", SpecialPurpose::Kind::reachable},
    {"2001:20::/28", SpecialPurpose::Kind::reachable},
    {"2001:30::/28", SpecialPurpose::Kind::reachable},
    {"2001:db8::/32", SpecialPurpose::Kind::documentation},
    {"3fff::/20", SpecialPurpose::Kind::documentation},
    {"5f00::/16", SpecialPurpose::Kind::forbidden},   // SRv6 SIDs
    {"fec0::/10", SpecialPurpose::Kind::forbidden},   // site-local, deprecated
};

}  // namespace dishwall
