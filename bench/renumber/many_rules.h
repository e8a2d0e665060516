// SPDX-License-Identifier: BSD-3-Clause
//
// A rule file with as many rules as are wanted, all about hosts behind a delegation that is yet to come.
// Hosts are shared, as in real files: many ports on few hosts. 100,000 rules then fit the policy image.
#pragma once

#include <cstdint>
#include <string>

namespace dishwall::bench {

// Each opens one TCP port of one host. The last rule is called "last".
[[nodiscard]] std::string many_rules(unsigned rules);

// The packet that only the last rule lets in, and one that none does; as `dishctl explain` reads them. `lan`:
// the first 64 bits of the network's addresses.
[[nodiscard]] std::string packet_of_last_rule(unsigned rules, std::uint64_t lan);
[[nodiscard]] std::string packet_of_no_rule(std::uint64_t lan);

}  // namespace dishwall::bench
