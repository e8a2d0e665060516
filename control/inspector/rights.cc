// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspector/rights.h"

#include <cap-ng.h>
#include <sys/prctl.h>

#include <cerrno>
#include <cstring>

namespace dishwall {

Result<void> drop_rights() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail("cannot renounce new privileges: {}", std::strerror(errno));
    capng_clear(CAPNG_SELECT_ALL);
    // The bounding set can be emptied only by who has CAP_SETPCAP; without new privileges it gives nothing.
    if (capng_apply(CAPNG_SELECT_CAPS) != 0 || capng_apply(CAPNG_SELECT_AMBIENT) != 0)
        return fail("cannot drop capabilities: {}", std::strerror(errno));
    return {};
}

}  // namespace dishwall
