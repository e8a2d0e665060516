// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-bench-tables: the tables by themselves, beside what one would take instead.
// 1. the classifier in user space, beside rte_acl
// 2. flows and feeds in the kernel, beside its LRU hash and its LPM trie
// 3. reading all flows while packets pass
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/readme.h"
#include "bench/tables/classifier.h"
#include "bench/tables/lookups.h"

namespace dishwall::bench {
namespace {

struct Options {
    ClassifierOptions classifier;
    LookupOptions lookups;
    bool quick = false;
    Destination to;
};

void declare(CLI::App& app, Options& options) {
    app.add_flag("--quick", options.quick, "small and once: checks verdicts, its numbers mean nothing");
    app.add_option("--repeats", options.classifier.repeats, "runs of each contestant")
        ->check(CLI::Range(1, 1000));
    app.add_option("--services", options.classifier.services, "of the classifier's policies")
        ->delimiter(',')
        ->check(CLI::Range(2, 131072));
    app.add_option("--prefixes", options.lookups.prefixes, "of the feed")->check(CLI::Range(1000, 1000000));
    app.add_option("--json", options.to.json_file, "write the result here as well");
    app.add_option("--write-readme", options.to.readme, "replace the table in this file");
}

void make_quick(Options* options) {
    options->classifier = {{1000}, 1, 1, options->classifier.cpu};
    LookupOptions& lookups = options->lookups;
    lookups.flows = 4096;
    lookups.prefixes = 2000;
    lookups.dumped = 8192;
    lookups.lookups = 4096;
}

void take_last_cpu(Options* options) {
    const int cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    options->classifier.cpu = options->lookups.cpu = cpus - 1;
    options->lookups.other_cpu = 0;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpus - 1, &only);
    ::sched_setaffinity(0, sizeof(only), &only);
    ::setpriority(PRIO_PROCESS, 0, -20);  // helps on a busy machine; nothing depends on it
}

Result<bool> measure_and_publish(const Options& options) {
    TablesReport report{look_at_machine(), options.classifier.repeats, options.quick, {}, {}};
    const auto take = [&](Result<std::vector<Measured>> rows) -> Result<void> {
        if (!rows) return tl::unexpected(rows.error());
        for (Measured& row : *rows) report.rows.push_back(std::move(row));
        return {};
    };
    Result<void> done = take(measure_classifiers(options.classifier, &report.skipped));
    if (done) done = take(measure_lookups(options.lookups));
    if (done) done = take(measure_dumps(options.lookups));
    if (!done) return tl::unexpected(done.error());
    fmt::print("{}", terminal_table(report));
    auto published = publish(options.to, "tables", to_json(report).dump(2), markdown(report));
    if (!published) return tl::unexpected(published.error());
    return report.all_held();
}

}  // namespace
}  // namespace dishwall::bench

int main(int argc, char** argv) {
    using namespace dishwall::bench;
    Options options;
    CLI::App app("dishwall's tables beside rte_acl and the kernel's");
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    if (options.quick) make_quick(&options);
    options.lookups.repeats = options.classifier.repeats;
    take_last_cpu(&options);
    const auto held = measure_and_publish(options);
    if (held) return *held ? 0 : 1;
    fmt::print(stderr, "dishwall-bench-tables: {}\n", held.error().message);
    return 1;
}
