// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspection/veth_pair.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "control/unique_fd.h"

namespace dishwall {
namespace {

constexpr std::size_t kLongestUplink = IF_NAMESIZE - 1 - 5;  // behind "dwi0-"
constexpr std::uint8_t kNoAddress = 1;                       // IN6_ADDR_GEN_MODE_NONE

struct SocketCloser {
    void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

// One request to rtnetlink, and the kernel's answer to it.
class Request {
public:
    Request(std::uint16_t type, std::uint16_t flags) : header_(mnl_nlmsg_put_header(buffer_.data())) {
        header_->nlmsg_type = type;
        header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
        header_->nlmsg_seq = 1;
    }
    [[nodiscard]] nlmsghdr* header() { return header_; }
    ifinfomsg* link() {
        return static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(ifinfomsg)));
    }

    // Zero, or the kernel's errno.
    [[nodiscard]] int ask() {
        const std::unique_ptr<mnl_socket, SocketCloser> socket(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
        if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return errno;
        if (mnl_socket_sendto(socket.get(), header_, header_->nlmsg_len) < 0) return errno;
        std::array<char, 8192> answer{};
        const ssize_t size = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
        if (size < 0) return errno;
        const int done = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), 1,
                                    mnl_socket_get_portid(socket.get()), nullptr, nullptr);
        return done < 0 ? errno : 0;
    }

private:
    std::array<char, 2048> buffer_{};
    nlmsghdr* header_;
};

void put_shape(nlmsghdr* header, const std::string& name, unsigned mtu) {
    mnl_attr_put_strz(header, IFLA_IFNAME, name.c_str());
    mnl_attr_put_u32(header, IFLA_MTU, mtu);
    mnl_attr_put_u32(header, IFLA_NUM_TX_QUEUES, 1);
    mnl_attr_put_u32(header, IFLA_NUM_RX_QUEUES, 1);
}

int create(const VethPair& pair, unsigned mtu) {
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    nlmsghdr* header = request.header();
    request.link();
    put_shape(header, pair.ours, mtu);
    nlattr* info = mnl_attr_nest_start(header, IFLA_LINKINFO);
    mnl_attr_put_strz(header, IFLA_INFO_KIND, "veth");
    nlattr* data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
    nlattr* peer = mnl_attr_nest_start(header, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(header, sizeof(ifinfomsg));
    put_shape(header, pair.theirs, mtu);
    mnl_attr_nest_end(header, peer);
    mnl_attr_nest_end(header, data);
    mnl_attr_nest_end(header, info);
    return request.ask();
}

// No link-local address, so no router solicitation and no multicast report either. A request of its own: in
// one that also brings a device up, the kernel does that first.
int have_no_address(const Device& device) {
    Request request(RTM_SETLINK, 0);
    nlmsghdr* header = request.header();
    request.link()->ifi_index = static_cast<int>(device.index);
    nlattr* families = mnl_attr_nest_start(header, IFLA_AF_SPEC);
    nlattr* ipv6 = mnl_attr_nest_start(header, AF_INET6);
    mnl_attr_put_u8(header, IFLA_INET6_ADDR_GEN_MODE, kNoAddress);
    mnl_attr_nest_end(header, ipv6);
    mnl_attr_nest_end(header, families);
    return request.ask();
}

// As large as `mtu`, and up.
Result<Device> bring_up(const std::string& name, unsigned mtu) {
    const Result<Device> device = find_device(name);
    if (!device) return device;
    if (const int error = have_no_address(*device); error != 0)
        return fail("cannot keep addresses off {}: {}", name, std::strerror(error));
    Request request(RTM_SETLINK, 0);
    nlmsghdr* header = request.header();
    ifinfomsg* link = request.link();
    link->ifi_index = static_cast<int>(device->index);
    link->ifi_flags = link->ifi_change = IFF_UP;
    mnl_attr_put_u32(header, IFLA_MTU, mtu);
    if (const int error = request.ask(); error != 0)
        return fail("cannot bring {} up: {}", name, std::strerror(error));
    return device;
}

}  // namespace

VethPair pair_for(const std::string& uplink, unsigned worker) {
    const std::size_t from = uplink.size() > kLongestUplink ? uplink.size() - kLongestUplink : 0;
    const std::string tail = std::to_string(worker) + "-" + uplink.substr(from);
    return {"dwi" + tail, "dwx" + tail};
}

Result<Device> make_pair(const VethPair& pair, unsigned mtu) {
    if (const int error = create(pair, mtu); error != 0 && error != EEXIST)
        return fail("cannot make the veth pair {} and {}: {}", pair.ours, pair.theirs, std::strerror(error));
    if (const Result<Device> theirs = bring_up(pair.theirs, mtu); !theirs) return theirs;
    return bring_up(pair.ours, mtu);
}

Result<void> remove_pair(const VethPair& pair) {
    const unsigned index = ::if_nametoindex(pair.ours.c_str());
    if (index == 0) return {};
    Request request(RTM_DELLINK, 0);
    request.link()->ifi_index = static_cast<int>(index);
    if (const int error = request.ask(); error != 0 && error != ENODEV)
        return fail("cannot remove {}: {}", pair.ours, std::strerror(error));
    return {};
}

Result<unsigned> mtu_of(const Device& device) {
    const UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    device.name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    if (!socket.is_open() || ::ioctl(socket.get(), SIOCGIFMTU, &request) != 0)
        return fail("cannot ask for the MTU of {}: {}", device.name, std::strerror(errno));
    return static_cast<unsigned>(request.ifr_mtu);
}

}  // namespace dishwall
