// SPDX-License-Identifier: BSD-3-Clause
#include "tests/rules/image_view.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dishwall::test {
namespace {

template <typename Node>
void walk(const ImageView& image, std::uint32_t line, std::vector<Ipv6Prefix>* found) {
    const auto node = image.at<Node>(line, 0);
    if (!(node.tail & DW_NODE_LEAF)) {
        for (std::uint32_t child = 0; child <= (node.tail >> 32 & 0xff); ++child)
            walk<Node>(image, static_cast<std::uint32_t>(node.tail) + child, found);
        return;
    }
    for (std::size_t i = 0; i < std::size(node.key); ++i) {
        Ipv6Address address;
        if constexpr (std::is_same_v<Node, dw_wide_node>)
            address = {node.key[i], 0};
        else
            address = {node.key[i].hi, node.key[i].lo};
        const auto prefix = Ipv6Prefix::make(address, static_cast<std::uint8_t>(node.tail >> 8 * i));
        ASSERT_TRUE(prefix.has_value()) << "host bits in line " << line;
        if (found->empty() || found->back() != *prefix) found->push_back(*prefix);
    }
}

// The root stands behind the tree's table.
template <typename Node>
std::vector<Ipv6Prefix> prefixes_of(const ImageView& image, std::uint32_t tree) {
    std::vector<Ipv6Prefix> found;
    const std::uint32_t bits = tree >> DW_TREE_BITS_SHIFT;
    const std::uint32_t table = bits == 0 ? 0 : 1 + (1u << bits) / DW_NUMBERS_A_LINE;
    if (tree != 0) walk<Node>(image, (tree & DW_TREE_LINE) + table, &found);
    return found;
}

}  // namespace

std::vector<dw_service> ImageView::services(const dw_chain& chain) const {
    std::vector<dw_service> used;
    for (std::uint32_t way = 0; way < chain.services.count * DW_SERVICE_WAYS; ++way)
        if (const auto service = at<dw_service>(chain.services.line, way); service.name & DW_SERVICE_USED)
            used.push_back(service);
    return used;
}

std::vector<std::uint32_t> ImageView::numbers(const dw_chain& chain, std::uint32_t word) const {
    std::vector<std::uint32_t> found;
    const auto count = at<std::uint32_t>(chain.lists.line, word);
    for (std::uint32_t i = 1; i <= count; ++i) found.push_back(at<std::uint32_t>(chain.lists.line, word + i));
    return found;
}

std::vector<Ipv6Prefix> ImageView::wide_tree(std::uint32_t tree) const {
    return prefixes_of<dw_wide_node>(*this, tree);
}

std::vector<Ipv6Prefix> ImageView::full_tree(std::uint32_t tree) const {
    return prefixes_of<dw_full_node>(*this, tree);
}

CompiledImage compiled(const Policy& policy) {
    std::uint32_t next = DW_REASONS_MAX;
    auto made = lower(policy, [&](const Rule&) { return next++; });
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
    return made ? std::move(*made) : CompiledImage{};
}

}  // namespace dishwall::test
