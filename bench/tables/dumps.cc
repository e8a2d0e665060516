// SPDX-License-Identifier: BSD-3-Clause
//
// Reading the counters of all flows while packets of those flows are counted on another CPU: ours from memory
// that is mapped, the kernel's map in batches, as its API wants it. And what the packets pay for being
// watched.
#include <sched.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "bench/tables/kernel_tables.h"
#include "bench/tables/lookups.h"

namespace dishwall::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint32_t kBatch = 65536;

void run_on(int cpu) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    ::sched_setaffinity(0, sizeof(only), &only);  // elsewhere it is only noisier
}

// Packets of known flows, one after the other, as long as it lives.
class Load {
public:
    Load(KernelTables* tables, const LookupOptions& options)
        : thread_([this, tables, options] { work(tables, options); }) {}
    ~Load() { stop(); }

    // ns a packet, on average.
    double stop() {
        if (thread_.joinable()) {
            stop_ = true;
            thread_.join();
        }
        return rounds_ == 0 ? 0 : ns_ / static_cast<double>(rounds_);
    }

private:
    void work(KernelTables* tables, const LookupOptions& options) {
        run_on(options.other_cpu);
        dw_tables_job job = {};
        job.keys = options.dumped;
        job.count = 16384;
        do {
            job.start += job.count;
            auto looked = tables->run(bpf_program__fd(tables->programs().run_pass_flow), job);
            if (!looked) return;
            ns_ += looked->ns;
            ++rounds_;
        } while (!stop_);
    }

    std::atomic<bool> stop_{false};
    double ns_ = 0;
    std::uint64_t rounds_ = 0;
    std::thread thread_;
};

class Dumps {
public:
    Dumps(const LookupOptions& options, KernelTables* tables, FlowTable table)
        : options_(options), tables_(tables), table_(table) {}

    Result<void> fill() {
        dw_tables_job all = {};
        all.count = options_.dumped;
        all.keys = options_.dumped;
        const auto& programs = tables_->programs();
        for (const bpf_program* open : {programs.run_open_flow, programs.run_open_lru}) {
            auto opened = tables_->run(bpf_program__fd(open), all);
            if (!opened) return tl::unexpected(opened.error());
            if (opened->found != options_.dumped)
                return fail("{}: {} of {} flows found room", bpf_program__name(open), opened->found,
                            all.count);
        }
        return {};
    }

    Result<double> read_ours() {
        Load load(tables_, options_);
        const auto began = Clock::now();
        // A clock that stands at the beginning: no flow is too old.
        read_counters(table_, {0, 100, timeouts_}, &counters_);
        const double ms = since(began);
        if (counters_.size() != options_.dumped)
            return fail("{} flows were read, {} are there", counters_.size(), options_.dumped);
        return ms;
    }

    // With all that a flow remembers, as `dishctl flows` and `shadow` read them.
    Result<double> read_whole() {
        Load load(tables_, options_);
        const auto began = Clock::now();
        const FlowDump dump = read_flows(table_, {0, 100, timeouts_}, options_.dumped);
        const double ms = since(began);
        if (dump.flows.size() != options_.dumped)
            return fail("{} flows were read, {} are there", dump.flows.size(), options_.dumped);
        return ms;
    }

    Result<double> read_lru() {
        Load load(tables_, options_);
        keys_.resize(options_.dumped);
        values_.resize(options_.dumped);
        const auto began = Clock::now();
        std::uint64_t token = 0, next = 0;
        std::size_t have = 0;
        for (bool more = true; more;) {
            std::uint32_t count =
                std::min<std::uint32_t>(kBatch, static_cast<std::uint32_t>(keys_.size() - have));
            if (count == 0) break;
            const int error = bpf_map_lookup_batch(tables_->lru_fd(), have == 0 ? nullptr : &token, &next,
                                                   &keys_[have], &values_[have], &count, nullptr);
            if (error != 0 && errno != ENOENT) return fail("bpf_map_lookup_batch: {}", std::strerror(errno));
            more = error == 0;
            have += count;
            token = next;
        }
        const double ms = since(began);
        if (have < options_.dumped * 99 / 100)
            return fail("{} flows were read, {} are there", have, options_.dumped);
        return ms;
    }

    // What packets pay, with somebody who reads all flows again and again and without.
    Result<double> packets(bool watched) {
        Load load(tables_, options_);
        const auto end = Clock::now() + std::chrono::milliseconds(200);
        while (Clock::now() < end) {
            if (watched)
                read_counters(table_, {0, 100, timeouts_}, &counters_);
            else
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return load.stop();
    }

private:
    struct LruFlow {
        std::uint64_t word[11];
    };

    static double since(Clock::time_point began) {
        return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
    }

    const LookupOptions& options_;
    KernelTables* tables_;
    FlowTable table_;
    std::array<__u32, DW_TIMEOUTS> timeouts_ = {3600, 3600, 3600, 3600, 3600, 3600, 3600, 3600};
    std::vector<FlowCounters> counters_;
    std::vector<dw_flow_key> keys_;
    std::vector<LruFlow> values_;
};

}  // namespace

Result<std::vector<Measured>> measure_dumps(const LookupOptions& options) {
    auto tables = KernelTables::load({2 * options.dumped, 0});
    if (!tables) return tl::unexpected(tables.error());
    auto table = (*tables)->flows();
    if (!table) return tl::unexpected(table.error());
    Dumps dumps(options, tables->get(), *table);
    if (auto filled = dumps.fill(); !filled) return tl::unexpected(filled.error());
    Contest reading("read all flows, under load"), paying("a packet of a flow");
    reading.add("dump-flows", "dishwall, mapped memory, counters", "ms", options.dumped,
                [&] { return dumps.read_ours(); });
    reading.add("dump-whole", "dishwall, mapped memory, whole flows", "ms", options.dumped,
                [&] { return dumps.read_whole(); });
    reading.add("dump-lru", "BPF_MAP_TYPE_LRU_HASH, in batches", "ms", options.dumped,
                [&] { return dumps.read_lru(); });
    paying.add("packet-alone", "dishwall, nobody reads", "ns", options.dumped,
               [&] { return dumps.packets(false); });
    paying.add("packet-watched", "dishwall, all flows read again and again", "ns", options.dumped,
               [&] { return dumps.packets(true); });
    std::vector<Measured> rows = reading.measure(options.repeats);
    for (Measured& row : paying.measure(options.repeats)) rows.push_back(std::move(row));
    return rows;
}

}  // namespace dishwall::bench
