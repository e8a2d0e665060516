// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-bench-renumber: how long a new prefix takes to be in force, with few rules and with many (R29).
// 1. a private mount namespace, so that files and pins vanish with this process, however it ends
// 2. a gateway for each policy, its verdicts checked, all alive at once
// 3. real netlink changes to one and the other in turns, print, write
#include <sched.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bench/readme.h"
#include "bench/renumber/report.h"
#include "bench/scratch.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kPrefixes = 4096;  // names for renumberings; then they begin again

struct Options {
    std::vector<unsigned> rules{10, 100000};
    unsigned openings = 1000, rounds = 20;
    bool quick = false;
    int cpu = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)) - 1;
    std::string daemon = built("control/dishwalld");
    Destination to;
};

class Session {
public:
    explicit Session(const Options& options) : options_(options) {}

    Result<RenumberReport> measure() {
        auto scratch = make_scratch({options_.daemon, options_.to.json_file, options_.to.readme});
        if (!scratch) return tl::unexpected(scratch.error());
        RenumberReport report{look_at_machine(), options_.rounds, options_.quick, {}};
        // The clock's thread spins on a CPU of its own; daemons have the others.
        if (auto taken = take_cpu(options_.cpu); !taken) return tl::unexpected(taken.error());
        if (auto built = build(*scratch, &report); !built) return tl::unexpected(built.error());
        for (unsigned round = 0; round < options_.rounds; ++round)
            if (auto done = run_round(round, &report); !done) return tl::unexpected(done.error());
        return report;
    }

private:
    Result<void> build(const Scratch& scratch, RenumberReport* report) {
        for (const unsigned rules : options_.rules) {
            const std::string name = fmt::format("/rules-{}", rules);
            auto gateway =
                Gateway::create({options_.daemon, scratch.directory + name, scratch.pins + name}, rules);
            if (!gateway) return tl::unexpected(gateway.error());
            gateways_.push_back(std::move(*gateway));
            report->policies.push_back({rules, gateways_.back().image_bytes(), {}});
        }
        return {};
    }

    // A B in one round, B A in the next.
    Result<void> run_round(unsigned round, RenumberReport* report) {
        for (std::size_t turn = 0; turn < gateways_.size(); ++turn) {
            const std::size_t which = round % 2 == 0 ? turn : gateways_.size() - 1 - turn;
            for (unsigned i = 0; i < options_.openings / options_.rounds; ++i) {
                auto opening = gateways_[which].renumber(next_prefix_++ % kPrefixes);
                if (!opening)
                    return fail_with(opening.error(), fmt::format("with {} rules", options_.rules[which]));
                report->policies[which].openings.push_back(*opening);
            }
        }
        return {};
    }

    const Options& options_;
    std::vector<Gateway> gateways_;
    unsigned next_prefix_ = 0;
};

void declare(CLI::App& app, Options& options) {
    app.add_flag("--quick", options.quick, "a few renumberings: checks verdicts, its numbers mean nothing");
    app.add_option("--rules", options.rules, "sizes of the policies")
        ->delimiter(',')
        ->check(CLI::Range(1, DW_RULES_MAX));
    app.add_option("--openings", options.openings, "renumberings of each")->check(CLI::Range(1, 1000000));
    app.add_option("--rounds", options.rounds, "turns that they are split into")->check(CLI::Range(1, 10000));
    app.add_option("--cpu", options.cpu, "the CPU of the clock; default: the last one");
    app.add_option("--json", options.to.json_file, "write the result here as well");
    app.add_option("--write-readme", options.to.readme, "replace the table in this file");
    app.add_option("--dishwalld", options.daemon, "the daemon to measure; default: the one just built");
}

Result<void> measure_and_publish(const Options& options) {
    auto report = Session(options).measure();
    if (!report) return tl::unexpected(report.error());
    fmt::print("{}", terminal_table(*report));
    return publish(options.to, "renumber", to_json(*report).dump(2), markdown(*report));
}

}  // namespace
}  // namespace dishwall::bench

int main(int argc, char** argv) {
    using namespace dishwall::bench;
    Options options;
    CLI::App app("how long a new prefix takes to be in force, with few rules and with many");
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    if (options.quick) options.openings = options.rounds = 4;
    options.rounds = std::min(options.rounds, options.openings);
    const auto done = measure_and_publish(options);
    if (done) return 0;
    fmt::print(stderr, "dishwall-bench-renumber: {}\n", done.error().message);
    return 1;
}
