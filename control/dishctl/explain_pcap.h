// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl explain --pcap FILE`: what would happen to each packet of a capture, now, and a summary. The
// daemon judges them in batches, so a capture of any size takes the memory of one batch here and a moment of
// its loop there.
//
// Each packet is judged by itself: a dry run opens no flow, so the later packets of a connection belong to it
// only if that connection is open at this moment.
#pragma once

#include <string>

#include "control/dishctl/verbs.h"
#include "control/ipc/client.h"

namespace dishwall {

// `direction`: "in", "out", or "" for each packet by its addresses. With -j one JSON object a line, the
// summary last. Fails when the capture cannot be read or the daemon does not answer.
[[nodiscard]] tl::expected<ExitCode, CallFailure> explain_pcap(const Invocation& invocation,
                                                               const std::string& file,
                                                               const std::string& direction);

}  // namespace dishwall
