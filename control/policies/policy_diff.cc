// SPDX-License-Identifier: BSD-3-Clause
#include "control/policies/policy_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "control/counter_registry.h"
#include "control/policies/rule_text.h"

namespace dishwall {
namespace {

using Kind = RuleChange::Kind;

struct KnownRule {
    const Rule* rule = nullptr;
    std::string meaning;
    std::string key;  // a named rule's name; else its meaning, and how many of them came before it
};

std::vector<KnownRule> known_rules(const Policy& policy, const Chain& chain) {
    std::vector<KnownRule> known;
    std::unordered_map<std::string, unsigned> seen;
    known.reserve(chain.rules.size());
    for (const Rule& rule : chain.rules) {
        KnownRule one{&rule, meaning_of(policy, rule), {}};
        one.key =
            rule.named ? "name " + rule.name : fmt::format("rule {} {}", one.meaning, seen[one.meaning]++);
        known.push_back(std::move(one));
    }
    return known;
}

// Which of these positions are part of one longest ascending run (patience sorting).
std::vector<bool> longest_ascending(const std::vector<std::size_t>& positions) {
    std::vector<std::size_t> ends, former(positions.size());
    for (std::size_t i = 0; i < positions.size(); ++i) {
        const auto at =
            std::lower_bound(ends.begin(), ends.end(), positions[i],
                             [&](std::size_t end, std::size_t value) { return positions[end] < value; });
        former[i] = at == ends.begin() ? i : *std::prev(at);
        if (at == ends.end())
            ends.push_back(i);
        else
            *at = i;
    }
    std::vector<bool> stays(positions.size(), false);
    if (ends.empty()) return stays;
    for (std::size_t i = ends.back();; i = former[i]) {
        stays[i] = true;
        if (former[i] == i) return stays;
    }
}

class ChainDiff {
public:
    ChainDiff(const DiffSide& before, const DiffSide& after, const RuleTexts& texts_before,
              const RuleTexts& texts_after, Direction direction)
        : old_texts_(texts_before),
          new_texts_(texts_after),
          old_chain_(direction == Direction::inbound ? before.policy.inbound : before.policy.outbound),
          new_chain_(direction == Direction::inbound ? after.policy.inbound : after.policy.outbound),
          name_(direction == Direction::inbound ? "inbound" : "outbound"),
          old_(known_rules(before.policy, old_chain_)),
          new_(known_rules(after.policy, new_chain_)) {}

    void run(std::vector<RuleChange>* changes) {
        compare_defaults(changes);
        std::unordered_map<std::string_view, std::size_t> old_at, new_at;
        for (std::size_t i = 0; i < old_.size(); ++i) old_at.emplace(old_[i].key, i);
        for (std::size_t i = 0; i < new_.size(); ++i) new_at.emplace(new_[i].key, i);
        for (const KnownRule& one : old_)
            if (new_at.count(one.key) == 0) add(Kind::removed, &one, nullptr, changes);

        std::vector<std::size_t> common, positions;
        for (std::size_t i = 0; i < new_.size(); ++i)
            if (const auto found = old_at.find(new_[i].key); found != old_at.end()) {
                common.push_back(i);
                positions.push_back(found->second);
            }
        const std::vector<bool> stays = longest_ascending(positions);
        std::size_t next = 0;
        for (std::size_t i = 0; i < new_.size(); ++i) {
            if (next == common.size() || common[next] != i) {
                add(Kind::added, nullptr, &new_[i], changes);
                continue;
            }
            const KnownRule& former = old_[positions[next]];
            const bool moved = !stays[next++];
            if (former.meaning != new_[i].meaning)
                add(Kind::changed, &former, &new_[i], changes);
            else if (moved)
                add(Kind::moved, &former, &new_[i], changes);
        }
    }

private:
    void compare_defaults(std::vector<RuleChange>* changes) const {
        if (old_chain_.default_verdict == new_chain_.default_verdict) return;
        changes->push_back({Kind::changed, name_, "default",
                            "default " + to_string(old_chain_.default_verdict),
                            "default " + to_string(new_chain_.default_verdict)});
    }

    static std::string text_of(const KnownRule* one, const RuleTexts& texts) {
        if (one == nullptr) return {};
        std::string text = texts.statement_at(one->rule->place);
        return text.empty() ? one->meaning : text;
    }

    void add(Kind kind, const KnownRule* before, const KnownRule* after,
             std::vector<RuleChange>* changes) const {
        RuleChange change{kind, name_, (after != nullptr ? after : before)->rule->name,
                          text_of(before, old_texts_), text_of(after, new_texts_)};
        // The same words, and something else is meant: then that has to be shown.
        if (kind == Kind::changed && change.before == change.after) {
            change.before = before->meaning;
            change.after = after->meaning;
        }
        changes->push_back(std::move(change));
    }

    const RuleTexts& old_texts_;
    const RuleTexts& new_texts_;
    const Chain& old_chain_;
    const Chain& new_chain_;
    const char* name_;
    std::vector<KnownRule> old_, new_;
};

}  // namespace

const char* to_string(Kind kind) {
    switch (kind) {
        case Kind::added:
            return "added";
        case Kind::removed:
            return "removed";
        case Kind::changed:
            return "changed";
        case Kind::moved:
            return "moved";
    }
    return "";
}

std::vector<RuleChange> diff_rules(const DiffSide& before, const DiffSide& after) {
    const RuleTexts old_texts(before.texts), new_texts(after.texts);
    std::vector<RuleChange> changes;
    for (const Direction direction : {Direction::inbound, Direction::outbound})
        ChainDiff(before, after, old_texts, new_texts, direction).run(&changes);
    return changes;
}

}  // namespace dishwall
