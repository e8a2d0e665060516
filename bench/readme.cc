// SPDX-License-Identifier: BSD-3-Clause
#include "bench/readme.h"

#include <fstream>
#include <sstream>

namespace dishwall::bench {

Result<void> write_between_markers(const std::string& path, std::string_view name,
                                   const std::string& content) {
    const std::string begin = fmt::format("<!-- {}: begin -->\n", name),
                      end = fmt::format("<!-- {}: end -->\n", name);
    std::stringstream whole;
    whole << std::ifstream(path).rdbuf();
    std::string text = whole.str();
    const std::size_t first = text.find(begin), last = text.find(end);
    if (first == std::string::npos || last == std::string::npos || last < first)
        return fail("{} has no place for the table: it needs the lines {}and {}", path, begin, end);
    const std::size_t start = first + begin.size();
    text.replace(start, last - start, "\n" + content + "\n");
    if (!(std::ofstream(path) << text)) return fail("cannot write {}", path);
    return {};
}

Result<void> publish(const Destination& to, std::string_view name, const std::string& json,
                     const std::string& table) {
    if (!to.json_file.empty() && !(std::ofstream(to.json_file) << json << "\n"))
        return fail("cannot write {}", to.json_file);
    return to.readme.empty() ? Result<void>() : write_between_markers(to.readme, name, table);
}

}  // namespace dishwall::bench
