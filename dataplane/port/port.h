// SPDX-License-Identifier: BSD-3-Clause
//
// Where a worker's frames come from and go back to: the worker's end of a veth pair through DPDK's AF_XDP
// driver, or a ring in memory for tests and benches. One queue, one thread at a time.
#pragma once

#include <rte_mempool.h>
#include <rte_ring.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "dataplane/port/burst.h"
#include "dataplane/port/eal.h"
#include "dataplane/port/link.h"
#include "rules/result.h"

namespace dishwall {

// A device of DPDK's that was plugged in by us: unplugged with this.
class PortDevice {
public:
    PortDevice() = default;
    PortDevice(std::string name, std::uint16_t id) : name_(std::move(name)), id_(id) {}
    PortDevice(PortDevice&& other) noexcept : name_(std::exchange(other.name_, {})), id_(other.id_) {}
    PortDevice& operator=(PortDevice&& other) noexcept {
        std::swap(name_, other.name_);
        std::swap(id_, other.id_);
        return *this;
    }
    ~PortDevice();

    [[nodiscard]] std::uint16_t id() const { return id_; }

private:
    std::string name_;  // empty: none
    std::uint16_t id_ = 0;
};

class Port {
public:
    static constexpr unsigned kMegabytes = 24;  // of the memory of the EAL, at most
    // Fits in a page, with the headrooms and what DPDK adds for its memory channels.
    static constexpr unsigned kLargestMtu = 3434;

    // Takes the interface over: its XDP program is replaced, and all it receives comes here. Wants
    // CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF, which may be dropped afterwards.
    [[nodiscard]] static Result<Port> over_interface(const Eal& eal, const Link& link);

    // Two ports, what one sends the other receives. `name` is not in use in this process.
    [[nodiscard]] static Result<std::pair<Port, Port>> ring_pair(const Eal& eal, const std::string& name);

    Port(Port&&) = default;
    Port& operator=(Port&&) = delete;

    // Fills an empty burst with what is there, maybe nothing.
    void receive(Burst* burst);

    // Empties the burst. Returns how many frames left; what found no room is lost and counted.
    std::uint16_t transmit(Burst* burst);

    // A frame of our own making; null when it is too long or there is no buffer.
    [[nodiscard]] rte_mbuf* copy_of(std::span<const std::uint8_t> frame);

    // Returns when frames may have arrived, or when the time is over. A ring cannot wake anybody: there it
    // sleeps longer and longer, up to a millisecond.
    void wait(std::chrono::milliseconds most);

    // Frames that the kernel could not leave here because the worker was too slow, so far.
    [[nodiscard]] std::uint64_t missed() const;
    // Frames that transmit() could not send, so far.
    [[nodiscard]] std::uint64_t unsent() const { return unsent_; }

private:
    // A pool and rings are shared with the other port of a pair.
    using Pool = std::shared_ptr<rte_mempool>;
    using Ring = std::shared_ptr<rte_ring>;

    explicit Port(Pool pool) : pool_(std::move(pool)) {}
    // `data_room`: bytes of a buffer, headroom included.
    [[nodiscard]] static Result<Pool> make_pool(const std::string& name, unsigned data_room);
    [[nodiscard]] static Result<Port> over_rings(const std::string& name, const Pool& pool, Ring in,
                                                 Ring out);
    [[nodiscard]] Result<void> set_up();
    [[nodiscard]] Result<void> add_interface(const std::string& interface);

    // The device goes first: it uses the others.
    Pool pool_;
    Ring in_, out_;
    PortDevice device_;
    int socket_ = -1;  // the device's, to wait on
    std::chrono::microseconds nap_{0};
    std::uint64_t unsent_ = 0;
};

}  // namespace dishwall
