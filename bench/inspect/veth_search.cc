// SPDX-License-Identifier: BSD-3-Clause
//
// A worker over AF_XDP on a veth pair in a network namespace of its own, both ways as in the gateway: a
// redirect from XDP in, tc ingress of our end back. This thread runs the programs, on its own CPU.
#include <linux/if_link.h>
#include <net/if.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "bench/inspect/judge.h"
#include "bench/inspect/pair_skeleton.h"
#include "bench/inspect/subjects.h"
#include "bench/live/command.h"
#include "bench/live/netns.h"
#include "control/inspector/look_at_link.h"
#include "control/mapping.h"
#include "dataplane/port/worker.h"

namespace dishwall::bench {
namespace {

constexpr std::uint64_t kUnderWay = 1024;  // frames; the programs allow 1,536
constexpr unsigned kBatch = 64;
constexpr std::size_t kWaste = 16;  // frames made for one that is sent; to begin a run takes 25 ms
constexpr std::chrono::seconds kPatience{20};
static_assert(Connections::kFirstPort == DW_PAIR_FIRST_PORT);
constexpr const char *kOurs = "dwi0", *kTheirs = "dwx0";

// The pair and its programs.
class Pair {
public:
    [[nodiscard]] static Result<std::unique_ptr<Pair>> make(Connections& connections) {
        std::unique_ptr<Pair> pair(new Pair);
        auto space = NetworkNamespace::create();
        if (!space) return tl::unexpected(space.error());
        pair->space_ = std::move(*space);
        if (auto done = pair->plug(); !done) return tl::unexpected(done.error());
        if (auto done = pair->load(connections); !done) return tl::unexpected(done.error());
        return pair;
    }

    [[nodiscard]] const NetworkNamespace& space() const { return space_; }
    [[nodiscard]] const volatile dw_pair_state& state() const { return skeleton_->bss->state; }
    [[nodiscard]] std::uint32_t heard(std::uint32_t flow) const {
        const volatile std::uint64_t& last = heard_.as_array<std::uint64_t>(DW_PAIR_FLOWS)[flow];
        return static_cast<std::uint32_t>(last);
    }

    void begin_lap(std::size_t frames) {
        dw_pair_state& state = skeleton_->bss->state;
        state.next = state.known_back = state.back = state.told_back = 0;
        state.end = frames;
        std::ranges::fill(heard_.as_array<std::uint64_t>(DW_PAIR_FLOWS), 0);
    }
    [[nodiscard]] Result<void> send(std::size_t frames) {
        std::uint8_t blank[DW_PAIR_LONGEST] = {};
        bpf_test_run_opts options = {};
        options.sz = sizeof(options);
        options.data_in = blank;
        options.data_size_in = sizeof(blank);
        options.repeat = static_cast<int>(frames * kWaste);
        options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
        options.batch_size = kBatch;
        const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.pair_send), &options);
        if (error != 0)
            return fail("cannot send live frames: {} (they need kernel 5.18 or later)",
                        std::strerror(-error));
        return {};
    }

private:
    Pair() = default;

    [[nodiscard]] Result<void> plug() {
        const std::vector<std::vector<std::string>> commands = {
            {"ip", "link", "add", kOurs, "type", "veth", "peer", "name", kTheirs},
            {"ip", "link", "set", kOurs, "addrgenmode", "none", "arp", "off", "up"},
            {"ip", "link", "set", kTheirs, "addrgenmode", "none", "arp", "off", "up"}};
        for (const auto& command : commands)
            if (auto done = run(space_, command); !done) return tl::unexpected(done.error());
        return {};
    }

    [[nodiscard]] Result<void> load(Connections& connections) {
        auto inside = Inside::enter(space_);
        if (!inside) return tl::unexpected(inside.error());
        skeleton_.reset(pair_bpf__open());
        if (!skeleton_) return fail("cannot open the pair's programs: {}", std::strerror(errno));
        bpf_map__set_max_entries(skeleton_->maps.frames, static_cast<std::uint32_t>(connections.frames()));
        skeleton_->bss->state.ifindex = ::if_nametoindex(kOurs);
        skeleton_->rodata->frames_expected = connections.frames();
        skeleton_->bss->state.under_way = kUnderWay;
        if (const int error = pair_bpf__load(skeleton_.get()))
            return fail("cannot load the pair's programs: {}", std::strerror(-error));
        if (auto filled = fill(connections); !filled) return filled;
        return attach();
    }

    [[nodiscard]] Result<void> fill(Connections& connections) {
        auto frames = Mapping::of(bpf_map__fd(skeleton_->maps.frames),
                                  connections.frames() * sizeof(dw_pair_frame), Mapping::Access::write);
        if (!frames) return tl::unexpected(frames.error());
        for (std::size_t i = 0; i < connections.frames(); ++i) {
            const std::span<const std::uint8_t> bytes = connections.frame(i);
            dw_pair_frame& frame = frames->as_array<dw_pair_frame>(connections.frames())[i];
            frame.length = static_cast<std::uint32_t>(bytes.size());
            std::copy(bytes.begin(), bytes.end(), frame.bytes);
        }
        auto heard = Mapping::of(bpf_map__fd(skeleton_->maps.heard), DW_PAIR_FLOWS * sizeof(std::uint64_t),
                                 Mapping::Access::write);
        if (!heard) return tl::unexpected(heard.error());
        heard_ = std::move(*heard);
        return {};
    }

    [[nodiscard]] Result<void> attach() {
        bpf_tc_hook hook = {};
        hook.sz = sizeof(hook);
        hook.ifindex = static_cast<int>(skeleton_->bss->state.ifindex);
        hook.attach_point = BPF_TC_INGRESS;
        bpf_tc_opts options = {};
        options.sz = sizeof(options);
        options.prog_fd = bpf_program__fd(skeleton_->progs.pair_back);
        int error = bpf_tc_hook_create(&hook);
        if (error == 0) error = bpf_tc_attach(&hook, &options);
        return error == 0 ? Result<void>() : fail("cannot attach to {}: {}", kOurs, std::strerror(-error));
    }

    struct Close {
        void operator()(pair_bpf* skeleton) const { pair_bpf__destroy(skeleton); }
    };

    NetworkNamespace space_;  // the pair goes with it
    std::unique_ptr<pair_bpf, Close> skeleton_;
    Mapping heard_;
};

class VethSearch final : public Searcher, private FrameInspector {
public:
    VethSearch(Connections& connections, const SignatureSetPtr& set, std::unique_ptr<Pair> pair, Port port,
               Cpus cpus)
        : connections_(connections),
          pair_(std::move(pair)),
          worker_(0, std::move(port), &connections.worker()),
          judge_(connections, set, worker_.sender()),
          cpus_(cpus) {}

    Result<Lap> lap() override {
        const OnCpu here(cpus_.others);
        auto inside =
            Inside::enter(pair_->space());  // the redirect looks up ifindex in the caller's namespace
        if (!inside) return tl::unexpected(inside.error());
        judge_.begin_lap();
        pair_->begin_lap(connections_.frames());  // before the worker looks at what was heard
        given_ = connections_.worker().given;
        if (auto started = worker_.start(this, cpus_.searcher); !started)
            return tl::unexpected(started.error());
        auto lap = measure();
        worker_.stop();
        if (!lap) return lap;
        lap->searched = judge_.searched();
        lap->found = judge_.found();
        return lap;
    }

private:
    Fate inspect(const Frame& frame, std::uint64_t now_ns) override {
        return judge_.engine().inspect(frame, now_ns);
    }
    void tick(std::uint64_t now_ns) override {
        acknowledge();
        judge_.engine().tick(now_ns);
    }

    Result<Lap> measure() {
        Lap lap;
        const auto begin = std::chrono::steady_clock::now();
        while (pair_->state().back < connections_.frames()) {
            if (auto sent = pair_->send(connections_.frames()); !sent) return tl::unexpected(sent.error());
            if (std::chrono::steady_clock::now() - begin > kPatience)
                return fail("{} of {} frames came back in {} s, {} were sent; the socket missed {}",
                            std::uint64_t{pair_->state().back}, connections_.frames(), kPatience.count(),
                            std::uint64_t{pair_->state().next}, worker_.port().missed());
        }
        lap.ns = static_cast<double>(pair_->state().last_ns - pair_->state().first_ns);
        lap.frames_back = pair_->state().back;
        return lap;
    }

    // What our side has heard by now, of the flows that are open: those of the frames sent last. The
    // gateway's programs write this on another CPU; here it is on the worker's account.
    void acknowledge() {
        const std::uint64_t next = pair_->state().next;
        std::atomic_ref(connections_.worker().given).store(given_ + next);
        if (next == 0) return;
        const std::uint32_t last = connections_.corpus().chunks()[next - 1].flow;
        for (std::uint32_t flow = last - std::min(last, kOpenFlows);
             flow < connections_.corpus().flows() && flow < last + kOpenFlows; ++flow)
            if (const std::uint32_t heard = pair_->heard(flow)) connections_.acknowledge(flow, heard);
    }

    static constexpr std::uint32_t kOpenFlows = 64;

    Connections& connections_;
    std::unique_ptr<Pair> pair_;
    Worker worker_;
    Judge judge_;
    Cpus cpus_;
    std::uint64_t given_ = 0;  // before this lap
};

}  // namespace

Result<SearcherPtr> veth_search(const Eal& eal, Connections& connections, const SignatureSetPtr& set,
                                Cpus cpus) {
    auto pair = Pair::make(connections);
    if (!pair) return tl::unexpected(pair.error());
    auto inside = Inside::enter((*pair)->space());
    if (!inside) return tl::unexpected(inside.error());
    const auto link = look_at_link(kTheirs);
    if (!link) return tl::unexpected(link.error());
    auto port = Port::over_interface(eal, *link);
    if (!port) return tl::unexpected(port.error());
    return std::make_unique<VethSearch>(connections, set, std::move(*pair), std::move(*port), cpus);
}

}  // namespace dishwall::bench
