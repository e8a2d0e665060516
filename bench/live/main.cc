// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-bench-live: the same packets through bare XDP, dishwall and nftables, on one core.
// 1. a private mount namespace, so that files and pins vanish with this process, however it ends
// 2. one CPU for the packets, the others for everything else
// 3. build all rows, measure, print, write
#include <sched.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bench/live/command.h"
#include "bench/live/dishwall_process.h"
#include "bench/live/session.h"
#include "bench/readme.h"
#include "bench/scratch.h"

namespace dishwall::bench {
namespace {

struct Options {
    SessionOptions session;
    Destination to;
    bool list = false;
};

void declare(CLI::App& app, Options& options) {
    SessionOptions& session = options.session;
    app.add_flag("--quick", session.quick, "one short repeat: checks the gates, its numbers mean nothing");
    app.add_option("--repeats", session.repeats, "runs of every row")->check(CLI::Range(1, 1000));
    app.add_option("--frames", session.frames, "frames a run")->check(CLI::Range(1024, 1 << 30));
    app.add_option("--services", session.rows.services, "published services, a power of two")
        ->check(CLI::Range(1, 4096));
    app.add_option("--cpu", session.cpu, "the CPU for the packets; default: the last one");
    app.add_option("--rows", session.only, "only these rows")->delimiter(',');
    app.add_option("--json", options.to.json_file, "write the result here as well");
    app.add_option("--write-readme", options.to.readme, "replace the table in this file");
    app.add_option("--dishwalld", session.rows.daemon, "the daemon to measure; default: the one just built");
    app.add_option("--dishctl", session.rows.control, "its tool; default: the one just built");
    app.add_flag("--list", options.list, "print the ids of the rows and end");
}

Options defaults() {
    Options options;
    options.session.cpu = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)) - 1;
    options.session.rows.daemon = built("control/dishwalld");
    options.session.rows.control = built("control/dishctl/dishctl");
    return options;
}

Result<void> show_and_publish(const Options& options, const Report& report) {
    fmt::print("{}", terminal_table(report));
    return publish(options.to, "live", to_json(report).dump(2), markdown(report));
}

Result<bool> measure_and_publish(Options options) {
    auto& rows = options.session.rows;
    auto scratch = make_scratch({rows.daemon, rows.control, options.to.json_file, options.to.readme});
    if (!scratch) return tl::unexpected(scratch.error());
    rows.directory = scratch->directory;
    rows.pins = scratch->pins;
    // Live frames are processed where they are made, so pinning this thread pins the device under test as
    // well.
    if (auto taken = take_cpu(options.session.cpu); !taken) return tl::unexpected(taken.error());
    ::setpriority(PRIO_PROCESS, 0, -20);  // helps on a busy machine; nothing depends on it
    auto report = measure_all(options.session);
    if (!report) return tl::unexpected(report.error());
    if (auto published = show_and_publish(options, *report); !published)
        return tl::unexpected(published.error());
    return report->all_gates_held();
}

void list_rows(const RowOptions& options) {
    for (const RowPlan& plan : all_rows(options)) fmt::print("{:<26}{}: {}\n", plan.id, plan.what, plan.does);
}

}  // namespace
}  // namespace dishwall::bench

int main(int argc, char** argv) {
    using namespace dishwall::bench;
    Options options = defaults();
    CLI::App app("dishwall beside bare XDP and nftables, by live frames on one core");
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    SessionOptions& session = options.session;
    if ((session.rows.services & (session.rows.services - 1)) != 0) {
        fmt::print(stderr, "dishwall-bench-live: --services {} is not a power of two\n",
                   session.rows.services);
        return 2;
    }
    if (options.list) {
        list_rows(session.rows);
        return 0;
    }
    if (session.quick) {
        session.repeats = 1;
        session.frames = 16384;
    }
    auto held = measure_and_publish(options);
    if (held) return *held ? 0 : 1;
    fmt::print(stderr, "dishwall-bench-live: {}\n", held.error().message);
    return 1;
}
