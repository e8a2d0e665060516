// SPDX-License-Identifier: BSD-3-Clause
//
// Of a build without Hyperscan.
#include "dataplane/replay/inspection.h"

namespace dishwall {

Result<std::unique_ptr<ReplayInspection>> make_inspection(const Policy&, const ReplayCore&) {
    return fail(
        "this build cannot search for signatures: it was made without Hyperscan; install libhyperscan-dev or "
        "libvectorscan-dev and build again, or leave --signatures out");
}

}  // namespace dishwall
