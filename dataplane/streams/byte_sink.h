// SPDX-License-Identifier: BSD-3-Clause
//
// Who reads a reassembled stream: each byte once, in order, before the packet that carries it goes on. An
// interface, so that reassembly knows nothing of Hyperscan and is tested against a model without it.
#pragma once

#include <cstdint>
#include <span>

namespace dishwall {

using Bytes = std::span<const std::uint8_t>;

enum class Taken : std::uint8_t {
    go_on,   // nothing against these bytes
    stop,    // nothing of this stream may go on, neither now nor later
    unable,  // they cannot be looked at (no memory, too many streams)
};

class ByteSink {
public:
    virtual ~ByteSink() = default;
    // The next bytes of the stream; valid during the call only.
    virtual Taken take(Bytes bytes) = 0;
    // The stream's last byte has been taken (FIN).
    virtual Taken end() = 0;
    // What follows does not continue what was taken: forget it.
    virtual void restart() = 0;
};

}  // namespace dishwall
