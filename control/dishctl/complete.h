// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl complete WORDS...`, which the shells' completion asks (packaging/completion/): the words behind
// `dishctl` so far, the last one being the one that is typed, maybe empty. The answer is a line for each word
// that may stand there: the word, a tab, what it is. The line ":files" says that names of files may, too.
//
// A hidden verb, so that the shells' scripts know nothing of dishctl that could grow old. It answers at once:
// a shell waits, so a daemon that does not answer is one that knows no names.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace dishwall {

struct Candidate {
    std::string word, summary;
    bool operator==(const Candidate&) const = default;
};
struct Completion {
    std::vector<Candidate> candidates;  // those that begin with what was typed
    bool files = false;
    bool operator==(const Completion&) const = default;
};

// Does the answer depend on the names that the daemon knows?
[[nodiscard]] bool wants_names(const std::vector<std::string>& words);
// `names`: the reply to Names; null when there is none.
[[nodiscard]] Completion complete(const std::vector<std::string>& words, const nlohmann::json& names);

// Prints the answer; always good.
int run_complete(const std::vector<std::string>& words, std::ostream* out);

}  // namespace dishwall
