// SPDX-License-Identifier: BSD-3-Clause
//
// Asks the kernel about one interface. Wants no rights, so it works after they were given up.
#pragma once

#include <string>

#include "dataplane/port/link.h"
#include "rules/result.h"

namespace dishwall {

[[nodiscard]] Result<Link> look_at_link(const std::string& interface);

}  // namespace dishwall
