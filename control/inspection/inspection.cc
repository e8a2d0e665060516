// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspection/inspection.h"

#include <fmt/format.h>
#include <grp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "control/clock.h"
#include "control/inspection/veth_pair.h"
#include "control/state_file.h"

namespace dishwall {
namespace {

using Json = nlohmann::json;

constexpr unsigned kWorker = 0;  // there is one
constexpr std::size_t kLongestEvent = 4096;
constexpr int kEventsAtOnce = 256;

const TcPoint kReturn{TcPoint::Direction::ingress, "link_return"};

bool inspects(const Policy& policy) {
    const auto asks = [](const Rule& rule) { return rule.inspect.has_value(); };
    return std::ranges::any_of(policy.inbound.rules, asks) ||
           std::ranges::any_of(policy.outbound.rules, asks);
}

// A datagram socket of this name, which nobody else may write to.
Result<UniqueFd> bind_datagrams(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail("{} is too long a name for a socket", path);
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::unlink(path.c_str());
    if (!socket.is_open() ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), 0660) != 0)
        return fail("cannot listen on {}: {}", path, std::strerror(errno));
    return socket;
}

// To the group that dishwall-inspect runs in, where there is one. Without it, it runs as somebody who needs
// no leave.
void give_to_inspector(const std::string& path) {
    const group* inspector = ::getgrnam("dishwall-inspect");
    if (inspector == nullptr) return;
    if (::chown(path.c_str(), static_cast<uid_t>(-1), inspector->gr_gid) != 0)
        spdlog::warn("dishwall-inspect may not be able to use {}: {}", path, std::strerror(errno));
}

}  // namespace

Result<Inspection> Inspection::open(const KernelMaps& maps, const PinDirectory& pins, InspectionPaths paths) {
    Result<Mapping> page = Mapping::of(maps.inspection.get(), sizeof(dw_inspection), Mapping::Access::write);
    if (!page) return tl::unexpected(page.error());
    const Result<Mapping> control =
        Mapping::of(maps.control.get(), sizeof(dw_control), Mapping::Access::read);
    if (!control) return tl::unexpected(control.error());
    Inspection made(pins, std::move(paths), std::move(*page));
    made.armed_at_ = control->as<const dw_control>()->armed_at;
    return made;
}

Result<void> Inspection::follow(const Policy& policy, std::uint32_t generation, const Device& uplink,
                                const Programs& programs, TcChoice choice) {
    wanted_ = inspects(policy);
    if (uplink_.index == 0 && !wanted_) return {};
    trouble_.clear();
    Result<void> done;
    if (uplink.index != 0) done = make_port(uplink, programs, choice);
    if (done) done = write_config(policy, generation);
    if (!done) trouble_ = done.error().message;
    return done;
}

Result<void> Inspection::make_port(const Device& uplink, const Programs& programs, TcChoice choice) {
    const Result<unsigned> mtu = mtu_of(uplink);
    if (!mtu) return tl::unexpected(mtu.error());
    const Result<Device> port = dishwall::make_pair(pair_for(uplink.name, kWorker), *mtu);
    if (!port) return tl::unexpected(port.error());
    const Result<MacAddress> mac = mac_address_of(*port);
    if (!mac) return tl::unexpected(mac.error());
    const Result<TcHook> hook = attach_tc(*pins_, kReturn, *port, programs.return_fd(), choice);
    if (!hook) return fail_with(hook.error(), "the way back from the inspector, " + port->name);
    uplink_ = uplink;
    port_ = *port;
    page().uplink = uplink.index;
    std::ranges::copy(*mac, page().mac[kWorker]);
    __atomic_store_n(&page().port[kWorker], port->index, __ATOMIC_RELEASE);
    __atomic_store_n(&page().workers, kWorker + 1u, __ATOMIC_RELEASE);
    return {};
}

Result<void> Inspection::write_config(const Policy& policy, std::uint32_t generation) const {
    std::optional<InspectorPort> port;
    if (uplink_.index != 0) {
        const Result<MacAddress> uplink = mac_address_of(uplink_);
        const Result<MacAddress> ours = mac_address_of(port_);
        if (!uplink || !ours) return tl::unexpected(uplink ? ours.error() : uplink.error());
        port = InspectorPort{uplink_.name, *uplink, pair_for(uplink_.name, kWorker), *ours, armed_at_};
    }
    const Result<std::string> text = inspector_config(policy, generation, paths_, port);
    if (!text) return tl::unexpected(text.error());
    if (Result<void> written = replace_file(paths_.config(), *text, Synced::no); !written) return written;
    give_to_inspector(paths_.config());
    if (socket_.is_open()) give_to_inspector(paths_.events());  // the group may be younger than the socket
    return {};
}

Result<void> Inspection::listen(sd_event* loop, OnEvent on_event) {
    Result<UniqueFd> socket = bind_datagrams(paths_.events());
    if (!socket) return tl::unexpected(socket.error());
    give_to_inspector(paths_.events());
    socket_ = std::move(*socket);
    on_event_ = std::make_shared<OnEvent>(std::move(on_event));
    const auto on_readable = [](sd_event_source*, int fd, std::uint32_t, void* callback) {
        std::array<char, kLongestEvent> text{};
        for (int i = 0; i < kEventsAtOnce; ++i) {
            const ssize_t size = ::recv(fd, text.data(), text.size(), 0);
            if (size <= 0) break;
            const Json event = Json::parse(text.data(), text.data() + size, nullptr, false);
            if (event.is_object()) (*static_cast<OnEvent*>(callback))(event);
        }
        return 0;
    };
    sd_event_source* source = nullptr;
    if (const int error =
            sd_event_add_io(loop, &source, socket_.get(), EPOLLIN, on_readable, on_event_.get());
        error < 0)
        return fail("cannot watch {}: {}", paths_.events(), std::strerror(-error));
    source_.reset(source);
    return {};
}

Result<void> Inspection::remove() {
    source_.reset();
    ::unlink(paths_.events().c_str());
    ::unlink(paths_.config().c_str());
    if (uplink_.index == 0) return {};
    __atomic_store_n(&page().workers, 0u, __ATOMIC_RELEASE);
    return remove_inspection(*pins_, uplink_.name);
}

Result<void> remove_inspection(const PinDirectory& pins, const std::string& uplink) {
    if (Result<void> detached = detach_tc(pins, kReturn, nullptr); !detached) return detached;
    return uplink.empty() ? Result<void>() : remove_pair(pair_for(uplink, kWorker));
}

Json Inspection::json() const {
    if (uplink_.index == 0 && trouble_.empty()) return nullptr;
    const dw_worker& worker = page().worker[kWorker];
    const auto tally = [&](dw_tally which) {
        return __atomic_load_n(&worker.tally[which], __ATOMIC_RELAXED);
    };
    const auto now = static_cast<std::uint64_t>(monotonic_time().count());
    const std::uint64_t beat = __atomic_load_n(&worker.beat_ns, __ATOMIC_RELAXED);
    const bool alive = beat != 0 && now - std::min(now, beat) < DW_INSPECT_STALE_NS;
    return {{"state", !trouble_.empty() ? "trouble"
                      : alive           ? "works"
                      : beat == 0       ? "not started"
                                        : "failed"},
            {"trouble", trouble_},
            {"wanted", wanted_},
            {"config", paths_.config()},
            {"interface", port_.name},
            {"given", __atomic_load_n(&worker.given, __ATOMIC_RELAXED)},
            {"taken", __atomic_load_n(&worker.taken, __ATOMIC_RELAXED)},
            {"passed", tally(DW_TALLY_PASSED)},
            {"matched", tally(DW_TALLY_MATCHED)},
            {"alerted", tally(DW_TALLY_ALERTED)},
            {"conflicts", tally(DW_TALLY_CONFLICT)},
            {"unscannable", tally(DW_TALLY_UNSCANNABLE)},
            {"bad_checksums", tally(DW_TALLY_CHECKSUM)},
            {"strays", tally(DW_TALLY_STRAY)},
            {"bytes", tally(DW_TALLY_BYTES)},
            {"flows_clean", tally(DW_TALLY_FLOWS_CLEAN)},
            {"flows_ended", tally(DW_TALLY_FLOWS_ENDED)},
            {"bans", tally(DW_TALLY_BANS)}};
}

}  // namespace dishwall
