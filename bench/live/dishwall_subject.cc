// SPDX-License-Identifier: BSD-3-Clause
//
// The real thing: the built dishwalld with a rule file, asked for its counters by the built dishctl.
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/live/command.h"
#include "bench/live/subject.h"

namespace dishwall::bench {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);  // until READY; loading and verifying takes under one

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
    [[nodiscard]] bool wait_for(const Background& daemon) const {
        const auto end = std::chrono::steady_clock::now() + kPatience;
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

std::string_view reason_of(Fate fate) {
    if (fate == Fate::denied) return "default-drop";
    return fate == Fate::accepted_by_rule ? "rule-accept" : "flow";
}

class Dishwall : public Subject {
public:
    Dishwall(DishwallSetup setup, std::vector<PublishedService> services)
        : setup_(std::move(setup)), services_(std::move(services)) {}

    Result<void> arm(const Site& site) override {
        for (const std::string& program : {setup_.daemon, setup_.control})
            if (::access(program.c_str(), X_OK) != 0)
                return fail("cannot run {}: {} (build it, or see --dishwalld and --dishctl)", program,
                            std::strerror(errno));
        std::error_code ignored;  // the daemon reports a directory that it cannot use
        std::filesystem::create_directories(setup_.directory + "/state", ignored);
        const std::string config = setup_.directory + "/dishwall.conf";
        std::ofstream(config) << rule_file(services_, setup_.flow_table);
        auto listener = ReadyListener::at(setup_.directory + "/notify");
        if (!listener) return tl::unexpected(listener.error());
        auto daemon =
            Background::start(site.gateway(),
                              {setup_.daemon, "--config", config, "--run-dir", setup_.directory, "--pin-dir",
                               setup_.pins, "--state-dir", setup_.directory + "/state"},
                              {"NOTIFY_SOCKET=" + setup_.directory + "/notify"});
        if (!daemon) return tl::unexpected(daemon.error());
        daemon_ = std::move(*daemon);
        if (listener->wait_for(daemon_)) return {};
        return fail("{} did not get READY with {}:\n{}", setup_.daemon, config, daemon_.log());
    }

    Result<std::uint64_t> counted(const Site& site, Fate fate) override {
        auto text = run(site.gateway(), {setup_.control, "--run-dir", setup_.directory, "-j", "counters"});
        if (!text) return tl::unexpected(text.error());
        const auto counters = nlohmann::json::parse(*text, nullptr, false);
        if (counters.is_discarded() || !counters.contains("reasons"))
            return fail("dishctl counters wrote no JSON with reasons: {}", *text);
        for (const auto& reason : counters["reasons"])
            if (reason.value("name", "") == reason_of(fate)) return reason.value("packets", std::uint64_t{0});
        return std::uint64_t{0};  // a reason that never happened need not be listed
    }

private:
    DishwallSetup setup_;
    std::vector<PublishedService> services_;
    Background daemon_;
};

}  // namespace

std::unique_ptr<Subject> dishwall(DishwallSetup setup, std::vector<PublishedService> services) {
    return std::make_unique<Dishwall>(std::move(setup), std::move(services));
}

}  // namespace dishwall::bench
