// SPDX-License-Identifier: BSD-3-Clause
//
// Any bytes as a captured frame. Besides what the sanitizers see: a mended frame is no longer than it was,
// ends where it says or says nothing, is mended for good, and what it tells of the line is what a DHCPv6
// reply or an advertisement may say. The first byte chooses how it was captured.
#include <cstdlib>
#include <vector>

#include "dataplane/replay/capture.h"
#include "dataplane/replay/line_news.h"
#include "dataplane/replay/ours.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dishwall;
    if (size == 0) return 0;
    const Mending mending{
        .most = (*data & 1) != 0 ? std::size_t{200} : std::size_t{65535},
        .what = (*data & 2) != 0 ? Mending::What::everything : Mending::What::what_capturing_did};
    const bool was_cut = (*data & 4) != 0;
    FrameBytes frame(data + 1, data + size);
    const std::size_t length = frame.size();
    const FrameParts parts = mend(&frame, mending, was_cut);
    require(frame.size() <= length && frame.size() <= mending.most);
    FrameBytes again = frame;
    (void)mend(&again, mending, was_cut);
    require(again == frame);

    const LineNews news = line_news(frame, parts);
    for (const LineNews::Prefix& one : news.delegated) require(one.lives.preferred_s <= one.lives.valid_s);
    for (const LineNews::Prefix& one : news.advertised)
        require(one.prefix.length() == 64 && one.lives.preferred_s <= one.lives.valid_s);
    for (const LineNews::Address& one : news.assigned) require(one.lives.preferred_s <= one.lives.valid_s);
    if (const auto client = dhcp_client(frame, parts)) require(client->address.hi == 0xfe80000000000000);
    (void)tried_address(frame, parts);
    Ours ours;
    ours.set_prefixes({Ipv6Prefix::containing(parts.destination, 64)});
    require(parts.family != 6 || ours.direction_of(frame, parts) == Direction::inbound);
    return 0;
}
