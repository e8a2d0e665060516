// SPDX-License-Identifier: BSD-3-Clause
#include "bench/reload/loader.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "bench/live/command.h"

namespace dishwall::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kRest{1};
// Behind so many loads a group of packets is to meet the policy undisturbed. Odd: both policies have their
// turn.
constexpr unsigned kSettleEvery = 15;

Error failure_of(const CallFailure& failure) {
    return Error{failure.message + (failure.diagnostics.empty() ? "" : "\n" + failure.diagnostics)};
}

}  // namespace

Result<std::map<std::string, std::uint64_t>> read_counters(IpcClient& client) {
    const auto reply = client.call("org.dishwall.Counters", nlohmann::json::object());
    if (!reply) return tl::unexpected(failure_of(reply.error()));
    std::map<std::string, std::uint64_t> totals;
    for (const char* table : {"reasons", "rules"})
        for (const auto& row : reply->value(table, nlohmann::json::array()))
            totals[fmt::format("{} {}", table, row.value("name", ""))] +=
                row.value("packets", std::uint64_t{0});
    return totals;
}

Loader::~Loader() {
    ending_ = true;
    if (thread_.joinable()) thread_.join();
}

void Loader::start() {
    thread_ = std::thread([this] { run(); });
}

void Loader::run() {
    outcome_ = leave_cpu();
    if (outcome_) outcome_ = load_all();
    done_.store(true, std::memory_order_release);
}

Result<std::vector<double>> Loader::result() {
    thread_.join();
    if (!outcome_) return tl::unexpected(outcome_.error());
    return took_ms_;
}

Result<void> Loader::load_all() {
    auto client = IpcClient::connect(socket_);
    if (!client) return tl::unexpected(failure_of(client.error()));
    for (unsigned n = 0; n < loads_ && !ending_; ++n) {
        rest(n);
        if (auto loaded = load_one(*client, files_[(n + 1) % 2]); !loaded)
            return fail_with(loaded.error(), fmt::format("load {}", n + 1));
        if (auto right = check_counters(*client); !right)
            return fail_with(right.error(), fmt::format("behind load {}", n + 1));
    }
    return {};
}

void Loader::rest(unsigned load) {
    const std::uint32_t groups = settled_groups_.load(std::memory_order_acquire);
    do std::this_thread::sleep_for(kRest);
    while (load % kSettleEvery == 0 && settled_groups_.load(std::memory_order_acquire) == groups && !ending_);
}

Result<void> Loader::load_one(IpcClient& client, const std::string& file) {
    sequence_.fetch_add(1, std::memory_order_acq_rel);
    const auto began = Clock::now();
    const auto reply = client.call("org.dishwall.Load", {{"config", file}});
    if (!reply) return tl::unexpected(failure_of(reply.error()));
    took_ms_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    sequence_.fetch_add(1, std::memory_order_acq_rel);
    return {};
}

Result<void> Loader::check_counters(IpcClient& client) {
    auto now = read_counters(client);
    if (!now) return tl::unexpected(now.error());
    for (const auto& [name, before] : seen_) {
        const auto found = now->find(name);
        const std::uint64_t after = found == now->end() ? 0 : found->second;
        if (after < before) return fail("the counter of {} went from {} back to {}", name, before, after);
    }
    seen_ = std::move(*now);
    return {};
}

}  // namespace dishwall::bench
