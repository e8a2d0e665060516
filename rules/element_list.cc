// SPDX-License-Identifier: BSD-3-Clause
#include "rules/element_list.h"

namespace dishwall {
namespace {

// What an element has on its own; a set with exclusions is not compared with its neighbours.
AddressElements parts_of(const AddressSet& set) {
    if (!set.exclude.empty()) return {};
    return set.any ? AddressElements{everything()} : set.include;
}

// Warns once for each element of which another one (of the same sign) has a part already.
void warn_of_overlaps(const std::vector<ListElement>& elements, bool negated, Diagnostics* diagnostics) {
    ElementIndex index;
    for (std::size_t i = 0; i < elements.size(); ++i)
        if (elements[i].negated == negated)
            for (const AddressElement& part : parts_of(elements[i].set)) index.insert(part, i);
    for (std::size_t i = 0; i < elements.size(); ++i) {
        if (elements[i].negated != negated) continue;
        std::optional<std::size_t> other;
        const auto differs = [&](std::size_t tag) {
            if (tag != i) other = tag;
            return tag != i;
        };
        for (const AddressElement& part : parts_of(elements[i].set))
            if (index.visit_covers(part, differs)) break;
        if (!other) continue;
        diagnostics->report(Code::overlapping_elements, elements[i].span, "contained")
            .and_at(elements[*other].span, "in this");
    }
}

Diagnostic& not_exact(const Span& span, Diagnostics* diagnostics) {
    return diagnostics->report(Code::not_exact, span, "this element has exclusions of its own")
        .with_help("take it apart, or write a rule for the excluded part above this one");
}

std::optional<AddressSet> unite_all(const std::vector<ListElement>& elements, WorkBudget* budget,
                                    Diagnostics* diagnostics) {
    AddressSet sum{false, {}, {}};
    bool found = false;
    for (const ListElement& element : elements) {
        if (element.negated) continue;
        found = true;
        if (unite(&sum, element.set, budget)) continue;
        const ListElement* culprit = &element;
        if (element.set.exclude.empty())
            for (const ListElement& each : elements)
                if (!each.negated && !each.set.exclude.empty()) culprit = &each;
        not_exact(culprit->span, diagnostics);
        return std::nullopt;
    }
    return found ? sum : AddressSet{};
}

}  // namespace

std::optional<AddressSet> fold_list(const std::vector<ListElement>& elements, const Span& list,
                                    WorkBudget* budget, Diagnostics* diagnostics) {
    if (elements.empty()) {
        diagnostics->report(Code::matches_nothing, list, "nothing in it")
            .with_help("for every address write `any`");
        return std::nullopt;
    }
    warn_of_overlaps(elements, false, diagnostics);
    warn_of_overlaps(elements, true, diagnostics);
    auto set = unite_all(elements, budget, diagnostics);
    if (!set) return std::nullopt;
    for (const ListElement& element : elements) {
        if (!element.negated || subtract(&*set, element.set)) continue;
        not_exact(element.span, diagnostics);
        return std::nullopt;
    }
    remove_duplicates(&*set);
    if (!matches_nothing(*set)) return set;
    diagnostics->report(Code::matches_nothing, list, "everything in it is excluded again");
    return std::nullopt;
}

}  // namespace dishwall
