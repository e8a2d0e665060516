// SPDX-License-Identifier: BSD-3-Clause
#include "control/saved_json.h"

#include <nlohmann/json.hpp>

#include "control/state_file.h"

namespace dishwall {

Result<nlohmann::json> SavedJson::read() const {
    if (file_.empty()) return nlohmann::json();
    const Result<std::optional<std::string>> text = read_file(file_);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return nlohmann::json();
    nlohmann::json state = nlohmann::json::parse(**text, nullptr, false);
    if (state.is_discarded()) return fail("{} is not JSON", file_);
    return state;
}

Result<void> SavedJson::write(const nlohmann::json& state) const {
    if (file_.empty()) return {};
    return replace_file(file_, state.dump(2) + "\n", Synced::no);
}

}  // namespace dishwall
