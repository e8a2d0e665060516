// SPDX-License-Identifier: BSD-3-Clause
//
// Hosts whose addresses are learnt while the policy runs. What they mean is their definition, and an id made
// from it is what the image and the tables of the line call them by: so what was learnt of a host outlives
// other edits of the file and restarts, and a host that is defined otherwise begins with nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/policy.h"

namespace dishwall {

// As many as there can be addresses of them.
inline constexpr std::size_t kMostLearntHosts = DW_LEARNT_MAX;

// All that the meaning of such a host depends on, as text. The interface counts: elsewhere it is another
// device, even with this MAC address.
[[nodiscard]] std::string definition_of(const PrefixSource& source, const Network& network,
                                        const MacAddress& mac);
[[nodiscard]] std::string definition_of(const std::string& domain);

// Never zero, which means nobody in the data plane.
[[nodiscard]] std::uint32_t id_of_definition(const std::string& definition);

class LearntHosts {
public:
    explicit LearntHosts(Diagnostics* diagnostics) : diagnostics_(*diagnostics) {}

    struct Written {
        ast::Word name;
        Place place;
        std::variant<DeviceHost, DomainHost> what;
        std::string definition;
    };
    // Appends to `learnt` what is not there yet: names with the same definition are the same host. Empty when
    // an error was reported.
    [[nodiscard]] std::optional<Learnt> add(Written host, std::vector<LearntHost>* learnt);

private:
    struct Known {
        std::string definition;
        Span name;
    };
    Diagnostics& diagnostics_;
    std::unordered_map<std::uint32_t, Known> known_;  // by id
    bool over_limit_ = false;                         // and reported
};

}  // namespace dishwall
