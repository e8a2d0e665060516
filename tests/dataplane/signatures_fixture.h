// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "dataplane/signatures/scanner.h"
#include "tests/dataplane/stream_fixture.h"

namespace dishwall::test {

inline SignatureSetPtr signatures(std::string_view text) {
    auto loaded = load_signatures("test", "test.hs", text, nullptr);
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    return loaded ? loaded->set : nullptr;
}

// The ID that is found in a datagram, or 0.
inline std::uint32_t found_in(const SignatureSetPtr& set, std::string_view text) {
    ScanWorker worker(0);
    const auto found = worker.scan(set, bytes_of(text));
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return found && *found ? (*found)->id : 0;
}

}  // namespace dishwall::test
