// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/dishwall_process.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace dishwall::bench {
namespace {

// The receiving end of sd_notify(3).
class ReadyListener {
public:
    [[nodiscard]] static Result<ReadyListener> at(const std::string& path) {
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof(address.sun_path))
            return fail("the path {} is too long for a socket", path);
        std::memcpy(address.sun_path, path.c_str(), path.size());
        UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (!fd.is_open() || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
            return fail("cannot listen at {}: {}", path, std::strerror(errno));
        const timeval short_wait = {0, 100000};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof(short_wait));
        return ReadyListener(std::move(fd));
    }

    // True when READY=1 came while the daemon was alive and patience lasted.
    [[nodiscard]] bool wait_for(const Background& daemon, std::chrono::seconds patience) const {
        const auto end = std::chrono::steady_clock::now() + patience;
        while (daemon.is_running() && std::chrono::steady_clock::now() < end) {
            char message[4096];
            const ssize_t got = ::recv(fd_.get(), message, sizeof(message), 0);
            if (got > 0 && std::string_view(message, static_cast<std::size_t>(got)).find("READY=1") !=
                               std::string_view::npos)
                return true;
        }
        return false;
    }

private:
    explicit ReadyListener(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
};

}  // namespace

std::string built(const std::string& program) {
    std::error_code ignored;
    const auto build = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "../..";
    return (build / program).lexically_normal();
}

Result<DishwallProcess> DishwallProcess::start(const NetworkNamespace& where, const DishwallPlace& place,
                                               const std::string& rules, std::chrono::seconds patience) {
    std::error_code ignored;  // the daemon reports a directory that it cannot use
    std::filesystem::create_directories(place.directory + "/state", ignored);
    const std::string config = place.directory + "/dishwall.conf";
    std::ofstream(config) << rules;
    auto listener = ReadyListener::at(place.directory + "/notify");
    if (!listener) return tl::unexpected(listener.error());
    auto daemon = Background::start(where,
                                    {place.daemon, "--config", config, "--run-dir", place.directory,
                                     "--pin-dir", place.pins, "--state-dir", place.directory + "/state"},
                                    {"NOTIFY_SOCKET=" + place.directory + "/notify"});
    if (!daemon) return tl::unexpected(daemon.error());
    if (!listener->wait_for(*daemon, patience))
        return fail("{} did not get READY with {} in {} s:\n{}", place.daemon, config, patience.count(),
                    daemon->log());
    return DishwallProcess(std::move(*daemon));
}

}  // namespace dishwall::bench
