// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-bench-reload: a thousand loads in a row between two policies while live frames arrive at full
// rate. It is a test more than a benchmark: each frame must meet the verdict of one of the two policies, and
// of the one in force whenever no load is under way; no counter goes backwards; no frame passes that both
// refuse.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/live/dishwall_process.h"
#include "bench/readme.h"
#include "bench/reload/report.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kQuickLoads = 100;

struct Options {
    ReloadOptions run;
    bool quick = false;
    Destination to;
};

void declare(CLI::App& app, Options& options) {
    app.add_flag("--quick", options.quick, fmt::format("{} loads", kQuickLoads));
    app.add_option("--loads", options.run.loads, "how many loads")->check(CLI::Range(50, 1000000));
    app.add_option("--cpu", options.run.cpu, "the CPU of the packets; default: the last one");
    app.add_option("--json", options.to.json_file, "write the result here as well");
    app.add_option("--write-readme", options.to.readme, "replace the table in this file");
    app.add_option("--dishwalld", options.run.daemon, "the daemon to test; default: the one just built");
}

Result<void> run_and_publish(const Options& options) {
    const Machine machine = look_at_machine();
    auto report = reload_under_fire(options.run);
    if (!report) return tl::unexpected(report.error());
    fmt::print("{}", terminal_table(*report));
    return publish(options.to, "reload", to_json(*report, machine).dump(2), markdown(*report, machine));
}

}  // namespace
}  // namespace dishwall::bench

int main(int argc, char** argv) {
    using namespace dishwall::bench;
    Options options;
    options.run.daemon = built("control/dishwalld");
    options.run.cpu = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)) - 1;
    CLI::App app("loads two policies in turns while live frames arrive, and accounts for each frame");
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    if (options.quick) options.run.loads = kQuickLoads;
    options.run.needed = {options.run.daemon, options.to.json_file, options.to.readme};
    const auto done = run_and_publish(options);
    if (done) return 0;
    fmt::print(stderr, "dishwall-bench-reload: {}\n", done.error().message);
    return 1;
}
