// SPDX-License-Identifier: BSD-3-Clause
//
// A worker over AF_XDP on a real veth pair, in a network namespace of this process's own. Needs root.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>

#include <cstdlib>

#include "control/inspector/look_at_link.h"
#include "control/unique_fd.h"
#include "dataplane/port/port.h"
#include "dataplane/port/worker.h"
#include "tests/dataplane/port/port_fixture.h"

namespace dishwall {
namespace {

void ip(const std::string& command) {
    ASSERT_EQ(std::system(("ip " + command).c_str()), 0) << "ip " << command;
}

// Our end of the pair, as the XDP program and the stack see it.
class Wire {
public:
    explicit Wire(const char* interface) : socket_(::socket(AF_PACKET, SOCK_RAW, 0)) {
        sockaddr_ll here{};
        here.sll_family = AF_PACKET;
        here.sll_protocol = htons(0x88b5);
        here.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
        const timeval patience{.tv_sec = 2, .tv_usec = 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        good_ = ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) == 0;
    }
    [[nodiscard]] bool good() const { return good_; }
    bool give(const Bytes& frame) {
        return ::send(socket_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
    }
    // What came in, not what we sent ourselves. Empty: nothing.
    Bytes take() {
        for (;;) {
            Bytes got(4096);
            sockaddr_ll from{};
            socklen_t size = sizeof from;
            const ssize_t length = ::recvfrom(socket_.get(), got.data(), got.size(), 0,
                                              reinterpret_cast<sockaddr*>(&from), &size);
            if (length < 0) return {};
            got.resize(static_cast<std::size_t>(length));
            if (from.sll_pkttype != PACKET_OUTGOING) return got;
        }
    }

private:
    UniqueFd socket_;
    bool good_ = false;
};

double cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Result<Port> port_over(const char* interface) {
    const Result<Link> link = look_at_link(interface);
    return link ? Port::over_interface(dpdk(), *link) : tl::unexpected(link.error());
}

class InterfacePort : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        ip("link add dwi0 type veth peer name dwx0");
        for (const char* end : {"dwi0", "dwx0"}) {
            ip(std::string("link set ") + end + " addrgenmode none arp off");
            ip(std::string("link set ") + end + " up");
        }
        // Until the kernel has seen the carrier it drops what is sent.
        ASSERT_TRUE(eventually([] { return std::system("ip link show dwi0 | grep -q 'state UP'") == 0; }));
    }
    void TearDown() override {
        worker_.reset();
        (void)std::system("ip link del dwi0 2>/dev/null");
    }
    void run() {
        Result<Port> port = port_over("dwx0");
        ASSERT_TRUE(port) << port.error().message;
        worker_ = std::make_unique<Worker>(0, std::move(*port), &shared_);
        inspector_.sender = &worker_->sender();
        ASSERT_TRUE(worker_->start(&inspector_, std::nullopt));
    }
    bool give(Wire* wire, const Bytes& frame) {
        std::atomic_ref(shared_.given).fetch_add(1);
        return wire->give(frame);
    }

    dw_worker shared_{};
    Obedient inspector_;
    std::unique_ptr<Worker> worker_;
};

TEST_F(InterfacePort, HandsFramesBackUnchanged) {
    run();
    Wire wire("dwi0");
    ASSERT_TRUE(wire.good());
    ASSERT_TRUE(give(&wire, frame(Order::forward, 1)));
    EXPECT_EQ(wire.take(), frame(Order::forward, 1));
    ASSERT_TRUE(give(&wire, frame(Order::drop, 2)));
    ASSERT_TRUE(give(&wire, frame(Order::forward, 3, 1514)));
    EXPECT_EQ(wire.take(), frame(Order::forward, 3, 1514));
    ASSERT_TRUE(give(&wire, frame(Order::answer, 4)));
    EXPECT_EQ(wire.take()[17], 0xaa);
    EXPECT_EQ(std::atomic_ref(shared_.taken).load(), 4u);
    EXPECT_EQ(worker_->port().missed(), 0u);
}

TEST_F(InterfacePort, LosesNoneOfManyFrames) {
    run();
    Wire wire("dwi0");
    for (unsigned number = 0; number < 20000; number++) {
        ASSERT_TRUE(give(&wire, frame(Order::forward, static_cast<std::uint16_t>(number))));
        const Bytes got = wire.take();
        ASSERT_EQ(got, frame(Order::forward, static_cast<std::uint16_t>(number))) << "frame " << number;
    }
    EXPECT_EQ(std::atomic_ref(shared_.taken).load(), 20000u);
}

TEST_F(InterfacePort, SleepsWhenIdleAndWakesAtOnce) {
    run();
    Wire wire("dwi0");
    std::this_thread::sleep_for(milliseconds(100));
    const double before = cpu_seconds();
    std::this_thread::sleep_for(milliseconds(1000));
    const double used = cpu_seconds() - before;
    RecordProperty("idle_cpu_permille", static_cast<int>(used * 1000));
    EXPECT_LT(used, 0.02) << "of a core, with nothing to do";

    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(give(&wire, frame(Order::forward, 1)));
    ASSERT_FALSE(wire.take().empty());
    EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(20));
}

TEST_F(InterfacePort, TakesOverFromOneThatWasKilled) {
    ip("link set dwx0 xdpdrv obj " WORKER_END " sec xdp");  // its XDP program stays behind on the interface
    run();
    Wire wire("dwi0");
    ASSERT_TRUE(give(&wire, frame(Order::forward, 1)));
    EXPECT_EQ(wire.take(), frame(Order::forward, 1));
}

TEST_F(InterfacePort, SaysWhatIsWrongWithTheInterface) {
    const auto refusal = [](const char* interface) {
        const Result<Port> port = port_over(interface);
        return port ? std::string("opened") : port.error().message;
    };
    EXPECT_EQ(refusal("dwx9"), "cannot ask about dwx9: No such device");
    EXPECT_EQ(refusal("a-name-that-is-too-long"), "'a-name-that-is-too-long' is no interface's name");
    ip("link set dwx0 down");
    EXPECT_EQ(refusal("dwx0"), "dwx0 is down: 'ip link set dwx0 up'");
    ip("link set dwx0 up mtu 9000");
    EXPECT_EQ(refusal("dwx0"),
              "dwx0 has an MTU of 9000, and frames of more than 3434 bytes do not fit in a buffer: "
              "'ip link set dwx0 mtu 3434'");
}

TEST_F(InterfacePort, CarriesTheLargestMtu) {
    ip("link set dwi0 mtu 3434");
    ip("link set dwx0 mtu 3434");
    run();
    Wire wire("dwi0");
    ASSERT_TRUE(give(&wire, frame(Order::forward, 1, 3434 + 14)));
    EXPECT_EQ(wire.take(), frame(Order::forward, 1, 3434 + 14));
}

}  // namespace
}  // namespace dishwall
