// SPDX-License-Identifier: BSD-3-Clause
//
// Any bytes as a signature file. Besides what the sanitizers see: a pattern's parts lie in its own line and
// can be handed to Hyperscan (C strings), IDs are unique, lines ascend, and what was read, written out again,
// reads the same.
#include <fmt/format.h>

#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "rules/signatures.h"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

bool lies_in(std::string_view part, std::string_view text) {
    return part.data() >= text.data() && part.data() + part.size() <= text.data() + text.size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace dishwall;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const SignatureReading reading = read_signatures(text);
    require(reading.bad.size() <= 100);
    std::set<std::uint32_t> ids;
    std::string again;
    unsigned line = 0;
    for (const SignaturePattern& pattern : reading.patterns) {
        require(lies_in(pattern.regex, text) && lies_in(pattern.flags, text));
        require(!pattern.regex.empty() && pattern.regex.find('\0') == std::string_view::npos);
        require(pattern.regex.find('\n') == std::string_view::npos);
        require(pattern.flags.find_first_not_of("imsHV8WPLCQ") == std::string_view::npos);
        require(ids.insert(pattern.id).second && pattern.line > line);
        line = pattern.line;
        again += fmt::format("{}:/{}/{}\n", pattern.id, pattern.regex, pattern.flags);
    }
    for (const FeedReading::BadLine& bad : reading.bad)
        require(bad.begin < bad.end && bad.end <= size && !bad.why.empty());
    const SignatureReading same = read_signatures(again);
    require(same.bad.empty() && same.patterns.size() == reading.patterns.size());
    for (std::size_t i = 0; i < same.patterns.size(); ++i)
        require(same.patterns[i].id == reading.patterns[i].id &&
                same.patterns[i].regex == reading.patterns[i].regex &&
                same.patterns[i].flags == reading.patterns[i].flags);
    return 0;
}
