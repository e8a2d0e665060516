// SPDX-License-Identifier: BSD-3-Clause
//
// Do a policy's own claims hold? Every packet that a `test` speaks of has to come to the verdict that is
// expected of it, and every packet of a `protect` line has to be accepted; not one sample of them
// (coverage.h). Rates: a test's packets are not over any; a protected packet is accepted below the rates on
// its way and over them.
#pragma once

#include <string>
#include <vector>

#include "rules/diagnostic.h"
#include "rules/policy.h"
#include "rules/resolve.h"

namespace dishwall {

// The last pass, when nothing else is wrong. False: something besides `protect` lines does not hold.
bool prove(const Resolved& resolved, Diagnostics* diagnostics);

struct Broken {
    const Protected* line = nullptr;
    // "tcp from 2001:db8:7::5 port 1024 to this box port 22 is dropped by rule x (f.conf:12)"
    std::string text;
};

// Lines of another policy, as `translate` gives them, against a candidate for its place.
[[nodiscard]] std::vector<Broken> check_protected(const std::vector<Protected>& lines,
                                                  const Policy& candidate);

// The `protect` lines of one policy in terms of another: what is behind a prefix statement is behind the one
// of the same name. What the other policy has no words for is in no line's traffic any more.
[[nodiscard]] std::vector<Protected> translate(const Policy& from, const Policy& to);

}  // namespace dishwall
