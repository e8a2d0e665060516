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
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <set>

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

struct FileCloser {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

// The program as a file that has no name outside of this process.
Result<File> program_file() {
    std::size_t size = 0;
    const void* elf = worker_end_bpf__elf_bytes(&size);
    const int fd = ::memfd_create("worker_end.bpf.o", MFD_CLOEXEC);
    File file(fd < 0 ? nullptr : ::fdopen(fd, "w"));
    if (!file || std::fwrite(elf, size, 1, file.get()) != 1 || std::fflush(file.get()) != 0)
        return fail("no memory for an XDP program: {}", std::strerror(errno));
    return file;
}

Result<unsigned> data_room(const Link& link) {
    if (!link.up) return fail("{0} is down: 'ip link set {0} up'", link.name);
    if (link.mtu > Port::kLargestMtu)
        return fail(
            "{0} has an MTU of {1}, and frames of more than {2} bytes do not fit in a buffer: "
            "'ip link set {0} mtu {2}'",
            link.name, link.mtu, Port::kLargestMtu);
    // Ours to take: nobody else has a use for the worker's end of a pair.
    if (const int error = bpf_xdp_detach(static_cast<int>(link.index), 0, nullptr))
        return fail("cannot take the XDP program off {}: {}", link.name, std::strerror(-error));
    return std::max(kLeastRoom, link.mtu + kFraming + kHeadroom);
}

void raise_memory_lock() {
    rlimit lock{};
    ::getrlimit(RLIMIT_MEMLOCK, &lock);
    lock.rlim_cur = lock.rlim_max;
    ::setrlimit(RLIMIT_MEMLOCK, &lock);
}

}  // namespace

Result<void> Port::add_interface(const std::string& interface) {
    const Result<File> program = program_file();
    if (!program) return tl::unexpected(program.error());
    const std::string name = "net_af_xdp_" + interface;
    const std::string arguments =
        fmt::format("iface={},busy_budget=0,xdp_prog=/proc/self/fd/{}", interface, ::fileno(program->get()));
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

Result<Port> Port::over_interface(const Eal&, const Link& link) {
    Result<unsigned> room = data_room(link);
    if (!room) return tl::unexpected(room.error());
    Result<Pool> pool = make_pool(link.name, *room);
    if (!pool) return tl::unexpected(pool.error());
    Port port(std::move(*pool));
    if (Result<void> added = port.add_interface(link.name); !added)
        return fail_with(added.error(), fmt::format("cannot open a port on {}", link.name));
    return port;
}

}  // namespace dishwall
