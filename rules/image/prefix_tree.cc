// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/prefix_tree.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>

namespace dishwall {
namespace {

struct Wide {
    using Node = dw_wide_node;
    static constexpr unsigned kKeys = DW_WIDE_KEYS;
    static constexpr std::uint64_t kPad = ~0ull;
    static std::uint64_t key(const Ipv6Address& address) { return address.hi; }
};

struct Full {
    using Node = dw_full_node;
    static constexpr unsigned kKeys = DW_FULL_KEYS;
    static constexpr dw_in6 kPad{~0ull, ~0ull};
    static dw_in6 key(const Ipv6Address& address) { return {address.hi, address.lo}; }
};

unsigned keys_of(TreeKind kind) { return kind == TreeKind::wide ? DW_WIDE_KEYS : DW_FULL_KEYS; }

bool fits(TreeKind kind, const Ipv6Prefix& prefix) {
    return (prefix.length() <= 64) == (kind == TreeKind::wide);
}

// Nodes of each level, the leaves first. A node has one child more than keys.
std::vector<std::size_t> levels_of(TreeKind kind, std::size_t prefixes) {
    const std::size_t keys = keys_of(kind);
    std::vector<std::size_t> levels{(prefixes + keys - 1) / keys};
    while (levels.back() > 1) levels.push_back((levels.back() + keys) / (keys + 1));
    return levels;
}

constexpr std::size_t kLeavesWithTable = 64;  // fewer are three lines from the root at the most, or four
constexpr unsigned kLeastBits = std::countr_zero(DW_NUMBERS_A_LINE);  // a line of numbers

// Writes one tree: first its leaves and what finds them by their bits, then level by level what leads to
// them.
template <typename Shape>
class TreeWriter {
public:
    // `lines`: the tree's own, the first of which is line `first` of the image.
    TreeWriter(std::byte* lines, std::uint32_t first, const std::vector<std::size_t>& levels,
               const TreeTable& table)
        : lines_(lines), first_(first), levels_(levels), table_(table) {
        std::size_t at = table.lines();
        for (std::size_t level = levels.size(); level-- > 0; at += levels[level]) starts_.push_back(at);
        std::reverse(starts_.begin(), starts_.end());
        firsts_.reserve(levels.front());
    }

    void add(const Ipv6Prefix& prefix) {
        if (used_ == Shape::kKeys) end_leaf();
        if (used_ == 0) firsts_.push_back(prefix.first());
        node_.key[used_] = Shape::key(prefix.first());
        lengths_[used_++] = static_cast<std::uint8_t>(prefix.length());
    }

    void end() {
        end_leaf();
        if (table_.bits != 0) write_table();
        for (std::size_t level = 1; level < levels_.size(); ++level) inner(level);
    }

private:
    using Node = typename Shape::Node;
    static constexpr std::size_t kChildren = Shape::kKeys + 1;

    void end_leaf() {
        for (unsigned i = used_; i < Shape::kKeys; ++i) {
            node_.key[i] = node_.key[used_ - 1];
            lengths_[i] = lengths_[used_ - 1];
        }
        node_.tail = DW_NODE_LEAF;
        for (unsigned i = 0; i < Shape::kKeys; ++i)
            node_.tail |= static_cast<std::uint64_t>(lengths_[i]) << 8 * i;
        put(starts_[0] + leaves_++, node_);
        node_ = {};
        used_ = 0;
    }

    // Both walk through their leaves once, side by side: those of a number end where those of the next begin.
    void write_table() {
        const unsigned below = 64 - table_.skip - table_.bits;
        const std::uint64_t shared = firsts_.front().hi & ~(~0ull >> table_.skip);
        std::memcpy(lines_, &shared, sizeof shared);
        std::size_t last = 0;
        for (std::uint64_t number = 0; number < table_.numbers(); ++number) {
            const std::uint64_t begin = shared | number << below, end = begin | ((1ull << below) - 1);
            last = last_leaf(last, {begin, 0});
            const std::size_t first = last;
            last = last_leaf(last, {end, ~0ull});
            const std::uint32_t line = first_ + static_cast<std::uint32_t>(node_above(first, last));
            std::memcpy(lines_ + DW_LINE + number * sizeof line, &line, sizeof line);
        }
    }

    // The last leaf from `leaf` on that does not begin behind `key`.
    [[nodiscard]] std::size_t last_leaf(std::size_t leaf, const Ipv6Address& key) const {
        while (leaf + 1 < firsts_.size() && firsts_[leaf + 1] <= key) ++leaf;
        return leaf;
    }

    // The lowest node that leads to both leaves, in lines from the tree's first.
    [[nodiscard]] std::size_t node_above(std::size_t one, std::size_t other) const {
        std::size_t level = 0;
        for (; one != other; ++level) {
            one /= kChildren;
            other /= kChildren;
        }
        return starts_[level] + one;
    }

    // firsts_: the first keys of the level below; then of this one.
    void inner(std::size_t level) {
        const std::size_t below = levels_[level - 1];
        for (std::size_t i = 0; i < levels_[level]; ++i) {
            const std::size_t begin = i * kChildren, children = std::min(kChildren, below - begin);
            Node node{};
            for (std::size_t key = 0; key < Shape::kKeys; ++key)
                node.key[key] = key + 1 < children ? Shape::key(firsts_[begin + key + 1]) : Shape::kPad;
            node.tail = (first_ + starts_[level - 1] + begin) | static_cast<std::uint64_t>(children - 1)
                                                                    << 32;
            firsts_[i] = firsts_[begin];
            put(starts_[level] + i, node);
        }
    }

    void put(std::size_t line, const Node& node) { std::memcpy(lines_ + line * DW_LINE, &node, sizeof node); }

    std::byte* lines_;
    std::uint32_t first_;
    const std::vector<std::size_t>& levels_;
    const TreeTable& table_;
    std::vector<std::size_t> starts_;  // of each level, in lines from the tree's first
    std::vector<Ipv6Address> firsts_;
    Node node_{};
    std::array<std::uint8_t, Shape::kKeys> lengths_{};
    unsigned used_ = 0;
    std::size_t leaves_ = 0;
};

template <typename Shape, typename Wanted>
void write_tree(TreeWriter<Shape> writer, const Ipv6Prefix* begin, const Ipv6Prefix* end, Wanted wanted) {
    for (const Ipv6Prefix* prefix = begin; prefix != end; ++prefix)
        if (wanted(*prefix)) writer.add(*prefix);
    writer.end();
}

std::uint64_t hash_of(TreeKind kind, const Ipv6Prefix* prefixes, std::size_t count) {
    std::uint64_t hash = dw_mix(count, static_cast<std::uint64_t>(kind));
    for (std::size_t i = 0; i < count; ++i) {
        const Ipv6Address address = prefixes[i].first();
        hash = dw_mix(dw_mix(hash ^ prefixes[i].length(), address.hi), address.lo);
    }
    return hash;
}

// Sorts, and removes what lies within another one.
void make_disjoint(std::vector<Ipv6Prefix>* prefixes) {
    std::sort(prefixes->begin(), prefixes->end());  // by address, then by length: containers come first
    std::size_t kept = 0;
    for (const Ipv6Prefix& prefix : *prefixes)
        if (kept == 0 || !(*prefixes)[kept - 1].contains(prefix.first())) (*prefixes)[kept++] = prefix;
    prefixes->resize(kept);
}

}  // namespace

TreeTable TreeTable::of(std::size_t leaves, const Ipv6Prefix& first, const Ipv6Prefix& last) {
    const auto shared = static_cast<unsigned>(std::countl_zero(first.first().hi ^ last.first().hi));
    const auto bits = std::min(static_cast<unsigned>(std::bit_width(leaves)), 64 - shared);
    if (leaves < kLeavesWithTable || bits < kLeastBits) return {};
    return {shared, bits};
}

std::uint32_t PrefixTrees::append(Tree tree, const Ipv6Prefix& first, const Ipv6Prefix& last) {
    const std::vector<std::size_t> levels = levels_of(tree.kind, tree.count);
    tree.table = TreeTable::of(levels.front(), first, last);
    tree.line = static_cast<std::uint32_t>(lines_);
    tree.depth = static_cast<unsigned>(levels.size()) + (tree.table.bits == 0 ? 0 : 2);
    lines_ = std::accumulate(levels.begin(), levels.end(), lines_ + tree.table.lines());
    prefixes_ += tree.count;
    trees_.push_back(tree);
    return static_cast<std::uint32_t>(trees_.size() - 1);
}

std::uint32_t PrefixTrees::add(TreeKind kind, const Ipv6Prefix* prefixes, std::size_t count) {
    if (count == 0) return kNone;
    const auto number = static_cast<std::uint32_t>(trees_.size());
    const std::uint32_t found =
        index_.find_or_add(hash_of(kind, prefixes, count), number, [&](std::uint32_t other) {
            const Tree& tree = trees_[other];
            return tree.kind == kind && tree.count == count &&
                   std::equal(prefixes, prefixes + count,
                              pool_.begin() + static_cast<std::ptrdiff_t>(tree.begin));
        });
    if (found != number) return found;
    append({kind, nullptr, pool_.size(), count}, prefixes[0], prefixes[count - 1]);
    pool_.insert(pool_.end(), prefixes, prefixes + count);
    return number;
}

PrefixTrees::Roots PrefixTrees::add_literals(std::vector<Ipv6Prefix> prefixes) {
    make_disjoint(&prefixes);
    const auto middle = std::stable_partition(prefixes.begin(), prefixes.end(), [](const Ipv6Prefix& prefix) {
        return fits(TreeKind::wide, prefix);
    });
    const auto wide = static_cast<std::size_t>(middle - prefixes.begin());
    return {add(TreeKind::wide, prefixes.data(), wide),
            add(TreeKind::full, prefixes.data() + wide, prefixes.size() - wide)};
}

std::uint32_t PrefixTrees::add_keys(std::vector<Ipv6Prefix> keys) {
    make_disjoint(&keys);
    return add(TreeKind::full, keys.data(), keys.size());
}

std::uint32_t PrefixTrees::add_feed(TreeKind kind, const FeedEntries& feed) {
    for (const FeedTree& known : feeds_)
        if (known.feed == &feed && known.kind == kind) return known.tree;
    std::size_t count = 0;
    const Ipv6Prefix *first = nullptr, *last = nullptr;
    for (const Ipv6Prefix& prefix : feed.prefixes)
        if (fits(kind, prefix)) {
            if (count++ == 0) first = &prefix;
            last = &prefix;
        }
    const std::uint32_t tree = count == 0 ? kNone : append({kind, &feed, 0, count}, *first, *last);
    feeds_.push_back({&feed, kind, tree});
    return tree;
}

void PrefixTrees::write(std::byte* area, std::uint32_t first) const {
    for (const Tree& tree : trees_) {
        const std::vector<std::size_t> levels = levels_of(tree.kind, tree.count);
        const std::vector<Ipv6Prefix>& source = tree.feed ? tree.feed->prefixes : pool_;
        const Ipv6Prefix* begin = source.data() + tree.begin;
        const Ipv6Prefix* end = tree.feed ? source.data() + source.size() : begin + tree.count;
        std::byte* lines = area + std::size_t{tree.line} * DW_LINE;
        const auto wanted = [&](const Ipv6Prefix& prefix) { return !tree.feed || fits(tree.kind, prefix); };
        if (tree.kind == TreeKind::wide)
            write_tree(TreeWriter<Wide>(lines, first + tree.line, levels, tree.table), begin, end, wanted);
        else
            write_tree(TreeWriter<Full>(lines, first + tree.line, levels, tree.table), begin, end, wanted);
    }
}

}  // namespace dishwall
