// SPDX-License-Identifier: BSD-3-Clause
#include "bench/inspect/connections.h"

#include <algorithm>
#include <atomic>

#include "bench/compiled.h"
#include "bench/published.h"
#include "bpf/core/reason.h"
#include "dataplane/engine/frame_edit.h"

namespace dishwall::bench {
namespace {

using test::Ethernet;
using test::Ipv6;
using test::kAck;
using test::kFin;
using test::kPsh;
using test::kSyn;
using test::Payload;
using test::Tcp;

constexpr unsigned kBuckets = 131072 / DW_WAYS;  // what a rule file gets that does not say
constexpr std::uint16_t kService = 8000;
constexpr std::uint32_t kOurFirst = 5001;  // our side's sequence number behind its SYN
constexpr const char* kServer = "2001:db8:aa00:1::1:0";

std::string rules() {
    return rule_file_head() +
           "host server = lan ::1:0\n"
           "signatures web = file \"web.hs\"\n"
           "policy inbound on dish {\n    default drop\n    accept tcp 8000 to server inspect web on-failure "
           "drop name "
           "web\n}\npolicy outbound on dish {\n    default accept\n}\n";
}

std::string peer(std::uint32_t flow) {
    return to_string(Ipv6Address{kInternet, std::uint64_t{0x100000000} + flow});
}

}  // namespace

Connections::Connections(const Corpus& corpus) : NativeExecutor({.buckets = kBuckets}), corpus_(&corpus) {
    Own own = own_of_the_gateway();
    own.mac = test::kUplinkMac;
    set_own(own);
    set_inspector(test::Inspector::works);
    std::copy(kOurEnd.begin(), kOurEnd.end(), inspection_[0].mac[0]);
}

Result<std::unique_ptr<Connections>> Connections::open(const Corpus& corpus) {
    std::unique_ptr<Connections> made(new Connections(corpus));
    const auto policy = policy_of(rules());
    if (!policy) return tl::unexpected(policy.error());
    auto image = image_of(*policy);
    if (!image) return tl::unexpected(image.error());
    made->install(*image);
    made->set_ = policy->signatures.at(0).id;
    for (std::uint32_t flow = 0; flow < corpus.flows(); ++flow)
        if (auto opened = made->handshake(flow); !opened) return tl::unexpected(opened.error());
    made->write_frames();
    return made;
}

test::Packet Connections::from_peer(std::uint32_t flow, std::uint8_t flags, std::uint32_t sequence,
                                    std::span<const std::uint8_t> payload) {
    return Ethernet{} / Ipv6{.src = peer(flow), .dst = kServer} /
           Tcp{.sport = static_cast<std::uint16_t>(kFirstPort + flow),
               .dport = kService,
               .flags = flags,
               .seq = sequence,
               .ack = flags & kAck ? kOurFirst : 0} /
           Payload{{payload.begin(), payload.end()}};
}

Result<void> Connections::handshake(std::uint32_t flow) {
    const auto answer = Ethernet{} / Ipv6{.src = kServer, .dst = peer(flow)} /
                        Tcp{.sport = kService,
                            .dport = static_cast<std::uint16_t>(kFirstPort + flow),
                            .flags = kSyn | kAck,
                            .seq = kOurFirst - 1,
                            .ack = kFirstSequence};
    run(Direction::inbound, from_peer(flow, kSyn, kFirstSequence - 1, {}).bytes());
    run(Direction::outbound, answer.bytes());
    const dw_outcome last = run(Direction::inbound, from_peer(flow, kAck, kFirstSequence, {}).bytes());
    if (last.reason != DW_REASON_INSPECT)
        return fail("the handshake of connection {} is not inspected: {}", flow,
                    test::reason_name(last.reason));
    ids_.push_back(last.flow);
    return {};
}

void Connections::write_frames() {
    for (const Chunk& chunk : corpus_->chunks()) {
        const auto flags = static_cast<std::uint8_t>(kAck | kPsh | (chunk.is_last ? kFin : 0));
        std::vector<std::uint8_t> frame =
            from_peer(chunk.flow, flags, kFirstSequence + chunk.at, corpus_->bytes_of(chunk)).bytes();
        std::copy(kOurEnd.begin(), kOurEnd.end(), frame.begin());
        bytes_.insert(bytes_.end(), frame.begin(), frame.end());
        ends_.push_back(bytes_.size());
    }
}

EngineTables Connections::tables() {
    dw_control control{};
    control.bucket_mask = memory_.settings.bucket_mask;
    control.hz = memory_.settings.hz;
    std::copy(std::begin(memory_.settings.secret), std::end(memory_.settings.secret), control.secret);
    return EngineTables::of(control, slots_.get(), flows_.get(), inspection_.get(), 0);
}

std::span<std::uint8_t> Connections::frame(std::size_t number) {
    const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
    return {bytes_.data() + begin, ends_[number] - begin};
}

void Connections::begin_anew() {
    for (const std::uint32_t id : ids_) {
        dw_flow& flow = flows_[id - 1];
        ++flow.first_seen;
        flow.inspect &= DW_INSPECT_BY_RULE;
        flow.window.acked = kFirstSequence;
    }
}

void Connections::acknowledge(std::uint32_t flow, std::uint32_t sequence) {
    std::atomic_ref(flows_[ids_[flow] - 1].window.acked).store(sequence, std::memory_order_relaxed);
}

}  // namespace dishwall::bench
