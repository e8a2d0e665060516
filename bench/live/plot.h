// SPDX-License-Identifier: BSD-3-Clause
//
// The picture of the claim: what refusing a packet costs above bare XDP_DROP, over the number of rules, one
// line a system, both axes logarithmic. Written as SVG by hand: a few lines of code for one plot, legible on
// light and dark pages (it follows prefers-color-scheme), and no tool that a reader would have to trust.
#pragma once

#include <string>

#include "bench/live/report.h"

namespace dishwall::bench {

[[nodiscard]] std::string svg_plot(const Report& report);

}  // namespace dishwall::bench
