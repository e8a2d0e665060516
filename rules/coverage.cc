// SPDX-License-Identifier: BSD-3-Clause
#include "rules/coverage.h"

#include <algorithm>
#include <utility>

#include "rules/example_text.h"
#include "rules/rule_index.h"

namespace dishwall {
namespace {

constexpr std::size_t kWork = 10'000'000;  // a second or less

struct Piece {
    Box box;
    std::size_t at = 0;  // the next station
};

class Walk {
public:
    Walk(const PacketSpace& space, const std::vector<Station>& stations, WorkBudget* budget,
         const Visit& visit)
        : space_(space), stations_(stations), budget_(*budget), visit_(visit) {}

    Walked run(std::vector<Box> packets) {
        for (Box& box : packets) {
            open_.push_back({std::move(box), 0});
            while (!open_.empty()) {
                Piece piece = std::move(open_.back());
                open_.pop_back();
                const Walked walked = send(std::move(piece));
                if (walked != Walked::whole) return walked;
            }
        }
        return Walked::whole;
    }

private:
    // To the end, or to the first station that parts it.
    Walked send(Piece piece) {
        for (std::size_t at = piece.at; at < stations_.size(); ++at) {
            left_.assign(1, piece.box);
            matched_ = false;
            const Walked met = meet(at);
            if (met != Walked::whole) return met;
            if (!matched_ || !stations_[at].takes) continue;
            for (Box& box : left_)
                if (space_.possible(box)) open_.push_back({std::move(box), at + 1});
            return Walked::whole;
        }
        return visit_(stations_.size(), piece.box) ? Walked::whole : Walked::stopped;
    }

    // Takes what the station matches out of left_.
    Walked meet(std::size_t at) {
        const Shape& shape = *stations_[at].shape;
        for (const Box& lane : shape.lanes) {
            if (!spend(1)) return Walked::gave_up;
            if (!meets(lane)) continue;
            for (const Box& from : shape.from) {
                if (!spend(1)) return Walked::gave_up;
                if (!meets(from)) continue;
                for (const Box& to : shape.to) {
                    const Walked taken = take(at, lane, from, to);
                    if (taken != Walked::whole) return taken;
                }
            }
        }
        return Walked::whole;
    }

    bool meets(const Box& part) const {
        return std::any_of(left_.begin(), left_.end(), [&](const Box& box) { return box.meets(part); });
    }

    Walked take(std::size_t at, const Box& lane, const Box& from, const Box& to) {
        Box hole = lane;
        if (!hole.narrow(from) || !hole.narrow(to)) return Walked::whole;
        std::vector<Box> rest;
        for (Box& box : left_) {
            if (!spend(1)) return Walked::gave_up;
            if (!box.meets(hole)) {
                rest.push_back(std::move(box));
                continue;
            }
            Box part = box;
            if (!part.narrow(hole) || !space_.possible(part)) {
                rest.push_back(std::move(box));
                continue;
            }
            matched_ = true;
            if (!visit_(at, part)) return Walked::stopped;
            if (!spend(box.cut(hole, &rest))) return Walked::gave_up;
        }
        left_ = std::move(rest);
        return Walked::whole;
    }

    bool spend(std::size_t work) { return budget_.spend(work); }

    const PacketSpace& space_;
    const std::vector<Station>& stations_;
    WorkBudget& budget_;
    const Visit& visit_;
    std::vector<Piece> open_;
    std::vector<Box> left_;  // of the piece in work, at one station
    bool matched_ = false;
};

bool any_meets(const std::vector<Box>& parts, const Box& packets) {
    return std::any_of(parts.begin(), parts.end(), [&](const Box& part) { return packets.meets(part); });
}

}  // namespace

Walked walk(const PacketSpace& space, const std::vector<Station>& stations, std::vector<Box> packets,
            WorkBudget* budget, const Visit& visit) {
    return Walk(space, stations, budget, visit).run(std::move(packets));
}

ChainShapes::ChainShapes(const PacketSpace& space)
    : space_(space),
      chain_(space.direction() == Direction::inbound ? space.policy().inbound : space.policy().outbound) {}

std::shared_ptr<const Shape> ChainShapes::at(std::size_t rule) {
    constexpr std::size_t kMostKept = 10'000;  // about a kilobyte each
    const auto found = shapes_.find(rule);
    if (found != shapes_.end()) return found->second;
    auto made = std::make_shared<const Shape>(space_.shape_of(chain_.rules[rule]));
    if (shapes_.size() < kMostKept) shapes_.emplace(rule, made);
    return made;
}

std::optional<std::vector<std::size_t>> ChainShapes::meeting(const std::vector<Box>& packets,
                                                             const std::vector<std::size_t>& rules,
                                                             WorkBudget* budget) {
    std::vector<std::size_t> found;
    for (const std::size_t rule : rules) {
        const Rule& each = chain_.rules[rule];
        if (!budget->spend(10 + packets.size() + each.from.include.size() + each.from.exclude.size() +
                           each.to.include.size() + each.to.exclude.size()))
            return std::nullopt;
        const auto shape = at(rule);
        const auto meets = [&](const Box& box) {
            return any_meets(shape->lanes, box) && any_meets(shape->from, box) && any_meets(shape->to, box);
        };
        if (std::any_of(packets.begin(), packets.end(), meets)) found.push_back(rule);
    }
    return found;
}

std::vector<Outcome> outcomes(const Policy& policy, Direction direction, const Traffic& traffic) {
    const PacketSpace space(policy, direction, PacketSpace::View::by_words);
    ChainShapes shapes(space);
    WorkBudget budget{kWork};
    const std::vector<Box> packets = space.packets_of(traffic);
    const auto near = RuleIndex(shapes.chain()).sharing(traffic, shapes.chain().rules.size(), &budget);
    const auto rules = near ? shapes.meeting(packets, *near, &budget) : std::nullopt;
    if (!rules) return {};
    std::vector<Station> stations;
    for (const std::size_t rule : *rules) stations.push_back({shapes.at(rule), true});
    std::map<std::size_t, Outcome> found;
    static_cast<void>(walk(space, stations, packets, &budget, [&](std::size_t station, const Box& part) {
        const Rule* rule = station < stations.size() ? &shapes.chain().rules[(*rules)[station]] : nullptr;
        const auto [entry, is_new] = found.try_emplace(station);
        if (is_new)
            entry->second = {rule ? rule->verdict : shapes.chain().default_verdict, rule,
                             example_of(space, part)};
        return true;
    }));
    std::vector<Outcome> all;
    for (auto& [station, outcome] : found) all.push_back(std::move(outcome));
    return all;
}

}  // namespace dishwall
