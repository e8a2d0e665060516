// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-inspect: looks into the packets of flows whose rule says `inspect`. This file parses the command
// line, wires the parts and prints the one error.
#include <bpf/libbpf.h>
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

#include <spdlog/spdlog.h>
#include <systemd/sd-event.h>

#include "control/inspector/inspector.h"
#include "control/process.h"

namespace dishwall {
namespace {

// What the caller learns from the error is not said twice.
int log_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    char text[512];
    const int size = std::vsnprintf(text, sizeof text, format, arguments);
    while (size > 0 && !std::string_view(text).empty() && std::string_view(text).back() == '\n')
        text[std::string_view(text).size() - 1] = '\0';
    spdlog::debug("{}", text);
    return size;
}

int on_leave(sd_event_source* source, const signalfd_siginfo* signal, void*) {
    spdlog::info("{}: going", ::strsignal(static_cast<int>(signal->ssi_signo)));
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

// The passes of an inspector's life, in order.
Result<void> run(InspectorOptions options, EnginePlan* plan) {
    Result<Loop> loop = make_loop();
    if (!loop) return tl::unexpected(loop.error());
    if (Result<void> handled =
            handle_signals(loop->get(), {{SIGTERM, on_leave}, {SIGINT, on_leave}}, nullptr);
        !handled)
        return handled;
    Inspector inspector(loop->get(), std::move(options), plan);
    if (Result<void> started = inspector.start(); !started) return started;
    if (Result<void> ran = run_loop(loop->get()); !ran) return ran;
    if (inspector.trouble()) return tl::unexpected(*inspector.trouble());
    return {};
}

}  // namespace
}  // namespace dishwall

int main(int argc, char** argv) {
    using namespace dishwall;
    InspectorOptions options;
    bool verbose = false;
    CLI::App app{"Looks into the packets of flows whose rule says 'inspect', for dishwalld."};
    app.footer(
        "Example, one worker on the second core:\n"
        "  dishwall-inspect --config /run/dishwall/inspect.json --cores 1\n"
        "As a rule the unit dishwall-inspect.service starts it. It can be started before dishwalld, or "
        "without a\n"
        "rule that inspects: it waits for the file.");
    app.set_version_flag("--version", std::string("dishwall-inspect ") + DISHWALL_VERSION);
    // A unit's drop-in may repeat an option: the last one counts.
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_option("--config", options.config, "what dishwalld wrote for it, RUN_DIR/inspect.json")
        ->capture_default_str();
    app.add_option("--cores", options.cores, "a core for each worker, as 1,2; without, the scheduler chooses")
        ->delimiter(',')
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_flag("-v,--verbose", verbose, "log more");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    options.config = std::filesystem::absolute(options.config);
    set_up_log("dishwall-inspect", verbose);
    libbpf_set_print(log_libbpf);
    EnginePlan engines{EngineLimits()};
    if (const Result<void> ran = run(std::move(options), &engines); !ran) {
        spdlog::error("{}", ran.error().message);
        return 1;
    }
    return 0;
}
