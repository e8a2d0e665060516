// SPDX-License-Identifier: BSD-3-Clause
#include "control/device.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "control/line/interfaces.h"
#include "control/unique_fd.h"

namespace dishwall {

Result<Device> find_device(const std::string& name) {
    const Result<unsigned> index = interface_index(name);
    if (!index) return tl::unexpected(index.error());
    return Device{name, *index};
}

Result<MacAddress> mac_address_of(const Device& device) {
    const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    device.name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    if (!socket.is_open() || ::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0)
        return fail("cannot ask for the MAC address of {}: {}", device.name, std::strerror(errno));
    MacAddress mac;
    std::copy_n(request.ifr_hwaddr.sa_data, mac.size(), mac.begin());
    return mac;
}

}  // namespace dishwall
