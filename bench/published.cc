// SPDX-License-Identifier: BSD-3-Clause
#include "bench/published.h"

#include <fmt/format.h>

#include "bpf/core/layout.h"

namespace dishwall::bench {
namespace {

std::string host_line(std::uint64_t interface_id) {
    return fmt::format("host h{0:x} = lan ::{1:x}:{2:x}\n", interface_id, interface_id >> 16,
                       interface_id & 0xffff);
}

std::string rule_of(const PublishedService& service, const std::string& ports, std::size_t number) {
    return fmt::format("    accept {} {} to h{:x} name service-{}\n", service.protocol(), ports,
                       service.interface_id, number);
}

// The rules of services first..last of one host: one each, or one for all that have the same protocol.
std::string rules_of_host(const std::vector<PublishedService>& services, std::size_t first, std::size_t last,
                          bool together) {
    if (together && first != last && services[first].tcp == services[last].tcp)
        return rule_of(services[first],
                       fmt::format("{{ {}, {} }}", services[first].ports(), services[last].ports()), first);
    std::string rules;
    for (std::size_t n = first; n <= last; ++n) rules += rule_of(services[n], services[n].ports(), n);
    return rules;
}

}  // namespace

std::string PublishedService::ports() const {
    return port == last_port ? fmt::format("{}", port) : fmt::format("{}-{}", port, last_port);
}

std::vector<PublishedService> published_services(unsigned count, unsigned ports_each) {
    std::vector<PublishedService> services{{kServiceHosts, kTcpServicePort, kTcpServicePort, true}};
    for (unsigned n = 1; n < count; ++n) {
        const auto port =
            static_cast<std::uint16_t>(kFirstServicePort + ((n & kServiceNumberInPort) << kServicePortShift));
        services.push_back({kServiceHosts + (n >> kServiceHostShift), port,
                            static_cast<std::uint16_t>(port + ports_each - 1), false});
    }
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
    std::string text = rule_file_head(fmt::format("    flow-table {}\n    timeout udp 1h\n", flow_table));
    const bool together = services.size() > DW_RULES_MAX;
    std::string rules;
    for (std::size_t first = 0, last; first < services.size(); first = last + 1) {
        last = first;
        while (last + 1 < services.size() && services[last + 1].interface_id == services[first].interface_id)
            ++last;
        text += host_line(services[first].interface_id);
        rules += rules_of_host(services, first, last, together);
    }
    return text + "policy inbound on dish {\n    default drop\n" + rules +
           "}\npolicy outbound on dish {\n    default accept\n}\n";
}

}  // namespace dishwall::bench
