// SPDX-License-Identifier: BSD-3-Clause
#include "bench/load/stages.h"

#include <sys/resource.h>

#include <chrono>

#include "control/config_file.h"
#include "control/counter_registry.h"
#include "control/datapath.h"
#include "control/pin_directory.h"
#include "rules/feed.h"
#include "rules/lower.h"
#include "rules/rule_files.h"

namespace dishwall::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr unsigned kFlowTable = 131'072;

double since(Clock::time_point began) {
    return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

double peak_mib() {
    rusage usage = {};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

Result<std::string> text_of(const std::string& path) {
    auto text = read_regular_file(path);
    if (!text) return fail("{}: {}", path, text.error());
    return *text;
}

// Alone, and thrown away: what it takes is then known as a part of reading.
Result<double> time_of_parsing(const std::string& path) {
    auto text = text_of(path);
    if (!text) return tl::unexpected(text.error());
    const auto began = Clock::now();
    SourceMap sources;
    Diagnostics diagnostics;
    std::vector<RuleText> texts;
    texts.push_back({path, std::move(*text)});
    const ParsedFiles parsed =
        parse_rule_files(std::move(texts), environment_of(path), &sources, &diagnostics);
    const double took = since(began);
    if (!parsed.understood || diagnostics.has_errors()) return fail("{} does not parse", path);
    return took;
}

Result<double> time_of_feed(const std::string& path) {
    auto text = text_of(path);
    if (!text) return tl::unexpected(text.error());
    const auto began = Clock::now();
    const FeedReading reading = read_feed(*text);
    const double took = since(began);
    if (!reading.bad.empty()) return fail("{} has a bad line {}", path, reading.bad.front().line);
    return took;
}

struct Lowered {
    CompiledImage image;
    double resolve_ms = 0, lower_ms = 0, prove_ms = 0;  // resolve: all of reading before lowering
};

Result<CompiledImage> image_of(const Policy& policy, CounterRegistry* names) {
    std::vector<std::uint32_t> counters;
    if (auto assigned = names->assign(policy, &counters); !assigned) return tl::unexpected(assigned.error());
    return lower(policy, in_order(std::move(counters)));
}

Result<Lowered> read_and_lower(const std::string& path, CounterRegistry* names) {
    Lowered made;
    std::optional<Result<CompiledImage>> image;
    auto mark = Clock::now();
    const auto lap = [&](double* ms) {
        *ms = since(mark);
        mark = Clock::now();
    };
    const auto lower_it = [&](const Policy& policy) {
        lap(&made.resolve_ms);
        image = image_of(policy, names);
        lap(&made.lower_ms);
    };
    auto config = load_config(path, lower_it);
    if (!config) return fail("{}: {}\n{}", path, config.error().message, config.error().diagnostics);
    if (image)
        lap(&made.prove_ms);
    else
        lower_it(config->policy);
    if (!*image) return tl::unexpected(image->error());
    made.image = std::move(**image);
    return made;
}

}  // namespace

nlohmann::json to_json(const Stages& stages) {
    return {{"parse_ms", stages.parse_ms},   {"feed_ms", stages.feed_ms},   {"resolve_ms", stages.resolve_ms},
            {"lower_ms", stages.lower_ms},   {"prove_ms", stages.prove_ms}, {"swap_ms", stages.swap_ms},
            {"image_mib", stages.image_mib}, {"peak_mib", stages.peak_mib}};
}

Stages stages_of(const nlohmann::json& json) {
    return {json.value("parse_ms", 0.0),  json.value("feed_ms", 0.0),  json.value("resolve_ms", 0.0),
            json.value("lower_ms", 0.0),  json.value("prove_ms", 0.0), json.value("swap_ms", 0.0),
            json.value("image_mib", 0.0), json.value("peak_mib", 0.0)};
}

Result<Stages> measure_stages(const std::string& before, const std::string& rules, const std::string& feed,
                              const std::string& pins) {
    auto directory = PinDirectory::open(pins);
    if (!directory) return tl::unexpected(directory.error());
    auto datapath = Datapath::open(*directory, kFlowTable);
    if (!datapath) return tl::unexpected(datapath.error());
    CounterRegistry names;
    auto old = read_and_lower(before, &names);
    if (!old) return tl::unexpected(old.error());
    if (auto generation = datapath->put_in_force(old->image, Own{}); !generation)
        return tl::unexpected(generation.error());

    auto lowered = read_and_lower(rules, &names);
    if (!lowered) return tl::unexpected(lowered.error());
    const auto began = Clock::now();
    if (auto generation = datapath->put_in_force(lowered->image, Own{}); !generation)
        return tl::unexpected(generation.error());
    Stages stages;
    stages.swap_ms = since(began);
    stages.lower_ms = lowered->lower_ms;
    stages.image_mib = static_cast<double>(lowered->image.image.size()) / (1 << 20);
    stages.peak_mib = peak_mib();
    auto parse_ms = time_of_parsing(rules);
    if (!parse_ms) return tl::unexpected(parse_ms.error());
    auto feed_ms = feed == "-" ? Result<double>(0) : time_of_feed(feed);
    if (!feed_ms) return tl::unexpected(feed_ms.error());
    stages.parse_ms = *parse_ms;
    stages.feed_ms = *feed_ms;
    stages.prove_ms = lowered->prove_ms;
    stages.resolve_ms = lowered->resolve_ms - *parse_ms - *feed_ms;
    return stages;
}

}  // namespace dishwall::bench
