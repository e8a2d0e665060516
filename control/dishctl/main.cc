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

void add_verb(CLI::App* app, const Verb& verb, Invocation* invocation) {
    CLI::App* command = app->add_subcommand(verb.name, verb.summary);
    command->footer(fmt::format("Examples:\n{}", verb.examples));
    command->fallthrough();  // --run-dir and -j may stand behind the verb too
    const std::string words = verb.words, name = verb.name;
    if (words == "PACKET")
        command
            ->add_option(words, invocation->words, "in|out PROTOCOL SOURCE > DESTINATION [FLAGS], in quotes")
            ->required()
            ->expected(1, -1);
    else if (words == "STANDARD")
        command->add_option(words, invocation->words, "rfc6092")
            ->required()
            ->expected(1)
            ->check(CLI::IsMember({"rfc6092"}));
    else if (words == "[WORD...]")
        command
            ->add_option(
                "WORD", invocation->words,
                "history; set SOURCE PREFIX valid SECONDS preferred SECONDS; withdraw SOURCE [PREFIX]")
            ->expected(0, -1);
    else if (!words.empty())
        command->add_option("FILE", invocation->words, "a rule file")->expected(1)->required(words == "FILE");
    if (name == "counters")
        command->add_flag("-a,--all", invocation->all, "also what never counted a packet");
    if (name == "flows")
        command->add_option("-n,--limit", invocation->limit,
                            "at most so many flows; 0: all (10000 when not given)");
    if (name == "prefix")
        command->add_option("-n,--limit", invocation->limit,
                            "history: at most so many changes; 0: all (100 when not given)");
    if (name == "doctor")
        command->add_option("--config", invocation->config,
                            "the rule file to look at; when not given, the daemon's, or "
                            "/etc/dishwall/dishwall.conf");
    if (name == "monitor")
        command->add_option("-c,--count", invocation->events, "end after so many events; 0: never")
            ->capture_default_str();
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
    app.add_option("--run-dir", invocation.run_dir, "where the daemon's socket is")->capture_default_str();
    app.add_flag("-j,--json", invocation.as_json, "one JSON document; for monitor, one a line");
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
    return dishwall::run(argc, argv);
}
