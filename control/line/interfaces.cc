// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/interfaces.h"

#include <fmt/ranges.h>

#include "control/line/netlink_facts.h"

namespace dishwall {

Result<std::vector<Interface>> list_interfaces() {
    const Result<std::vector<LinkFact>> links = dump_links();
    if (!links) return fail_with(links.error(), "cannot list the interfaces");
    std::vector<Interface> all;
    for (const LinkFact& link : *links) all.push_back({link.index, link.name, link.up});
    return all;
}

Result<unsigned> interface_index(const std::string& name) {
    const Result<std::vector<Interface>> all = list_interfaces();
    if (!all) return tl::unexpected(all.error());
    std::vector<std::string> names;
    for (const Interface& interface : *all) {
        if (interface.name == name) return interface.index;
        if (interface.name != "lo") names.push_back(interface.name);
    }
    if (names.empty()) return fail("no interface {} (there is none but lo in this network namespace)", name);
    return fail("no interface {} (there are: {})", name, fmt::join(names, ", "));
}

}  // namespace dishwall
