// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/port.h"

#include <poll.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace dishwall {
namespace {

// Frames on their way in each direction; DPDK's AF_XDP driver knows no other number.
constexpr std::uint16_t kRing = 2048;
// Those that the kernel holds to fill, those on their way out, those being looked at and those in DPDK's cache.
constexpr unsigned kBuffers = kRing + kRing + 1023;
constexpr unsigned kCache = 256;
constexpr std::chrono::microseconds kFirstNap{50}, kLastNap{1000};

}  // namespace

PortDevice::~PortDevice() {
    if (name_.empty()) return;
    // Its XDP program cannot be taken off without the rights of the start. It drops what still comes; the
    // next port on the interface replaces it.
    rte_log_set_level_pattern("pmd.net.af_xdp*", RTE_LOG_CRIT);
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
    rte_eal_hotplug_remove("vdev", name_.c_str());
}

// One stretch of memory: AF_XDP's buffers are named by their distance from its start.
Result<Port::Pool> Port::make_pool(const std::string& name, unsigned data_room) {
    rte_mempool* pool = rte_pktmbuf_pool_create(name.c_str(), kBuffers, kCache, 0,
                                                static_cast<std::uint16_t>(data_room), SOCKET_ID_ANY);
    if (pool == nullptr)
        return fail("no memory for {} packet buffers: {}", kBuffers, rte_strerror(rte_errno));
    Pool owned(pool, rte_mempool_free);
    if (pool->nb_mem_chunks != 1)
        return fail("the packet buffers lie in {} pieces of memory; more hugepages, or none, will do",
                    pool->nb_mem_chunks);
    return owned;
}

Result<void> Port::set_up() {
    const rte_eth_conf plain{};
    if (rte_eth_dev_configure(device_.id(), 1, 1, &plain) != 0) return fail("DPDK refuses to configure it");
    if (const int error = rte_eth_rx_queue_setup(device_.id(), 0, kRing, SOCKET_ID_ANY, nullptr, pool_.get()))
        return fail("cannot receive: {}", std::strerror(-error));
    if (const int error = rte_eth_tx_queue_setup(device_.id(), 0, kRing, SOCKET_ID_ANY, nullptr))
        return fail("cannot send: {}", std::strerror(-error));
    if (const int error = rte_eth_dev_start(device_.id()))
        return fail("cannot start: {}", std::strerror(-error));
    return {};
}

Result<Port> Port::over_rings(const std::string& name, const Pool& pool, Ring in, Ring out) {
    Port port(pool);
    rte_ring* const from = in.get();
    rte_ring* const to = out.get();
    const int id = rte_eth_from_rings(name.c_str(), &from, 1, &to, 1, rte_socket_id());
    if (id < 0) return fail("cannot make a port of rings: {}", rte_strerror(rte_errno));
    port.device_ = PortDevice("net_ring_" + name, static_cast<std::uint16_t>(id));
    port.in_ = std::move(in);
    port.out_ = std::move(out);
    if (Result<void> done = port.set_up(); !done) return tl::unexpected(done.error());
    return port;
}

Result<std::pair<Port, Port>> Port::ring_pair(const Eal&, const std::string& name) {
    Result<Pool> pool = make_pool(name, RTE_MBUF_DEFAULT_BUF_SIZE);
    if (!pool) return tl::unexpected(pool.error());
    const auto make_ring = [&](const char* way) {
        return Ring(
            rte_ring_create((name + way).c_str(), kRing, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ),
            rte_ring_free);
    };
    const Ring there = make_ring("-there"), back = make_ring("-back");
    if (!there || !back) return fail("no memory for rings: {}", rte_strerror(rte_errno));
    Result<Port> near = over_rings(name + "-near", *pool, back, there);
    if (!near) return tl::unexpected(near.error());
    Result<Port> far = over_rings(name + "-far", *pool, there, back);
    if (!far) return tl::unexpected(far.error());
    return std::pair(std::move(*near), std::move(*far));
}

void Port::receive(Burst* burst) {
    burst->size_ = rte_eth_rx_burst(device_.id(), 0, burst->frames_.data(), Burst::kMost);
    if (!burst->empty()) nap_ = {};
}

std::uint16_t Port::transmit(Burst* burst) {
    if (burst->empty()) return 0;
    const std::uint16_t sent = rte_eth_tx_burst(device_.id(), 0, burst->frames_.data(), burst->size_);
    unsent_ += static_cast<std::uint64_t>(burst->size_ - sent);
    rte_pktmbuf_free_bulk(burst->frames_.data() + sent, burst->size_ - sent);
    burst->size_ = 0;
    return sent;
}

rte_mbuf* Port::copy_of(std::span<const std::uint8_t> frame) {
    rte_mbuf* copy = rte_pktmbuf_alloc(pool_.get());
    if (copy == nullptr) return nullptr;
    char* room = frame.size() > UINT16_MAX
                     ? nullptr
                     : rte_pktmbuf_append(copy, static_cast<std::uint16_t>(frame.size()));
    if (room == nullptr) {
        rte_pktmbuf_free(copy);
        return nullptr;
    }
    std::memcpy(room, frame.data(), frame.size());
    return copy;
}

void Port::wait(std::chrono::milliseconds most) {
    if (socket_ >= 0) {
        pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
        // A socket whose interface is gone or down is ready at once, with an error.
        if (::poll(&readable, 1, static_cast<int>(most.count())) <= 0 || (readable.revents & POLLIN) != 0)
            return;
    }
    nap_ = std::clamp(nap_ * 2, kFirstNap, kLastNap);
    std::this_thread::sleep_for(std::min<std::chrono::microseconds>(nap_, most));
}

std::uint64_t Port::missed() const {
    rte_eth_stats stats{};
    return rte_eth_stats_get(device_.id(), &stats) == 0 ? stats.imissed : 0;
}

}  // namespace dishwall
