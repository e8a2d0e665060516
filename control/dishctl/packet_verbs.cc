// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/packet_verbs.h"

#include "control/dishctl/ask.h"
#include "control/dishctl/explain_pcap.h"
#include "control/dishctl/shadow_run.h"
#include "control/dishctl/text.h"
#include "control/dishctl/views.h"

namespace dishwall {
namespace {

using nlohmann::json;

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

int finished(const Invocation& invocation, const tl::expected<ExitCode, CallFailure>& done) {
    return done ? *done : report(invocation, done.error());
}

int explain_capture(const Invocation& invocation) {
    const std::string direction = joined(invocation.words);
    if (!direction.empty() && direction != "in" && direction != "out")
        return report(invocation,
                      "beside --pcap stands no packet; 'in' or 'out' may, when all packets of the capture "
                      "went that way",
                      kUsage);
    return finished(invocation, explain_pcap(invocation, invocation.pcap, direction));
}

}  // namespace

int run_explain(const Invocation& invocation) {
    if (!invocation.pcap.empty()) return explain_capture(invocation);
    if (invocation.words.empty())
        return report(invocation, "say a packet, as in 'dishctl explain --help', or --pcap FILE", kUsage);
    const auto reply = ask(invocation, "Explain", {{"packet", joined(invocation.words)}});
    if (!reply) return report(invocation, reply.error());
    *invocation.out << (invocation.as_json ? document(*reply) : explain_view(*reply, invocation.view));
    return part_of(*reply, "agree") != false ? kOk : kFailed;
}

int run_shadow(const Invocation& invocation) {
    const auto length = read_seconds(invocation.duration);
    if (!length) return report(invocation, "--for: " + length.error().message, kUsage);
    return finished(invocation, shadow_run(invocation, absolute_path(invocation.words.front()), *length));
}

}  // namespace dishwall
