// SPDX-License-Identifier: BSD-3-Clause
#include "control/image_json.h"

#include "bpf/core/image_layout.h"

namespace dishwall {
namespace {

nlohmann::json chain_json(const ChainFacts& chain) {
    return {{"services", chain.services},
            {"rule_lines", chain.rule_lines},
            {"tuples", chain.tuples},
            {"longest_list", chain.longest_list},
            {"bytes", chain.bytes},
            {"worst_accesses", chain.worst_lines},
            {"worst_rules", chain.worst_rules}};
}

}  // namespace

nlohmann::json image_json(const ImageFacts& facts) {
    return {{"bytes", facts.bytes},
            {"limit", DW_IMAGE_SIZE},
            {"sets", facts.sets},
            {"prefixes", facts.prefixes},
            {"address_bytes", facts.address_bytes},
            {"inbound", chain_json(facts.inbound)},
            {"outbound", chain_json(facts.outbound)}};
}

}  // namespace dishwall
