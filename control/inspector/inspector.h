// SPDX-License-Identifier: BSD-3-Clause
//
// The life of dishwall-inspect: waits for a file that names workers, opens ports and maps with the rights
// that this needs, gives all rights up, runs, and takes over what changes. What changes needs rights again
// (another pair, another flow table) ends it, for its unit to start it anew: the rules' `on-failure` holds
// for that moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/event_source.h"
#include "control/inspector/config_file.h"
#include "control/inspector/engine_plan.h"
#include "control/inspector/event_socket.h"
#include "control/inspector/inspect_config.h"
#include "control/inspector/shared_tables.h"
#include "dataplane/port/eal.h"
#include "dataplane/port/worker.h"
#include "rules/result.h"

namespace dishwall {

struct InspectorOptions {
    std::filesystem::path config = "/run/dishwall/inspect.json";
    std::vector<unsigned>
        cores;  // for workers, in their order; those without one run where the scheduler likes
};

class Inspector {
public:
    // Both outlive this.
    Inspector(sd_event* loop, InspectorOptions options, EnginePlan* plan);
    Inspector(const Inspector&) = delete;
    Inspector& operator=(const Inspector&) = delete;
    ~Inspector();

    // Starts now, or when there is something to do. What fails later ends the loop, and trouble() says why.
    [[nodiscard]] Result<void> start();
    [[nodiscard]] const std::optional<Error>& trouble() const { return trouble_; }

private:
    struct Bench {  // a worker and what it works with
        std::string interface;
        unsigned index = 0;  // of the interface when it was opened
        std::unique_ptr<Worker> worker;
        std::unique_ptr<FrameInspector> inspector;
        std::uint64_t missed = 0, unsent = 0;  // what was told of
    };

    void wait();
    void on_change();
    [[nodiscard]] Result<void> configure(const InspectConfig& config);
    [[nodiscard]] Result<void> open(const InspectConfig& config);
    [[nodiscard]] Result<Bench> open_bench(unsigned number, const std::string& interface);
    [[nodiscard]] Result<void> run_workers();
    void adopt(InspectConfig config);
    void look_after_ports();
    void tell_watchdog() const;
    void end(const std::string& reason);
    void end(Error trouble);
    static int on_look(sd_event_source*, std::uint64_t, void* self);

    sd_event* loop_;
    InspectorOptions options_;
    EnginePlan* plan_;
    ConfigFile file_;
    EventSource look_;
    std::optional<InspectConfig> config_;  // in force; none: still waiting
    std::optional<Eal> eal_;
    std::optional<SharedTables> tables_;
    std::optional<EventSocket> events_;
    std::vector<Bench> benches_;
    std::optional<Error> trouble_;
};

}  // namespace dishwall
