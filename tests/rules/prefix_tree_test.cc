// SPDX-License-Identifier: BSD-3-Clause
//
// Trees of prefixes as the packet core reads them, against a list of the same prefixes.
#include "rules/image/prefix_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/rules/image_reader.h"

namespace dishwall::test {
namespace {

constexpr std::uint32_t kFirst = 7;  // lines in front of the trees, as an image has

struct Written {
    explicit Written(const PrefixTrees& trees) : bytes((kFirst + trees.lines()) * DW_LINE) {
        trees.write(bytes.data() + kFirst * DW_LINE, kFirst);
    }
    [[nodiscard]] reader_image image() const {
        return {bytes.data(), static_cast<__u32>(bytes.size() / DW_LINE)};
    }
    std::vector<std::byte> bytes;
};

bool is_in(const PrefixTrees& trees, const Written& written, PrefixTrees::Roots roots, Ipv6Address key) {
    return reader_in_wide_tree(written.image(), trees.root(roots.wide, kFirst), key.hi) ||
           reader_in_full_tree(written.image(), trees.root(roots.full, kFirst), {key.hi, key.lo});
}

bool is_in(const std::vector<Ipv6Prefix>& prefixes, Ipv6Address key) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const Ipv6Prefix& one) { return one.contains(key); });
}

Ipv6Address next(Ipv6Address key) {
    if (++key.lo == 0) ++key.hi;
    return key;
}
Ipv6Address previous(Ipv6Address key) {
    if (key.lo-- == 0) --key.hi;
    return key;
}

std::vector<Ipv6Prefix> random_prefixes(std::mt19937_64& random, std::size_t count, unsigned longest) {
    std::vector<Ipv6Prefix> prefixes;
    for (std::size_t i = 0; i < count; ++i) {
        const auto length =
            static_cast<unsigned>(random() % 4 ? longest - random() % 8 : random() % (longest + 1));
        const Ipv6Address near{0x2600'0000'0000'0000 | random() % 64, random() % 64 << 58 | random() % 64};
        const Ipv6Address anywhere{random(), random()};
        prefixes.push_back(Ipv6Prefix::containing(random() % 2 ? near : anywhere, length));
    }
    return prefixes;
}

TEST(PrefixTree, HoldsWhatItsPrefixesHold) {
    std::mt19937_64 random(1);
    for (unsigned round = 0; round < 400; ++round) {
        SCOPED_TRACE(round);
        const std::size_t count = random() % (round % 10 ? 40 : 700);
        std::vector<Ipv6Prefix> prefixes = random_prefixes(random, count, round % 2 ? 128 : 64);
        if (round % 16 == 5) prefixes.push_back(Ipv6Prefix::containing({~0ull, ~0ull}, 128));
        PrefixTrees trees;
        const PrefixTrees::Roots roots = trees.add_literals(prefixes);
        const Written written(trees);
        std::vector<Ipv6Address> keys = {{0, 0}, {~0ull, ~0ull}};
        for (const Ipv6Prefix& prefix : prefixes)
            for (const Ipv6Address& key : {prefix.first(), prefix.last()})
                keys.insert(keys.end(), {key, next(key), previous(key)});
        for (unsigned i = 0; i < 50; ++i) keys.push_back({random(), random()});
        for (const Ipv6Address& key : keys)
            ASSERT_EQ(is_in(trees, written, roots, key), is_in(prefixes, key)) << to_string(key);
    }
}

// Crowds and loners, so that some of a table's numbers lead to leaves and some to the root.
TEST(PrefixTree, ATableFindsWhatItsPrefixesHold) {
    std::mt19937_64 random(2);
    for (unsigned round = 0; round < 24; ++round) {
        SCOPED_TRACE(round);
        const bool wide = round % 2 == 0;
        const unsigned longest = wide ? 64 : 128, shared = round % 5 * 9;
        std::vector<Ipv6Prefix> prefixes;
        for (unsigned i = 0; i < 3000; ++i) {
            const bool crowd = random() % 8 != 0;
            const std::uint64_t hi = crowd ? random() >> (8 + random() % 24) : random();
            const auto length =
                static_cast<unsigned>(crowd ? longest - random() % 8 : shared + 16 + random() % 10);
            prefixes.push_back(Ipv6Prefix::containing({hi >> shared, random()}, length));
        }
        PrefixTrees trees;
        const PrefixTrees::Roots roots = trees.add_literals(prefixes);
        const std::uint32_t name = trees.root(wide ? roots.wide : roots.full, kFirst);
        EXPECT_GT(name >> DW_TREE_BITS_SHIFT, 0u) << "it has no table, so this tests nothing";
        const Written written(trees);
        std::vector<Ipv6Address> keys = {{0, 0}, {~0ull, ~0ull}};
        for (std::size_t i = 0; i < prefixes.size(); i += 7)
            for (const Ipv6Address& key : {prefixes[i].first(), prefixes[i].last()})
                keys.insert(keys.end(), {key, next(key), previous(key), {~key.hi, key.lo}});
        for (const Ipv6Address& key : keys)
            ASSERT_EQ(is_in(trees, written, roots, key), is_in(prefixes, key)) << to_string(key);
    }
}

TEST(PrefixTree, EvenlySpreadPrefixesAreTwoLinesFromTheirTable) {
    std::vector<Ipv6Prefix> prefixes;
    for (std::uint64_t i = 0; i < 1 << 16; ++i) prefixes.push_back(Ipv6Prefix::containing({i << 40, 0}, 48));
    PrefixTrees trees;
    const std::uint32_t tree = trees.add(TreeKind::wide, prefixes.data(), prefixes.size());
    EXPECT_EQ(trees.depth(tree), 8u);
    const Written written(trees);
    const auto* numbers =
        reinterpret_cast<const std::uint32_t*>(written.bytes.data() + (kFirst + 1) * DW_LINE);
    const std::uint32_t count = 1u << (trees.root(tree, kFirst) >> DW_TREE_BITS_SHIFT);
    unsigned near = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto tail_of = [&](std::uint32_t line) {
            return reinterpret_cast<const dw_wide_node*>(written.bytes.data() + line * DW_LINE)->tail;
        };
        const std::uint64_t tail = tail_of(numbers[i]);
        near += tail & DW_NODE_LEAF || tail_of(static_cast<std::uint32_t>(tail)) & DW_NODE_LEAF ? 1 : 0;
    }
    EXPECT_GT(near, count * 9 / 10);
}

TEST(PrefixTree, EveryNumberOfPrefixesHasATree) {
    for (std::size_t count = 1; count < 600; ++count)
        for (const TreeKind kind : {TreeKind::wide, TreeKind::full}) {
            std::vector<Ipv6Prefix> prefixes;
            for (std::uint64_t i = 1; i <= count; ++i)
                prefixes.push_back(kind == TreeKind::wide ? Ipv6Prefix::containing({i << 8, 0}, 60)
                                                          : Ipv6Prefix::containing({1, i << 8}, 124));
            PrefixTrees trees;
            const std::uint32_t tree = trees.add(kind, prefixes.data(), count);
            const Written written(trees);
            for (std::uint64_t i = 0; i <= count + 1; ++i)
                for (const std::uint64_t offset : {0, 15, 16}) {
                    const std::uint64_t key = (i << 8) + offset;
                    const bool found =
                        kind == TreeKind::wide
                            ? reader_in_wide_tree(written.image(), trees.root(tree, kFirst), key)
                            : reader_in_full_tree(written.image(), trees.root(tree, kFirst), {1, key});
                    ASSERT_EQ(found, 1 <= i && i <= count && offset < 16) << count << " prefixes, " << key;
                }
        }
}

TEST(PrefixTree, AMillionPrefixesAreReadWhereTheyLie) {
    FeedEntries feed;
    for (std::uint64_t i = 0; i < 1'000'000; ++i)
        feed.prefixes.push_back(
            Ipv6Prefix::containing({0x2400'0000'0000'0000 + (i << 20), i}, i % 4 ? 48 : 128));
    PrefixTrees trees;
    const PrefixTrees::Roots roots{trees.add_feed(TreeKind::wide, feed),
                                   trees.add_feed(TreeKind::full, feed)};
    EXPECT_EQ(trees.add_feed(TreeKind::wide, feed), roots.wide) << "once";
    EXPECT_EQ(trees.depth(roots.wide), 9u);
    EXPECT_EQ(trees.depth(roots.full), 12u);
    const Written written(trees);
    for (std::uint64_t i = 0; i < 1'000'000; i += 37) {
        const Ipv6Prefix& prefix = feed.prefixes[i];
        ASSERT_TRUE(is_in(trees, written, roots, prefix.first()));
        ASSERT_TRUE(is_in(trees, written, roots, prefix.last()));
        ASSERT_FALSE(is_in(trees, written, roots, previous(prefix.first())));
        ASSERT_FALSE(is_in(trees, written, roots, next(prefix.last())));
    }
}

TEST(PrefixTree, TheDeepestTreeOfAnImageIsReadToTheEnd) {
    FeedEntries feed;
    const std::size_t most = std::size_t{DW_IMAGE_LINES} * DW_FULL_KEYS;  // would fill it with leaves alone
    PrefixTrees trees;
    feed.prefixes.reserve(most);
    for (std::uint64_t i = 0; i < most; ++i) feed.prefixes.push_back(Ipv6Prefix::containing({i, 0}, 128));
    EXPECT_LE(trees.depth(trees.add_feed(TreeKind::full, feed)), DW_TREE_DEPTH + 2)
        << "two lines of the table";
}

TEST(PrefixTree, EqualTreesAreOne) {
    const auto prefix = [](std::uint64_t i) { return Ipv6Prefix::containing({i << 32, 0}, 32); };
    PrefixTrees trees;
    const auto one = trees.add_literals({prefix(1), prefix(2)});
    const auto lines = trees.lines();
    EXPECT_EQ(trees.add_literals({prefix(2), prefix(1), prefix(1)}).wide, one.wide);
    EXPECT_EQ(trees.lines(), lines);
    EXPECT_NE(trees.add_literals({prefix(1), prefix(3)}).wide, one.wide);
    EXPECT_NE(trees.add_keys({prefix(1), prefix(2)}), one.wide) << "another kind";
    EXPECT_EQ(trees.add_literals({}).wide, PrefixTrees::kNone);
}

}  // namespace
}  // namespace dishwall::test
