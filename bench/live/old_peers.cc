// SPDX-License-Identifier: BSD-3-Clause
//
// Two peers that say less than the others: legacy ip6tables, and xdp-filter.
#include <bpf/bpf.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/live/command.h"
#include "bench/live/subject.h"
#include "rules/ipv6.h"

namespace dishwall::bench {
namespace {

// ---- ip6tables

class Ip6tables : public Subject {
public:
    explicit Ip6tables(std::vector<PublishedService> services) : services_(std::move(services)) {}

    // Accepted and refused packets end in chains of their own, whose single rules count.
    Result<void> arm(const Site& site) override {
        std::string rules = "*filter\n:FORWARD ACCEPT [0:0]\n:hit - [0:0]\n:miss - [0:0]\n";
        for (const PublishedService& service : services_) {
            const std::string to = to_string(service.host());
            rules += fmt::format("-A FORWARD -d {}/128 -p {} --dport {} -j hit\n", to, service.protocol(),
                                 service.port);
        }
        rules += "-A FORWARD -j miss\n-A hit -j ACCEPT\n-A miss -j DROP\nCOMMIT\n";
        services_.clear();
        auto done = run(site.gateway(), {"ip6tables-legacy-restore"}, rules);
        if (!done) return fail_with(done.error(), "cannot load the ip6tables rules");
        return {};
    }

    Result<Fates> counted(const Site& site) override {
        auto hit = packets_in(site, "hit"), miss = packets_in(site, "miss");
        if (!hit) return tl::unexpected(hit.error());
        if (!miss) return tl::unexpected(miss.error());
        return Fates{*miss, *hit, 0};
    }

private:
    // Of the one rule of a chain: two lines of head, then "PACKETS BYTES TARGET ...".
    static Result<std::uint64_t> packets_in(const Site& site, const std::string& chain) {
        auto text = run(site.gateway(), {"ip6tables-legacy", "-nvxL", chain});
        if (!text) return tl::unexpected(text.error());
        std::size_t at = 0;
        for (int line = 0; line < 2 && at != std::string::npos; ++line) at = text->find('\n', at + 1);
        if (at == std::string::npos) return fail("ip6tables lists no rule in chain {}: {}", chain, *text);
        return std::strtoull(text->c_str() + at, nullptr, 10);
    }

    std::vector<PublishedService> services_;
};

// ---- xdp-filter

constexpr const char* kBpfFs = "/sys/fs/bpf";  // xdp-filter's pins are there and nowhere else
constexpr std::uint64_t kDestination = 2;      // in a value of its map: the address may be sent to

struct FilterStatistics {
    std::uint64_t packets, bytes;
};

class XdpFilter : public Subject {
public:
    explicit XdpFilter(std::vector<PublishedService> services) : services_(std::move(services)) {}

    Result<void> arm(const Site& site) override {
        // Over those of the last instance, and hidden from the machine: this mount namespace is the bench's
        // own.
        if (::mount("bpf", kBpfFs, "bpf", 0, nullptr) != 0)
            return fail("cannot mount a BPF file system on {}: {}", kBpfFs, std::strerror(errno));
        auto done = run(site.gateway(), {"xdp-filter", "load", "-p", "deny", "-f", "ipv6,udp", "up0"});
        if (!done) return fail_with(done.error(), "cannot load xdp-filter");
        statistics_ = UniqueFd(bpf_obj_get(fmt::format("{}/xdp-filter/xdp_stats_map", kBpfFs).c_str()));
        if (!statistics_.is_open()) return fail("xdp-filter has no statistics: {}", std::strerror(errno));
        return allow_hosts();
    }

    Result<Fates> counted(const Site&) override {
        auto dropped = of_action(1 /* XDP_DROP */), passed = of_action(2 /* XDP_PASS */);
        if (!dropped) return tl::unexpected(dropped.error());
        if (!passed) return tl::unexpected(passed.error());
        return Fates{*dropped, *passed, 0};
    }

private:
    // As `xdp-filter ip -m dst ADDRESS` does, one process for each.
    Result<void> allow_hosts() {
        const UniqueFd hosts(bpf_obj_get(fmt::format("{}/xdp-filter/filter_ipv6", kBpfFs).c_str()));
        if (!hosts.is_open()) return fail("xdp-filter has no list of addresses: {}", std::strerror(errno));
        const std::vector<std::uint64_t> value(static_cast<std::size_t>(libbpf_num_possible_cpus()),
                                               kDestination);
        for (const PublishedService& service : services_) {
            const std::uint64_t key[2] = {__builtin_bswap64(service.host().hi),
                                          __builtin_bswap64(service.host().lo)};
            if (bpf_map_update_elem(hosts.get(), key, value.data(), BPF_ANY) != 0)
                return fail("xdp-filter takes no more addresses: {}", std::strerror(errno));
        }
        services_.clear();
        return {};
    }

    [[nodiscard]] Result<std::uint64_t> of_action(std::uint32_t action) const {
        std::vector<FilterStatistics> cpus(static_cast<std::size_t>(libbpf_num_possible_cpus()));
        if (bpf_map_lookup_elem(statistics_.get(), &action, cpus.data()) != 0)
            return fail("cannot read xdp-filter's statistics: {}", std::strerror(errno));
        std::uint64_t sum = 0;
        for (const FilterStatistics& cpu : cpus) sum += cpu.packets;
        return sum;
    }

    std::vector<PublishedService> services_;
    UniqueFd statistics_;
};

}  // namespace

SubjectPtr legacy_ip6tables(std::vector<PublishedService> services) {
    return std::make_unique<Ip6tables>(std::move(services));
}

SubjectPtr xdp_filter(std::vector<PublishedService> services) {
    return std::make_unique<XdpFilter>(std::move(services));
}

}  // namespace dishwall::bench
