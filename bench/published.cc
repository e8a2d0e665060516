// SPDX-License-Identifier: BSD-3-Clause
#include "bench/published.h"

#include <fmt/format.h>

namespace dishwall::bench {

std::vector<PublishedService> published_services(unsigned count) {
    std::vector<PublishedService> services;
    for (unsigned n = 0; n < count; ++n)
        services.push_back(
            {kServiceHosts + n, static_cast<std::uint16_t>(kFirstServicePort + (n & kServicePortMask))});
    return services;
}

std::string rule_file_head(const std::string& more) {
    return fmt::format(
        "version 1\n"
        "uplink dish {{\n"
        "    interface up0\n"
        "    prefix fixed static {}/56\n"
        "    documentation-prefixes allow\n"
        "    xdp native\n"
        "{}"
        "}}\n"
        "network lan = dish.fixed subnet 0x1 on dn0\n",
        to_string(Ipv6Address{kDelegation, 0}), more);
}

std::string rule_file(const std::vector<PublishedService>& services, unsigned flow_table) {
    std::string text = rule_file_head(fmt::format("    flow-table {}\n", flow_table));
    std::string rules;
    for (std::size_t n = 0; n < services.size(); ++n) {
        const std::uint64_t id = services[n].interface_id;
        text += fmt::format("host s{} = lan ::{:x}:{:x}\n", n, id >> 16, id & 0xffff);
        rules += fmt::format("    accept udp {} to s{} name service-{}\n", services[n].port, n, n);
    }
    return text + "policy inbound on dish {\n    default drop\n" + rules +
           "}\npolicy outbound on dish {\n    default accept\n}\n";
}

}  // namespace dishwall::bench
