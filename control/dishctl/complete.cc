// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/complete.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ostream>

#include "control/dishctl/ask.h"
#include "control/dishctl/codes.h"
#include "control/dishctl/text.h"
#include "control/dishctl/verbs.h"

namespace dishwall {
namespace {

using nlohmann::json;

// ---- what was said so far

struct Situation {
    const Verb* verb = nullptr;          // null: it is what is being typed
    bool lost = false;                   // there is no such verb: nothing can be said
    const VerbOption* option = nullptr;  // whose value is being typed
    std::size_t position = 0;            // among the verb's words
    std::vector<std::string> before;     // the verb's words so far
    std::string run_dir;                 // empty: not said
    std::string typed;
};

std::string long_name(const VerbOption& option) {
    const std::string names = option.names;
    return names.substr(names.find("--"));
}

bool is_named(const VerbOption& option, const std::string& word) {
    const std::string names = std::string(",") + option.names + ",";
    return !word.empty() && names.find("," + word + ",") != std::string::npos;
}

bool has_value(const VerbOption& option) { return !std::holds_alternative<bool Invocation::*>(option.into); }

const VerbOption* option_named(const Verb* verb, const std::string& word) {
    const auto among = [&](std::span<const VerbOption> options) -> const VerbOption* {
        const auto found =
            std::ranges::find_if(options, [&](const VerbOption& one) { return is_named(one, word); });
        return found == options.end() ? nullptr : &*found;
    };
    if (const VerbOption* global = among(global_options())) return global;
    return verb == nullptr ? nullptr : among(verb->options);
}

Situation situation_of(std::vector<std::string> words) {
    std::erase(words, "=");  // bash hands `--confirm=2m` over as three words
    Situation now;
    if (words.empty()) return now;
    now.typed = words.back();
    words.pop_back();
    for (const std::string& word : words) {
        if (now.option != nullptr) {
            if (is_named(*now.option, "--run-dir")) now.run_dir = word;
            now.option = nullptr;
        } else if (word.starts_with("-") && word != "-") {
            const VerbOption* option = option_named(now.verb, word);
            if (option != nullptr && has_value(*option)) now.option = option;
        } else if (now.verb == nullptr) {
            const auto verbs = all_verbs();
            const auto found = std::ranges::find_if(verbs, [&](const Verb& one) { return word == one.name; });
            if (found != verbs.end()) now.verb = &*found;
            now.lost = found == verbs.end();
        } else {
            now.before.push_back(word);
        }
    }
    now.position = now.before.size();
    return now;
}

// ---- what may come

using Candidates = std::vector<Candidate>;

void add_named(const json& names, const char* kind, const char* summary, Candidates* list) {
    for (const json& name : part_of(names, kind))
        if (name.is_string()) list->push_back({printable(name.get<std::string>()), summary});
}

void add_policies(const json& names, Candidates* list) {
    for (const json& number : part_of(names, "policies"))
        if (number.is_number_unsigned()) list->push_back({number.dump(), "policy of the history"});
}

void add_codes(Candidates* list) {
    for (const Code code : all_codes()) list->push_back({to_string(code), std::string(title_of(code))});
}

// `prefix set SOURCE PREFIX valid SECONDS preferred SECONDS`
void add_prefix_words(const Situation& now, const json& names, Candidates* list) {
    const std::string verb = now.before.empty() ? "" : now.before.front();
    if (now.position == 0)
        *list = {
            {"history", "what changed"}, {"set", "tell of a delegation"}, {"withdraw", "tell that it ended"}};
    else if (now.position == 1 && verb != "history")
        add_named(names, "sources", "prefix source", list);
    else if (now.position == 3 && verb == "set")
        list->push_back({"valid", "then seconds"});
    else if (now.position == 5 && verb == "set")
        list->push_back({"preferred", "then seconds"});
}

void add_packet_words(std::size_t position, Candidates* list) {
    if (position == 0) *list = {{"in", "from the Internet"}, {"out", "to the Internet"}};
    if (position == 1)
        *list = {
            {"tcp", ""}, {"udp", ""}, {"sctp", ""}, {"icmpv6", "then a type"}, {"proto", "then a number"}};
}

Offer offer_in(const Situation& now) {
    if (now.option != nullptr) return now.option->offer;
    if (now.verb == nullptr) return Offer::nothing;
    const VerbWords& words = now.verb->words;
    const bool room = words.most == VerbWords::kNoEnd || now.position < static_cast<std::size_t>(words.most);
    return room ? words.offer : Offer::nothing;
}

void add_offered(const Situation& now, const json& names, Completion* answer) {
    Candidates* list = &answer->candidates;
    switch (offer_in(now)) {
        case Offer::nothing:
            break;
        case Offer::files:
            answer->files = true;
            break;
        case Offer::durations:
            *list = {{"60s", "a minute"}, {"120s", "two minutes"}, {"10m", "ten minutes"}, {"1h", "an hour"}};
            break;
        case Offer::codes:
            add_codes(list);
            break;
        case Offer::policies_or_files:
            answer->files = true;
            [[fallthrough]];
        case Offer::policies:
            add_policies(names, list);
            break;
        case Offer::rules:
            add_named(names, "rules", "rule", list);
            break;
        case Offer::hosts:
            add_named(names, "hosts", "host", list);
            break;
        case Offer::formats_then_files:
            answer->files = now.position > 0;
            if (now.position == 0)
                *list = {{"nft", "nftables"}, {"ip6tables-save", "ip6tables"}, {"uci", "OpenWrt"}};
            break;
        case Offer::packet:
            add_packet_words(now.position, list);
            break;
        case Offer::prefix:
            add_prefix_words(now, names, list);
            break;
        case Offer::standards:
            list->push_back({"rfc6092", "simple security for home gateways"});
            break;
    }
}

void add_options(const Situation& now, Candidates* list) {
    const auto add = [&](std::span<const VerbOption> options) {
        for (const VerbOption& one : options) list->push_back({long_name(one), one.summary});
    };
    if (now.verb != nullptr) add(now.verb->options);
    add(global_options());
    list->push_back({"--help", "what there is, with examples"});
}

// A daemon that hangs, or a socket whose queue is full, must not hang the shell: what is known without it was
// printed.
void end_soon() {
    struct sigaction action {};
    action.sa_handler = [](int) { ::_exit(kOk); };
    ::sigaction(SIGALRM, &action, nullptr);
    constexpr itimerval kPatience{{0, 0}, {0, 250'000}};
    ::setitimer(ITIMER_REAL, &kPatience, nullptr);
}

json ask_names(const Situation& now) {
    Invocation invocation;
    if (!now.run_dir.empty()) invocation.run_dir = now.run_dir;
    return ask(invocation, "Names", json::object()).value_or(json());
}

}  // namespace

bool wants_names(const std::vector<std::string>& words) {
    const Situation now = situation_of(words);
    const Offer offer = offer_in(now);
    return !now.typed.starts_with("-") &&
           (offer == Offer::policies || offer == Offer::policies_or_files || offer == Offer::rules ||
            offer == Offer::hosts || (offer == Offer::prefix && now.position == 1));
}

Completion complete(const std::vector<std::string>& words, const json& names) {
    const Situation now = situation_of(words);
    Completion answer;
    if (now.lost) return answer;
    if (now.option == nullptr && now.typed.starts_with("-"))
        add_options(now, &answer.candidates);
    else if (now.option == nullptr && now.verb == nullptr)
        for (const Verb& verb : all_verbs()) answer.candidates.push_back({verb.name, verb.summary});
    else
        add_offered(now, names, &answer);
    std::erase_if(answer.candidates, [&](const Candidate& one) { return !one.word.starts_with(now.typed); });
    return answer;
}

int run_complete(const std::vector<std::string>& words, std::ostream* out) {
    Completion answer = complete(words, json());
    if (answer.files) *out << ":files\n" << std::flush;
    if (wants_names(words)) {
        end_soon();
        answer = complete(words, ask_names(situation_of(words)));
    }
    for (const Candidate& one : answer.candidates) *out << one.word << "\t" << one.summary << "\n";
    out->flush();
    return kOk;
}

}  // namespace dishwall
