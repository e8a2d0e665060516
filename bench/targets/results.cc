// SPDX-License-Identifier: BSD-3-Clause
#include "bench/targets/results.h"

#include <filesystem>
#include <fstream>

namespace dishwall::bench {
namespace {

Result<nlohmann::json> read_json(const std::string& path) {
    if (!std::filesystem::exists(path)) return nlohmann::json::object();
    auto json = nlohmann::json::parse(std::ifstream(path), nullptr, false);
    if (json.is_discarded()) return fail("{} is not JSON", path);
    return json;
}

std::string origin(const char* name, const nlohmann::json& result) {
    if (result.empty()) return fmt::format("- {}: not measured\n", name);
    return fmt::format("- {}: {}, commit {}, {}{}\n", name, result.value("date", ""),
                       result.value("commit", ""), result["machine"].value("cpu", ""),
                       result.value("quick", false) ? "; **quick mode: the numbers mean nothing**" : "");
}

}  // namespace

Result<Results> Results::read(const std::string& directory) {
    Results results;
    for (const auto& [name, into] :
         {std::pair{"live", &results.live_}, std::pair{"tables", &results.tables_},
          std::pair{"load", &results.load_}, std::pair{"inspect", &results.inspect_}}) {
        auto json = read_json(fmt::format("{}/{}.json", directory, name));
        if (!json) return tl::unexpected(json.error());
        *into = std::move(*json);
    }
    return results;
}

std::optional<double> Results::field_of_row(const nlohmann::json& result, const std::string& row,
                                            const char* field) const {
    for (const auto& item : result.value("rows", nlohmann::json::array()))
        if (item.value("id", "") == row && item.contains(field)) return item[field].get<double>();
    return {};
}

std::optional<double> Results::ns(const std::string& row) const {
    return field_of_row(live_, row, "median_ns");
}

std::optional<double> Results::above(const std::string& row) const {
    return field_of_row(live_, row, "above_bare_drop_ns");
}

std::optional<double> Results::worst_lines(const std::string& row) const {
    return field_of_row(live_, row, "worst_lines");
}

std::optional<double> Results::worst_rules(const std::string& row) const {
    return field_of_row(live_, row, "worst_rules");
}

std::optional<double> Results::table(const std::string& row) const {
    return field_of_row(tables_, row, "median");
}

const nlohmann::json* Results::size(unsigned rules, unsigned feed) const {
    if (!load_.contains("sizes")) return nullptr;
    for (const auto& one : load_["sizes"])
        if (one.value("rules", 0u) == rules && one.value("feed", 0u) == feed) return &one;
    return nullptr;
}

std::optional<double> Results::load(unsigned rules, unsigned feed, const std::string& who) const {
    const auto* of = size(rules, feed);
    if (of == nullptr) return {};
    for (const auto& one : (*of)["loads"])
        if (one.value("name", "").starts_with(who)) return one.value("median_ms", 0.0);
    return {};
}

std::optional<double> Results::stage(unsigned rules, unsigned feed, const std::string& what) const {
    const auto* of = size(rules, feed);
    if (of == nullptr || !(*of)["medians"].contains(what)) return {};
    return (*of)["medians"][what].get<double>();
}

std::string Results::origins() const {
    return origin("live", live_) + origin("tables", tables_) + origin("load", load_) +
           origin("inspect", inspect_);
}

}  // namespace dishwall::bench
