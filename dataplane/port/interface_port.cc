// SPDX-License-Identifier: BSD-3-Clause
//
// A port over a network interface. Three things that DPDK's AF_XDP driver leaves to us: its XDP program,
// which otherwise is libxdp's and wants a bpffs and CAP_SYS_ADMIN; the program that a killed predecessor
// left, over which no new one can be attached; and the socket, on which an idle worker wants to sleep.
#include <bpf/libbpf.h>
#include <linux/if_xdp.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <set>

#include "control/unique_fd.h"
#include "dataplane/port/link.h"
#include "dataplane/port/port.h"
#include "worker_end.skel.h"

namespace dishwall {
namespace {

// In front of each frame in its buffer, and two VLAN tags and an Ethernet header that the MTU does not count.
constexpr unsigned kHeadroom = XDP_PACKET_HEADROOM + RTE_PKTMBUF_HEADROOM;
constexpr unsigned kFraming = 14 + 2 * 4;
constexpr unsigned kLeastRoom = 2048 + RTE_PKTMBUF_HEADROOM;  // AF_XDP takes no smaller buffers

std::set<int> xdp_sockets() {
    std::set<int> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) {
        const std::string name = entry.path().filename();
        int fd = -1, domain = 0;
        std::from_chars(name.data(), name.data() + name.size(), fd);
        socklen_t size = sizeof domain;
        if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_XDP)
            found.insert(fd);
    }
    return found;
}

// The program as a file that has no name outside of this process.
Result<UniqueFd> program_file() {
    std::size_t size = 0;
    const void* elf = worker_end_bpf__elf_bytes(&size);
    UniqueFd file(::memfd_create("worker_end.bpf.o", MFD_CLOEXEC));
    if (!file.is_open() || ::write(file.get(), elf, size) != static_cast<ssize_t>(size))
        return fail("no memory for an XDP program: {}", std::strerror(errno));
    return file;
}

Result<unsigned> data_room(const std::string& interface) {
    const Result<Link> link = look_at_link(interface);
    if (!link) return tl::unexpected(link.error());
    if (!link->up) return fail("{0} is down: 'ip link set {0} up'", interface);
    if (link->mtu > Port::kLargestMtu)
        return fail(
            "{0} has an MTU of {1}, and frames of more than {2} bytes do not fit in a buffer: "
            "'ip link set {0} mtu {2}'",
            interface, link->mtu, Port::kLargestMtu);
    // Ours to take: nobody else has a use for the worker's end of a pair.
    if (const int error = bpf_xdp_detach(static_cast<int>(link->index), 0, nullptr))
        return fail("cannot take the XDP program off {}: {}", interface, std::strerror(-error));
    return std::max(kLeastRoom, link->mtu + kFraming + kHeadroom);
}

void raise_memory_lock() {
    rlimit lock{};
    ::getrlimit(RLIMIT_MEMLOCK, &lock);
    lock.rlim_cur = lock.rlim_max;
    ::setrlimit(RLIMIT_MEMLOCK, &lock);
}

}  // namespace

Result<void> Port::add_interface(const std::string& interface) {
    Result<UniqueFd> program = program_file();
    if (!program) return tl::unexpected(program.error());
    const std::string name = "net_af_xdp_" + interface;
    const std::string arguments =
        fmt::format("iface={},busy_budget=0,xdp_prog=/proc/self/fd/{}", interface, program->get());
    if (const int error = rte_eal_hotplug_add("vdev", name.c_str(), arguments.c_str()))
        return fail("DPDK does not take it: {}", std::strerror(-error));
    std::uint16_t id = 0;
    if (rte_eth_dev_get_port_by_name(name.c_str(), &id) != 0) return fail("DPDK has lost it");
    device_ = PortDevice(name, id);

    const std::set<int> before = xdp_sockets();
    raise_memory_lock();
    if (Result<void> done = set_up(); !done)
        return fail(
            "{}; are CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF here, and may {} MiB be locked (LimitMEMLOCK=)?",
            done.error().message, kMegabytes);
    for (const int fd : xdp_sockets())
        if (!before.contains(fd)) socket_ = fd;
    return {};
}

Result<Port> Port::over_interface(const Eal&, const std::string& interface) {
    Result<unsigned> room = data_room(interface);
    if (!room) return tl::unexpected(room.error());
    Result<Pool> pool = make_pool(interface, *room);
    if (!pool) return tl::unexpected(pool.error());
    Port port(std::move(*pool));
    if (Result<void> added = port.add_interface(interface); !added)
        return fail_with(added.error(), fmt::format("cannot open a port on {}", interface));
    return port;
}

}  // namespace dishwall
