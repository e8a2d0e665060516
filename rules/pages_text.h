// SPDX-License-Identifier: BSD-3-Clause
//
// The table that rules/generate_pages.py makes; for rules/pages.cc only.
#pragma once

#include <string_view>

namespace dishwall {

struct Page {
    unsigned number;  // of its Code
    std::string_view text;
};

extern const Page kPages[];
extern const unsigned kPageCount;

}  // namespace dishwall
