// SPDX-License-Identifier: BSD-3-Clause
//
// Names for rule files that programs write: made of what devices, interfaces and other firewalls call things,
// legal and each one only once.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace dishwall {

class MadeNames {
public:
    // "Allow HTTPS (web)" -> Allow-HTTPS-web, the next time Allow-HTTPS-web-2. `otherwise` when nothing is
    // left of it.
    [[nodiscard]] std::string make(std::string_view wanted, std::string_view otherwise);

private:
    std::set<std::string> taken_;
};

// The name of an interface as a rule file writes it, in quotes where it needs them. Empty: it is none.
[[nodiscard]] std::string interface_word(std::string_view name);

}  // namespace dishwall
