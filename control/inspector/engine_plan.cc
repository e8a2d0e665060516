// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspector/engine_plan.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "control/inspector/event_json.h"

namespace dishwall {
namespace {

class EventReport : public InspectEventSink {
public:
    explicit EventReport(EventSocket* socket) : socket_(socket) {}
    void report(const InspectEvent& event) override { socket_->send(event_json(event)); }

private:
    EventSocket* socket_;
};

// An engine and where its events go.
class Inspection : public FrameInspector {
public:
    Inspection(const EngineTables& tables, const EngineLimits& limits, FrameSender& sender,
               EventSocket* events)
        : report_(events), engine_(tables, limits, sender, report_) {}

    Fate inspect(const Frame& frame, std::uint64_t now_ns) override { return engine_.inspect(frame, now_ns); }
    void tick(std::uint64_t now_ns) override { engine_.tick(now_ns); }
    [[nodiscard]] Engine& engine() { return engine_; }

private:
    EventReport report_;
    Engine engine_;
};

}  // namespace

EngineLimits share_of(EngineLimits limits, std::size_t workers) {
    for (std::size_t* limit : {&limits.flows, &limits.scan_streams, &limits.datagrams, &limits.datagram_bytes,
                               &limits.streams.all_bytes})
        *limit /= workers;
    return limits;
}

Result<std::unique_ptr<FrameInspector>> EnginePlan::make(unsigned worker, const SharedTables& tables,
                                                         EventSocket& events, FrameSender& sender) {
    const EngineTables seen = EngineTables::of(tables.control(), tables.slots().data(), tables.flows().data(),
                                               &tables.inspection(), worker);
    auto inspection = std::make_unique<Inspection>(seen, share_of(limits_, workers_), sender, &events);
    inspection->engine().configure(config_);
    engines_.push_back(&inspection->engine());
    return inspection;
}

// A set whose words are the same stays the one it is.
Result<void> EnginePlan::configure(const InspectConfig& config) {
    const SignatureCache cache(config.cache);
    EngineConfig next{.uplink_mac = config.uplink_mac, .signatures = {}};
    std::map<std::uint16_t, InspectConfig::SignatureFile> loaded;
    for (const InspectConfig::SignatureFile& file : config.signatures) {
        const auto former = loaded_.find(file.id);
        if (former != loaded_.end() && former->second == file) {
            next.signatures[file.id] = config_.signatures.at(file.id);
        } else {
            Result<InspectedSignaturesPtr> set = load(file, cache);
            if (!set) return tl::unexpected(set.error());
            next.signatures[file.id] = std::move(*set);
        }
        loaded[file.id] = file;
    }
    // The number of workers does not change once there are some.
    workers_ = std::max<std::size_t>(config.workers.size(), 1);
    config_ = std::move(next);
    loaded_ = std::move(loaded);
    for (Engine* engine : engines_) engine->configure(config_);
    return {};
}

Result<InspectedSignaturesPtr> EnginePlan::load(const InspectConfig::SignatureFile& file,
                                                const SignatureCache& cache) {
    Result<LoadedSignatures> loaded = load_signatures(file.name, file.file, file.text, &cache);
    if (!loaded) return fail_with(loaded.error(), "signatures " + file.name);
    for (const std::string& warning : loaded->warnings) spdlog::warn("signatures {}: {}", file.name, warning);
    spdlog::info("signatures {}: {} patterns{}", file.name, loaded->set->patterns(),
                 loaded->from_cache > 0 ? ", from the cache" : "");
    return std::make_shared<const InspectedSignatures>(InspectedSignatures{.set = std::move(loaded->set),
                                                                           .on_match = file.on_match,
                                                                           .ban_s = file.ban_s,
                                                                           .clean_after = file.clean_after,
                                                                           .id = file.id});
}

}  // namespace dishwall
