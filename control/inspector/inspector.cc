// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspector/inspector.h"

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "control/inspector/look_at_link.h"
#include "control/inspector/rights.h"

namespace dishwall {
namespace {

using std::chrono::steady_clock;  // CLOCK_MONOTONIC
constexpr std::chrono::milliseconds kLookEvery{200};
constexpr std::chrono::seconds kWaitAtMost{10};  // well within the unit's WatchdogSec
constexpr unsigned kEalMegabytes = 16;           // beside the ports

// While it lives the unit's watchdog waits for long: signatures are compiled on the thread that tells it that
// we live. What was in force stays so meanwhile, and the programs watch the workers by themselves.
class LongWork {
public:
    LongWork() {
        constexpr std::chrono::microseconds kMost = std::chrono::hours(1);
        if (sd_watchdog_enabled(0, &usual_us_) > 0) allow(static_cast<std::uint64_t>(kMost.count()));
    }
    LongWork(const LongWork&) = delete;
    LongWork& operator=(const LongWork&) = delete;
    ~LongWork() {
        if (usual_us_ > 0) allow(usual_us_);
    }

private:
    // Counted from now on.
    static void allow(std::uint64_t us) {
        sd_notifyf(0, "WATCHDOG_USEC=%llu\nWATCHDOG=1", static_cast<unsigned long long>(us));
    }

    std::uint64_t usual_us_ = 0;  // 0: nobody watches
};

// On a thread that has dropped its rights, so that the threads that DPDK makes for itself have none.
Result<Eal> start_eal(std::size_t ports) {
    std::optional<Result<Eal>> eal;
    const auto start = [&]() -> Result<Eal> {
        if (Result<void> dropped = drop_rights(); !dropped) return tl::unexpected(dropped.error());
        return Eal::start(kEalMegabytes + Port::kMegabytes * static_cast<unsigned>(ports));
    };
    std::thread([&] { eal.emplace(start()); }).join();
    return std::move(*eal);
}

}  // namespace

Inspector::Inspector(sd_event* loop, InspectorOptions options, EnginePlan* plan)
    : loop_(loop),
      options_(std::move(options)),
      plan_(plan),
      file_(loop, options_.config, [this] { on_change(); }),
      look_(make_timer(loop, on_look, this)) {}

// All workers stop before the first inspector goes.
Inspector::~Inspector() {
    for (Bench& bench : benches_) bench.worker->stop();
}

Result<void> Inspector::start() {
    if (!file_.exists()) {
        spdlog::info("waiting for {}: dishwalld writes it when a rule says 'inspect'",
                     options_.config.string());
        wait();
        return {};
    }
    Result<InspectConfig> config = file_.read();
    if (!config) {
        spdlog::error("{}; waiting for another", config.error().message);
        wait();
        return {};
    }
    if (config->workers.empty()) {
        spdlog::info("waiting: {} names no worker", options_.config.string());
        wait();
        return {};
    }
    if (Result<void> opened = open(*config); !opened) return opened;
    config_ = std::move(*config);
    return run_workers();
}

// To wait for a rule is to work, too: who starts the unit shall not have to.
void Inspector::wait() {
    sd_notify(0, "READY=1\nSTATUS=waiting for a rule that inspects");
    tell_watchdog();
    set_timer(look_, steady_clock::now().time_since_epoch() + kWaitAtMost);
}

void Inspector::on_change() {
    if (!config_) {
        if (Result<void> started = start(); !started) end(started.error());
        return;
    }
    Result<InspectConfig> config = file_.read();
    if (!config)
        spdlog::error("{}; what was in force stays", config.error().message);
    else
        adopt(std::move(*config));
}

Result<void> Inspector::configure(const InspectConfig& config) {
    const LongWork compiling;
    return plan_->configure(config);
}

Result<void> Inspector::open(const InspectConfig& config) {
    if (Result<void> configured = configure(config); !configured) return configured;
    Result<SharedTables> tables = SharedTables::open(config.pins);
    if (!tables) return tl::unexpected(tables.error());
    tables_ = std::move(*tables);
    Result<EventSocket> events = EventSocket::to(config.events);
    if (!events) return tl::unexpected(events.error());
    events_.emplace(std::move(*events));
    Result<Eal> eal = start_eal(config.workers.size());
    if (!eal) return tl::unexpected(eal.error());
    eal_.emplace(std::move(*eal));
    for (unsigned number = 0; number < config.workers.size(); number++) {
        Result<Bench> bench = open_bench(number, config.workers[number].interface);
        if (!bench) return tl::unexpected(bench.error());
        benches_.push_back(std::move(*bench));
    }
    return drop_rights();
}

Result<Inspector::Bench> Inspector::open_bench(unsigned number, const std::string& interface) {
    const Result<Link> link = look_at_link(interface);
    if (!link) return tl::unexpected(link.error());
    Result<Port> port = Port::over_interface(*eal_, *link);
    if (!port) return tl::unexpected(port.error());
    Bench bench{.interface = interface, .index = link->index};
    bench.worker = std::make_unique<Worker>(number, std::move(*port), &tables_->inspection().worker[number]);
    Result<std::unique_ptr<FrameInspector>> inspector =
        plan_->make(number, *tables_, *events_, bench.worker->sender());
    if (!inspector) return tl::unexpected(inspector.error());
    bench.inspector = std::move(*inspector);
    return bench;
}

Result<void> Inspector::run_workers() {
    for (unsigned number = 0; number < benches_.size(); number++) {
        const bool has_core = number < options_.cores.size();
        const auto core = has_core ? std::optional(options_.cores[number]) : std::nullopt;
        if (Result<void> started = benches_[number].worker->start(benches_[number].inspector.get(), core);
            !started)
            return started;
        spdlog::info("worker {} polls {}", number, benches_[number].interface);
    }
    set_timer(look_, steady_clock::now().time_since_epoch() + kLookEvery);
    sd_notifyf(0, "READY=1\nSTATUS=looks into packets, workers: %zu", benches_.size());
    return {};
}

void Inspector::adopt(InspectConfig config) {
    if (const auto reason = what_needs_a_restart(*config_, config)) {
        end(*reason);
        return;
    }
    if (config.armed_at != 0 && config.armed_at != tables_->control().armed_at) {
        end("the maps were made anew");
        return;
    }
    if (config.signatures != config_->signatures || config.uplink_mac != config_->uplink_mac) {
        if (Result<void> configured = configure(config); !configured) {
            spdlog::error("{}; the signatures in force stay", configured.error().message);
            return;
        }
        spdlog::info("signatures of generation {} are in force", config.generation);
    }
    config_ = std::move(config);
}

// A pair that was deleted, or made anew, is another one behind the same name, and its maps may be, too.
void Inspector::look_after_ports() {
    for (Bench& bench : benches_) {
        const Result<Link> link = look_at_link(bench.interface);
        if (!link || link->index != bench.index)
            return end(bench.interface + " is another interface now, or gone");
        if (!link->up) return end(bench.interface + " is down");
        const std::uint64_t missed = bench.worker->port().missed(), unsent = bench.worker->port().unsent();
        if (missed != bench.missed || unsent != bench.unsent)
            spdlog::warn("{}: {} frames lost on their way in, {} on their way out", bench.interface,
                         missed - bench.missed, unsent - bench.unsent);
        bench.missed = missed;
        bench.unsent = unsent;
    }
    tell_watchdog();
    set_timer(look_, steady_clock::now().time_since_epoch() + kLookEvery);
}

// Only while every worker comes round: one that loops cannot be ended from within, so the unit does it.
void Inspector::tell_watchdog() const {
    const auto now = static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count());
    for (std::size_t number = 0; number < benches_.size(); number++) {
        const dw_worker& worker = tables_->inspection().worker[number];
        const std::uint64_t beat = __atomic_load_n(&worker.beat_ns, __ATOMIC_RELAXED);
        if (now - std::min(now, beat) >= DW_INSPECT_STALE_NS) return;
    }
    if (sd_watchdog_enabled(0, nullptr) > 0) sd_notify(0, "WATCHDOG=1");
}

int Inspector::on_look(sd_event_source*, std::uint64_t, void* self) {
    auto* const inspector = static_cast<Inspector*>(self);
    if (inspector->config_)
        inspector->look_after_ports();
    else
        inspector->wait();
    return 0;
}

void Inspector::end(const std::string& reason) {
    spdlog::info("ending, to be started anew: {}", reason);
    sd_event_exit(loop_, 0);
}

void Inspector::end(Error trouble) {
    trouble_ = std::move(trouble);
    sd_event_exit(loop_, 0);
}

}  // namespace dishwall
