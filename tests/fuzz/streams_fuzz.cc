// SPDX-License-Identifier: BSD-3-Clause
//
// Reassembly on any schedule of segments and acknowledgements: it must do what the slow model does, and a
// receiver behind it must read nothing that was not taken first (tests/dataplane/stream_play.h).
#include <cstdlib>

#include <fmt/format.h>

#include "tests/dataplane/stream_play.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const dishwall::test::Played played = dishwall::test::play_streams({data, size});
    if (played.wrong.empty()) return 0;
    fmt::print(stderr, "{}\n", played.wrong);
    std::abort();
}
