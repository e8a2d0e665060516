// SPDX-License-Identifier: BSD-3-Clause
//
// { A, B, not C } -> one AddressSet: in A or B, and not in C. With nothing but `not` in it, in anything
// else. Here is noticed what a list holds twice, and when nothing is left of it.
#pragma once

#include <optional>
#include <vector>

#include "rules/address_set.h"
#include "rules/diagnostic.h"
#include "rules/source.h"

namespace dishwall {

struct ListElement {
    AddressSet set;  // what stands behind the `not`, if there is one
    bool negated = false;
    Span span;
};

[[nodiscard]] std::optional<AddressSet> fold_list(const std::vector<ListElement>& elements, const Span& list,
                                                  WorkBudget* budget, Diagnostics* diagnostics);

}  // namespace dishwall
