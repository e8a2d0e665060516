// SPDX-License-Identifier: BSD-3-Clause
#include "bench/tables/classifier.h"

#include <netinet/in.h>

#include <chrono>
#include <memory>
#include <new>

#include "bench/compiled.h"
#include "bench/live/packet_set.h"
#include "bench/published.h"
#include "bench/tables/tuple.h"
#include "bpf/core/native.h"
#ifdef DISHWALL_WITH_DPDK
#include "bench/tables/acl.h"
#endif

namespace dishwall::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kKeys = 65536;
constexpr unsigned kTenthOf1024 = 102, kPasses = 8;

double ms_since(Clock::time_point began) {
    return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

struct Keys {
    std::vector<dw_tuple_key> keys;
    std::vector<bool> accepted;
};

Keys keys_for(unsigned services) {
    const PacketSet set = to_services({.services = services, .unpublished_of_1024 = kTenthOf1024});
    Keys made;
    for (std::uint64_t n = 0; n < kKeys; ++n) {
        const dw_varying packet = dw_varying_of(&set.traffic, n);
        made.keys.push_back({{kInternet, packet.peer},
                             {kLan, packet.inside},
                             packet.peer_port,
                             packet.inside_port,
                             IPPROTO_UDP,
                             {}});
        made.accepted.push_back(packet.published != 0);
    }
    return made;
}

// The core's memory with a policy in it; all else is empty.
class World {
public:
    explicit World(const CompiledImage& compiled)
        : image_(static_cast<std::byte*>(std::aligned_alloc(DW_LINE, compiled.image.size()))),
          own_(std::make_unique<dw_own>()),
          counters_(DW_COUNTERS) {
        std::copy(compiled.image.begin(), compiled.image.end(), image_.get());
        memory_.image = reinterpret_cast<const dw_blob*>(image_.get());
        memory_.image_lines = static_cast<std::uint32_t>(compiled.image.size() / DW_LINE);
        memory_.own = own_.get();
        memory_.counters = counters_.data();
        memory_.settings.hz = 100;
    }
    [[nodiscard]] Result<void> place() { return encode(own_of_the_gateway(), own_.get()); }
    [[nodiscard]] dw_memory* memory() { return &memory_; }

private:
    struct Free {
        void operator()(std::byte* bytes) const { std::free(bytes); }
    };
    std::unique_ptr<std::byte, Free> image_;
    std::unique_ptr<dw_own> own_;
    std::vector<dw_counter> counters_;
    dw_memory memory_ = {};
};

// ns a key, over a few passes.
template <typename Pass>
double timed(Pass pass) {
    const auto began = Clock::now();
    for (unsigned n = 0; n < kPasses; ++n) pass();
    return ms_since(began) * 1e6 / (kPasses * kKeys);
}

class Group {
public:
    Group(unsigned services, const ClassifierOptions& options)
        : services_(published_services(services)), keys_(keys_for(services)), options_(options) {}

    Result<void> prepare_ours() {
        auto policy = policy_of(rule_file(services_, 131072));
        if (!policy) return tl::unexpected(policy.error());
        policy_ = std::move(*policy);
        auto image = image_of(policy_);
        if (!image) return tl::unexpected(image.error());
        world_ = std::make_unique<World>(*image);
        if (auto placed = world_->place(); !placed) return placed;
        std::vector<std::uint8_t> accepted(kKeys);
        if (dw_bench_judge(world_->memory(), keys_.keys.data(), kKeys, accepted.data()) != 0)
            return fail("the core could not judge every packet");
        return agree("dishwall", accepted);
    }

    void add_lookups(Contest* contest) {
        const std::size_t size = services_.size();
        contest->add(fmt::format("classify-dishwall-{}", size), "dishwall, packet core", "ns", size, [this] {
            return Result<double>(
                timed([this] { dw_bench_judge(world_->memory(), keys_.keys.data(), kKeys, ours_.data()); }));
        });
        add_acl_lookups(contest);
    }

    void add_builds(Contest* contest) {
        const std::size_t size = services_.size();
        contest->add(fmt::format("build-dishwall-{}", size), "dishwall, policy to image", "ms", size,
                     [this]() -> Result<double> {
                         const auto began = Clock::now();
                         auto image = image_of(policy_);
                         const double ms = ms_since(began);
                         if (!image) return tl::unexpected(image.error());
                         return ms;
                     });
        add_acl_builds(contest);
    }

    Result<void> prepare_acl() {
#ifdef DISHWALL_WITH_DPDK
        double ms = 0;
        auto built = Acl::build(services_, &ms);
        if (!built) return tl::unexpected(built.error());
        acl_ = std::make_unique<Acl>(std::move(*built));
        acl_->set_keys(keys_.keys);
        for (const AclWay way : {AclWay::scalar, AclWay::avx2, AclWay::avx512}) {
            if (auto chosen = acl_->go(way); !chosen) continue;
            acl_->classify(&theirs_);
            if (auto same = agree(name_of(way), theirs_); !same) return same;
        }
#endif
        return {};
    }

private:
    template <typename Verdicts>
    [[nodiscard]] Result<void> agree(const char* who, const Verdicts& accepted) const {
        for (std::size_t n = 0; n < kKeys; ++n)
            if ((accepted[n] != 0) != keys_.accepted[n]) return fail("{} judges packet {} wrongly", who, n);
        return {};
    }

    void add_acl_lookups([[maybe_unused]] Contest* contest) {
#ifdef DISHWALL_WITH_DPDK
        for (const AclWay way : {AclWay::scalar, AclWay::avx2, AclWay::avx512}) {
            const char* suffix = way == AclWay::scalar ? "scalar" : way == AclWay::avx2 ? "avx2" : "avx512";
            const std::string id = fmt::format("classify-acl-{}-{}", suffix, services_.size());
            if (acl_ == nullptr || !acl_->go(way)) continue;
            contest->add(id, name_of(way), "ns", services_.size(), [this, way]() -> Result<double> {
                if (auto chosen = acl_->go(way); !chosen) return tl::unexpected(chosen.error());
                return timed([this] { acl_->classify(&theirs_); });
            });
        }
#endif
    }

    void add_acl_builds([[maybe_unused]] Contest* contest) {
#ifdef DISHWALL_WITH_DPDK
        contest->add(fmt::format("build-acl-{}", services_.size()), "rte_acl, rte_acl_build", "ms",
                     services_.size(), [this]() -> Result<double> {
                         acl_.reset();  // a context of the same name would be this one
                         double ms = 0;
                         auto built = Acl::build(services_, &ms);
                         if (!built) return tl::unexpected(built.error());
                         return ms;
                     });
#endif
    }

    std::vector<PublishedService> services_;
    Keys keys_;
    ClassifierOptions options_;
    Policy policy_;
    std::unique_ptr<World> world_;
    std::vector<std::uint8_t> ours_ = std::vector<std::uint8_t>(kKeys);
    std::vector<std::uint32_t> theirs_;
#ifdef DISHWALL_WITH_DPDK
    std::unique_ptr<Acl> acl_;
#endif
};

void append(std::vector<Measured>* rows, std::vector<Measured> more) {
    for (Measured& row : more) rows->push_back(std::move(row));
}

}  // namespace

Result<std::vector<Measured>> measure_classifiers(const ClassifierOptions& options,
                                                  std::vector<std::string>* skipped) {
#ifdef DISHWALL_WITH_DPDK
    if (auto started = Acl::start(options.cpu); !started) return tl::unexpected(started.error());
    (void)skipped;
#else
    skipped->push_back("rte_acl: this build has no libdpdk (Debian: libdpdk-dev)");
#endif
    std::vector<Measured> rows;
    for (const unsigned services : options.services) {
        Group group(services, options);
        if (auto ready = group.prepare_ours(); !ready) return tl::unexpected(ready.error());
        if (auto ready = group.prepare_acl(); !ready) return tl::unexpected(ready.error());
        Contest lookups("classify, 5 fields"), builds("build");
        group.add_lookups(&lookups);
        append(&rows, lookups.measure(options.repeats));
        group.add_builds(&builds);
        append(&rows, builds.measure(options.builds));
    }
    return rows;
}

}  // namespace dishwall::bench
