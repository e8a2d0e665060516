// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/session.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

namespace dishwall::bench {
namespace {

// On a terminal one line that is overwritten, else one line a step.
class Progress {
public:
    void say(const std::string& text) const {
        if (terminal_)
            fmt::print(stderr, "\r\033[K{}", text);
        else
            fmt::print(stderr, "{}\n", text);
        std::fflush(stderr);
    }
    void done() const {
        if (terminal_) fmt::print(stderr, "\r\033[K");
    }

private:
    bool terminal_ = ::isatty(STDERR_FILENO) != 0;
};

class Session {
public:
    Session(const SessionOptions& options, NetworkNamespace world, Generator generator)
        : options_(options), world_(std::move(world)), generator_(std::move(generator)) {}

    Result<void> build();
    void measure();
    std::vector<RowResult> take() { return std::move(results_); }

private:
    void build_stations();
    void build_rows();
    void measure_row(std::size_t position);
    void give_up(std::size_t position, const std::string& why);

    const SessionOptions& options_;
    NetworkNamespace world_;
    Generator generator_;
    Progress progress_;
    Rows plans_;
    std::map<std::string, Result<Station>> stations_;
    std::vector<std::optional<Row>> rows_;  // by position in results_; empty: failed
    std::vector<RowResult> results_;
};

void Session::give_up(std::size_t position, const std::string& why) {
    RowResult& result = results_[position];
    result.gate_failure = why;
    rows_[position].reset();
    progress_.done();
    fmt::print(stderr, "{}: gate failed: {}\n", result.id, why);
}

// The rows asked for, in the table's order.
Result<Rows> chosen_rows(const SessionOptions& options) {
    Rows plans = all_rows(options.rows);
    const std::vector<std::string>& only = options.rows.only;
    for (const std::string& id : only)
        if (std::none_of(plans.rows.begin(), plans.rows.end(),
                         [&](const RowPlan& plan) { return plan.id == id; }))
            return fail("there is no row called {}; --list names them", id);
    if (!only.empty())
        std::erase_if(plans.rows, [&](const RowPlan& plan) { return !options.rows.wants(plan.id); });
    std::erase_if(plans.stations, [&](const StationPlan& station) {
        return std::none_of(plans.rows.begin(), plans.rows.end(),
                            [&](const RowPlan& plan) { return plan.station == station.name; });
    });
    return plans;
}

Result<void> Session::build() {
    auto plans = chosen_rows(options_);
    if (!plans) return tl::unexpected(plans.error());
    plans_ = std::move(*plans);
    build_stations();
    build_rows();
    return {};
}

void Session::build_stations() {
    unsigned number = 0;
    for (StationPlan& plan : plans_.stations) {
        const std::string name = plan.name;
        progress_.say(fmt::format("setting up {} ({} of {})", name, number + 1, plans_.stations.size()));
        stations_.emplace(name, Station::build(std::move(plan), world_, number++));
    }
}

void Session::build_rows() {
    for (const RowPlan& plan : plans_.rows) {
        progress_.say(fmt::format("checking verdicts of {}", plan.id));
        results_.push_back({plan.id,
                            plan.system,
                            plan.does,
                            plan.floor.empty() ? kFloor : plan.floor,
                            plan.base,
                            plan.rules,
                            {},
                            plan.plotted,
                            {},
                            ""});
        const std::size_t position = rows_.size();
        rows_.emplace_back();
        auto& station = stations_.at(plan.station);
        if (!station) {
            give_up(position, station.error().message);
            continue;
        }
        results_.back().worst = station->worst();
        auto row =
            Row::build(plan, &*station, world_, generator_, options_.length, static_cast<unsigned>(position));
        if (row)
            rows_[position].emplace(std::move(*row));
        else
            give_up(position, row.error().message);
    }
}

void Session::measure_row(std::size_t position) {
    auto& row = rows_[position];
    if (!row) return;
    auto sample = row->measure(world_, generator_);
    if (sample)
        results_[position].samples.push_back(*sample);
    else
        give_up(position, sample.error().message);
}

void Session::measure() {
    std::vector<std::size_t> order(rows_.size());
    std::iota(order.begin(), order.end(), 0);
    for (unsigned repeat = 0; repeat < options_.repeats; ++repeat) {
        for (const std::size_t position : order) {
            progress_.say(
                fmt::format("repeat {}/{}: {}", repeat + 1, options_.repeats, results_[position].id));
            measure_row(position);
        }
        std::reverse(order.begin(), order.end());
    }
    progress_.done();
}

}  // namespace

Result<Report> measure_all(const SessionOptions& options) {
    Report report{look_at_machine(), options.repeats, options.length.milliseconds,
                  options.quick,     options.cpu,     {}};
    auto world = NetworkNamespace::create();
    if (!world) return tl::unexpected(world.error());
    auto generator = Generator::load();
    if (!generator) return tl::unexpected(generator.error());
    Session session(options, std::move(*world), std::move(*generator));
    if (auto built = session.build(); !built) return tl::unexpected(built.error());
    session.measure();
    report.rows = session.take();
    return report;
}

}  // namespace dishwall::bench
