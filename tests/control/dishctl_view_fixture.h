// SPDX-License-Identifier: BSD-3-Clause
//
// Views in a known place: UTC, a character set that libsmartcols can count in, and terminals of each kind.
#pragma once

#include <gtest/gtest.h>

#include <clocale>
#include <cstdlib>
#include <ctime>
#include <string>

#include "control/dishctl/table.h"
#include "tests/control/dishctl_replies.h"

namespace dishwall {

constexpr View kPipe{0, false, kCannedNow}, kSmall{80, false, kCannedNow}, kColors{200, true, kCannedNow};

class ViewTest : public testing::Test {
protected:
    void SetUp() override {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
        std::setlocale(LC_ALL, "C.UTF-8");
    }
    // smartcols fills the last column of a wrapped table with blanks.
    static std::string trimmed(std::string text) {
        std::size_t at = 0;
        while ((at = text.find(" \n")) != std::string::npos) text.erase(at, 1);
        return text;
    }
};

}  // namespace dishwall
