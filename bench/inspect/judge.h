// SPDX-License-Identifier: BSD-3-Clause
//
// An engine on a corpus's connections that writes down what it finds. What it finds only raises an alert, so
// everything is searched and handed back.
#pragma once

#include <vector>

#include "bench/inspect/connections.h"
#include "dataplane/engine/engine.h"

namespace dishwall::bench {

class Judge final : private InspectEventSink {
public:
    Judge(Connections& connections, const SignatureSetPtr& set, FrameSender& sender)
        : connections_(connections), engine_(connections.tables(), {}, sender, *this) {
        EngineConfig config;
        config.signatures[connections.signatures()] =
            std::make_shared<const InspectedSignatures>(InspectedSignatures{
                .set = set, .on_match = Signatures::OnMatch::alert, .id = connections.signatures()});
        engine_.configure(std::move(config));
    }

    // Between laps; nobody is inspecting.
    void begin_lap() {
        connections_.begin_anew();
        found_.assign(connections_.corpus().flows(), 0);
        searched_ = engine_.scanned().bytes;
    }
    [[nodiscard]] Engine& engine() { return engine_; }
    [[nodiscard]] const std::vector<std::uint32_t>& found() const { return found_; }
    [[nodiscard]] std::uint64_t searched() const { return engine_.scanned().bytes - searched_; }

private:
    void report(const InspectEvent& event) override {
        if (event.kind == InspectEvent::Kind::match)
            found_.at(event.sport - Connections::kFirstPort) = event.signature;
    }

    Connections& connections_;
    Engine engine_;
    std::vector<std::uint32_t> found_;
    std::uint64_t searched_ = 0;
};

}  // namespace dishwall::bench
