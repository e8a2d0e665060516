// SPDX-License-Identifier: BSD-3-Clause
//
// What all workers may use together, shared out.
#include "control/inspector/engine_plan.h"

#include <gtest/gtest.h>

namespace dishwall {
namespace {

TEST(EnginePlan, BoundsAreOfAllWorkersTogether) {
    const EngineLimits all, of_one = share_of(all, 1), of_four = share_of(all, 4);
    EXPECT_EQ(of_one.flows, all.flows);
    EXPECT_EQ(of_one.streams.all_bytes, all.streams.all_bytes);
    EXPECT_EQ(4 * of_four.flows, all.flows);
    EXPECT_EQ(4 * of_four.scan_streams, all.scan_streams);
    EXPECT_EQ(4 * of_four.datagrams, all.datagrams);
    EXPECT_EQ(4 * of_four.datagram_bytes, all.datagram_bytes);
    EXPECT_EQ(4 * of_four.streams.all_bytes, all.streams.all_bytes);
    EXPECT_EQ(of_four.streams.kept_bytes, all.streams.kept_bytes) << "of one flow, wherever it is";
    EXPECT_EQ(of_four.streams.out_of_order_bytes, all.streams.out_of_order_bytes);
}

}  // namespace
}  // namespace dishwall
