// SPDX-License-Identifier: BSD-3-Clause
//
// A compiled image as its tables, for tests that look at what was written. How it is read by the packet core
// is another matter: image_reader.h.
#pragma once

#include <cstring>
#include <vector>

#include "rules/ipv6.h"
#include "rules/lower.h"

namespace dishwall::test {

class ImageView {
public:
    explicit ImageView(std::vector<std::byte> image) : bytes_(std::move(image)) {
        bytes_.resize(std::max(bytes_.size(), sizeof(dw_image)));
    }

    [[nodiscard]] dw_image header() const { return at<dw_image>(0, 0); }
    [[nodiscard]] std::size_t lines() const { return bytes_.size() / DW_LINE; }
    [[nodiscard]] const std::byte* data() const { return bytes_.data(); }

    // Element `index` of those of type T that begin with a line.
    template <typename T>
    [[nodiscard]] T at(std::uint32_t line, std::size_t index) const {
        T value;
        std::memcpy(&value,
                    &bytes_.at(line * std::size_t{DW_LINE} + (index + 1) * sizeof(T) - 1) + 1 - sizeof(T),
                    sizeof value);
        return value;
    }
    template <typename T>
    [[nodiscard]] std::vector<T> list(const dw_span& span) const {
        std::vector<T> values;
        for (std::uint32_t i = 0; i < span.count; ++i) values.push_back(at<T>(span.line, i));
        return values;
    }

    // Those in use.
    [[nodiscard]] std::vector<dw_service> services(const dw_chain& chain) const;
    // Those under a word of dw_chain.lists.
    [[nodiscard]] std::vector<std::uint32_t> numbers(const dw_chain& chain, std::uint32_t word) const;
    // Of the tree of this name, in order; what pads its leaves is left out.
    [[nodiscard]] std::vector<Ipv6Prefix> wide_tree(std::uint32_t tree) const;
    [[nodiscard]] std::vector<Ipv6Prefix> full_tree(std::uint32_t tree) const;

private:
    std::vector<std::byte> bytes_;
};

// The image of a policy whose rules are counted from DW_REASONS_MAX on; a test failure when there is none.
[[nodiscard]] CompiledImage compiled(const Policy& policy);

}  // namespace dishwall::test
