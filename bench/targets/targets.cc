// SPDX-License-Identifier: BSD-3-Clause
//
// "Over" and "times" compare whole ns per packet, generator and veth included, as issue 6 means them: what
// the same packets cost in the same run. Where the kernel's path is compared, the ratio of what lies above a
// bare XDP_DROP is told beside it.
#include "bench/targets/targets.h"

#include <algorithm>

namespace dishwall::bench {
namespace {

using Value = std::optional<double>;

// Values within a hundred of each other need their decimals.
std::string number(double value) {
    return value < 10 ? fmt::format("{:.2f}", value) : fmt::format("{:.0f}", value);
}

class Judge {
public:
    explicit Judge(const Results& results) : results_(results) {}

    std::vector<Target> all() {
        refusals();
        peers();
        tables();
        loads();
        shapes();
        std::ranges::stable_sort(targets_, {}, &Target::number);
        return std::move(targets_);
    }

private:
    // ---- kinds of targets

    void add(unsigned number_of, std::string what, std::string goal, std::string measured, Met met) {
        targets_.push_back({number_of, std::move(what), std::move(goal), std::move(measured), met});
    }

    static Met met_if(bool met) { return met ? Met::yes : Met::no; }

    // `ours` is at most `most` times `other`. `aside`: said behind it.
    void at_most(unsigned number_of, std::string what, Value ours, Value other, double most, const char* unit,
                 const std::string& aside = "") {
        const std::string goal = fmt::format("<= {}x", number(most));
        if (!ours || !other || *other <= 0) return add(number_of, std::move(what), goal, "", Met::unknown);
        const double ratio = *ours / *other;
        add(number_of, std::move(what), goal,
            fmt::format("{}x ({} and {} {}{})", number(ratio), number(*ours), number(*other), unit, aside),
            met_if(ratio <= most));
    }

    // Theirs is at least `least` times ours. `aside`: said behind it.
    void at_least(unsigned number_of, std::string what, Value ours, Value theirs, double least,
                  const char* unit, const std::string& aside = "") {
        const std::string goal = fmt::format(">= {}x", number(least));
        if (!ours || !theirs || *ours <= 0) return add(number_of, std::move(what), goal, "", Met::unknown);
        const double ratio = *theirs / *ours;
        add(number_of, std::move(what), goal,
            fmt::format("{}x ({} and {} {}{})", number(ratio), number(*ours), number(*theirs), unit, aside),
            met_if(ratio >= least));
    }

    // Two rows of `live`.
    void rows(unsigned number_of, const std::string& what, const std::string& ours, const std::string& theirs,
              double least) {
        const Value a = results_.above(ours), b = results_.above(theirs);
        std::string aside;
        if (a && b && *a > 0) aside = fmt::format("; above a bare drop {}x", number(*b / *a));
        at_least(number_of, what, results_.ns(ours), results_.ns(theirs), least, "ns", aside);
    }

    void below(unsigned number_of, std::string what, Value measured, double most, const char* unit,
               const std::string& aside = "") {
        const std::string goal = fmt::format("<= {} {}", number(most), unit);
        if (!measured) return add(number_of, std::move(what), goal, "", Met::unknown);
        add(number_of, std::move(what), goal, fmt::format("{} {}{}", number(*measured), unit, aside),
            met_if(*measured <= most));
    }

    // ---- the targets

    void refusals() {
        at_most(1, "deny sweep, 100k services, over parse + count + drop",
                results_.ns("dishwall-100000-deny"), results_.ns("bare-parse"), 1.10, "ns");
        at_most(2, "100k services against 100, above a bare drop: deny",
                results_.above("dishwall-100000-deny"), results_.above("dishwall-100-deny"), 1.2, "ns");
        const Value many = results_.above("dishwall-100000-hit"), few = results_.above("dishwall-100-hit");
        below(2, "the same, all hits, uniform: the difference",
              many && few ? Value(*many - *few) : std::nullopt, 60, "ns");
    }

    void peers() {
        rows(3, "nft netdev, hash set, 131,072 entries: deny", "dishwall-131072-deny",
             "nft-netdev-hash-131072-deny", 5);
        rows(3, "the same: hits (nft keeps no state, dishwall opens a flow)", "dishwall-131072-hit",
             "nft-netdev-hash-131072-hit", 4);
        rows(4, "nft forward + conntrack, hash set, 131,072 entries: deny", "dishwall-131072-deny",
             "nft-forward-hash-131072-deny", 8);
        rows(4, "the same: hits, both stateful, both forwarded by the kernel", "dishwall-131072-hit-lan",
             "nft-forward-hash-131072-hit-lan", 8);
        rows(5, "nft netdev, port ranges, 32,768: deny", "dishwall-ranges-32768-deny",
             "nft-netdev-interval-32768-deny", 50);
        rows(5, "the same: hits", "dishwall-ranges-32768-hit", "nft-netdev-interval-32768-hit", 50);
        rows(6, "a linear chain, 1,000 rules: deny", "dishwall-1000-deny", "nft-netdev-linear-1000-deny",
             200);
        rows(6, "a linear chain, 10,000 rules: deny", "dishwall-10000-deny", "nft-netdev-linear-10000-deny",
             1500);
    }

    void tables() {
        const auto table = [&](const char* row) { return results_.table(row); };
        at_least(7, "classifier alone, 100k, rte_acl scalar", table("classify-dishwall-100000"),
                 table("classify-acl-scalar-100000"), 4, "ns");
        at_least(7, "the same, rte_acl AVX-512", table("classify-dishwall-100000"),
                 table("classify-acl-avx512-100000"), 1.2, "ns");
        at_least(7, "build, 100k, rte_acl_build", table("build-dishwall-100000"), table("build-acl-100000"),
                 50, "ms");
        at_least(9, "find a flow among 524,288, LRU_HASH", table("find-flow"), table("find-lru"), 3, "ns");
        at_least(9, "open a flow beside 524,288, LRU_HASH", table("open-flow"), table("open-lru"), 3, "ns");
        const Value alone = table("packet-alone"), watched = table("packet-watched");
        below(
            10, "read 1,048,576 flow counters under load", table("dump-flows"), 15, "ms",
            whole_dump() + (alone && watched ? fmt::format("; a packet costs {} ns meanwhile, {} ns without",
                                                           number(*watched), number(*alone))
                                             : ""));
        at_least(11, "find in a feed of 1,000,000 prefixes, LPM trie", table("find-feed"), table("find-trie"),
                 8, "ns");
    }

    // Who wants to know whose counters they are: `dishctl flows`, `shadow`.
    [[nodiscard]] std::string whole_dump() const {
        const Value whole = results_.table("dump-whole");
        return whole ? fmt::format("; with their addresses and states, as `dishctl flows` reads them, {} ms",
                                   number(*whole))
                     : "";
    }

    void loads() {
        const Value nft = results_.load(100000, 0, "`nft -f`, hash set");
        below(8, "rule file to live, 100k services, `dishctl load`", results_.load(100000, 0, "dishwall"), 60,
              "ms", nft ? fmt::format("; `nft -f` of the same: {} ms", number(*nft)) : "");
        below(8, "the same, the stages alone in one process", results_.stage(100000, 0, "total, ms"), 60,
              "ms");
    }

    void shapes() {
        for (const char* shape : {"acl", "fw", "ipc"})
            for (const unsigned rules : {10000u, 100000u})
                at_most(12,
                        fmt::format("shape {}, {} rules, over hits on as many services, above a bare drop",
                                    shape, rules),
                        results_.above(fmt::format("dishwall-{}-{}", shape, rules)),
                        results_.above(fmt::format("dishwall-{}-hit", rules)), 2, "ns",
                        worst(fmt::format("dishwall-{}-{}", shape, rules)));
    }

    [[nodiscard]] std::string worst(const std::string& row) const {
        const Value lines = results_.worst_lines(row), rules = results_.worst_rules(row);
        if (!lines || !rules) return "";
        return fmt::format("; at worst {:.0f} accesses in a row, {:.0f} rules compared", *lines, *rules);
    }

    const Results& results_;
    std::vector<Target> targets_;
};

const char* word(Met met) {
    if (met == Met::yes) return "yes";
    return met == Met::no ? "**no**" : "not measured";
}

std::string table(const std::vector<Target>& targets) {
    std::string text = "| # | what | target | measured | met |\n|---|---|---|---|---|\n";
    for (const Target& target : targets)
        text += fmt::format("| {} | {} | {} | {} | {} |\n", target.number, target.what, target.goal,
                            target.measured, word(target.met));
    return text;
}

}  // namespace

std::vector<Target> targets(const Results& results) { return Judge(results).all(); }

std::string markdown(const Results& results) {
    return results.origins() + "\nScale (issue 6):\n\n" + table(targets(results)) +
           "\nInspection (issue 7):\n\n" + table(inspection_targets(results));
}

}  // namespace dishwall::bench
