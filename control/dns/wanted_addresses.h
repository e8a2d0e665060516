// SPDX-License-Identifier: BSD-3-Clause
//
// Which addresses a host's AAAA record should have now. Pure.
//
// Those in preferred prefixes; where the host has none, those in deprecated ones, which are still good. Never
// in one that is in grace: it only lets old flows end. A device has many addresses, and most of them are
// temporary, so it gives one for each prefix: the one made from its MAC if it uses that, else the one that is
// published already, else the one known longest.
#pragma once

#include <map>
#include <set>

#include "rules/own.h"
#include "rules/policy.h"

namespace dishwall {

using Addresses = std::set<Ipv6Address>;

// The order in which a device's addresses became known.
class Acquaintance {
public:
    void see(const std::vector<LearntAddress>& learnt);  // those that are gone are forgotten
    [[nodiscard]] std::uint64_t since(const LearntAddress& address) const;

private:
    std::map<LearntAddress, std::uint64_t> since_;
    std::uint64_t next_ = 0;
};

// `published`: what the record has as far as is known.
[[nodiscard]] Addresses wanted_addresses(const NamedAddress& host, const Policy& policy, const Own& own,
                                         const Acquaintance& known, const Addresses& published);

}  // namespace dishwall
