// SPDX-License-Identifier: BSD-3-Clause
//
// dishwall-bench-targets: reads what `live`, `tables`, `load` and `inspect` published, and says which
// targets that meets.
#include <CLI/CLI.hpp>

#include "bench/readme.h"
#include "bench/targets/targets.h"

namespace {

using namespace dishwall;
using namespace dishwall::bench;

Result<void> say(const std::string& directory, const std::vector<std::string>& readmes) {
    const auto results = Results::read(directory);
    if (!results) return tl::unexpected(results.error());
    const std::string table = markdown(*results);
    fmt::print("{}", table);
    for (const std::string& readme : readmes)
        if (auto written = write_between_markers(readme, "targets", table); !written) return written;
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    std::string directory;
    std::vector<std::string> readmes;
    CLI::App app("which targets the published results meet");
    app.add_option("--results", directory, "where live.json, tables.json, load.json and inspect.json are")
        ->required();
    app.add_option("--write-readme", readmes, "replace the table in this file; may be given again");
    CLI11_PARSE(app, argc, argv);
    const auto said = say(directory, readmes);
    if (said) return 0;
    fmt::print(stderr, "dishwall-bench-targets: {}\n", said.error().message);
    return 1;
}
