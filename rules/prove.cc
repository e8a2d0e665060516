// SPDX-License-Identifier: BSD-3-Clause
#include "rules/prove.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "rules/coverage.h"
#include "rules/example_text.h"
#include "rules/rule_index.h"

namespace dishwall {
namespace {

// For all claims of a file: about a second. An ordinary claim takes a few hundred.
constexpr std::size_t kWork = 10'000'000;

std::string_view done_by(dw_verdict verdict) {
    switch (verdict) {
        case DW_ACCEPT:
            return "accepted";
        case DW_REJECT:
            return "rejected";
        case DW_REJECT_LATE:
            return "rejected late";
        default:
            return "dropped";
    }
}

std::string name_of(const Rule& rule) {
    if (!rule.named) return rule.name;
    const std::string& file = rule.place.file;
    return fmt::format("{} ({}:{})", rule.name, file.substr(file.rfind('/') + 1), rule.place.line);
}

// What is expected of each rule that decides, and of the default (null).
using IsWanted = std::function<bool(const Rule* rule, dw_verdict verdict)>;

struct Finding {
    enum class Kind { holds, fails, no_such_packet, gave_up } kind = Kind::holds;
    const Rule* rule = nullptr;  // that decides otherwise; null: the default
    std::string text;            // an example, and what it comes to
};

// A chain at the moment that a claim speaks of.
class Court {
public:
    // `index` is of that chain, at any moment.
    Court(const Policy& policy, Direction direction, const std::vector<Expectation::With>& with,
          const RuleIndex& index)
        : space_(policy, direction, PacketSpace::View::by_words, with), shapes_(space_), index_(index) {}

    Finding judge(const Traffic& traffic, bool also_over_rate, const IsWanted& is_wanted,
                  WorkBudget* budget) {
        const std::vector<Box> packets = space_.packets_of(traffic);
        if (packets.empty()) return {Finding::Kind::no_such_packet, nullptr, {}};
        if (!budget->spend(10 * packets.size())) return {Finding::Kind::gave_up, nullptr, {}};
        const auto near = index_.sharing(traffic, shapes_.chain().rules.size(), budget);
        const auto rules = near ? shapes_.meeting(packets, *near, budget) : std::nullopt;
        if (!rules) return {Finding::Kind::gave_up, nullptr, {}};
        std::vector<Station> stations;
        for (const std::size_t rule : *rules)
            stations.push_back({shapes_.at(rule), !also_over_rate || !shapes_.chain().rules[rule].rate});
        Finding finding;
        const Walked walked = walk(space_, stations, packets, budget, [&](std::size_t at, const Box& part) {
            const Chain& chain = shapes_.chain();
            const Rule* rule = at < rules->size() ? &chain.rules[(*rules)[at]] : nullptr;
            const dw_verdict verdict = rule ? rule->verdict : chain.default_verdict;
            if (is_wanted(rule, verdict)) return true;
            finding = {Finding::Kind::fails, rule,
                       fmt::format("{} is {} by {}", example_of(space_, part), done_by(verdict),
                                   rule ? "rule " + name_of(*rule) : "default")};
            return false;
        });
        if (walked == Walked::gave_up) finding.kind = Finding::Kind::gave_up;
        return finding;
    }

    [[nodiscard]] std::size_t position_of(const Rule* rule) const {
        return static_cast<std::size_t>(rule - shapes_.chain().rules.data());
    }

private:
    PacketSpace space_;
    ChainShapes shapes_;
    const RuleIndex& index_;
};

Finding judge_protected(Court* court, const Traffic& traffic, WorkBudget* budget) {
    const IsWanted accepted = [](const Rule*, dw_verdict verdict) { return verdict == DW_ACCEPT; };
    Finding finding = court->judge(traffic, true, accepted, budget);
    if (finding.kind != Finding::Kind::fails) return finding;
    const Finding below = court->judge(traffic, false, accepted, budget);
    if (below.kind == Finding::Kind::holds) finding.text += ", when it is over the rate of a rule above";
    return finding;
}

Finding judge_expected(Court* court, const Expectation& expected, WorkBudget* budget) {
    return court->judge(
        expected.traffic, false,
        [&](const Rule* rule, dw_verdict verdict) {
            return verdict == expected.verdict &&
                   (expected.by.empty() || (rule && rule->name == expected.by));
        },
        budget);
}

class Prover {
public:
    Prover(const Resolved& resolved, Diagnostics* diagnostics)
        : resolved_(resolved), policy_(resolved.policy), diagnostics_(*diagnostics) {}

    bool run() {
        for (std::size_t i = 0; i < policy_.protects.size(); ++i)
            prove(policy_.protects[i], resolved_.claims.protects[i]);
        for (std::size_t i = 0; i < policy_.tests.size(); ++i)
            for (std::size_t j = 0; j < policy_.tests[i].expectations.size(); ++j)
                prove(policy_.tests[i].expectations[j], resolved_.claims.tests[i][j]);
        return good_;
    }

private:
    void prove(const Protected& line, const Span& span) {
        Court& court = court_of(Direction::inbound, {});
        const Finding finding = judge_protected(&court, line.traffic, &budget_);
        if (finding.kind == Finding::Kind::holds) return;
        if (finding.kind == Finding::Kind::no_such_packet)
            return report_no_such_packet(Direction::inbound, span);
        Diagnostic& report = report_false(Code::protect_broken, finding, span);
        if (finding.kind == Finding::Kind::gave_up) return;
        report.with_help(finding.rule ? "accept it above that rule" : "add a rule that accepts it");
        if (!finding.rule) return;
        report.and_at(resolved_.inbound[court.position_of(finding.rule)].written->span,
                      "this rule comes first");
    }

    void prove(const Expectation& expected, const Span& span) {
        Court& court = court_of(expected.direction, expected.with);
        const Finding finding = judge_expected(&court, expected, &budget_);
        if (finding.kind == Finding::Kind::holds) return;
        if (finding.kind == Finding::Kind::no_such_packet)
            return report_no_such_packet(expected.direction, span);
        good_ = false;
        Diagnostic& report = report_false(Code::test_failed, finding, span);
        if (!finding.rule) return;
        const auto& origins =
            expected.direction == Direction::inbound ? resolved_.inbound : resolved_.outbound;
        report.and_at(origins[court.position_of(finding.rule)].written->span, "this rule decides");
    }

    // What could not be proven counts as false.
    Diagnostic& report_false(Code code, const Finding& finding, const Span& span) {
        if (finding.kind == Finding::Kind::fails) return diagnostics_.report(code, span, finding.text);
        return diagnostics_.report(code, span, "not proven: too many rules part these packets")
            .with_help("ask for less at once: one protocol, one port, one address at either end");
    }

    void report_no_such_packet(Direction direction, const Span& span) {
        good_ = false;
        const bool inbound = direction == Direction::inbound;
        diagnostics_
            .report(Code::no_such_packet, span,
                    inbound ? "nothing like this arrives from outside" : "nothing like this goes out")
            .with_help(
                "what is behind the line is the receiver inbound and the sender outbound, in a `network`");
    }

    // Tests mostly speak of the same moment.
    Court& court_of(Direction direction, const std::vector<Expectation::With>& with) {
        constexpr std::size_t kMostKept = 8;
        std::vector<std::pair<unsigned, Ipv6Prefix>> moment;
        for (const Expectation::With& each : with) moment.emplace_back(each.source, each.prefix);
        if (courts_.size() >= kMostKept && courts_.count({direction, moment}) == 0) courts_.clear();
        std::unique_ptr<Court>& court = courts_[{direction, std::move(moment)}];
        if (!court) court = std::make_unique<Court>(policy_, direction, with, index_of(direction));
        return *court;
    }

    const RuleIndex& index_of(Direction direction) {
        const bool inbound = direction == Direction::inbound;
        std::optional<RuleIndex>& index = inbound ? inbound_ : outbound_;
        if (!index) index.emplace(inbound ? policy_.inbound : policy_.outbound);
        return *index;
    }

    const Resolved& resolved_;
    const Policy& policy_;
    Diagnostics& diagnostics_;
    WorkBudget budget_{kWork};
    std::optional<RuleIndex> inbound_, outbound_;
    std::map<std::pair<Direction, std::vector<std::pair<unsigned, Ipv6Prefix>>>, std::unique_ptr<Court>>
        courts_;
    bool good_ = true;
};

}  // namespace

bool prove(const Resolved& resolved, Diagnostics* diagnostics) { return Prover(resolved, diagnostics).run(); }

std::vector<Broken> check_protected(const std::vector<Protected>& lines, const Policy& candidate) {
    const RuleIndex index(candidate.inbound);
    Court court(candidate, Direction::inbound, {}, index);
    WorkBudget budget{kWork};
    std::vector<Broken> broken;
    for (const Protected& line : lines) {
        const Finding finding = judge_protected(&court, line.traffic, &budget);
        switch (finding.kind) {
            case Finding::Kind::holds:
                break;
            case Finding::Kind::fails:
                broken.push_back({&line, finding.text});
                break;
            case Finding::Kind::no_such_packet:
                broken.push_back(
                    {&line, "its packets would reach nothing: what they go to is in no network there"});
                break;
            case Finding::Kind::gave_up:
                broken.push_back({&line, "it could not be proven: too many rules part its packets"});
                break;
        }
    }
    return broken;
}

}  // namespace dishwall
