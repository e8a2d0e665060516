// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspector/look_at_link.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "control/unique_fd.h"

namespace dishwall {

Result<Link> look_at_link(const std::string& interface) {
    if (interface.empty() || interface.size() >= IFNAMSIZ)
        return fail("'{}' is no interface's name", interface);
    const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::memcpy(request.ifr_name, interface.c_str(), interface.size());
    const auto ask = [&](unsigned long what) { return ::ioctl(any.get(), what, &request) == 0; };
    const auto refuse = [&] { return fail("cannot ask about {}: {}", interface, std::strerror(errno)); };

    Link link{.name = interface};
    if (!ask(SIOCGIFINDEX)) return refuse();
    link.index = static_cast<unsigned>(request.ifr_ifindex);
    if (!ask(SIOCGIFMTU)) return refuse();
    link.mtu = static_cast<unsigned>(request.ifr_mtu);
    if (!ask(SIOCGIFFLAGS)) return refuse();
    link.up = (request.ifr_flags & IFF_UP) != 0;
    return link;
}

}  // namespace dishwall
