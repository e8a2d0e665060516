// SPDX-License-Identifier: BSD-3-Clause
//
// explain against a real daemon: frames of a capture through the dry twin, and the token buckets that live
// packets have emptied.
#include <pcap/pcap.h>

#include "capture_file.h"
#include "control/frame_builder.h"
#include "daemon_lab.h"

namespace dishwall {
namespace {

using nlohmann::json;

// The same host on a port of which there is no flow yet.
constexpr char kAnew[] = "in tcp [2001:db8:1::1]:50000 > [2001:db8:aa00:1::10]:443 S";
constexpr char kOut[] = "out udp [2001:db8:aa00:1::10]:5000 > [2001:db8:9::1]:53";

// As somebody else's machine sees it.
std::vector<std::uint8_t> frame_of(const std::string& text) {
    return build_frame(*parse_packet(text), {2, 0, 0, 0, 0, 9});
}

std::string hex(const std::vector<std::uint8_t>& bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

class DaemonExplain : public DaemonLab {
protected:
    void start(const std::string& inbound) {
        daemon->write_config(config_text(inbound));
        ASSERT_TRUE(daemon->start()) << daemon->log();
    }
    json explain(const std::string& packet) const { return daemon->call("Explain", {{"packet", packet}}); }
    std::string dishctl(const std::string& words) const {
        return shell(fmt::format("{} --run-dir {} {}", DISHCTL, daemon->run_dir().string(), words));
    }
};

TEST_F(DaemonExplain, FramesOfACapture) {
    start("    accept tcp 443 to nas name web\n");
    const json reply =
        daemon->call("ExplainFrames", {{"direction", "in"},
                                       {"frames",
                                        {hex(frame_of(kToWeb)), hex(frame_of(kToSsh)),
                                         hex({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 6})}}});
    ASSERT_EQ(reply["results"].size(), 3u) << reply.dump();
    EXPECT_EQ(reply["results"][0],
              (json{{"verdict", "accept"}, {"reason", "rule-accept"}, {"rule", "web"}, {"packet", kToWeb}}));
    EXPECT_EQ(reply["results"][1],
              (json{{"verdict", "drop"}, {"reason", "default-drop"}, {"rule", nullptr}, {"packet", kToSsh}}));
    EXPECT_EQ(reply["results"][2]["packet"], "in ARP");
    EXPECT_EQ(daemon->packets_of_rule("web"), 0u);
    EXPECT_EQ(daemon->call("Flows")["slots_used"], 0);
}

TEST_F(DaemonExplain, WrongFramesAreRefused) {
    start("");
    const auto message = [&](const json& parameters) {
        const json reply = daemon->call("ExplainFrames", parameters);
        return reply.value("error", "") + ": " + reply.value("message", "");
    };
    EXPECT_EQ(message({{"direction", "up"}, {"frames", json::array()}}),
              "org.dishwall.BadInput: 'direction' has to be \"in\" or \"out\"");
    EXPECT_EQ(message({{"direction", "in"}, {"frames", {"0g"}}}),
              "org.dishwall.BadInput: a frame has to be its bytes as lower-case hexadecimal digits");
    EXPECT_EQ(message({{"direction", "in"}, {"frames", std::vector<std::string>(257)}}),
              "org.dishwall.BadInput: 'frames' has to be at most 256 frames");
    EXPECT_EQ(
        message({{"direction", "in"}, {"frames", {"01"}}}).find("org.dishwall.Failed: cannot run the packet"),
        0u);
}

TEST_F(DaemonExplain, ACaptureIsJudgedAndSummedUp) {
    start("    accept tcp 443 to nas name web\n");
    CaptureFile file;
    file.write({frame_of(kToWeb), frame_of(kOut), frame_of(kToSsh), frame_of(kToSsh)});
    EXPECT_EQ("\n" + dishctl("explain --pcap " + file.path()), R"(
     1 accept in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S  web
     2 accept out udp [2001:db8:aa00:1::10]:5000 > [2001:db8:9::1]:53  (default-accept)
     3 drop   in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:22 S  (default-drop)
     4 drop   in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:22 S  (default-drop)

VERDICT REASON         RULE PACKETS
drop    default-drop              2
accept  default-accept            1
accept  rule-accept    web        1

4 packets
)");
}

TEST_F(DaemonExplain, ACaptureAsJson) {
    start("    accept tcp 443 to nas name web\n");
    CaptureFile file;
    const std::vector<std::uint8_t> web = frame_of(kToWeb);
    file.write({{web.begin() + 14, web.end()}}, DLT_RAW);
    EXPECT_EQ("\n" + dishctl("explain -j --pcap " + file.path()), R"(
{"direction":"in","number":1,"packet":"in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S","reason":"rule-accept","rule":"web","verdict":"accept"}
{"summary":{"packets":1,"results":[{"packets":1,"reason":"rule-accept","rule":"web","verdict":"accept"}]}}
)");
}

// More than a batch, in both directions: the order is the capture's.
TEST_F(DaemonExplain, ALongCaptureKeepsItsOrder) {
    start("    accept tcp 443 to nas name web\n");
    CaptureFile file;
    std::vector<std::vector<std::uint8_t>> frames;
    PacketSpec in = *parse_packet(kToWeb), out = *parse_packet(kOut);
    for (std::uint16_t i = 0; i < 700; ++i) {
        PacketSpec& packet = i % 3 == 0 ? out : in;
        packet.source_port = i;
        frames.push_back(build_frame(packet, {2, 0, 0, 0, 0, 9}));
    }
    file.write(frames);
    std::istringstream lines(dishctl("explain -j --pcap " + file.path()));
    std::string line;
    for (int i = 0; i < 700; ++i) {
        std::getline(lines, line);
        const json packet = json::parse(line);
        ASSERT_EQ(packet["number"], i + 1);
        ASSERT_NE(packet["packet"].get<std::string>().find(fmt::format("]:{} > ", i)), std::string::npos)
            << line;
    }
}

TEST_F(DaemonExplain, ADirectionForAllPackets) {
    start("    accept tcp 443 to nas name web\n");
    CaptureFile file;
    file.write({frame_of("in tcp [2001:db8:1::1]:40000 > [2001:db8:ff00:1::10]:443 S")});
    EXPECT_NE(dishctl("explain --pcap " + file.path()).find("(source-not-ours)"), std::string::npos);
    EXPECT_NE(dishctl("explain in --pcap " + file.path()).find("(not-ours)"), std::string::npos);
}

// ---- rates

std::uint64_t tokens(const json& reply) { return reply["rate"]["tokens_left"].get<std::uint64_t>(); }

TEST_F(DaemonExplain, TheBucketOfARule) {
    start("    accept tcp 443 to nas rate 1/m burst 5 name web\n");
    json before = explain(kToWeb);
    EXPECT_EQ(before["rate"], (json{{"rule", "web"}, {"tokens_left", 5}, {"burst", 5}, {"full_in_ms", 0}}));
    send(kToWeb, 3);
    EXPECT_EQ(tokens(explain(kAnew)), 2u);
    send("in tcp [2001:db8:2::1]:40000 > [2001:db8:aa00:1::10]:443 S", 3);
    const json over = explain("in tcp [2001:db8:3::1]:40000 > [2001:db8:aa00:1::10]:443 S");
    EXPECT_EQ(over["verdict"], "drop");
    EXPECT_EQ(over["near"].dump(),
              R"([{"misses":"rate","place":"dishwall.conf:11","rule":"web","verdict":"accept"}])");
    EXPECT_EQ(over["agree"], true) << over.dump(1);
    EXPECT_EQ(tokens(over), 0u);
    EXPECT_GT(over["rate"]["full_in_ms"].get<int>(), 240'000);
    EXPECT_LE(over["rate"]["full_in_ms"].get<int>(), 300'000);
}

TEST_F(DaemonExplain, TheBucketOfEachSource) {
    start("    accept tcp 443 to nas rate 1/m burst 5 per source/64 name web\n");
    send(kToWeb, 2);
    EXPECT_EQ(tokens(explain(kAnew)), 3u);
    EXPECT_EQ(tokens(explain("in tcp [2001:db8:1::2]:1 > [2001:db8:aa00:1::10]:443 S")), 3u);
    EXPECT_EQ(tokens(explain("in tcp [2001:db8:1:1::1]:1 > [2001:db8:aa00:1::10]:443 S")), 5u);
}

// Both evaluators read one state, also where it is about to change.
TEST_F(DaemonExplain, BothAgreeWhileTheBucketRunsDry) {
    start("    accept tcp 443 to nas rate 5/s burst 10 per source name web\n");
    int passes = 0, refused = 0;
    for (std::uint16_t i = 0; i < 40; ++i) {
        send(fmt::format("in tcp [2001:db8:1::1]:{} > [2001:db8:aa00:1::10]:443 S", 1000 + 10 * i), 5);
        const json reply = explain("in tcp [2001:db8:1::1]:999 > [2001:db8:aa00:1::10]:443 S");
        ASSERT_EQ(reply["agree"], true) << reply.dump(1);
        ++(reply["verdict"] == "accept" ? passes : refused);
    }
    EXPECT_GT(passes, 0);
    EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace dishwall
