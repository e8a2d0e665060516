// SPDX-License-Identifier: BSD-3-Clause
//
// What issue 7 asks of inspection. Shares are of hs_scan_stream, which searches the same bytes in the same
// pieces and finds what the pipeline must find; what hs_scan does with each piece by itself is told beside
// it.
#include <algorithm>

#include "bench/targets/targets.h"

namespace dishwall::bench {
namespace {

using Value = std::optional<double>;

class InspectionJudge {
public:
    explicit InspectionJudge(const Results& results) : results_(results) {}

    std::vector<Target> all() {
        for (const char* signatures : {"50", "500", "5000", "web.hs"})
            share(signatures, "rings", "over rings in memory", 0.85);
        for (const char* signatures : {"50", "500", "5000", "web.hs"})
            share(signatures, "veth", "over AF_XDP on veth", 0.50);
        latency("latency-busy", "one after the other");
        latency("latency-idle", "a millisecond in between");
        for (const char* kind : {"denied", "accepted", "replies"}) passing(kind);
        return std::move(targets_);
    }

private:
    void add(std::string what, std::string goal, std::string measured, Met met) {
        targets_.push_back({static_cast<unsigned>(targets_.size()) + 1, std::move(what), std::move(goal),
                            std::move(measured), met});
    }

    // Of what people send to web servers and get from them; met when both do it.
    void share(const std::string& signatures, const std::string& who, const char* where, double least) {
        std::string measured;
        Met met = Met::yes;
        for (const char* content : {"requests", "pages"}) {
            const std::string row = fmt::format("{}-{}", content, signatures);
            const Value ours = results_.inspect(row, who.c_str()), theirs = results_.inspect(row, "streams");
            const Value of_streams = results_.inspect(row, (who + "_of_streams").c_str());
            const Value of_blocks = results_.inspect(row, (who + "_of_blocks").c_str());
            if (!ours || !theirs || !of_streams || !of_blocks) {
                met = Met::unknown;
                break;
            }
            if (*of_streams < least) met = Met::no;
            measured += fmt::format("{}{}: {:.0f} % ({:.1f} of {:.1f} Gbit/s; of hs_scan {:.0f} %)",
                                    measured.empty() ? "" : ", ", content, 100 * *of_streams, *ours, *theirs,
                                    100 * *of_blocks);
        }
        const bool ours = signatures == "web.hs";
        add(fmt::format("{}, worker {}, of Hyperscan alone",
                        ours ? "our own web.hs" : signatures + " patterns", where),
            fmt::format(">= {:.0f} %", 100 * least), met == Met::unknown ? "" : measured, met);
    }

    void latency(const std::string& row, const char* pace) {
        const Value p50 = results_.inspect(row, "inspected_p50_us"),
                    p99 = results_.inspect(row, "inspected_p99_us");
        const Value plain50 = results_.inspect(row, "plain_p50_us"),
                    plain99 = results_.inspect(row, "plain_p99_us");
        const std::string what = fmt::format("latency that the detour adds, datagrams {}", pace);
        if (!p50 || !p99 || !plain50 || !plain99) return add(what, "p50, p99 told", "", Met::unknown);
        add(what, "p50, p99 told",
            fmt::format("p50 {:+.1f} us ({:.1f} and {:.1f}), p99 {:+.1f} us ({:.1f} and {:.1f})",
                        *p50 - *plain50, *plain50, *p50, *p99 - *plain99, *plain99, *p99),
            Met::yes);
    }

    // Nothing that can be measured: three repeats of four cost no more than a nanosecond, which is the
    // kernel's grain, or than one of four does on a gateway that is the same in all but its name.
    void passing(const std::string& kind) {
        const std::string row = "passing-" + kind;
        const auto field = [&](const char* name) { return results_.inspect(row, name); };
        const Value difference = field("difference_ns"), twin = field("twin_difference_ns");
        const Value lower = field("lower_quartile_ns"), upper = field("upper_quartile_ns");
        const Value noise = field("twin_upper_quartile_ns");
        const std::string what = fmt::format("cost for packets that are not inspected, {}", kind);
        if (!difference || !twin || !lower || !upper || !noise)
            return add(what, "none that can be measured", "", Met::unknown);
        add(what, "none that can be measured",
            fmt::format("{:+.1f} ns (quartiles {:+.1f}..{:+.1f}); two gateways without such a rule: {:+.1f} "
                        "(to {:+.1f})",
                        *difference, *lower, *upper, *twin, *noise),
            *lower <= std::max(1.0, *noise) ? Met::yes : Met::no);
    }

    const Results& results_;
    std::vector<Target> targets_;
};

}  // namespace

std::vector<Target> inspection_targets(const Results& results) { return InspectionJudge(results).all(); }

}  // namespace dishwall::bench
