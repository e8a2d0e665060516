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

constexpr std::size_t kLongestEvent = 4096;
constexpr int kEventsAtOnce = 256;

TcPoint return_point(unsigned worker) {
    const std::string number = worker == 0 ? "" : std::to_string(worker);
    return {TcPoint::Direction::ingress, "link_return" + number};
}

// The pairs of workers from this number on, whoever made them.
Result<void> remove_pairs(const PinDirectory& pins, const std::string& uplink, unsigned from) {
    for (unsigned worker = from; worker < DW_WORKERS; ++worker) {
        if (Result<void> detached = detach_tc(pins, return_point(worker), nullptr); !detached)
            return detached;
        if (uplink.empty()) continue;
        if (Result<void> removed = remove_pair(pair_for(uplink, worker)); !removed) return removed;
    }
    return {};
}

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

constexpr char kWorks[] = "works", kNotStarted[] = "not started", kFailed[] = "failed";

Json worker_json(const dw_worker& worker, const std::string& interface) {
    const auto now = static_cast<std::uint64_t>(monotonic_time().count());
    const std::uint64_t beat = __atomic_load_n(&worker.beat_ns, __ATOMIC_RELAXED);
    const bool alive = beat != 0 && now - std::min(now, beat) < DW_INSPECT_STALE_NS;
    return {{"interface", interface},
            {"state", alive       ? kWorks
                      : beat == 0 ? kNotStarted
                                  : kFailed},
            {"given", __atomic_load_n(&worker.given, __ATOMIC_RELAXED)},
            {"taken", __atomic_load_n(&worker.taken, __ATOMIC_RELAXED)}};
}

// That of all workers, when they agree; otherwise one of them has failed.
std::string state_of(const Json& workers) {
    const auto all_are = [&](const char* state) {
        return std::ranges::all_of(workers, [&](const Json& worker) { return worker["state"] == state; });
    };
    return all_are(kWorks) ? kWorks : all_are(kNotStarted) ? kNotStarted : kFailed;
}

// With what workers counted that are no longer asked for: totals only grow.
Json totals(const dw_inspection& page) {
    constexpr struct {
        const char* name;
        dw_tally tally;
    } kTallies[] = {{"passed", DW_TALLY_PASSED},
                    {"matched", DW_TALLY_MATCHED},
                    {"alerted", DW_TALLY_ALERTED},
                    {"conflicts", DW_TALLY_CONFLICT},
                    {"unscannable", DW_TALLY_UNSCANNABLE},
                    {"bad_checksums", DW_TALLY_CHECKSUM},
                    {"strays", DW_TALLY_STRAY},
                    {"bytes", DW_TALLY_BYTES},
                    {"flows_clean", DW_TALLY_FLOWS_CLEAN},
                    {"flows_ended", DW_TALLY_FLOWS_ENDED},
                    {"bans", DW_TALLY_BANS}};
    std::uint64_t given = 0, taken = 0, sums[DW_TALLIES] = {};
    for (const dw_worker& worker : page.worker) {
        given += __atomic_load_n(&worker.given, __ATOMIC_RELAXED);
        taken += __atomic_load_n(&worker.taken, __ATOMIC_RELAXED);
        for (unsigned tally = 0; tally < DW_TALLIES; ++tally)
            sums[tally] += __atomic_load_n(&worker.tally[tally], __ATOMIC_RELAXED);
    }
    Json all{{"given", given}, {"taken", taken}};
    for (const auto& [name, tally] : kTallies) all[name] = sums[tally];
    return all;
}

}  // namespace

Result<Inspection> Inspection::open(const KernelMaps& maps, const PinDirectory& pins, InspectionPaths paths,
                                    unsigned workers) {
    Result<Mapping> page = Mapping::of(maps.inspection.get(), sizeof(dw_inspection), Mapping::Access::write);
    if (!page) return tl::unexpected(page.error());
    const Result<Mapping> control =
        Mapping::of(maps.control.get(), sizeof(dw_control), Mapping::Access::read);
    if (!control) return tl::unexpected(control.error());
    Inspection made(pins, std::move(paths), std::move(*page), workers);
    made.armed_at_ = control->as<const dw_control>()->armed_at;
    return made;
}

Result<void> Inspection::follow(const Policy& policy, std::uint32_t generation, const Device& uplink,
                                const Programs& programs, TcChoice choice) {
    wanted_ = inspects(policy);
    const bool was_made = uplink_.index != 0 || page().workers != 0;  // also by a former daemon
    if (!was_made && !wanted_) return {};
    trouble_.clear();
    Result<void> done;
    if (uplink.index != 0) done = make_ports(uplink, programs, choice);
    if (done) done = write_config(policy, generation);
    // Last: who polls them is told first.
    if (done && uplink.index != 0) done = remove_pairs(*pins_, uplink.name, workers_);
    if (!done) trouble_ = done.error().message;
    return done;
}

Result<void> Inspection::make_ports(const Device& uplink, const Programs& programs, TcChoice choice) {
    const Result<unsigned> mtu = mtu_of(uplink);
    if (!mtu) return tl::unexpected(mtu.error());
    std::vector<Port> ports;
    for (unsigned worker = 0; worker < workers_; ++worker) {
        Result<Port> port = make_port(worker, uplink, *mtu, programs, choice);
        if (!port) return tl::unexpected(port.error());
        ports.push_back(std::move(*port));
    }
    uplink_ = uplink;
    ports_ = std::move(ports);
    offer_ports();
    return {};
}

Result<Inspection::Port> Inspection::make_port(unsigned worker, const Device& uplink, unsigned mtu,
                                               const Programs& programs, TcChoice choice) const {
    Port port{.device = {}, .told = {.pair = pair_for(uplink.name, worker)}};
    Result<Device> device = dishwall::make_pair(port.told.pair, mtu);
    if (!device) return tl::unexpected(device.error());
    const Result<MacAddress> mac = mac_address_of(*device);
    if (!mac) return tl::unexpected(mac.error());
    const Result<TcHook> hook =
        attach_tc(*pins_, return_point(worker), *device, programs.return_fd(), choice);
    if (!hook) return fail_with(hook.error(), "the way back from the inspector, " + device->name);
    port.device = std::move(*device);
    port.told.mac = *mac;
    return port;
}

// A packet reads `workers` and then the port of one of them, so a port is there before its worker counts and
// goes after it. One that had read the former number meets port 0: it is dropped.
void Inspection::offer_ports() {
    page().uplink = uplink_.index;
    for (unsigned worker = 0; worker < workers_; ++worker) {
        std::ranges::copy(ports_[worker].told.mac, page().mac[worker]);
        __atomic_store_n(&page().port[worker], ports_[worker].device.index, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&page().workers, workers_, __ATOMIC_RELEASE);
    for (unsigned worker = workers_; worker < DW_WORKERS; ++worker)
        __atomic_store_n(&page().port[worker], 0u, __ATOMIC_RELEASE);
}

Result<void> Inspection::write_config(const Policy& policy, std::uint32_t generation) const {
    std::optional<InspectorUplink> uplink;
    if (uplink_.index != 0) {
        const Result<MacAddress> mac = mac_address_of(uplink_);
        if (!mac) return tl::unexpected(mac.error());
        uplink = InspectorUplink{uplink_.name, *mac, armed_at_};
    }
    std::vector<InspectorPort> ports;
    for (const Port& port : ports_) ports.push_back(port.told);
    const std::string text = inspector_config(policy, generation, paths_, uplink, ports);
    if (Result<void> written = replace_file(paths_.config(), text, Synced::no); !written) return written;
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

Result<void> Inspection::remove(const std::string& uplink) {
    source_.reset();
    ::unlink(paths_.events().c_str());
    ::unlink(paths_.config().c_str());
    __atomic_store_n(&page().workers, 0u, __ATOMIC_RELEASE);
    return remove_pairs(*pins_, uplink, 0);
}

Result<void> remove_inspection(const PinDirectory& pins, const std::string& uplink) {
    return remove_pairs(pins, uplink, 0);
}

Json Inspection::json() const {
    if (uplink_.index == 0 && trouble_.empty()) return nullptr;
    Json workers = Json::array();
    for (unsigned worker = 0; worker < ports_.size(); ++worker)
        workers.push_back(worker_json(page().worker[worker], ports_[worker].device.name));
    Json all = totals(page());
    all.update({{"state", trouble_.empty() ? state_of(workers) : "trouble"},
                {"trouble", trouble_},
                {"wanted", wanted_},
                {"config", paths_.config()},
                {"workers", workers}});
    return all;
}

}  // namespace dishwall
