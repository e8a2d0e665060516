// SPDX-License-Identifier: BSD-3-Clause
#include "bench/reload/session.h"

#include <chrono>
#include <filesystem>
#include <fstream>

#include "bench/live/dishwall_process.h"
#include "bench/live/generator.h"
#include "bench/live/site.h"
#include "bench/reload/loader.h"
#include "bench/scratch.h"

namespace dishwall::bench {
namespace {

// Frames in a row. Each group begins and ends with the kernel making and freeing pages, which takes some 25
// ms.
constexpr std::uint32_t kStrangers = 131072, kAcquaintances = 16384;
constexpr std::chrono::seconds kReady{20};

// The gateway, its line, and the sink that tells classes apart.
struct Stage {
    NetworkNamespace world;
    Site site;
    LoadedDevice sink;
    Generator generator;
    DishwallProcess daemon;
};

Result<void> write(const std::string& path, const std::string& text) {
    if (!(std::ofstream(path) << text)) return fail("cannot write {}", path);
    return {};
}

std::string rule_path(const std::string& directory, unsigned number) {
    return fmt::format("{}/policy-{}.conf", directory, number);
}

Result<void> write_policies(const std::string& directory) {
    for (const unsigned number : {1u, 2u}) {
        if (auto done = write(rule_path(directory, number), policy_text(number)); !done) return done;
        if (auto done = write(fmt::format("{}/feed-{}.txt", directory, number), feed_text(number)); !done)
            return done;
    }
    return {};
}

Result<Stage> build(const ReloadOptions& options, const DishwallPlace& place) {
    auto world = NetworkNamespace::create();
    if (!world) return tl::unexpected(world.error());
    auto site = Site::create(*world, 0);
    if (!site) return tl::unexpected(site.error());
    auto sink = LoadedDevice::load();
    if (!sink) return tl::unexpected(sink.error());
    if (auto armed = attach_xdp(*world, "l0", sink->skeleton->progs.sink_by_class); !armed)
        return tl::unexpected(armed.error());
    auto generator = Generator::load();
    if (!generator) return tl::unexpected(generator.error());
    if (auto taken = take_cpu(options.cpu); !taken) return tl::unexpected(taken.error());
    auto daemon = DishwallProcess::start(site->gateway(), place, policy_text(1), kReady);
    if (!daemon) return tl::unexpected(daemon.error());
    return Stage{std::move(*world), std::move(*site), std::move(*sink), std::move(*generator),
                 std::move(*daemon)};
}

bool is_allowed(Allowed allowed, unsigned policy) {
    return allowed == Allowed::by_both || allowed == (policy == 1 ? Allowed::by_one : Allowed::by_two);
}

class Sender {
public:
    Sender(Stage* stage, Loader* loader) : stage_(stage), loader_(loader) {}

    Result<void> send_until_loaded() {
        while (!loader_->is_done()) {
            if (auto sent = send(strangers(), kStrangers); !sent) return sent;
            if (auto sent = send(acquaintances(), kAcquaintances); !sent) return sent;
        }
        return {};
    }
    [[nodiscard]] const ClassCounts& counts() const { return counts_; }

private:
    Result<void> send(const dw_traffic& traffic, std::uint32_t frames) {
        const InForce before = loader_->in_force();
        auto offered =
            stage_->generator.send(stage_->world, stage_->site.internet_end(), traffic, cursor_, frames);
        if (!offered) return tl::unexpected(offered.error());
        const InForce after = loader_->in_force();
        const bool settled = before.is_settled() && before.sequence == after.sequence;
        if (settled) loader_->note_settled_group();
        std::array<std::uint64_t, DW_CLASSES> sent = {};
        for (std::uint64_t n = 0; n < offered->frames; ++n)
            ++sent[class_of(dw_varying_of(&traffic, cursor_++))];
        for (unsigned number = 0; number < DW_CLASSES; ++number)
            if (auto right = account(number, sent[number], settled ? before.policy() : 0); !right)
                return right;
        return {};
    }

    // `policy`: the one that was in force all the time; 0: they changed.
    Result<void> account(unsigned number, std::uint64_t sent, unsigned policy) {
        const PacketKind& kind = kind_of_class(number);
        ClassCount& count = counts_[number];
        const std::uint64_t passed = stage_->sink.skeleton->bss->seen.by_class[number] - count.passed;
        count.offered += sent;
        count.passed += passed;
        if (policy != 0) count.settled += sent;
        std::uint64_t least = 0, most = sent;
        if (policy != 0 || kind.allowed == Allowed::by_both || kind.allowed == Allowed::by_none)
            least = most = is_allowed(kind.allowed, policy) ? sent : 0;
        if (passed >= least && passed <= most) return {};
        return fail("{} of {} frames of the kind \"{}\" passed, with {} in force", passed, sent, kind.name,
                    policy == 0 ? "both policies in turn" : fmt::format("policy {}", policy));
    }

    Stage* stage_;
    Loader* loader_;
    ClassCounts counts_ = {};
    std::uint64_t cursor_ = 0;
};

// Every packet was decided once, by who let it pass: sinks and counters tell the same. Returns how many flows
// let in.
Result<std::uint64_t> check_totals(const ClassCounts& counts, const std::string& socket) {
    auto client = IpcClient::connect(socket);
    if (!client) return fail("cannot ask the daemon: {}", client.error().message);
    auto totals = read_counters(*client);
    if (!totals) return tl::unexpected(totals.error());
    std::uint64_t offered = 0, passed = 0;
    std::map<std::string_view, std::uint64_t> by_rule;
    for (unsigned number = 0; number < DW_CLASSES; ++number) {
        offered += counts[number].offered;
        passed += counts[number].passed;
        by_rule[kind_of_class(number).rule] += counts[number].passed;
    }
    const std::uint64_t by_flow = (*totals)["reasons flow"];
    for (const auto& [rule, count] : by_rule) {
        // A packet of a flow that is judged again behind a load counts for the flow and for the rule.
        const std::uint64_t least = rule == "again" ? count - by_flow : count,
                            told = (*totals)[fmt::format("rules {}", rule)];
        if (told < least || told > count)
            return fail("{} packets of rule {} came out of the gateway, its counter says {}", count, rule,
                        told);
    }
    const std::uint64_t accepted = (*totals)["reasons rule-accept"] + by_flow;
    if (accepted != passed) return fail("{} packets came out, the counters say {}", passed, accepted);
    const std::uint64_t refused = (*totals)["reasons default-drop"] + (*totals)["reasons rule-drop"];
    if (accepted + refused != offered)
        return fail("of {} packets {} were accepted and {} refused by the policy", offered, accepted,
                    refused);
    return by_flow;
}

// A run in which a policy was never met undisturbed, or a class never met both, would have shown nothing.
Result<void> check_was_worth_it(const ClassCounts& counts) {
    for (unsigned number = 0; number < DW_CLASSES; ++number) {
        const PacketKind& kind = kind_of_class(number);
        const ClassCount& count = counts[number];
        const bool turns = kind.allowed == Allowed::by_one || kind.allowed == Allowed::by_two;
        if (count.settled == 0 || (turns && (count.passed == 0 || count.passed == count.offered)))
            return fail(
                "{}: {} of {} frames passed, {} of them between loads: too few loads to tell anything",
                kind.name, count.passed, count.offered, count.settled);
    }
    return {};
}

}  // namespace

Result<ReloadReport> reload_under_fire(const ReloadOptions& options) {
    auto scratch = make_scratch(options.needed);
    if (!scratch) return tl::unexpected(scratch.error());
    const DishwallPlace place{options.daemon, scratch->directory + "/gateway", scratch->pins + "/gateway"};
    std::error_code error;
    std::filesystem::create_directories(place.directory, error);
    if (auto written = write_policies(place.directory); !written) return tl::unexpected(written.error());
    auto stage = build(options, place);
    if (!stage) return tl::unexpected(stage.error());

    const std::string socket = place.directory + "/ctl.sock";
    Loader loader({rule_path(place.directory, 1), rule_path(place.directory, 2)}, socket, options.loads);
    Sender sender(&*stage, &loader);
    const auto began = std::chrono::steady_clock::now();
    loader.start();
    if (auto sent = sender.send_until_loaded(); !sent) return tl::unexpected(sent.error());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    auto loads = loader.result();
    if (!loads) return tl::unexpected(loads.error());
    auto by_flow = check_totals(sender.counts(), socket);
    if (!by_flow) return tl::unexpected(by_flow.error());
    if (auto worth = check_was_worth_it(sender.counts()); !worth) return tl::unexpected(worth.error());
    return ReloadReport{sender.counts(), *by_flow, std::move(*loads), seconds};
}

}  // namespace dishwall::bench
