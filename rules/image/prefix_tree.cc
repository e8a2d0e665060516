// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/prefix_tree.h"

#include <algorithm>
#include <array>
#include <cstring>

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

// Writes one tree: first its leaves, then level by level what leads to them.
template <typename Shape>
class TreeWriter {
public:
    // `lines`: the tree's own, the first of which is line `first` of the image.
    TreeWriter(std::byte* lines, std::uint32_t first, const std::vector<std::size_t>& levels)
        : lines_(lines), first_(first), levels_(levels) {
        std::size_t at = 0;
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
        for (std::size_t level = 1; level < levels_.size(); ++level) inner(level);
    }

private:
    using Node = typename Shape::Node;

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

    // firsts_: the first keys of the level below; then of this one.
    void inner(std::size_t level) {
        constexpr std::size_t kChildren = Shape::kKeys + 1;
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
    std::vector<std::size_t> starts_;  // of each level, in lines from the root
    std::vector<Ipv6Address> firsts_;
    Node node_{};
    std::array<std::uint8_t, Shape::kKeys> lengths_{};
    unsigned used_ = 0;
    std::size_t leaves_ = 0;
};

template <typename Shape, typename Wanted>
void write_tree(std::byte* lines, std::uint32_t first, const std::vector<std::size_t>& levels,
                const Ipv6Prefix* begin, const Ipv6Prefix* end, Wanted wanted) {
    TreeWriter<Shape> writer(lines, first, levels);
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

std::uint32_t PrefixTrees::append(const Tree& tree) {
    trees_.push_back(tree);
    trees_.back().line = static_cast<std::uint32_t>(lines_);
    for (const std::size_t level : levels_of(tree.kind, tree.count)) {
        lines_ += level;
        ++trees_.back().depth;
    }
    prefixes_ += tree.count;
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
    append({kind, nullptr, pool_.size(), count});
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
    const auto count = static_cast<std::size_t>(
        std::count_if(feed.prefixes.begin(), feed.prefixes.end(),
                      [kind](const Ipv6Prefix& prefix) { return fits(kind, prefix); }));
    feeds_.push_back({&feed, kind, count == 0 ? kNone : append({kind, &feed, 0, count})});
    return feeds_.back().tree;
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
            write_tree<Wide>(lines, first + tree.line, levels, begin, end, wanted);
        else
            write_tree<Full>(lines, first + tree.line, levels, begin, end, wanted);
    }
}

}  // namespace dishwall
