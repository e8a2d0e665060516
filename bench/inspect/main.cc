// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-bench-inspect: what inspection does and costs.
// 1. searching: Hyperscan alone, the engine, a worker over rings and over AF_XDP on a veth
// 2. latency: a datagram's way through a gateway with the detour and without
// 3. passing: packets that are not inspected, with and without a rule that inspects others
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/inspect/report.h"
#include "bench/live/command.h"
#include "bench/live/dishwall_process.h"
#include "bench/readme.h"
#include "bench/scratch.h"

namespace dishwall::bench {
namespace {

struct Options {
    SearchOptions search;
    LatencyOptions latency;
    PassingOptions passing;
    std::vector<std::string> parts{"search", "latency", "passing"};
    bool quick = false;
    Destination to;

    [[nodiscard]] bool wants(const char* part) const { return std::ranges::find(parts, part) != parts.end(); }
};

Options defaults() {
    Options options;
    const auto cpus = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
    options.search.cpus = {cpus - 1, 0};
    options.search.web_signatures = DISHWALL_WEB_SIGNATURES;
    options.passing.cpu = static_cast<int>(cpus) - 1;
    options.passing.daemon = options.latency.daemon = built("control/dishwalld");
    options.passing.control = built("control/dishctl/dishctl");
    options.latency.inspector = built("control/inspector/dishwall-inspect");
    return options;
}

void declare(CLI::App& app, Options& options) {
    app.add_flag("--quick", options.quick, "small and once: checks the gates, its numbers mean nothing");
    app.add_option("--repeats", options.search.repeats, "runs of everybody")->check(CLI::Range(1, 1000));
    app.add_option("--patterns", options.search.patterns, "sizes of drawn signature files")
        ->delimiter(',')
        ->check(CLI::Range(1, 100000));
    app.add_option("--parts", options.parts, "which of search, latency, passing")
        ->delimiter(',')
        ->check(CLI::IsMember({"search", "latency", "passing"}));
    app.add_option("--json", options.to.json_file, "write the result here as well");
    app.add_option("--write-readme", options.to.readme, "replace the table in this file");
    app.add_option("--dishwalld", options.latency.daemon,
                   "the daemon to measure; default: the one just built");
    app.add_option("--dishwall-inspect", options.latency.inspector,
                   "the inspector; default: the one just built");
}

void make_quick(Options* options) {
    options->search.repeats = options->passing.repeats = 1;
    options->search.patterns = {50, 500};
    options->search.size = {.flows = 64, .at_a_time = 16, .bytes = 8192};
    options->latency.datagrams = 20;
    options->passing.length = {5, 1024, 8192};
    options->passing.flows = 1024;
}

template <typename Rows>
Result<void> take(Result<Rows> measured, Rows* rows) {
    if (!measured) return tl::unexpected(measured.error());
    *rows = std::move(*measured);
    return {};
}

Result<bool> measure_and_publish(Options options) {
    InspectReport report{look_at_machine(), options.quick, options.search.repeats, {}, {}, {}};
    auto scratch =
        make_scratch({options.latency.daemon, options.latency.inspector, options.search.web_signatures,
                      options.to.json_file, options.to.readme, built("")});
    if (!scratch) return tl::unexpected(scratch.error());
    options.search.cache = scratch->directory + "/compiled";
    options.latency.directory = options.passing.directory = scratch->directory;
    options.latency.pins = options.passing.pins = scratch->pins;
    if (auto taken = take_cpu(options.passing.cpu); !taken) return tl::unexpected(taken.error());
    ::setpriority(PRIO_PROCESS, 0, -20);  // helps on a busy machine; nothing depends on it
    Result<void> done;
    if (options.wants("search")) done = take(measure_searches(options.search), &report.searches);
    if (done && options.wants("latency")) done = take(measure_latency(options.latency), &report.latency);
    if (done && options.wants("passing")) done = take(measure_passing(options.passing), &report.passing);
    if (!done) return tl::unexpected(done.error());
    fmt::print("{}", terminal_table(report));
    auto published = publish(options.to, "inspect", to_json(report).dump(2), markdown(report));
    if (!published) return tl::unexpected(published.error());
    return report.all_gates_held();
}

}  // namespace
}  // namespace dishwall::bench

int main(int argc, char** argv) {
    using namespace dishwall::bench;
    Options options = defaults();
    CLI::App app("what inspection does beside Hyperscan alone, and what it costs");
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    options.passing.daemon = options.latency.daemon;
    options.passing.repeats = std::max(options.search.repeats, 1u);
    if (options.quick) make_quick(&options);
    const auto held = measure_and_publish(std::move(options));
    if (held) return *held ? 0 : 1;
    fmt::print(stderr, "dishwall-bench-inspect: {}\n", held.error().message);
    return 1;
}
