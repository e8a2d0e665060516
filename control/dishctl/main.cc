// SPDX-License-Identifier: BSD-3-Clause
//
// dishctl: asks dishwalld, and shows the answer. This file parses the command line and looks at the terminal.
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string_view>
#include <type_traits>
#include <variant>

#include "control/dishctl/complete.h"
#include "control/dishctl/verbs.h"

namespace dishwall {
namespace {

unsigned terminal_width() {
    winsize size{};
    if (::isatty(STDOUT_FILENO) == 0) return 0;
    constexpr unsigned kUsual = 80;
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsual;
}

// https://no-color.org: set to anything but nothing.
bool wants_color() {
    const char* no_color = std::getenv("NO_COLOR");
    return ::isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
}

void add_option(CLI::App* command, const VerbOption& option, Invocation* invocation) {
    std::visit(
        [&](auto target) {
            if constexpr (std::is_same_v<decltype(target), bool Invocation::*>)
                command->add_flag(option.names, invocation->*target, option.summary);
            else
                // One value each time: what stands behind it may be the verb's word.
                command->add_option(option.names, invocation->*target, option.summary)->allow_extra_args(false);
        },
        option.into);
}

void add_verb(CLI::App* app, const Verb& verb, Invocation* invocation) {
    CLI::App* command = app->add_subcommand(verb.name, verb.summary);
    command->footer(fmt::format("Examples:\n{}", verb.examples));
    command->fallthrough();  // --run-dir and -j may stand behind the verb too
    for (const VerbOption& option : verb.options) add_option(command, option, invocation);
    const VerbWords& words = verb.words;
    if (words.most != 0)
        command->add_option(words.shown, invocation->words, words.summary)
            ->required(words.least > 0)
            ->expected(words.least,
                       words.most == VerbWords::kNoEnd ? CLI::detail::expected_max_vector_size : words.most);
}

int run(int argc, char** argv) {
    Invocation invocation;
    invocation.view = {terminal_width(), wants_color(), std::time(nullptr)};
    invocation.out = &std::cout;
    invocation.err = &std::cerr;

    CLI::App app{"Asks and steers dishwalld, the firewall for a Starlink uplink."};
    app.name("dishctl");
    app.require_subcommand(0, 1);  // none is said in our words below
    app.failure_message([](const CLI::App*, const CLI::Error& error) {
        return fmt::format("dishctl: {}; 'dishctl --help' shows the usage\n", error.what());
    });
    app.set_version_flag("--version", "dishctl " DISHWALL_VERSION);
    for (const VerbOption& option : global_options()) add_option(&app, option, &invocation);
    app.footer(
        "Exit status: 0 good, 1 failed, 2 wrong usage, 3 the rule file has errors, 4 the daemon cannot be "
        "reached, 5 "
        "refused.\n'dishctl VERB --help' shows examples.");
    for (const Verb& verb : all_verbs()) add_verb(&app, verb, &invocation);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kOk : kUsage;
    }
    if (app.get_subcommands().empty()) {
        std::cerr << "dishctl: say what to do; 'dishctl --help' lists the verbs\n";
        return kUsage;
    }
    const std::string chosen = app.get_subcommands().front()->get_name();
    const auto verb = std::ranges::find_if(all_verbs(), [&](const Verb& one) { return chosen == one.name; });
    const int code = verb->run(invocation);
    std::cout.flush();
    return code == kOk && !std::cout.good() ? kFailed : code;
}

}  // namespace
}  // namespace dishwall

int main(int argc, char** argv) {
    std::setlocale(LC_ALL, "");     // libsmartcols counts characters
    std::signal(SIGPIPE, SIG_IGN);  // `dishctl monitor | head`: seen as an error of the stream
    // The shells' own question: its words are half a command line, which the parser would refuse.
    if (argc > 1 && std::string_view(argv[1]) == "complete")
        return dishwall::run_complete({argv + 2, argv + argc}, &std::cout);
    return dishwall::run(argc, argv);
}
