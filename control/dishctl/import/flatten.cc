// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/flatten.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "control/dishctl/import/built_in.h"
#include "control/dishctl/import/uplink.h"

namespace dishwall::import {
namespace {

constexpr std::size_t kMostRules = 100'000;  // of one section
constexpr std::size_t kMostDoubts = 500;
constexpr unsigned kDeepest = 16;  // jumps, as the kernel's
constexpr unsigned kMostProtocols = 16;

std::string place_of(const ForeignRule& rule) {
    return rule.line != 0 ? fmt::format("line {}", rule.line) : rule.text.substr(0, rule.text.find(": "));
}

// Why a rule file has no words for this; empty: it has.
std::string why_not_sayable(Path path, const Condition& condition) {
    const End& ours = is_inbound(path) ? condition.to : condition.from;
    const End& peer = is_inbound(path) ? condition.from : condition.to;
    const bool has_ports = !condition.source_ports.all() || !condition.destination_ports.all();
    if (condition.protocols.all() && (has_ports || !condition.icmp_types.all()))
        return "ports or types of no protocol";
    if (!condition.protocols.all() && condition.protocols.count() > kMostProtocols)
        return "a rule names one protocol, not all but one";
    if (peer.suffix) return "the interface id of a stranger";
    if (!ours.suffix) return "";
    if (is_self(path)) return "this machine by its interface id: write `self`";
    if (ours.in || !ours.out.empty() || !ours.not_behind.empty() || (ours.behind && ours.behind->size() != 1))
        return "an interface id together with other addresses";
    return "";
}

// Packets that may have been decided otherwise.
struct Doubt {
    Condition condition;
    std::string why;
};

class Flattener {
public:
    Flattener(const ForeignRuleset& rules, std::string uplink) : rules_(rules), uplink_(std::move(uplink)) {}

    Section section(Path path);
    void collect_remarks(std::vector<ImportRemark>* remarks) const;
    [[nodiscard]] bool too_many() const { return too_many_; }

private:
    struct Fate {
        bool reached = false;
        bool carried = false;
        std::vector<ImportRemark> remarks;
    };

    [[nodiscard]] std::vector<const BaseChain*> bases_of(Path path) const;
    [[nodiscard]] bool has_accepts(const std::string& chain, std::set<std::string>* seen) const;

    void walk(const std::string& chain, Condition context, unsigned depth);
    bool act(const ForeignRule& rule, const Condition& condition, bool always, unsigned depth);
    void go(const ForeignRule& rule, const Condition& condition, unsigned depth);
    void leave(const ForeignRule& rule, const Condition& condition, unsigned depth);
    void accept(const ForeignRule& rule, Condition condition);
    void refuse(const ForeignRule& rule, const Condition& condition, dw_verdict verdict);
    void log(const ForeignRule& rule, const Condition& condition);
    void end_of_base(const ForeignChain& chain);
    void decide_by_policy(const ForeignRule& rule, const Condition& condition);

    [[nodiscard]] const Doubt* doubt_about(const Condition& condition, bool returned_only) const;
    void doubt(const Condition& condition, std::string why);
    void push(const ForeignRule* rule, const Condition& condition, dw_verdict verdict, std::string left_out);
    void remark(const ForeignRule& rule, ImportRemark::Kind kind, std::string why);

    const ForeignRuleset& rules_;
    const std::string uplink_;
    std::unordered_map<const ForeignRule*, Fate> fates_;
    bool too_many_ = false;
    std::size_t steps_ = 0;

    // Of the path that is walked.
    Path path_ = Path::in_self;
    bool last_base_ = true;  // an accept here is one; in a chain before, it only ends that chain
    bool policy_accepts_ = false;
    std::vector<Doubt> doubts_;                 // drops that were lost
    std::vector<std::vector<Doubt>> returned_;  // one for each chain that is being walked
    Section section_;
};

// ---- which chains

std::vector<Hook> hooks_of(Path path) {
    switch (path) {
        case Path::in_self:
            return {Hook::prerouting, Hook::input};
        case Path::out_self:
            return {Hook::output, Hook::postrouting};
        case Path::in_behind:
        case Path::out_behind:
            break;
    }
    return {Hook::prerouting, Hook::forward, Hook::postrouting};
}

Hook own_hook(Path path) {
    return path == Path::in_self ? Hook::input : path == Path::out_self ? Hook::output : Hook::forward;
}

// `seen`: chains that were looked into, so that each is once.
bool Flattener::has_accepts(const std::string& chain, std::set<std::string>* seen) const {
    const auto found = rules_.chains.find(chain);
    if (found == rules_.chains.end() || !seen->insert(chain).second) return false;
    return std::ranges::any_of(found->second.rules, [&](const ForeignRule& rule) {
        return !rule.never &&
               (rule.action == Action::accept || (!rule.target.empty() && has_accepts(rule.target, seen)));
    });
}

// A packet has to pass all of them, so their order does not matter; the last is the one that accepts.
std::vector<const BaseChain*> Flattener::bases_of(Path path) const {
    std::vector<const BaseChain*> bases;
    for (const Hook hook : hooks_of(path))
        for (const BaseChain& base : rules_.bases) {
            const ForeignChain& chain = rules_.chains.at(base.chain);
            if (base.hook == hook && (!chain.rules.empty() || !chain.accepts)) bases.push_back(&base);
        }
    const auto weight = [&](const BaseChain* base) {
        std::set<std::string> seen;
        return !rules_.chains.at(base->chain).accepts ? 2 : has_accepts(base->chain, &seen) ? 1 : 0;
    };
    std::ranges::stable_sort(bases, {}, [&](const BaseChain* base) {
        return std::pair(weight(base), std::pair(static_cast<int>(base->hook), base->priority));
    });
    return bases;
}

Section Flattener::section(Path path) {
    path_ = path;
    section_ = {};
    doubts_.clear();
    const std::vector<const BaseChain*> bases = bases_of(path);
    section_.filtered =
        std::ranges::any_of(bases, [&](const BaseChain* base) { return base->hook == own_hook(path); });
    section_.accepts = !is_inbound(path);
    for (std::size_t i = 0; i < bases.size(); ++i) {
        last_base_ = i + 1 == bases.size();
        const ForeignChain& chain = rules_.chains.at(bases[i]->chain);
        policy_accepts_ = chain.accepts;
        returned_.assign(1, {});
        walk(bases[i]->chain, {}, 0);
        end_of_base(chain);
    }
    // A rule set of a host says nothing about what is forwarded; that is no decision to let it in.
    if (!section_.filtered && is_inbound(path)) section_.accepts = false;
    return std::move(section_);
}

// ---- rules

// What a rule means on this path; empty: nothing.
std::optional<Condition> seen_on(Path path, const ForeignRule& rule, const std::string& uplink) {
    Condition condition = rule.condition;
    for (const LocalMatch& match : rule.local) {
        const bool is_local = is_self(path) && match.of_destination == is_inbound(path);
        if (is_local == match.negated) return std::nullopt;
    }
    for (const InterfaceMatch& match : rule.interfaces) {
        if (match.incoming == is_inbound(path)) {
            if (names_interface(match, uplink) == match.negated) return std::nullopt;
        } else if (is_self(path)) {
            condition.unclear.emplace_back("another interface of a packet that does not cross this machine");
        } else if (!add_inside(match, uplink, is_inbound(path) ? &condition.to : &condition.from)) {
            condition.unclear.emplace_back("a wildcard for interfaces behind this machine");
        }
    }
    if (condition.nothing()) return std::nullopt;
    return condition;
}

// All packets but these, where that has a form: a condition that is nothing but addresses of one end.
std::optional<Condition> all_but(const Condition& condition) {
    Condition rest;
    for (End Condition::*end : {&Condition::from, &Condition::to}) {
        const End& only = condition.*end;
        if (!condition.exact() || condition.rate || !only.in || !only.out.empty() || only.suffix ||
            only.behind || !only.not_behind.empty())
            continue;
        Condition without = condition;
        without.*end = End();
        if (!without.everything()) continue;
        (rest.*end).out = *only.in;
        return rest;
    }
    return std::nullopt;
}

void Flattener::walk(const std::string& name, Condition context, unsigned depth) {
    const auto chain = rules_.chains.find(name);
    if (chain == rules_.chains.end() || depth > kDeepest) {
        doubt(context, "there is no chain " + name);
        return;
    }
    for (const ForeignRule& rule : chain->second.rules) {
        if (too_many_) return;
        fates_[&rule].reached = true;
        const auto own = rule.never ? std::nullopt : seen_on(path_, rule, uplink_);
        if (!own) continue;
        const Condition condition = both(context, *own);
        if (condition.nothing()) continue;
        too_many_ = ++steps_ > 8 * kMostRules || section_.rules.size() > kMostRules;
        const bool leaves = rule.action == Action::leave
                                ? depth > 0 || !last_base_
                                : rule.action == Action::accept && depth == 0 && !last_base_;
        if (const auto rest = leaves ? all_but(*own) : std::nullopt) {
            fates_[&rule].carried = true;
            context = both(context, *rest);
        } else if (!act(rule, condition, own->everything() && own->exact() && !own->rate, depth)) {
            return;
        }
    }
}

// False: no packet comes to the next rule.
bool Flattener::act(const ForeignRule& rule, const Condition& condition, bool always, unsigned depth) {
    if (rule.log && rule.action != Action::log) log(rule, condition);
    switch (rule.action) {
        case Action::accept:
            accept(rule, condition);
            return true;  // that the rest is never reached, the check finds
        case Action::drop:
        case Action::reject:
            refuse(rule, condition, rule.action == Action::drop ? DW_DROP : DW_REJECT);
            return true;
        case Action::log:
            log(rule, condition);
            return true;
        case Action::jump:
            go(rule, condition, depth);
            return true;
        case Action::go_to:
            go(rule, condition, depth);
            leave(rule, condition, depth);
            return !always;
        case Action::leave:
            leave(rule, condition, depth);
            return !always;
        case Action::nothing:
            if (!rule.log) remark(rule, ImportRemark::Kind::left_out, rule.why);
            return true;
        case Action::unknown:
            doubt(condition, place_of(rule));
            remark(rule, ImportRemark::Kind::left_out, rule.why);
            return true;
    }
    return true;
}

void Flattener::go(const ForeignRule& rule, const Condition& condition, unsigned depth) {
    fates_[&rule].carried = true;
    Condition context = condition;
    if (!rule.condition.exact()) {
        remark(rule, ImportRemark::Kind::left_out,
               fmt::format("{}", fmt::join(rule.condition.unclear, "; ")));
        context.unclear.assign(1,
                               fmt::format("it is reached by {} only, which cannot be said", place_of(rule)));
    }
    if (condition.rate)
        context.unclear.push_back(fmt::format("the limit of {} is for a whole chain", place_of(rule)));
    returned_.emplace_back();
    walk(rule.target, context, depth + 1);
    returned_.pop_back();
}

void Flattener::leave(const ForeignRule& rule, const Condition& condition, unsigned depth) {
    fates_[&rule].carried = true;
    if (depth == 0 && last_base_) return decide_by_policy(rule, condition);
    returned_.back().push_back({condition, place_of(rule)});
}

void Flattener::decide_by_policy(const ForeignRule& rule, const Condition& condition) {
    if (policy_accepts_)
        accept(rule, condition);
    else
        refuse(rule, condition, DW_DROP);
}

void Flattener::accept(const ForeignRule& rule, Condition condition) {
    if (auto built_in = take_built_in(path_, &condition))
        return remark(rule, built_in->kind, std::move(built_in->why));
    std::string why = fmt::format("{}", fmt::join(condition.unclear, "; "));
    if (why.empty() && !last_base_) {
        fates_[&rule].carried = true;
        returned_.front().push_back({condition, place_of(rule)});
        return;
    }
    if (why.empty()) why = why_not_sayable(path_, condition);
    if (why.empty()) {
        if (const Doubt* one = doubt_about(condition, false))
            why = fmt::format(
                "{0} comes before it, could not be carried over, and may mean some of these packets: say "
                "what {0} does, then take the # away",
                one->why);
    }
    push(&rule, condition, DW_ACCEPT, why);
}

void Flattener::refuse(const ForeignRule& rule, const Condition& condition, dw_verdict verdict) {
    std::string why = fmt::format("{}", fmt::join(condition.unclear, "; "));
    if (why.empty()) why = why_not_sayable(path_, condition);
    if (why.empty())
        if (const Doubt* one = doubt_about(condition, true))
            why = one->why + " comes before it and takes some of these packets elsewhere";
    if (!why.empty()) doubt(condition, place_of(rule));
    push(&rule, condition, verdict, why);
}

void Flattener::log(const ForeignRule& rule, const Condition& condition) {
    std::string why = fmt::format("{}", fmt::join(condition.unclear, "; "));
    if (why.empty()) why = why_not_sayable(path_, condition);
    if (why.empty() && doubt_about(condition, true)) why = "which packets come here is not known";
    push(&rule, condition, DW_AUDIT, why);
}

// The policy, which is a rule for everything.
void Flattener::end_of_base(const ForeignChain& chain) {
    const bool in_doubt = !returned_.front().empty();
    if (!last_base_) {
        if (chain.accepts) return;
        if (in_doubt) return doubt({}, chain.name);
        return push(nullptr, {}, DW_DROP, "");
    }
    section_.accepts = chain.accepts;
    if (!chain.accepts) return;
    for (Doubt& one : doubts_) {
        one.condition.rate.reset();
        one.condition.unclear.clear();
        if (one.condition.everything() || !why_not_sayable(path_, one.condition).empty()) {
            section_.accepts = false;
            section_.closed_by = one.why;
            return;
        }
    }
    for (const Doubt& one : doubts_) {
        push(nullptr, one.condition, DW_DROP, "");
        section_.rules.back().why = one.why;
    }
}

// ---- doubts

const Doubt* Flattener::doubt_about(const Condition& condition, bool returned_only) const {
    const auto about = [&](const Doubt& one) { return overlap(one.condition, condition); };
    for (const auto& chain : returned_)
        if (const auto found = std::ranges::find_if(chain, about); found != chain.end()) return &*found;
    if (returned_only) return nullptr;
    const auto found = std::ranges::find_if(doubts_, about);
    return found == doubts_.end() ? nullptr : &*found;
}

void Flattener::doubt(const Condition& condition, std::string why) {
    if (doubts_.size() == kMostDoubts) doubts_.push_back({{}, "much"});
    if (doubts_.size() < kMostDoubts) doubts_.push_back({condition, std::move(why)});
}

// ---- what came of it

void Flattener::push(const ForeignRule* rule, const Condition& condition, dw_verdict verdict,
                     std::string left_out) {
    if (rule != nullptr) {
        if (left_out.empty())
            fates_[rule].carried = true;
        else
            remark(*rule, ImportRemark::Kind::left_out, left_out);
    }
    if (left_out.empty() || verdict == DW_ACCEPT)
        section_.rules.push_back({rule, condition, verdict, false, std::move(left_out), {}});
}

void Flattener::remark(const ForeignRule& rule, ImportRemark::Kind kind, std::string why) {
    auto& remarks = fates_[&rule].remarks;
    if (std::ranges::none_of(remarks, [&](const ImportRemark& one) { return one.why == why; }))
        remarks.push_back({kind, rule.line, rule.text, std::move(why)});
}

void Flattener::collect_remarks(std::vector<ImportRemark>* remarks) const {
    for (const auto& [name, chain] : rules_.chains)
        for (const ForeignRule& rule : chain.rules) {
            if (rule.text.empty()) continue;
            const auto fate = fates_.find(&rule);
            const auto say = [&](ImportRemark::Kind kind, std::string why) {
                remarks->push_back({kind, rule.line, rule.text, std::move(why)});
            };
            if (rule.never) {
                say(rule.never->kind, rule.never->why);
            } else if (fate == fates_.end() || !fate->second.reached) {
                say(ImportRemark::Kind::left_out, "no packet of the line comes to this chain");
            } else if (!fate->second.remarks.empty()) {
                remarks->insert(remarks->end(), fate->second.remarks.begin(), fate->second.remarks.end());
            } else if (!fate->second.carried) {
                say(ImportRemark::Kind::left_out,
                    "it means no packet that opens a flow over the uplink: another interface, or an address "
                    "that "
                    "does not fit its chain");
            }
        }
}

}  // namespace

Result<FlatRuleset> flatten(const ForeignRuleset& rules, const std::string& uplink) {
    FlatRuleset flat;
    auto chosen = choose_uplink(rules, uplink);
    if (!chosen) return tl::unexpected(chosen.error());
    flat.uplink = std::move(*chosen);
    flat.inside = interfaces_behind(rules, flat.uplink);
    Flattener flattener(rules, flat.uplink);
    flat.in_self = flattener.section(Path::in_self);
    flat.in_behind = flattener.section(Path::in_behind);
    flat.out_self = flattener.section(Path::out_self);
    flat.out_behind = flattener.section(Path::out_behind);
    if (flattener.too_many())
        return fail("these are more than {} rules once chains are written out where they are used",
                    kMostRules);
    flat.remarks = rules.remarks;
    flattener.collect_remarks(&flat.remarks);
    return flat;
}

}  // namespace dishwall::import
