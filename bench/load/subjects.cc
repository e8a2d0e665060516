// SPDX-License-Identifier: BSD-3-Clause
#include "bench/load/subjects.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/live/command.h"
#include "bench/live/dishwall_process.h"

namespace dishwall::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kReady{20};
constexpr std::uint32_t kProbes = 64;  // frames of a kind

Result<void> write(const std::string& path, const std::string& text) {
    if (!(std::ofstream(path) << text)) return fail("cannot write {}", path);
    return {};
}

Result<LoadCost> timed(const NetworkNamespace& where, const std::vector<std::string>& command) {
    const auto began = Clock::now();
    double peak_mib = 0;
    auto done = run(where, command, {}, &peak_mib);
    if (!done) return tl::unexpected(done.error());
    return LoadCost{std::chrono::duration<double, std::milli>(Clock::now() - began).count(), peak_mib};
}

// What the process had at most since this was last called (proc(5): clear_refs, VmHWM).
Result<double> peak_mib(pid_t pid) {
    std::ifstream status(fmt::format("/proc/{}/status", pid));
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) {
            std::ofstream(fmt::format("/proc/{}/clear_refs", pid)) << "5";
            return std::stod(line.substr(6)) / 1024;
        }
    return fail("cannot read how much memory process {} took", pid);
}

class DishwallLoad : public LoadSubject {
public:
    DishwallLoad(Programs programs, std::string directory, DishwallProcess daemon)
        : programs_(std::move(programs)), directory_(std::move(directory)), daemon_(std::move(daemon)) {}

    Result<void> load_empty(const Site& site) override {
        auto done = load_file(site, "empty.conf");
        if (!done) return tl::unexpected(done.error());
        return {};
    }

    Result<LoadCost> load(const Site& site) override {
        if (auto reset = peak_mib(daemon_.pid()); !reset) return tl::unexpected(reset.error());
        auto cost = load_file(site, "large.conf");
        if (!cost) return cost;
        auto peak = peak_mib(daemon_.pid());
        if (!peak) return tl::unexpected(peak.error());
        cost->peak_mib = *peak;
        return cost;
    }

private:
    Result<LoadCost> load_file(const Site& site, const std::string& name) {
        return timed(site.gateway(),
                     {programs_.control, "--run-dir", directory_, "load", directory_ + "/" + name});
    }

    Programs programs_;
    std::string directory_;
    DishwallProcess daemon_;
};

class NftLoad : public LoadSubject {
public:
    explicit NftLoad(std::string directory) : directory_(std::move(directory)) {}

    Result<void> load_empty(const Site& site) override {
        auto done = timed(site.gateway(), {"nft", "-f", directory_ + "/empty.nft"});
        if (!done) return tl::unexpected(done.error());
        return {};
    }
    Result<LoadCost> load(const Site& site) override {
        return timed(site.gateway(), {"nft", "-f", directory_ + "/large.nft"});
    }

private:
    std::string directory_;
};

}  // namespace

Result<std::unique_ptr<LoadSubject>> dishwall_subject(const Programs& programs, const Site& site,
                                                      const std::string& directory, const std::string& pins,
                                                      const PolicySize& size) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    for (const auto& [name, text] :
         {std::pair{"empty.conf", empty_dishwall_rules()}, std::pair{"large.conf", dishwall_rules(size)},
          std::pair{"feed.txt", feed_text(size)}})
        if (auto written = write(directory + "/" + name, text); !written)
            return tl::unexpected(written.error());
    auto daemon = DishwallProcess::start(site.gateway(), {programs.daemon, directory, pins},
                                         empty_dishwall_rules(), kReady);
    if (!daemon) return tl::unexpected(daemon.error());
    return std::make_unique<DishwallLoad>(programs, directory, std::move(*daemon));
}

Result<std::unique_ptr<LoadSubject>> nft_subject(const std::string& directory, const PolicySize& size,
                                                 NftShape shape) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (auto written = write(directory + "/empty.nft", empty_nft_rules()); !written)
        return tl::unexpected(written.error());
    if (auto written = write(directory + "/large.nft", nft_rules(size, shape)); !written)
        return tl::unexpected(written.error());
    return std::make_unique<NftLoad>(directory);
}

Result<void> check_verdicts(LoadSubject* subject, const NetworkNamespace& world, const Site& site,
                            const PolicySize& size) {
    if (auto loaded = subject->load(site); !loaded) return tl::unexpected(loaded.error());
    auto generator = Generator::load();
    if (!generator) return tl::unexpected(generator.error());
    for (const Probe& probe : probes(size)) {
        const std::uint64_t before = site.reached_lan();
        auto offered = generator->send(world, site.internet_end(), probe.traffic, 1, kProbes);
        if (!offered) return tl::unexpected(offered.error());
        const std::uint64_t passed = site.reached_lan() - before, wanted = probe.passes ? offered->frames : 0;
        if (passed != wanted)
            return fail("{} of {} frames to {} passed, {} should have", passed, offered->frames, probe.what,
                        wanted);
    }
    return subject->load_empty(site);
}

}  // namespace dishwall::bench
