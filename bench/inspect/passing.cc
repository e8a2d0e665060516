// SPDX-License-Identifier: BSD-3-Clause
#include "bench/inspect/passing.h"

#include <filesystem>
#include <fstream>
#include <list>

#include "bench/inspect/rule_file.h"
#include "bench/live/command.h"

namespace dishwall::bench {
namespace {

constexpr unsigned kServices = 100;
// A new pair says hello to the network (MLD) when it likes, and the gate counts that as somebody's error.
constexpr unsigned kAttempts = 3;

template <typename Act>
auto attempt(Act act) {
    auto result = act();
    for (unsigned again = 1; !result && again < kAttempts; ++again) result = act();
    return result;
}

struct GatewayKind {
    const char* id;
    bool inspects;
    std::vector<double> PassingRow::*samples;
};
constexpr GatewayKind kGateways[] = {{"without", false, &PassingRow::without},
                                     {"with", true, &PassingRow::with},
                                     {"twin", false, &PassingRow::twin}};

struct Kind {
    const char *id, *does;
    PacketSet packets;
    unsigned flows;
};

class Session {
public:
    Session(const PassingOptions& options, NetworkNamespace world, Generator generator)
        : options_(options), world_(std::move(world)), generator_(std::move(generator)) {}

    Result<std::vector<PassingRow>> measure() {
        const std::vector<Kind> kinds = {
            {"denied", "deny sweep", deny_sweep(), 0},
            {"accepted", "hits, uniform, end at ingress", to_services({.services = kServices}), 0},
            {"replies", "replies to known flows, end at ingress", replies(options_.flows), options_.flows}};
        for (const Kind& kind : kinds)
            if (auto built = build(kind); !built) return tl::unexpected(built.error());
        for (unsigned repeat = 0; repeat < options_.repeats; ++repeat)
            for (Trio& trio : trios_)
                for (unsigned turn = 0; turn < std::size(kGateways); ++turn)
                    run(&trio,
                        repeat % 2 == 0 ? turn : static_cast<unsigned>(std::size(kGateways)) - 1 - turn);
        std::vector<PassingRow> rows;
        for (Trio& trio : trios_) rows.push_back(std::move(trio.result));
        return rows;
    }

private:
    // The same packets in three gateways.
    struct Trio {
        PassingRow result;
        RowPlan plan;
        std::list<Station> stations;
        std::vector<Row> rows;
    };

    Result<void> build(const Kind& kind) {
        Trio& trio = trios_.emplace_back();
        trio.result.id = kind.id;
        trio.result.does = kind.does;
        trio.plan.id = kind.id;
        trio.plan.packets = kind.packets;
        trio.plan.flows = kind.flows;
        for (const GatewayKind& gateway : kGateways) {
            auto station = build_station(kind, gateway);
            if (!station) return fail_with(station.error(), kind.id);
            trio.stations.push_back(std::move(*station));
            auto row = attempt([&] {
                return Row::build(trio.plan, &trio.stations.back(), world_, generator_, options_.length,
                                  rows_++);
            });
            if (!row) return fail_with(row.error(), kind.id);
            trio.rows.push_back(std::move(*row));
        }
        return {};
    }

    Result<Station> build_station(const Kind& kind, const GatewayKind& gateway) {
        const std::string name = fmt::format("{}-{}", kind.id, gateway.id);
        const DishwallSetup setup{options_.daemon, options_.control, options_.directory + "/" + name,
                                  options_.pins + "/" + name};
        const std::string rules = rule_file(published_services(kServices), std::max(2 * kind.flows, 131072u));
        std::error_code ignored;  // the daemon reports a directory that it cannot use
        std::filesystem::create_directories(setup.directory, ignored);
        std::ofstream(setup.directory + "/" + kSignatureFile) << "1:/attack/\n";
        StationPlan plan{name, dishwall(setup, with_two_ports(rules, gateway.inspects)), End::ingress};
        return Station::build(std::move(plan), world_, stations_++);
    }

    void run(Trio* trio, unsigned which) {
        if (!trio->result.failure.empty()) return;
        auto sample = attempt([&] { return trio->rows[which].measure(world_, generator_); });
        if (sample)
            (trio->result.*kGateways[which].samples).push_back(sample->ns);
        else
            trio->result.failure = sample.error().message;
    }

    const PassingOptions& options_;
    NetworkNamespace world_;
    Generator generator_;
    std::list<Trio> trios_;  // rows keep pointers into them
    unsigned rows_ = 0, stations_ = 0;
};

}  // namespace

std::vector<double> PassingRow::differences(const std::vector<double>& other) const {
    std::vector<double> differences = other;
    for (std::size_t i = 0; i < differences.size(); ++i) differences[i] -= without[i];
    return differences;
}

Result<std::vector<PassingRow>> measure_passing(const PassingOptions& options) {
    if (auto taken = take_cpu(options.cpu); !taken) return tl::unexpected(taken.error());
    auto world = NetworkNamespace::create();
    if (!world) return tl::unexpected(world.error());
    auto generator = Generator::load();
    if (!generator) return tl::unexpected(generator.error());
    return Session(options, std::move(*world), std::move(*generator)).measure();
}

}  // namespace dishwall::bench
