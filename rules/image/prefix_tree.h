// SPDX-License-Identifier: BSD-3-Clause
//
// Sets of prefixes as B+-trees of lines (image_layout.h, struct dw_wide_node and dw_full_node). A tree is read
// often and never changed, so it is made whole: leaves are full, children of a node are neighbours, and its
// size follows from the number of prefixes alone. So trees are only noted first (equal ones once), and
// written when it is known where they stand. A feed of a million prefixes is read where it lies, never copied
// nor sorted.
//
// A tree with many leaves has a table by the first bits in which its prefixes differ: a search begins at the lowest
// node that its bits leave over, two lines from the answer where prefixes are spread evenly, and where they crowd it is
// still the tree that bounds it. The table has one to two numbers a leaf, so it adds 6 to 13 %.
//
// Lines are counted from the first tree's; the image adds where that stands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bpf/core/image_layout.h"
#include "rules/image/flat_index.h"
#include "rules/policy.h"

namespace dishwall {

enum class TreeKind { wide, full };  // prefixes of at most 64 bits; any

// The table in front of a tree's root.
struct TreeTable {
    std::uint32_t skip = 0;  // first bits that all prefixes share
    std::uint32_t bits = 0;  // behind them, that index it; 0: there is none

    // For so many leaves that hold these prefixes and those between.
    [[nodiscard]] static TreeTable of(std::size_t leaves, const Ipv6Prefix& first, const Ipv6Prefix& last);

    [[nodiscard]] std::size_t numbers() const { return bits == 0 ? 0 : std::size_t{1} << bits; }
    [[nodiscard]] std::size_t lines() const { return bits == 0 ? 0 : 1 + numbers() / DW_NUMBERS_A_LINE; }
    [[nodiscard]] std::uint32_t name() const {
        return skip << DW_TREE_SKIP_SHIFT | bits << DW_TREE_BITS_SHIFT;
    }
};

class PrefixTrees {
public:
    static constexpr std::uint32_t kNone = ~0u;

    // The number of the tree of these prefixes: sorted, disjoint, of a length that `kind` can hold. kNone for
    // no prefixes.
    std::uint32_t add(TreeKind kind, const Ipv6Prefix* prefixes, std::size_t count);
    struct Roots {  // numbers of trees, or kNone
        std::uint32_t wide = kNone;
        std::uint32_t full = kNone;
    };
    // Of any prefixes, in any order: those that lie within another one are left out.
    [[nodiscard]] Roots add_literals(std::vector<Ipv6Prefix> prefixes);
    [[nodiscard]] std::uint32_t add_keys(std::vector<Ipv6Prefix> keys);  // all in a full tree
    // Of those prefixes of a feed that `kind` is for: up to 64 bits, or the others. The feed must outlive
    // this.
    std::uint32_t add_feed(TreeKind kind, const FeedEntries& feed);

    // Its name, as dw_set has it, when line 0 is line `first` of the image.
    [[nodiscard]] std::uint32_t root(std::uint32_t tree, std::uint32_t first) const {
        return tree == kNone ? 0 : first + trees_[tree].line + trees_[tree].table.name();
    }
    // Lines that a search reads, at the most: two of its table, and from root to leaf; of kNone 0.
    [[nodiscard]] unsigned depth(std::uint32_t tree) const { return tree == kNone ? 0 : trees_[tree].depth; }
    [[nodiscard]] std::uint64_t lines() const { return lines_; }
    [[nodiscard]] std::size_t prefixes() const { return prefixes_; }

    // Writes all trees; `area` is where line 0 stands, and it is line `first` of the image.
    void write(std::byte* area, std::uint32_t first) const;

private:
    struct Tree {
        TreeKind kind;
        const FeedEntries* feed;  // null: in pool_
        std::size_t begin;
        std::size_t count;
        TreeTable table = {};
        std::uint32_t line = 0;
        unsigned depth = 0;
    };
    struct FeedTree {
        const FeedEntries* feed;
        TreeKind kind;
        std::uint32_t tree;
    };

    std::uint32_t append(Tree tree, const Ipv6Prefix& first, const Ipv6Prefix& last);

    std::vector<Tree> trees_;
    std::vector<Ipv6Prefix> pool_;
    std::vector<FeedTree> feeds_;
    FlatIndex index_;
    std::uint64_t lines_ = 0;
    std::size_t prefixes_ = 0;
};

}  // namespace dishwall
