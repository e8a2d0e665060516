// SPDX-License-Identifier: BSD-3-Clause
//
// What is known of the line and not yet reported, and when it may be. Openings have no time to lose, a
// withdrawal may still be undone, and the packet core wants two writes of dw_own apart.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "control/line/line_follower.h"
#include "control/line/prefix_tracker.h"

namespace dishwall {

// A withdrawal waits this long for its undoing (a DHCPv6 client that deletes and adds again); nothing else
// does.
inline constexpr std::chrono::milliseconds kHold{20};

inline bool opens_something(const LineChange& change) {
    using Kind = LineChange::Kind;
    return change.kind == Kind::added || change.kind == Kind::returned || change.kind == Kind::self_added ||
           change.kind == Kind::mac_changed;
}

using Due = std::optional<MonotonicTime>;

inline Due earlier(const Due& a, const Due& b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

inline bool is_due(const Due& due, MonotonicTime now) { return due && *due <= now; }

// When reports may be made.
struct Spacing {
    MonotonicTime any{0};     // none before
    MonotonicTime learnt{0};  // none only for new addresses of learnt hosts before

    void reported(MonotonicTime now) {
        any = now + LineFollower::kSpacing;
        learnt = now + LineFollower::kLearntSpacing;
    }
};

// What is known but not yet reported.
struct Pending {
    std::vector<LineChange> changes;
    Due first, first_opening, first_learnt;  // when their cause was read

    void add(std::vector<LineChange> more, MonotonicTime received) {
        for (LineChange& change : more) {
            if (!first) first = received;
            if (!first_opening && opens_something(change)) first_opening = received;
            if (!first_learnt && change.kind == LineChange::Kind::learnt_added) first_learnt = received;
            changes.push_back(std::move(change));
        }
    }
    [[nodiscard]] Due due(const Spacing& spacing) const {
        if (first_opening) return spacing.any;
        if (first_learnt) return std::max(spacing.any, spacing.learnt);
        if (first) return std::max(*first + kHold, spacing.any);
        return std::nullopt;
    }
    // The first cause of what is most urgent.
    [[nodiscard]] MonotonicTime received() const {
        const Due opening = earlier(first_opening, first_learnt);
        return opening ? *opening : *first;
    }
};

}  // namespace dishwall
