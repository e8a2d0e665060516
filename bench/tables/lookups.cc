// SPDX-License-Identifier: BSD-3-Clause
#include "bench/tables/lookups.h"

#include "bench/tables/kernel_tables.h"

namespace dishwall::bench {
namespace {

int fd(const bpf_program* program) { return bpf_program__fd(program); }

class Lookups {
public:
    Lookups(const LookupOptions& options, KernelTables* tables) : options_(options), tables_(tables) {}

    // So many flows in both tables, and the check that both find them all and agree about the feed.
    Result<void> fill() {
        const auto& programs = tables_->programs();
        const dw_tables_job all = job(options_.flows, 0, options_.flows);
        for (const bpf_program* open : {programs.run_open_flow, programs.run_open_lru})
            if (auto opened = expect(open, all, options_.flows); !opened)
                return fail_with(opened.error(), "opening flows");
        for (const bpf_program* find : {programs.run_find_flow, programs.run_find_lru})
            if (auto found = expect(find, lookup_job(), options_.lookups); !found)
                return fail_with(found.error(), "finding flows");
        auto ours = tables_->run(fd(programs.run_find_feed), feed_job());
        if (!ours) return tl::unexpected(ours.error());
        auto theirs = expect(programs.run_find_trie, feed_job(), ours->found);
        if (!theirs) return tl::unexpected(theirs.error());
        return {};
    }

    void add_flow_lookups(Contest* contest) {
        const auto& programs = tables_->programs();
        add(contest, "nothing-flow", "no look-up: the loop and its keys", programs.run_nothing_flow);
        add(contest, "find-flow", "dishwall", programs.run_find_flow);
        add(contest, "find-lru", "BPF_MAP_TYPE_LRU_HASH", programs.run_find_lru);
    }

    // Each run opens flows that are not there, and closes them afterwards, untimed.
    void add_openings(Contest* contest) {
        const auto& programs = tables_->programs();
        add_opening(contest, "open-flow", "dishwall", programs.run_open_flow, programs.run_close_flow);
        add_opening(contest, "open-lru", "BPF_MAP_TYPE_LRU_HASH", programs.run_open_lru,
                    programs.run_close_lru);
    }

    void add_feed_lookups(Contest* contest) {
        const auto& programs = tables_->programs();
        for (const auto& [id, what, program] :
             {std::tuple{"nothing-feed", "no look-up: the loop and its keys", programs.run_nothing_feed},
              std::tuple{"find-feed", "dishwall", programs.run_find_feed},
              std::tuple{"find-trie", "BPF_MAP_TYPE_LPM_TRIE", programs.run_find_trie}})
            contest->add(id, what, "ns", options_.prefixes,
                         [this, program = program] { return timed(program, feed_job()); });
    }

private:
    [[nodiscard]] static dw_tables_job job(std::uint32_t count, std::uint64_t first, std::uint64_t keys) {
        dw_tables_job made = {};
        made.count = count;
        made.first = first;
        made.keys = keys;
        return made;
    }
    // Other keys with every run.
    dw_tables_job lookup_job() {
        dw_tables_job made = job(options_.lookups, 0, options_.flows);
        made.start = start_ += options_.lookups;
        return made;
    }
    [[nodiscard]] dw_tables_job feed_job() const {
        dw_tables_job made = job(options_.lookups, 0, options_.prefixes);
        made.start = start_;
        return made;
    }

    Result<double> timed(const bpf_program* program, const dw_tables_job& of) {
        auto looked = tables_->run(fd(program), of);
        if (!looked) return tl::unexpected(looked.error());
        return looked->ns;
    }

    Result<double> expect(const bpf_program* program, const dw_tables_job& of, std::uint64_t found) {
        auto looked = tables_->run(fd(program), of);
        if (!looked) return tl::unexpected(looked.error());
        if (looked->found != found)
            return fail("{}: {} of {} succeeded, {} should have", bpf_program__name(program), looked->found,
                        of.count, found);
        return looked->ns;
    }

    void add(Contest* contest, std::string id, std::string what, const bpf_program* program) {
        contest->add(std::move(id), std::move(what), "ns", options_.flows,
                     [this, program] { return timed(program, lookup_job()); });
    }

    void add_opening(Contest* contest, std::string id, std::string what, const bpf_program* open,
                     const bpf_program* close) {
        contest->add(std::move(id), std::move(what), "ns", options_.flows,
                     [this, open, close]() -> Result<double> {
                         const std::uint32_t fresh = options_.flows / 16;
                         const dw_tables_job those = job(fresh, options_.flows, fresh);
                         auto opened = expect(open, those, fresh);
                         if (!opened) return opened;
                         if (auto closed = expect(close, those, fresh); !closed) return closed;
                         return opened;
                     });
    }

    const LookupOptions& options_;
    KernelTables* tables_;
    std::uint64_t start_ = 0;
};

}  // namespace

Result<std::vector<Measured>> measure_lookups(const LookupOptions& options) {
    auto tables = KernelTables::load({2 * options.flows, options.prefixes});
    if (!tables) return tl::unexpected(tables.error());
    Lookups lookups(options, tables->get());
    std::vector<Measured> rows;
    auto feeds_and_flows = lookups.fill();
    if (!feeds_and_flows) return tl::unexpected(feeds_and_flows.error());
    for (const auto& [group, add] : {std::pair{"find a flow", &Lookups::add_flow_lookups},
                                     std::pair{"open a flow", &Lookups::add_openings},
                                     std::pair{"find in a feed", &Lookups::add_feed_lookups}}) {
        Contest contest(group);
        (lookups.*add)(&contest);
        for (Measured& row : contest.measure(options.repeats)) rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace dishwall::bench
