// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-bench-load: from a rule file to in force, beside `nft -f` of the same policy, with 1,000 to
// 100,000 rules and with a feed of 1,000,000 prefixes.
// 1. a private mount namespace, so that files and pins vanish with this process, however it ends
// 2. for each size a gateway for each subject; packets show that it loads the policy that was meant
// 3. load, and load again, in turns, each time in place of an empty policy; print, write
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "bench/live/command.h"
#include "bench/live/dishwall_process.h"
#include "bench/load/report.h"
#include "bench/readme.h"
#include "bench/scratch.h"
#include "bpf/core/layout.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kSlowFeed = 500'000;  // nft takes so long for it that three loads must do
constexpr unsigned kSlowRepeats = 3;

struct Options {
    std::vector<PolicySize> sizes{{1000, 0}, {10'000, 0}, {100'000, 0}, {100'000, 1'000'000}};
    PolicySize only;  // rules 0: all sizes
    unsigned repeats = 7;
    bool quick = false;
    std::vector<std::string> stages;  // run as the child that measures these; see measure_stages
    Programs programs{built("control/dishwalld"), built("control/dishctl/dishctl")};
    Destination to;
};

class Session {
public:
    Session(const Options& options, const PolicySize& size, const Scratch& scratch)
        : options_(options),
          size_(size),
          files_(fmt::format("{}/{}-{}", scratch.directory, size.rules, size.feed)),
          pins_(fmt::format("{}/{}-{}", scratch.pins, size.rules, size.feed)) {}

    Result<SizeReport> measure() {
        SizeReport report{size_, {}, {}};
        if (auto built = build(); !built) return tl::unexpected(built.error());
        ::malloc_trim(0);  // a child's peak of memory begins with what this process has
        for (const Row& row : rows_) report.rows.push_back({row.name, {}});
        const unsigned repeats =
            size_.feed >= kSlowFeed ? std::min(kSlowRepeats, options_.repeats) : options_.repeats;
        for (unsigned repeat = 0; repeat < repeats; ++repeat)
            if (auto done = run_repeat(repeat, &report); !done) return tl::unexpected(done.error());
        return report;
    }

private:
    struct Row {
        std::string name;
        Site site;
        std::unique_ptr<LoadSubject> subject;
    };

    Result<void> build() {
        auto world = NetworkNamespace::create();
        if (!world) return tl::unexpected(world.error());
        world_ = std::move(*world);
        std::error_code error;
        std::filesystem::create_directories(files_, error);
        std::filesystem::create_directories(pins_, error);
        auto added = add("dishwall, `dishctl load`", [&](const Site& site) {
            return dishwall_subject(options_.programs, site, files_ + "/dishwall", pins_ + "/dishwall",
                                    size_);
        });
        if (added)
            added = add(size_.feed == 0 ? "`nft -f`, hash set" : "`nft -f`, hash set and interval set",
                        [&](const Site&) { return nft_subject(files_ + "/sets", size_, NftShape::sets); });
        if (added && size_.feed < kSlowFeed)
            added = add("`nft -f`, a rule a port", [&](const Site&) {
                return nft_subject(files_ + "/linear", size_, NftShape::linear);
            });
        return added;
    }

    template <typename Make>
    Result<void> add(const std::string& name, Make make) {
        auto site = Site::create(world_, static_cast<unsigned>(rows_.size()));
        if (!site) return tl::unexpected(site.error());
        auto subject = make(*site);
        if (!subject) return fail_with(subject.error(), name);
        if (auto right = check_verdicts(subject->get(), world_, *site, size_); !right)
            return fail_with(right.error(), name);
        rows_.push_back({name, std::move(*site), std::move(*subject)});
        return {};
    }

    // A B C in one repeat, C B A in the next.
    Result<void> run_repeat(unsigned repeat, SizeReport* report) {
        for (std::size_t turn = 0; turn < rows_.size(); ++turn) {
            const std::size_t which = repeat % 2 == 0 ? turn : rows_.size() - 1 - turn;
            Row& row = rows_[which];
            auto cost = row.subject->load(row.site);
            if (!cost) return fail_with(cost.error(), row.name);
            report->rows[which].loads.push_back(*cost);
            if (auto emptied = row.subject->load_empty(row.site); !emptied)
                return fail_with(emptied.error(), row.name);
        }
        auto stages = run_stages(repeat);
        if (!stages) return tl::unexpected(stages.error());
        report->stages.push_back(*stages);
        return {};
    }

    // This program once more, in a process of its own.
    Result<Stages> run_stages(unsigned repeat) {
        const std::string files = files_ + "/dishwall/";
        auto told = run(
            world_, {"/proc/self/exe", "--stages", files + "empty.conf", files + "large.conf",
                     size_.feed == 0 ? "-" : files + "feed.txt", fmt::format("{}/stages-{}", pins_, repeat)});
        if (!told) return tl::unexpected(told.error());
        const auto json = nlohmann::json::parse(*told, nullptr, false);
        if (json.is_discarded()) return fail("the stages' process wrote no JSON: {}", *told);
        return stages_of(json);
    }

    const Options& options_;
    PolicySize size_;
    std::string files_, pins_;
    NetworkNamespace world_;
    std::vector<Row> rows_;
};

void declare(CLI::App& app, Options& options) {
    app.add_flag("--quick", options.quick, "small and once: checks verdicts, its numbers mean nothing");
    app.add_option("--rules", options.only.rules, "only one size: its rules")
        ->check(CLI::Range(2, DW_RULES_MAX));
    app.add_option("--feed", options.only.feed, "prefixes of that one's feed; default: no feed")
        ->check(CLI::Range(0, 1'000'000));
    app.add_option("--repeats", options.repeats, "loads by each subject")->check(CLI::Range(1, 1000));
    app.add_option("--json", options.to.json_file, "write the result here as well");
    app.add_option("--write-readme", options.to.readme, "replace the table in this file");
    app.add_option("--dishwalld", options.programs.daemon,
                   "the daemon to measure; default: the one just built");
    app.add_option("--dishctl", options.programs.control, "default: the one just built");
    app.add_option("--stages", options.stages, "for the bench itself")->expected(4)->group("");
}

Result<void> print_stages(const std::vector<std::string>& paths) {
    auto stages = measure_stages(paths[0], paths[1], paths[2], paths[3]);
    if (!stages) return tl::unexpected(stages.error());
    fmt::print("{}\n", to_json(*stages).dump());
    return {};
}

Result<void> measure_and_publish(const Options& options) {
    LoadReport report{look_at_machine(), options.quick, {}};
    auto scratch = make_scratch({options.programs.daemon, options.programs.control, options.to.json_file,
                                 options.to.readme, built("")});
    if (!scratch) return tl::unexpected(scratch.error());
    for (const PolicySize& size : options.sizes) {
        auto measured = Session(options, size, *scratch).measure();
        if (!measured)
            return fail_with(measured.error(), fmt::format("{} rules, feed of {}", size.rules, size.feed));
        report.sizes.push_back(std::move(*measured));
    }
    fmt::print("{}", terminal_table(report));
    return publish(options.to, "load", to_json(report).dump(2), markdown(report));
}

}  // namespace
}  // namespace dishwall::bench

int main(int argc, char** argv) {
    using namespace dishwall::bench;
    Options options;
    CLI::App app("from a rule file to in force, beside nft -f of the same policy");
    declare(app, options);
    CLI11_PARSE(app, argc, argv);
    if (options.quick) {
        options.sizes = {{2000, 0}, {2000, 2000}};
        options.repeats = 1;
    }
    if (options.only.rules != 0) options.sizes = {options.only};
    const auto done = options.stages.empty() ? measure_and_publish(options) : print_stages(options.stages);
    if (done) return 0;
    fmt::print(stderr, "dishwall-bench-load: {}\n", done.error().message);
    return 1;
}
