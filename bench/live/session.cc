// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/session.h"

#include <unistd.h>

#include <algorithm>
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
    void measure_row(std::size_t position);
    void give_up(std::size_t position, const Error& error);

    const SessionOptions& options_;
    NetworkNamespace world_;
    Generator generator_;
    Progress progress_;
    std::vector<std::optional<Row>> rows_;  // by position in results_; empty: failed
    std::vector<RowResult> results_;
};

void Session::give_up(std::size_t position, const Error& error) {
    RowResult& result = results_[position];
    result.gate_failure = error.message;
    rows_[position].reset();
    progress_.done();
    fmt::print(stderr, "{}: gate failed: {}\n", result.id, error.message);
}

// The rows asked for, in the table's order.
Result<std::vector<RowPlan>> chosen_rows(const SessionOptions& options) {
    std::vector<RowPlan> rows = all_rows(options.rows);
    for (const std::string& id : options.only)
        if (std::none_of(rows.begin(), rows.end(), [&](const RowPlan& plan) { return plan.id == id; }))
            return fail("there is no row called {}; --list names them", id);
    if (!options.only.empty())
        std::erase_if(rows, [&](const RowPlan& plan) {
            return std::find(options.only.begin(), options.only.end(), plan.id) == options.only.end();
        });
    return rows;
}

Result<void> Session::build() {
    auto plans = chosen_rows(options_);
    if (!plans) return tl::unexpected(plans.error());
    for (RowPlan& plan : *plans) {
        progress_.say(fmt::format("setting up {}", plan.id));
        results_.push_back({plan.id, plan.what, plan.does, plan.base, {}, ""});
        const std::size_t position = rows_.size();
        rows_.emplace_back();
        auto row = Row::build(std::move(plan), world_, static_cast<unsigned>(position), generator_);
        if (row)
            rows_[position].emplace(std::move(*row));
        else
            give_up(position, row.error());
    }
    return {};
}

void Session::measure_row(std::size_t position) {
    auto& row = rows_[position];
    if (!row) return;
    auto sample = row->measure(world_, generator_, options_.frames);
    if (sample)
        results_[position].samples.push_back(*sample);
    else
        give_up(position, sample.error());
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
    Report report{look_at_machine(),
                  options.rows.services,
                  options.repeats,
                  options.frames,
                  options.quick,
                  options.cpu,
                  {}};
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
