// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/policy_verbs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "control/caller/caller_connection.h"
#include "control/dishctl/ask.h"
#include "control/dishctl/policy_views.h"
#include "control/dishctl/text.h"
#include "rules/literal.h"

namespace dishwall {
namespace {

using nlohmann::json;

// A policy of the history is called by its number. Hexadecimal is no number here: 0x1 may be a file.
json number_in(const std::string& word) {
    const bool digits = word.find_first_not_of("0123456789") == std::string::npos;
    const auto number = digits ? parse_number(word) : std::nullopt;
    return number ? json(*number) : json();
}

// What `diff` compares: a number, or a rule file. Nothing said: null.
json side_in(const std::vector<std::string>& words, std::size_t at) {
    if (words.size() <= at) return {};
    const json number = number_in(words[at]);
    return number.is_null() ? json(absolute_path(words[at])) : number;
}

// Load and Rollback have the same reply. Its warnings are about the rule file: they go where `check` writes
// them.
int put_in_force(const Invocation& invocation, const char* method, json parameters) {
    // Over which connection we sit here: the daemon may not have the right to see that itself
    // (control/caller).
    for (const TcpConnection& connection : accepted_connections(sockets_of_ancestors(::getpid())))
        parameters["sockets"].push_back(connection.socket);
    return ask_and_show(invocation, method, parameters, [&](const json& reply) {
        if (const std::string warnings = text_of(reply, "warnings"); !warnings.empty())
            *invocation.err << warnings << "\n";
        return load_view(reply, invocation.view);
    });
}

}  // namespace

int run_load(const Invocation& invocation) {
    json config, confirm;  // config null: the file that is in force, again
    if (!invocation.words.empty()) config = absolute_path(invocation.words.front());
    if (!invocation.confirm.empty()) {
        const auto seconds = read_seconds(invocation.confirm);
        if (!seconds) return report(invocation, "--confirm: " + seconds.error().message, kUsage);
        confirm = seconds->count();
    }
    return put_in_force(invocation, "Load",
                        {{"config", config}, {"confirm", confirm}, {"force", invocation.force}});
}

int run_confirm(const Invocation& invocation) {
    return ask_and_show(invocation, "Confirm", json::object(), message_view);
}

int run_rollback(const Invocation& invocation) {
    json number;  // null: the one before the one in force
    if (!invocation.words.empty()) {
        number = number_in(invocation.words.front());
        if (number.is_null())
            return report(invocation,
                          fmt::format("'{}' is no number of a policy; 'dishctl history' lists them",
                                      invocation.words.front()),
                          kUsage);
    }
    return put_in_force(invocation, "Rollback", {{"number", number}, {"force", invocation.force}});
}

int run_history(const Invocation& invocation) {
    json parameters = json::object();
    if (invocation.limit) parameters["limit"] = *invocation.limit;
    return ask_and_show(invocation, "History", parameters,
                        [&](const json& reply) { return policies_view(reply, invocation.view); });
}

int run_diff(const Invocation& invocation) {
    json a = side_in(invocation.words, 0), b = side_in(invocation.words, 1);
    if (a.is_string() && b.is_null()) std::swap(a, b);  // a file alone: what would it change?
    const json parameters{{"a", a}, {"b", b}};
    return ask_and_show(invocation, "Diff", parameters,
                        [&](const json& reply) { return diff_view(reply, invocation.view); });
}

}  // namespace dishwall
