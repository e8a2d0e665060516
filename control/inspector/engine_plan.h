// SPDX-License-Identifier: BSD-3-Clause
//
// An engine for each worker, all with the signatures of the daemon's file. Compiling takes its time, on the
// main thread: packets wait for the workers' only.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "control/inspector/event_socket.h"
#include "control/inspector/inspect_config.h"
#include "control/inspector/shared_tables.h"
#include "dataplane/engine/engine.h"

namespace dishwall {

// Of all workers together -> of one of so many. What a single flow may have stays.
[[nodiscard]] EngineLimits share_of(EngineLimits limits, std::size_t workers);

class EnginePlan {
public:
    // `limits`: of all workers together, shared out among them.
    explicit EnginePlan(EngineLimits limits) : limits_(limits) {}

    // With the rights of the start. The references outlive what is made.
    [[nodiscard]] Result<std::unique_ptr<FrameInspector>> make(unsigned worker, const SharedTables& tables,
                                                               EventSocket& events, FrameSender& sender);
    // Before the first make(), and whenever signatures changed, while the workers run. An error changes
    // nothing.
    [[nodiscard]] Result<void> configure(const InspectConfig& config);

private:
    [[nodiscard]] Result<InspectedSignaturesPtr> load(const InspectConfig::SignatureFile& file,
                                                      const SignatureCache& cache);

    EngineLimits limits_;
    std::size_t workers_ = 1;
    EngineConfig config_;
    std::map<std::uint16_t, InspectConfig::SignatureFile> loaded_;  // what config_ was made of
    std::vector<Engine*> engines_;  // of the workers, which live as long as the process looks at packets
};

}  // namespace dishwall
