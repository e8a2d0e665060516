// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/explain_pcap.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "control/dishctl/ask.h"
#include "control/dishctl/text.h"
#include "dataplane/replay/capture.h"
#include "dataplane/replay/ours.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::size_t kBatch =
    200;  // the control socket takes 1 MiB, and a mended frame is 2 KiB at the most
constexpr std::uint64_t kProgressEvery = 50 * kBatch;
constexpr std::array<const char*, 2> kDirections{"in", "out"};

// What is ours at this moment, by which a packet's direction is told.
Ours ours_in(const json& reply) {
    std::vector<Ipv6Prefix> prefixes;
    for (const json& one : part_of(reply, "prefixes"))
        if (const auto prefix = parse_prefix(text_of(one, "prefix"))) prefixes.push_back(*prefix);
    for (const json& one : part_of(reply, "self"))
        if (const auto address = parse_ipv6(one.get<std::string>()))
            prefixes.push_back(Ipv6Prefix::containing(*address, 128));
    Ours ours;
    ours.set_prefixes(std::move(prefixes));
    return ours;
}

const char* way_of(const Ours& ours, const CapturedFrame& frame) {
    return kDirections[ours.direction_of(frame.bytes, frame.parts) == Direction::inbound ? 0 : 1];
}

std::string hex(const FrameBytes& bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

// How often packets came to this.
struct Tally {
    using Key = std::array<std::string, 3>;  // verdict, reason, rule
    std::map<Key, std::uint64_t> counts;
    std::uint64_t packets = 0;

    void add(const json& result) {
        ++packets;
        ++counts[{text_of(result, "verdict"), text_of(result, "reason"), text_of(result, "rule")}];
    }
    [[nodiscard]] std::vector<std::pair<Key, std::uint64_t>> most_first() const {
        std::vector<std::pair<Key, std::uint64_t>> list(counts.begin(), counts.end());
        std::ranges::stable_sort(list, std::greater<>(), [](const auto& one) { return one.second; });
        return list;
    }
};

json summary_json(const Tally& tally) {
    json results = json::array();
    for (const auto& [key, packets] : tally.most_first())
        results.push_back({{"verdict", key[0]},
                           {"reason", key[1]},
                           {"rule", key[2].empty() ? json() : json(key[2])},
                           {"packets", packets}});
    return {{"summary", {{"packets", tally.packets}, {"results", std::move(results)}}}};
}

std::string summary_text(const Tally& tally, const View& view) {
    if (tally.packets == 0) return "no packets\n";
    Table table(view,
                {{"VERDICT"}, {"REASON"}, {"RULE", Table::Kind::shrinks}, {"PACKETS", Table::Kind::right}});
    bool midway = false;
    for (const auto& [key, packets] : tally.most_first()) {
        table.add({{key[0], key[0] == "accept" ? "green" : "red"},
                   key[1],
                   printable(key[2]),
                   std::to_string(packets)});
        midway |= key[1] == "tcp-no-flow" || key[1] == "fragment-stray" || key[1] == "icmp-no-flow";
    }
    std::string text = fmt::format("\n{}\n{} packets\n", table.text(), tally.packets);
    if (midway)
        text +=
            "each packet was judged by itself: what belongs to a connection passes only while that is open\n";
    return text;
}

class Run {
public:
    Run(const Invocation& invocation, IpcClient client, Ours ours, std::string direction)
        : invocation_(invocation),
          client_(std::move(client)),
          ours_(std::move(ours)),
          direction_(std::move(direction)),
          shows_progress_(invocation.view.width == 0 && ::isatty(STDERR_FILENO) != 0) {}

    tl::expected<void, CallFailure> add(const CapturedFrame& frame) {
        directions_.push_back(direction_.empty() ? way_of(ours_, frame) : direction_);
        frames_.push_back(frame.bytes);
        return frames_.size() < kBatch ? tl::expected<void, CallFailure>() : judge();
    }

    // What is left, and the summary.
    tl::expected<void, CallFailure> finish() {
        auto judged = judge();
        if (!judged) return judged;
        if (shows_progress_) *invocation_.err << "\r" << std::flush;
        *invocation_.out << (invocation_.as_json ? document(summary_json(tally_))
                                                 : summary_text(tally_, invocation_.view));
        return {};
    }

private:
    // One call for each direction; shown in the capture's order.
    tl::expected<void, CallFailure> judge() {
        std::vector<json> results(frames_.size());
        for (const char* direction : kDirections) {
            json frames = json::array();
            std::vector<std::size_t> places;
            for (std::size_t i = 0; i < frames_.size(); ++i) {
                if (directions_[i] != direction) continue;
                frames.push_back(hex(frames_[i]));
                places.push_back(i);
            }
            if (places.empty()) continue;
            auto reply = client_.call("org.dishwall.ExplainFrames",
                                      {{"direction", direction}, {"frames", std::move(frames)}});
            if (!reply) return tl::unexpected(reply.error());
            const json& list = part_of(*reply, "results");
            for (std::size_t i = 0; i < places.size() && i < list.size(); ++i) results[places[i]] = list[i];
        }
        for (std::size_t i = 0; i < results.size(); ++i) show(results[i], directions_[i]);
        frames_.clear();
        directions_.clear();
        return {};
    }

    void show(json& result, const std::string& direction) {
        tally_.add(result);
        if (invocation_.as_json) {
            result["number"] = tally_.packets;
            result["direction"] = direction;
            *invocation_.out << document(result);
        } else {
            const std::string verdict = text_of(result, "verdict"), rule = text_of(result, "rule");
            fmt::print(*invocation_.out, "{:>6} {} {}  {}\n", tally_.packets,
                       colored(fmt::format("{:<6}", verdict), verdict == "accept" ? Color::green : Color::red,
                               invocation_.view.color),
                       printable(text_of(result, "packet")),
                       rule.empty() ? "(" + text_of(result, "reason") + ")" : printable(rule));
        }
        if (shows_progress_ && tally_.packets % kProgressEvery == 0)
            *invocation_.err << "\r" << tally_.packets << " packets " << std::flush;
    }

    const Invocation& invocation_;
    IpcClient client_;
    Ours ours_;
    std::string direction_;
    bool shows_progress_;
    std::vector<FrameBytes> frames_;
    std::vector<std::string> directions_;
    Tally tally_;
};

CallFailure cannot(const Error& error) {
    return {CallFailure::Kind::error, "org.dishwall.Failed", error.message, ""};
}

}  // namespace

tl::expected<ExitCode, CallFailure> explain_pcap(const Invocation& invocation, const std::string& file,
                                                 const std::string& direction) {
    Result<Capture> capture = Capture::open(file);
    if (!capture) return tl::unexpected(cannot(capture.error()));
    auto client = IpcClient::connect(socket_of(invocation));
    if (!client) return tl::unexpected(client.error());
    const auto prefixes = client->call("org.dishwall.Prefix", json::object());
    if (!prefixes) return tl::unexpected(prefixes.error());

    Run run(invocation, std::move(*client), ours_in(*prefixes), direction);
    CapturedFrame frame;
    Result<bool> got = capture->next(&frame);
    for (; got && *got && invocation.out->good(); got = capture->next(&frame))
        if (auto added = run.add(frame); !added) return tl::unexpected(added.error());
    if (auto finished = run.finish(); !finished) return tl::unexpected(finished.error());
    if (!got) return tl::unexpected(cannot(got.error()));  // what was before the damage has been shown
    return kOk;
}

}  // namespace dishwall
