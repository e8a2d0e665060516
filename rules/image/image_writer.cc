// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/image_writer.h"

#include <algorithm>

namespace dishwall {
namespace {

constexpr std::array<std::string_view, 5> kWhat = {
    "services: single ports of single hosts", "lines of rules: one for each port or range of ports of a rule",
    "what leads to rules with ranges and networks", "address sets and feeds", "the rest"};

double mebibytes(std::uint64_t lines) { return static_cast<double>(lines) * DW_LINE / (1 << 20); }

}  // namespace

std::string ImageWriter::too_big() const {
    const auto most = std::max_element(lines_of_.begin(), lines_of_.end());
    return fmt::format("the compiled policy takes {:.1f} MiB, the limit is {}; {:.1f} MiB of them are {}",
                       mebibytes(lines_), DW_IMAGE_SIZE >> 20, mebibytes(*most),
                       kWhat[static_cast<std::size_t>(most - lines_of_.begin())]);
}

}  // namespace dishwall
