// SPDX-License-Identifier: BSD-3-Clause
//
// Which packets there can be, and which of them a rule means, as boxes (box.h). Two questions are asked, and
// they know different things about the line:
//
// Of all times: can this rule ever match? Then nothing is known of prefixes but static ones, nothing of
// feeds, and an address may be anything at once: a learnt host, in a feed, this box's own. Only what the
// packet core guarantees is held to: the local end is this box or lies behind it.
//
// Of claims, by their words: does traffic `to nas` come to this verdict? An address is what the claim calls
// it and nothing else: a literal is no host of another name, a name whose prefix is not known has no literal.
// Two names are two addresses. Networks are wide: whoever may be in them is.
#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rules/box.h"
#include "rules/policy.h"

namespace dishwall {

// What a rule means: any of `lanes`, from any of `from`, to any of `to`.
struct Shape {
    std::vector<Box> lanes;  // proto, port, sender's port
    std::vector<Box> from;
    std::vector<Box> to;
};

class PacketSpace {
public:
    enum class View { all_times, by_words };

    // `with`: what dynamic sources have, when that is said. The policy has to outlive this.
    PacketSpace(const Policy& policy, Direction direction, View view,
                const std::vector<Expectation::With>& with = {});

    [[nodiscard]] Shape shape_of(const Traffic& rule) const;
    // All packets of this traffic that there can be; parts may occur twice.
    [[nodiscard]] std::vector<Box> packets_of(const Traffic& traffic) const;
    // Is there a packet in the box?
    [[nodiscard]] bool possible(const Box& box) const;

    [[nodiscard]] const Policy& policy() const { return policy_; }
    [[nodiscard]] Direction direction() const { return direction_; }
    // Of a host behind the line, when its prefix is known.
    [[nodiscard]] std::optional<Ipv6Address> literal_of(const Behind& host) const;
    [[nodiscard]] const LearntHost* learnt(std::uint32_t id) const;

private:
    using Ranges = std::vector<KeyRange>;
    // What lies behind the line: places of sources whose prefix is not known, addresses of the others.
    struct Behinds {
        Ranges places, addresses;
    };

    [[nodiscard]] bool is_on_dish_side(unsigned source) const;
    [[nodiscard]] Behinds ranges_of(const Behind& behind) const;
    void add(const Behind& behind, Behinds* to) const;
    [[nodiscard]] Behinds local() const;
    [[nodiscard]] std::pair<Axis, Ranges> on_axis(const AddressElement& element, End end) const;
    [[nodiscard]] Ranges literal(const Ipv6Prefix& prefix) const;

    [[nodiscard]] std::vector<Box> boxes_of(const AddressSet& set, End end) const;
    [[nodiscard]] Box without(const AddressElements& excluded, End end) const;
    [[nodiscard]] std::vector<Box> end_of(const AddressSet& set, End end) const;
    [[nodiscard]] std::vector<Box> ours_at_all_times(End end) const;

    // By words.
    [[nodiscard]] Box unnamed(End end) const;
    void add(const Behinds& where, const Box& what, End end, std::vector<Box>* to) const;
    [[nodiscard]] Box anybody(End end) const;
    [[nodiscard]] std::vector<Box> everything(End end) const;
    [[nodiscard]] std::vector<Box> named(const AddressElement& element, End end) const;
    [[nodiscard]] std::vector<Box> named(const Ipv6Prefix& prefix, End end) const;
    [[nodiscard]] std::vector<Box> named(const Behind& behind, End end) const;
    [[nodiscard]] std::vector<Box> named(const Learnt& host, End end) const;
    [[nodiscard]] std::vector<Box> this_box(End end) const;
    [[nodiscard]] bool possible(const Box& box, End end) const;

    const Policy& policy_;
    Direction direction_;
    View view_;
    End local_;
    std::vector<std::optional<Ipv6Prefix>> known_;  // by source
    Behinds ours_;  // of the local end, but for this box's own addresses elsewhere
    std::unordered_map<std::uint32_t, const LearntHost*> learnt_;
    std::size_t domains_ = 0;  // learnt hosts by `name`
};

}  // namespace dishwall
