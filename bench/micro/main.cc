// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-bench-micro: one core, one operation at a time. Takes Google Benchmark's own flags
// (--benchmark_filter=native, --benchmark_out=FILE, ...) and two of its own:
// --quick checks every verdict and times almost nothing; --write-readme=FILE publishes the table.
// The benches of the kernel's program need root.
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>

#include "bench/machine.h"
#include "bench/micro/verdicts.h"
#include "bench/readme.h"

namespace dishwall::bench {
namespace {

bool refused = false;

// Prints as usual and keeps the table.
class KeepingReporter : public benchmark::ConsoleReporter {
public:
    KeepingReporter() : ConsoleReporter(::isatty(STDOUT_FILENO) != 0 ? OO_Color : OO_None) {}
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs)
            if (!run.error_occurred) rows_ += row(run);
        ConsoleReporter::ReportRuns(runs);
    }
    [[nodiscard]] std::string markdown() const { return "| bench | time |\n|---|---|\n" + rows_; }

private:
    // CPU time, which a busy machine disturbs less; the kernel's own clock where that is what was measured.
    static std::string row(const Run& run) {
        const bool kernel_clock = !run.run_name.time_type.empty();
        return fmt::format("| {} | {:.4g} {} |\n", run.run_name.function_name,
                           kernel_clock ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime(),
                           benchmark::GetTimeUnitString(run.time_unit));
    }

    std::string rows_;
};

// Takes "--NAME" or "--NAME=VALUE" out of the arguments; null when it is not there.
const char* take_flag(int& argc, char** argv, std::string_view name) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (!word.starts_with(name) || (word.size() > name.size() && word[name.size()] != '=')) continue;
        const char* value = argv[i] + std::min(word.size(), name.size() + 1);
        std::copy(argv + i + 1, argv + argc, argv + i);
        --argc;
        return value;
    }
    return nullptr;
}

void register_all(bool quick) {
    register_native_benches(quick);
    if (::geteuid() == 0)
        register_kernel_benches(quick);
    else
        fmt::print(stderr, "not root: the benches of the kernel's program are left out\n");
    register_compile_benches(quick);
}

int publish(const char* readme, const KeepingReporter& reporter) {
    if (readme == nullptr) return 0;
    const auto written = write_between_markers(
        readme, "micro", markdown_lines(look_at_machine()) + "\n" + reporter.markdown());
    if (written) return 0;
    fmt::print(stderr, "dishwall-bench-micro: {}\n", written.error().message);
    return 1;
}

}  // namespace

void refuse(benchmark::State& state, const std::string& why) {
    refused = true;
    state.SkipWithError(why.c_str());
}

}  // namespace dishwall::bench

int main(int argc, char** argv) {
    using namespace dishwall::bench;
    const bool quick = take_flag(argc, argv, "--quick") != nullptr;
    const char* readme = take_flag(argc, argv, "--write-readme");
    register_all(quick);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    KeepingReporter reporter;
    benchmark::RunSpecifiedBenchmarks(&reporter);
    benchmark::Shutdown();
    const int published = publish(readme, reporter);
    return refused ? 1 : published;
}
