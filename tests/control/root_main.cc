// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (::geteuid() != 0) {
        fmt::print(stderr, "skipped: making a network namespace needs root\n");
        return 77;  // meson: skipped
    }
    return RUN_ALL_TESTS();
}
