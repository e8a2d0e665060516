// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-bench-live: the same packets through bare XDP, dishwall and its peers, on one core.
// 1. a private mount namespace, so that files and pins vanish with this process, however it ends
// 2. one CPU for the packets, the others for everything else
// 3. build all rows, measure, print, write
#include <sched.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/live/command.h"
#include "bench/live/dishwall_process.h"
#include "bench/live/plot.h"
#include "bench/live/session.h"
#include "bench/readme.h"
#include "bench/scratch.h"
#include "bpf/core/layout.h"

namespace dishwall::bench {
namespace {

struct Options {
    SessionOptions session;
    Destination to;
    std::string plot;
    bool list = false;
};

void declare(CLI::App& app, Options& options) {
    SessionOptions& session = options.session;
    app.add_flag("--quick", session.quick, "one short repeat: checks the gates, its numbers mean nothing");
    app.add_option("--repeats", session.repeats, "runs of every row")->check(CLI::Range(1, 1000));
    app.add_option("--run", session.length.milliseconds, "how long a run takes, about, in ms")
        ->check(CLI::Range(1.0, 10000.0));
    app.add_option("--services", session.rows.sizes.services, "numbers of published services")
        ->delimiter(',')
        ->check(CLI::Range(2u, kMostServices));
    app.add_option("--flows", session.rows.sizes.flows, "numbers of known flows, powers of two")
        ->delimiter(',')
        ->check(CLI::Range(1024, 1 << 21));
    app.add_option("--shapes", session.rows.sizes.shapes, "rules of the shaped policies")
        ->delimiter(',')
        ->check(CLI::Range(100, DW_RULES_MAX));
    app.add_option("--cpu", session.cpu, "the CPU for the packets; default: the last one");
    app.add_option("--rows", session.rows.only, "only these rows")->delimiter(',');
    app.add_option("--json", options.to.json_file, "write the result here as well");
    app.add_option("--write-readme", options.to.readme, "replace the table in this file");
    app.add_option("--plot", options.plot, "write the plot here, as SVG");
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
    if (!options.plot.empty() && !(std::ofstream(options.plot) << svg_plot(report)))
        return fail("cannot write {}", options.plot);
    return publish(options.to, "live", to_json(report).dump(2), markdown(report));
}

Result<bool> measure_and_publish(Options options) {
    auto& rows = options.session.rows;
    auto scratch =
        make_scratch({rows.daemon, rows.control, options.to.json_file, options.to.readme, options.plot});
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
    for (const RowPlan& plan : all_rows(options).rows)
        fmt::print("{:<36}{}: {}\n", plan.id, plan.system, plan.does);
}

}  // namespace
}  // namespace dishwall::bench

int main(int argc, char** argv) {
    using namespace dishwall::bench;
    Options options = defaults();
    CLI::App app("dishwall beside bare XDP and its peers, by live frames on one core");
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    SessionOptions& session = options.session;
    if (session.quick) {
        session.repeats = 1;
        session.length = {5, 1024, 8192};
        session.rows.sizes = quick_sizes();
    }
    if (options.list) {
        list_rows(session.rows);
        return 0;
    }
    auto held = measure_and_publish(options);
    if (held) return *held ? 0 : 1;
    fmt::print(stderr, "dishwall-bench-live: {}\n", held.error().message);
    return 1;
}
