// SPDX-License-Identifier: BSD-3-Clause
//
// Loads the two policies in turns through the daemon's socket, as dishctl does, and looks at all counters
// after each load: none may be smaller than before. Runs in a thread of its own while the packets flow.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "control/ipc/client.h"
#include "rules/result.h"

namespace dishwall::bench {

// What the sender may rely on at a moment. A number that is the same before and behind a group of packets
// means that no load was under way meanwhile.
struct InForce {
    std::uint32_t sequence = 0;  // odd: a load is under way
    [[nodiscard]] bool is_settled() const { return sequence % 2 == 0; }
    // 1 or 2; the daemon began with 1.
    [[nodiscard]] unsigned policy() const { return sequence / 2 % 2 + 1; }
};

class Loader {
public:
    // `files`: the two rule files; `socket`: the daemon's.
    Loader(std::array<std::string, 2> files, std::string socket, unsigned loads)
        : files_(std::move(files)), socket_(std::move(socket)), loads_(loads) {}
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;
    ~Loader();

    void start();
    [[nodiscard]] bool is_done() const { return done_.load(std::memory_order_acquire); }
    [[nodiscard]] InForce in_force() const { return {sequence_.load(std::memory_order_acquire)}; }
    // The sender has sent a group undisturbed, which the loader waits for now and then.
    void note_settled_group() { settled_groups_.fetch_add(1, std::memory_order_acq_rel); }
    // When done: how long each load took, in ms, or what went wrong.
    [[nodiscard]] Result<std::vector<double>> result();

private:
    using Totals = std::map<std::string, std::uint64_t>;
    void run();
    [[nodiscard]] Result<void> load_all();
    [[nodiscard]] Result<void> load_one(IpcClient& client, const std::string& file);
    [[nodiscard]] Result<void> check_counters(IpcClient& client);
    void rest(unsigned load);

    const std::array<std::string, 2> files_;
    const std::string socket_;
    const unsigned loads_;
    std::atomic<std::uint32_t> sequence_{0}, settled_groups_{0};
    std::atomic<bool> done_{false}, ending_{false};
    std::thread thread_;
    Totals seen_;
    std::vector<double> took_ms_;
    Result<void> outcome_;
};

// All counters of a daemon, reasons and rules, by name.
[[nodiscard]] Result<std::map<std::string, std::uint64_t>> read_counters(IpcClient& client);

}  // namespace dishwall::bench
