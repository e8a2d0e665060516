// SPDX-License-Identifier: BSD-3-Clause
//
// The whole native path under a fuzzer (header walk, link, fragments, flows, policy, rejecting), with stories
// as input (packet_script.h). Besides what the sanitizers see: nothing is accepted unless the shadow model
// knows why (tests/core/shadow.h), every reason exists and fits its verdict, and what a rejected sender is
// told is a well-formed answer to it.
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "bpf/core/native.h"
#include "tests/core/names.h"
#include "tests/core/native_image.h"
#include "tests/core/shadow.h"
#include "tests/core/world.h"
#include "tests/fuzz/packet_script.h"

namespace {

using namespace dishwall;
using namespace dishwall::test;

constexpr unsigned kBuckets = 4;  // so few that flows fight for them
constexpr std::uint64_t kHz = 100, kStart = 10'000'000;

// Static, since the sanitizers see past their ends too, and cleared after each input as far as it used them.
alignas(DW_LINE) dw_slots slots[kBuckets];
alignas(DW_LINE) dw_flow flows[kBuckets * DW_WAYS];
alignas(DW_LINE) dw_fragment_bucket fragments[DW_FRAGMENT_BUCKETS];
alignas(DW_LINE) dw_link link_memory;
alignas(DW_LINE) dw_counter counters[DW_COUNTERS];
alignas(DW_LINE) dw_rates rates;
NativeImage images[kScriptPolicies];

// Read and lowered once.
const std::vector<Policy>& policies() {
    static const std::vector<Policy> all = [] {
        std::vector<Policy> read;
        for (unsigned i = 0; i < kScriptPolicies; ++i) {
            read.push_back(read_or_throw(script_rules(i)));
            images[i] = NativeImage(lower_or_throw(read.back()));
        }
        return read;
    }();
    return all;
}

std::string hex(const Bytes& bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

class Run {
public:
    Run() {
        memory_.settings.bucket_mask = kBuckets - 1;
        memory_.settings.hz = kHz;
        for (unsigned i = 0; i < DW_SECRET_WORDS; ++i) memory_.settings.secret[i] = kTestSecret * (i + 1);
        memory_.slots = slots;
        memory_.flows = flows;
        memory_.fragments = fragments;
        memory_.link = &link_memory;
        memory_.rates = &rates;
        memory_.counters = counters;
        memory_.event = &event_;
        memory_.own = &own_;
        memory_.now = kStart;
        take(world_own());
        take(script::Reload{0});
    }
    ~Run() {
        std::memset(static_cast<void*>(slots), 0, sizeof slots);
        std::memset(static_cast<void*>(flows), 0, sizeof flows);
        std::memset(static_cast<void*>(&link_memory), 0, sizeof link_memory);
        if (shadow_.has_seen_fragments()) std::memset(static_cast<void*>(fragments), 0, sizeof fragments);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    void take(const Own& own) {
        if (!encode(own, &own_)) std::abort();
        shadow_.set_own(own);
    }
    void take(const script::Reload& load) {
        policy_ = &policies()[load.policy];
        images[load.policy].put_in_force(&memory_, ++generation_);
        shadow_.load(*policy_);
    }
    void take(const script::Pause& pause) {
        memory_.now += pause.seconds * kHz;
        shadow_.wait(pause.seconds);
    }
    void take(const script::Frame& frame) {
        const auto judge = frame.direction == Direction::inbound ? dw_native_inbound : dw_native_outbound;
        dw_outcome outcome{};
        judge(&memory_, frame.bytes.data(), static_cast<std::uint32_t>(frame.bytes.size()), &outcome);
        history_.emplace_back(frame, outcome.reason);
        check_form(outcome);
        require(shadow_.object_to(frame.direction, frame.bytes, outcome));
        if (outcome.verdict == DW_REJECT && frame.direction == Direction::inbound) check_reply(frame.bytes);
    }

private:
    void require(const std::string& objection) const {
        if (objection.empty()) return;
        for (const auto& [frame, reason] : history_)
            fmt::print(stderr, "{} {} {}\n", frame.direction == Direction::inbound ? "in " : "out",
                       reason_name(reason), hex(frame.bytes));
        fmt::print(stderr, "objection to the last frame: {}\n", objection);
        std::abort();
    }
    void require(bool condition, const char* otherwise) const { require(condition ? "" : otherwise); }

    void check_form(const dw_outcome& outcome) const {
        require(!reason_name(outcome.reason).starts_with("reason "), "no such reason");
        require(outcome.reason != DW_REASON_INTERNAL && outcome.reason != DW_REASON_NO_POLICY,
                "an impossible reason");
        require(outcome.verdict == DW_ACCEPT || outcome.verdict == DW_DROP || outcome.verdict == DW_REJECT,
                "no such verdict");
        require(dw_reason_accepts(outcome.reason) == (outcome.verdict == DW_ACCEPT),
                "reason and verdict disagree");
        require(outcome.reason != DW_REASON_FLOW || outcome.flow != 0, "a flow without a flow");
    }
    // RFC 4443 2.4, RFC 9293 3.10.7.1: nobody but the sender is told, in a packet that it can read.
    void check_reply(const Bytes& asked) {
        constexpr std::size_t kRoom = 1294, kMtu = 1280, kEthernet = 14;
        Bytes reply(kRoom);
        reply.resize(dw_native_reject(&memory_, &budget_, asked.data(),
                                      static_cast<std::uint32_t>(asked.size()), reply.data()));
        if (reply.empty()) return;
        const SlowPacket to = read_slowly(asked, Direction::inbound, policy_->uplink).packet;
        const auto [p, fault] = read_slowly(reply, Direction::outbound, policy_->uplink);
        require(fault);
        require(reply.size() <= kEthernet + kMtu, "a reply longer than any link's least MTU");
        require(p.src == to.dst && p.dst == to.src, "a reply to somebody else");
        require(!to.fragment && !to.is_icmp_error(), "a reply to a fragment or an error");
        require(checksum_is_right(p), "a reply with a wrong checksum");
        require(p.proto == 6 ? to.proto == 6 && (p.tcp.flags & kRst) != 0
                             : p.is_icmp() && p.icmp_type == 1 && p.icmp_code == 1,
                "neither a reset nor an error");
    }

    Shadow shadow_;
    const Policy* policy_ = nullptr;
    std::uint32_t generation_ = 0;
    dw_own own_{};
    dw_event event_{};
    dw_memory memory_{};
    dw_reply_budget budget_{};
    std::vector<std::pair<script::Frame, unsigned>> history_;  // what became of each frame
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Run run;
    for (const ScriptStep& step : read_script(data, size))
        std::visit([&](const auto& one) { run.take(one); }, step);
    return 0;
}
