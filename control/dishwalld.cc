// SPDX-License-Identifier: BSD-3-Clause
//
// dishwalld: arms the uplink, then serves questions and follows the line until it is told to go. The policy
// stays in force when it does. This file parses the command line, wires the parts and prints the one error.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "control/clock.h"
#include "control/daemon.h"
#include "control/kernel_support.h"
#include "control/methods.h"
#include "control/packet_json.h"
#include "control/process.h"

namespace dishwall {
namespace {

int on_leave(sd_event_source* source, const signalfd_siginfo* signal, void* daemon) {
    spdlog::info("{}: going; the policy stays in force", ::strsignal(static_cast<int>(signal->ssi_signo)));
    const std::string unconfirmed = static_cast<Daemon*>(daemon)->left_unconfirmed();
    if (!unconfirmed.empty()) spdlog::warn("{}", unconfirmed);
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

int on_reload(sd_event_source*, const signalfd_siginfo*, void* daemon) {
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
               static_cast<unsigned long long>(monotonic_time().count() / 1000));
    (void)static_cast<Daemon*>(daemon)->load({});  // says in the log what came of it
    sd_notify(0, "READY=1");
    return 0;
}

// Soon, so that the reply to the call that wanted it is still sent.
void leave_soon(sd_event* loop) {
    constexpr std::uint64_t kReplyTime_us = 100'000;
    const auto leave = [](sd_event_source* source, std::uint64_t, void*) {
        return sd_event_exit(sd_event_source_get_event(source), 0);
    };
    if (sd_event_add_time_relative(loop, nullptr, CLOCK_MONOTONIC, kReplyTime_us, 0, leave, nullptr) < 0)
        sd_event_exit(loop, 0);
}

// The off switch for when no daemon runs: what one left in force when it went, or closed when it could not
// start.
Result<void> unload(const DaemonOptions& options) {
    if (Result<void> able = check_rights(); !able) return able;
    log_libbpf_messages();
    const Result<RunLock> lock = RunLock::take(options.run_dir);
    if (!lock) return fail("{}; 'dishctl unload' tells it to", lock.error().message);
    return unload_what_is_left(options);
}

// The passes of a daemon's life, in order.
Result<void> run(const DaemonOptions& options) {
    // Can this kernel and this process do it at all?
    if (Result<void> able = check_kernel(); !able) return able;
    if (Result<void> able = check_rights(); !able) return able;
    log_libbpf_messages();

    // One daemon for each run directory.
    const Result<RunLock> lock = RunLock::take(options.run_dir);
    if (!lock) return tl::unexpected(lock.error());

    Result<Loop> loop = make_loop();
    if (!loop) return tl::unexpected(loop.error());
    IpcServer server(loop->get());
    Daemon daemon(loop->get(), options, monitor_of(&server));
    // SIGCHLD is only blocked: sd_event_add_child (control/dns) wants it so.
    if (Result<void> handled = handle_signals(
            loop->get(), {{SIGTERM, on_leave}, {SIGINT, on_leave}, {SIGHUP, on_reload}, {SIGCHLD, nullptr}},
            &daemon);
        !handled)
        return handled;

    // Rule file to enforced policy.
    if (Result<void> started = daemon.start(); !started) return started;

    // Questions from now on.
    add_methods(&server, &daemon, [&] { leave_soon(loop->get()); });
    if (Result<void> listening = server.listen(std::filesystem::path(options.run_dir) / "ctl.sock");
        !listening)
        return listening;
    if (const int error = sd_event_set_watchdog(loop->get(), 1); error < 0)
        spdlog::warn("no watchdog: {}", std::strerror(-error));
    sd_notify(0, "READY=1");

    // Until told to go.
    return run_loop(loop->get());
}

}  // namespace
}  // namespace dishwall

int main(int argc, char** argv) {
    using namespace dishwall;
    DaemonOptions options;
    bool verbose = false, only_unload = false;
    CLI::App app{"Enforces an IPv6 policy on a Starlink uplink, and keeps it in force when it goes."};
    app.set_version_flag("--version", std::string("dishwalld ") + kVersion);
    // A unit's drop-in may repeat an option: the last one counts.
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_option("--config", options.config, "the rule file")->capture_default_str();
    app.add_option("--run-dir", options.run_dir, "control socket and lock")->capture_default_str();
    app.add_option("--pin-dir", options.pin_dir, "on a bpf file system")->capture_default_str();
    app.add_option("--state-dir", options.state_dir, "what survives a reboot")->capture_default_str();
    app.add_option("--inspect-workers", options.inspect_workers,
                   "threads of dishwall-inspect, each with a pair of veth devices of its own")
        ->check(CLI::Range(1, DW_WORKERS))
        ->capture_default_str();
    app.add_flag("-v,--verbose", verbose, "log more");
    app.add_flag("--unload", only_unload,
                 "take off what a daemon that no longer runs left in force or closed, and end");
    const std::map<std::string, TcChoice> hooks{
        {"auto", TcChoice::automatic}, {"tcx", TcChoice::tcx}, {"clsact", TcChoice::clsact}};
    // For tests of the older hook on newer kernels: no group, so that --help does not show it.
    app.add_option("--egress", options.egress, "")->transform(CLI::CheckedTransformer(hooks))->group("");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    options.config = std::filesystem::absolute(options.config);
    set_up_log("dishwalld", verbose);
    if (const Result<void> ran = only_unload ? unload(options) : run(options); !ran) {
        spdlog::error("{}", ran.error().message);
        return 1;
    }
    return 0;
}
