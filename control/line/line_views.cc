// SPDX-License-Identifier: BSD-3-Clause
#include "control/line/line_views.h"

#include <nlohmann/json.hpp>

namespace dishwall {

nlohmann::json prefixes_json(const std::vector<PrefixStatus>& prefixes, const SecondsOf& seconds_of) {
    static constexpr const char* kStates[] = {"none", "preferred", "deprecated", "grace"};
    nlohmann::json all = nlohmann::json::array();
    for (const PrefixStatus& status : prefixes) {
        nlohmann::json one{{"source", status.source},
                           {"prefix", to_string(status.live.prefix)},
                           {"state", kStates[status.live.state]},
                           {"onlink", status.live.onlink}};
        if (status.valid_until) one["valid_until"] = seconds_of(*status.valid_until);
        if (status.preferred_until) one["preferred_until"] = seconds_of(*status.preferred_until);
        if (status.grace_until) one["grace_until"] = seconds_of(*status.grace_until);
        if (status.grace_left) one["grace_left"] = whole_seconds(*status.grace_left);
        if (!status.served) one["no_room"] = true;
        all.push_back(std::move(one));
    }
    return all;
}

}  // namespace dishwall
