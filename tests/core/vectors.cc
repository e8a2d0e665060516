// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/vectors.h"

namespace dishwall::test {
namespace {

std::vector<Vector> all_vectors() {
    std::vector<Vector> all;
    add_address_vectors(all);
    add_header_vectors(all);
    add_fragment_vectors(all);
    add_icmp_vectors(all);
    add_link_vectors(all);
    add_flow_vectors(all);
    add_tcp_vectors(all);
    add_rfc6092_vectors(all);
    add_language_vectors(all);
    add_learnt_vectors(all);
    add_rate_vectors(all);
    add_inspect_vectors(all);
    return all;
}

}  // namespace

const std::vector<Vector>& vectors() {
    static const std::vector<Vector> all = all_vectors();
    return all;
}

}  // namespace dishwall::test
