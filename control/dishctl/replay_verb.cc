// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/replay_verb.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <ostream>

#include "control/config_file.h"
#include "control/dishctl/ask.h"
#include "control/dishctl/replay_line.h"
#include "control/dishctl/replay_report.h"
#include "control/dishctl/replay_views.h"
#include "control/dishctl/text.h"
#include "control/policies/rule_text.h"
#include "dataplane/replay/capture.h"
#include "dataplane/replay/replay.h"

namespace dishwall {
namespace {

// What ended a replay before there was anything to report.
struct Stopped {
    int code;
};
template <typename T>
using Go = tl::expected<T, Stopped>;

tl::unexpected<Stopped> stop(const Invocation& invocation, const std::string& message, ExitCode code) {
    return tl::unexpected(Stopped{report(invocation, message, code)});
}

// A rule file, and the line as it names it. The two stay where they are: others refer to them.
struct RuleFile {
    std::string path;
    Policy policy;
    std::unique_ptr<ReplayLine> line;
};

Go<std::unique_ptr<RuleFile>> read_rule_file(const Invocation& invocation, const std::string& path,
                                             const GivenLine& given) {
    auto config = load_config(path);
    if (!config) {
        *invocation.err << config.error().diagnostics << (config.error().diagnostics.empty() ? "" : "\n");
        return stop(invocation, config.error().message,
                    config.error().diagnostics.empty() ? kFailed : kCheckFailed);
    }
    auto line = ReplayLine::make(config->policy, given);
    if (!line) return stop(invocation, line.error().message, kUsage);
    return std::make_unique<RuleFile>(RuleFile{path, std::move(config->policy), std::move(*line)});
}

// ---- what was said by hand

Go<GivenLine> given_line(const Invocation& invocation) {
    GivenLine given;
    for (const std::string& word : invocation.prefixes) {
        Result<GivenLine::Prefix> prefix = given_prefix(word);
        if (!prefix) return stop(invocation, prefix.error().message, kUsage);
        given.prefixes.push_back(std::move(*prefix));
    }
    for (const std::string& word : invocation.self) {
        const auto address = parse_ipv6(word);
        if (!address) return stop(invocation, fmt::format("--self: '{}' is no IPv6 address", word), kUsage);
        given.self.push_back(*address);
    }
    return given;
}

// Each has to mean a source of one file at least.
Go<void> check_given(const Invocation& invocation, const GivenLine& given,
                     const std::vector<RuleFile*>& files) {
    std::string known;
    for (const RuleFile* file : files)
        for (const PrefixSource& source : file->policy.uplink.sources) {
            const std::string name = file->policy.uplink.name + "." + source.name;
            if ((", " + known + ",").find(", " + name + ",") == std::string::npos)
                known += (known.empty() ? "" : ", ") + name;
        }
    for (const GivenLine::Prefix& one : given.prefixes)
        if ((", " + known + ",").find(", " + one.source + ",") == std::string::npos)
            return stop(invocation,
                        fmt::format("--prefix: no prefix is called {}; {}", one.source,
                                    known.empty() ? "the rule file has none" : "there are: " + known),
                        kUsage);
    return {};
}

// ---- the two sides

// Rules with a name are the same when their names are, others when they mean the same.
class Identities {
public:
    [[nodiscard]] RuleIdentities of(const Policy& policy) {
        RuleIdentities identities;
        for (const Chain* chain : {&policy.inbound, &policy.outbound})
            for (const Rule& rule : chain->rules) {
                std::string key = rule.named ? "name " + rule.name
                                             : fmt::format("{} {}", chain == &policy.inbound ? "in" : "out",
                                                           meaning_of(policy, rule));
                const auto next = static_cast<std::uint32_t>(numbers_.size());
                identities.push_back(numbers_.try_emplace(std::move(key), next).first->second);
            }
        return identities;
    }

private:
    std::map<std::string, std::uint32_t> numbers_;
};

Go<ReplaySide> side_of(const Invocation& invocation, const RuleFile& file) {
    Result<ReplaySide> side = ReplaySide::make(file.policy, *file.line);
    if (!side) return stop(invocation, fmt::format("{}: {}", file.path, side.error().message), kFailed);
    if (!invocation.signatures) return std::move(*side);
    if (const Result<void> done = side->search_signatures(); !done)
        return stop(invocation, done.error().message, kFailed);
    return std::move(*side);
}

Go<Replay> replay_of(const Invocation& invocation, const RuleFile& now, const RuleFile* then) {
    Go<ReplaySide> side = side_of(invocation, now);
    if (!side) return tl::unexpected(side.error());
    Replay replay(std::move(*side), *now.line);
    if (then == nullptr) return replay;
    Go<ReplaySide> other = side_of(invocation, *then);
    if (!other) return tl::unexpected(other.error());
    Identities identities;
    RuleIdentities of_now = identities.of(now.policy);
    replay.compare_with(std::move(*other), Differences(std::move(of_now), identities.of(then->policy)));
    return replay;
}

// ---- the pass

// On a terminal one line that is written again and again.
class Progress {
public:
    explicit Progress(std::ostream* out) : out_(::isatty(STDERR_FILENO) != 0 ? out : nullptr) {}
    ~Progress() {
        if (out_ != nullptr) *out_ << "\r\x1b[K" << std::flush;
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(std::uint64_t packets, const Capture& capture) {
        constexpr std::uint64_t kEvery = 1 << 16;
        if (out_ == nullptr || packets % kEvery != 0) return;
        *out_ << fmt::format("\r{} packets, {:.0f} % ", packets, capture.done() * 100) << std::flush;
    }

private:
    std::ostream* out_;
};

// Why it could not go on to the end; nothing: it could.
std::optional<std::string> pass(const Invocation& invocation, Capture* capture, Replay* replay) {
    Progress progress(invocation.err);
    CapturedFrame frame;
    for (;;) {
        const Result<bool> got = capture->next(&frame);
        if (!got) return got.error().message;
        if (!*got) return std::nullopt;
        if (const Result<void> done = replay->add(frame); !done)
            return fmt::format("packet {}: {}", frame.number, done.error().message);
        progress.show(frame.number, *capture);
    }
}

// Without them nothing was ours, and nothing that could be said would be true.
Go<void> check_prefixes(const Invocation& invocation, const Replay& replay,
                        const std::vector<RuleFile*>& files) {
    if (replay.totals().packets() == 0) return {};
    for (const RuleFile* file : files) {
        const std::vector<std::string> unknown = file->line->unknown();
        if (unknown.empty()) continue;
        std::string how;
        for (const std::string& source : unknown) how += fmt::format(" --prefix {}=PREFIX", source);
        return stop(
            invocation,
            fmt::format(
                "{} does not tell what {} was: there is no DHCPv6 reply or router advertisement in it "
                "that says so, and the networks of {} stand on it; say it:{}",
                invocation.words.front(), fmt::join(unknown, " and "), file->path, how),
            kFailed);
    }
    return {};
}

Go<ExitCode> replay_files(const Invocation& invocation, const GivenLine& given) {
    auto now = read_rule_file(invocation, invocation.config, given);
    if (!now) return tl::unexpected(now.error());
    std::vector<RuleFile*> files{now->get()};
    Go<std::unique_ptr<RuleFile>> then;
    if (!invocation.against.empty()) {
        then = read_rule_file(invocation, invocation.against, given);
        if (!then) return tl::unexpected(then.error());
        files.push_back(then->get());
    }
    if (auto good = check_given(invocation, given, files); !good) return tl::unexpected(good.error());
    constexpr Mending kMending{.most = 65535, .what = Mending::What::what_capturing_did};
    Result<Capture> capture = Capture::open(invocation.words.front(), kMending);
    if (!capture) return stop(invocation, capture.error().message, kFailed);
    Go<Replay> replay = replay_of(invocation, **now, files.size() > 1 ? files.back() : nullptr);
    if (!replay) return tl::unexpected(replay.error());

    const std::optional<std::string> damage = pass(invocation, &*capture, &*replay);
    if (auto known = check_prefixes(invocation, *replay, files); !known) return tl::unexpected(known.error());
    const nlohmann::json report_ = replay_document(
        {invocation.words.front(), invocation.config, invocation.against, damage}, *replay, *(*now)->line);
    *invocation.out << (invocation.as_json ? document(report_) : replay_view(report_, invocation.view));
    if (damage) return stop(invocation, *damage, kFailed);
    return kOk;
}

}  // namespace

int run_replay(const Invocation& invocation) {
    if (invocation.config.empty())
        return report(invocation, "say which rule file: dishctl replay CAPTURE --config FILE", kUsage);
    const Go<GivenLine> given = given_line(invocation);
    if (!given) return given.error().code;
    const Go<ExitCode> done = replay_files(invocation, *given);
    return done ? *done : done.error().code;
}

}  // namespace dishwall
