// SPDX-License-Identifier: BSD-3-Clause
//
// From one policy to the next, and back. A load goes: read and prove the file, ask whether it would lock
// somebody out, keep it in the store together with what stands then (both on disk), swap. Whatever fails on
// the way, the policy before is in force and the store says so. A policy that is to be confirmed has its way
// back on disk before the first packet is judged by it.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "control/caller/lockout.h"
#include "control/daemon.h"
#include "control/state_file.h"
#include "rules/feed.h"
#include "rules/prove.h"

namespace dishwall {
namespace {

constexpr std::chrono::seconds kTryAgain{5};  // to go back
constexpr std::size_t kMostReasons = 3;       // of a refusal

LoadFailure refused(std::string message) { return LoadFailure{true, std::move(message)}; }

tl::unexpected<LoadFailure> failed(const Error& error) {
    return tl::unexpected(LoadFailure{false, error.message});
}

// What a running daemon cannot change under its feet.
std::string needs_restart(const Uplink& now, const Uplink& wanted) {
    if (wanted.interface != now.interface)
        return fmt::format("the uplink's interface changes from {} to {}", now.interface, wanted.interface);
    if (wanted.flow_table != now.flow_table)
        return fmt::format("the flow table's size changes from {} to {}", now.flow_table, wanted.flow_table);
    return {};
}

// The feeds whose files cannot be used, with the entries that they have in the policy in force.
Policy with_known_feeds(Policy policy, const std::vector<std::string>& missing, const Policy* in_force) {
    if (in_force == nullptr) return policy;
    for (unsigned index = 0; index < policy.feeds.size(); ++index) {
        const std::string& path = policy.feeds[index].path;
        if (std::find(missing.begin(), missing.end(), path) == missing.end()) continue;
        for (const Feed& known : in_force->feeds)
            if (known.path == path) {
                policy = with_feed(policy, index, known.entries);
                break;
            }
    }
    return policy;
}

void add(std::vector<unsigned>* numbers, unsigned number) {
    if (std::find(numbers->begin(), numbers->end(), number) == numbers->end()) numbers->push_back(number);
}

Deadline deadline_in(std::chrono::seconds time) {
    return {instant_now().boot, read_clock(CLOCK_BOOTTIME) + time, unix_time() + time};
}

}  // namespace

// ---- candidates

Result<Daemon::Image> Daemon::image_of(const Policy& policy) const {
    Image made{names_, {}, {}, {}};
    std::vector<std::uint32_t> counters;
    Result<std::vector<std::uint32_t>> reused = made.names.assign(policy, &counters);
    if (!reused) return tl::unexpected(reused.error());
    made.reused = std::move(*reused);
    Result<CompiledImage> image = lower(policy, in_order(std::move(counters)));
    if (!image) return tl::unexpected(image.error());
    made.image = std::move(*image);
    made.names_text = text_to_save(made.names);
    return made;
}

// `made`: of this policy, already.
Daemon::CandidateResult Daemon::prepare(LoadedConfig config, const std::string& path,
                                        std::optional<Result<Image>> made) const {
    if (!config.warnings.empty()) spdlog::warn("{} has warnings:\n{}", path, config.warnings);
    for (const std::string& file : config.missing)
        spdlog::warn("{} cannot be used now; its last known entries are, or none", file);
    auto policy = std::make_unique<const Policy>(
        with_known_feeds(std::move(config.policy), config.missing, policy_.get()));
    Result<Image> image = made ? std::move(*made) : image_of(*policy);
    if (!image) return failed(image.error());
    return Candidate{std::move(*image),
                     std::move(policy),
                     std::move(config.leftovers),
                     std::move(config.warnings),
                     std::move(config.texts),
                     std::move(config.missing),
                     path,
                     {}};
}

// Of a long file the image is made while its rules are still being looked through for some that are never
// reached.
Daemon::CandidateResult Daemon::candidate_of_file(const std::string& path) const {
    std::optional<Result<Image>> made;
    ConfigResult config = load_config(path, [&](const Policy& policy) { made = image_of(policy); });
    if (config) return prepare(std::move(*config), path, std::move(made));
    ConfigFailure& failure = config.error();
    if (!failure.unprotected)
        return tl::unexpected(LoadFailure{false, std::move(failure.message), std::move(failure.diagnostics),
                                          std::move(failure.interface), std::move(failure.texts)});
    CandidateResult candidate = prepare(std::move(*failure.unprotected), path, std::move(made));
    if (candidate) candidate->broken = std::move(failure.diagnostics);
    return candidate;
}

Daemon::CandidateResult Daemon::candidate_of_store(unsigned number) const {
    const Result<std::vector<RuleText>> texts = store_.texts(number);
    if (!texts) return failed(texts.error());
    ConfigResult config = load_texts(*texts);
    if (config) return prepare(std::move(*config), store_.find(number)->path);
    ConfigFailure& failure = config.error();
    return tl::unexpected(LoadFailure{false, fmt::format("policy {}: {}", number, failure.message),
                                      std::move(failure.diagnostics), std::move(failure.interface)});
}

// ---- start

Daemon::CandidateResult Daemon::candidate_to_start(StartPlan* plan) const {
    const auto stored = [&] {
        CandidateResult candidate = candidate_of_store(plan->stored);
        if (candidate)
            spdlog::warn("{}", plan->why);
        else
            spdlog::error("{}; but it cannot be started: {}\n{}", plan->why, candidate.error().message,
                          candidate.error().diagnostics);
        return candidate;
    };
    if (plan->stored != 0) {
        if (CandidateResult candidate = stored()) return candidate;
        *plan = {0, PolicyBy::start, reverted(plan->standing), ""};
    }
    CandidateResult file = candidate_of_file(options_.config);
    const std::vector<RuleText>& texts = file ? file->texts : file.error().texts;
    if (const auto taken_back = store_.with_texts(plan->standing.refused, texts)) {
        *plan = plan_instead_of(plan->standing, *taken_back, options_.config);
        return stored();
    }
    if (!file || file->broken.empty()) return file;
    // Somebody forced it, and it is still what he forced.
    const StoredPolicy* in_force = store_.find(plan->standing.in_force);
    if (in_force != nullptr && in_force->unprotected && store_.has_texts(in_force->number, texts))
        return file;
    return tl::unexpected(LoadFailure{false, options_.config + " breaks its own protect lines", file->broken,
                                      file->policy->uplink.interface});
}

// The store follows what is in force now. Trouble with it is a warning: the firewall runs.
void Daemon::remember_start(const Candidate& candidate, const StartPlan& plan) {
    const auto trouble = [](const Error& error) {
        spdlog::error("{}; there is no way back to this policy by 'dishctl rollback'", error.message);
    };
    Standing standing = plan.standing;
    const bool known = plan.by == PolicyBy::start &&
                       (plan.stored != 0 || store_.has_texts(standing.in_force, candidate.texts));
    if (!known) {
        const StoredPolicy* of = store_.find(plan.stored);
        const Result<unsigned> number = store_.add({.time = unix_time(),
                                                    .path = candidate.path,
                                                    .by = plan.by,
                                                    .of = of == nullptr ? 0 : of->of,
                                                    .unprotected = !candidate.broken.empty(),
                                                    .inbound = policy_->inbound.rules.size(),
                                                    .outbound = policy_->outbound.rules.size()},
                                                   candidate.texts);
        if (!number) return trouble(number.error());
        standing.in_force = *number;
    }
    if (standing != store_.standing())
        if (Result<void> stood = store_.stand(std::move(standing)); !stood) trouble(stood.error());
    follow_deadline();
}

// ---- load, rollback, confirm

Daemon::LoadResult Daemon::load(const LoadRequest& request) {
    LoadResult report = load_file(request);
    if (report) return report;
    LoadFailure& failure = report.error();
    failure.message += "; the policy that was in force still is";
    spdlog::error("load: {}{}{}", failure.message, failure.diagnostics.empty() ? "" : "\n",
                  failure.diagnostics);
    return report;
}

Daemon::LoadResult Daemon::load_file(const LoadRequest& request) {
    const Standing& standing = store_.standing();
    if (standing.unconfirmed && !request.force)
        return tl::unexpected(refused(
            fmt::format("policy {} waits to be confirmed: 'dishctl confirm' keeps it, 'dishctl rollback' "
                        "goes back to policy {}; "
                        "'dishctl load --force' loads over it, and what is loaded has to be confirmed then",
                        standing.in_force, standing.unconfirmed->back_to)));
    const std::string path = request.path.value_or(options_.config);
    CandidateResult candidate = candidate_of_file(path);
    if (!candidate) return tl::unexpected(std::move(candidate.error()));
    if (auto refusal = refuse_lockout(*candidate, request)) return tl::unexpected(std::move(*refusal));

    const bool same = store_.has_texts(standing.in_force, candidate->texts);
    Change change{PolicyBy::load, 0, standing, same};
    if (standing.unconfirmed && !same) {  // what is loaded over was never confirmed
        add(&change.standing.refused, standing.in_force);
        add(&change.standing.reverted, standing.in_force);
    }
    if (request.confirm && (standing.unconfirmed || !same)) {
        const unsigned back_to = standing.unconfirmed ? standing.unconfirmed->back_to : standing.in_force;
        if (store_.find(back_to) == nullptr)
            return failed({"the policy in force is not kept on disk, so that nothing could be gone back to"});
        change.standing.unconfirmed = {back_to, deadline_in(*request.confirm)};
    }
    if (request.confirm && !change.standing.unconfirmed)
        candidate->warnings += "note: this is in force already, word by word: there is nothing to confirm\n";
    LoadResult report = put_in_force(std::move(*candidate), std::move(change));
    if (report) options_.config = path;
    return report;
}

Daemon::LoadResult Daemon::rollback(std::optional<unsigned> number, const LoadRequest& request) {
    LoadResult report = load_stored(number, request);
    if (report) {
        spdlog::warn("rolled back: policy {} is in force, from {}", report->number, options_.config);
        return report;
    }
    report.error().message += "; the policy that was in force still is";
    spdlog::error("rollback: {}", report.error().message);
    return report;
}

Daemon::LoadResult Daemon::load_stored(std::optional<unsigned> number, const LoadRequest& request) {
    const Standing& standing = store_.standing();
    if (!number)
        number = standing.unconfirmed ? standing.unconfirmed->back_to : store_.before(standing.in_force);
    if (!number)
        return tl::unexpected(
            LoadFailure{false, fmt::format("there is no policy before policy {}; 'dishctl history' "
                                           "lists them",
                                           standing.in_force)});
    const StoredPolicy* target = store_.find(*number);
    if (target == nullptr)
        return tl::unexpected(
            LoadFailure{false, fmt::format("there is no policy {}; 'dishctl history' lists them", *number)});
    if (*number == standing.in_force)
        return tl::unexpected(LoadFailure{false, fmt::format("policy {} is in force already", *number)});
    const std::string path = target->path;
    Change change{PolicyBy::rollback, target->of, reverted(standing)};
    for (const StoredPolicy& one : store_.all())
        if (one.number == standing.in_force || (one.number > *number && one.number < standing.in_force))
            add(&change.standing.refused, one.number);

    CandidateResult candidate = candidate_of_store(*number);
    if (!candidate) return tl::unexpected(std::move(candidate.error()));
    if (auto refusal = refuse_lockout(*candidate, request)) return tl::unexpected(std::move(*refusal));
    LoadResult report = put_in_force(std::move(*candidate), std::move(change));
    if (report) options_.config = path;
    return report;
}

Result<unsigned> Daemon::confirm() {
    Standing standing = store_.standing();
    if (!standing.unconfirmed)
        return fail("nothing waits to be confirmed: policy {} stays", standing.in_force);
    standing.unconfirmed.reset();
    const Standing before = store_.standing();
    if (Result<void> stood = store_.stand(standing); !stood) {
        if (Result<void> back = store_.stand(before); !back) spdlog::error("{}", back.error().message);
        return fail_with(stood.error(), "this cannot be kept, so that the policy is still not confirmed");
    }
    follow_deadline();
    spdlog::info("policy {} is confirmed", standing.in_force);
    return standing.in_force;
}

std::optional<LoadFailure> Daemon::refuse_lockout(const Candidate& candidate,
                                                  const LoadRequest& request) const {
    std::vector<SocketInode> sockets = request.sockets;
    if (request.caller)
        for (const SocketInode socket : sockets_of_ancestors(*request.caller)) sockets.push_back(socket);
    std::vector<std::string> reasons =
        cut_connections(accepted_connections(sockets), line_.own(), *policy_, *candidate.policy);
    for (std::string& broken : broken_protection(*policy_, *candidate.policy))
        reasons.push_back(std::move(broken));
    if (reasons.empty() && candidate.broken.empty()) return std::nullopt;

    std::string message = reasons.empty() ? candidate.path + " breaks its own protect lines" : "";
    for (std::size_t i = 0; i < reasons.size() && i < kMostReasons; ++i)
        message += (i == 0 ? "" : "; ") + reasons[i];
    if (reasons.size() > kMostReasons) message += fmt::format("; and {} more", reasons.size() - kMostReasons);
    if (request.force) {
        spdlog::warn("forced: {}", message);
        return std::nullopt;
    }
    LoadFailure failure = refused(message + "; --force does it all the same");
    failure.diagnostics = candidate.broken;
    return failure;
}

// ---- the swap

Daemon::LoadResult Daemon::put_in_force(Candidate candidate, Change change) {
    const Uplink& uplink = candidate.policy->uplink;
    if (const std::string why = needs_restart(policy_->uplink, uplink); !why.empty())
        return tl::unexpected(refused(fmt::format("{}; restart the daemon to change that", why)));
    if (uplink.xdp != policy_->uplink.xdp)
        spdlog::warn("the XDP mode stays as it is; 'dishctl unload' and a new start would change it");

    const Standing before = store_.standing();
    const Result<unsigned> number = store(candidate, change);
    if (!number) return failed(number.error());
    LoadReport report{candidate.warnings, *number, {}};
    if (Result<void> swapped = swap(std::move(candidate), change.by); !swapped) {
        if (Result<void> stood = store_.stand(before); !stood) spdlog::error("{}", stood.error().message);
        if (*number > before.in_force) store_.remove(*number);
        return failed(swapped.error());
    }
    follow_deadline();
    if (const auto& unconfirmed = store_.standing().unconfirmed) {
        report.confirm_by = unconfirmed->deadline.wall;
        spdlog::warn("policy {} has to be confirmed by {}: otherwise policy {} comes back", *number,
                     iso_time(*report.confirm_by), unconfirmed->back_to);
    }
    return report;
}

// The policy's number. On the way back a disk that cannot be written to is no obstacle.
Result<unsigned> Daemon::store(const Candidate& candidate, const Change& change) {
    Standing standing = change.standing;
    const bool must = change.by != PolicyBy::revert;
    // Whoever puts these texts in force means them.
    std::erase_if(standing.refused,
                  [&](unsigned number) { return store_.has_texts(number, candidate.texts); });
    const Standing before = store_.standing();
    const bool of_weight = standing.unconfirmed || before.unconfirmed || standing.refused != before.refused;
    const Synced synced = of_weight || change.by != PolicyBy::load ? Synced::yes : Synced::no;
    if (!change.same) {
        const Result<unsigned> added = store_.add({.time = unix_time(),
                                                   .path = candidate.path,
                                                   .by = change.by,
                                                   .of = change.of,
                                                   .unprotected = !candidate.broken.empty(),
                                                   .inbound = candidate.policy->inbound.rules.size(),
                                                   .outbound = candidate.policy->outbound.rules.size()},
                                                  candidate.texts, synced);
        if (!added && must) return added;
        if (added)
            standing.in_force = *added;
        else
            spdlog::error("{}", added.error().message);
    }
    const unsigned number = standing.in_force;
    if (standing == before) return number;
    if (Result<void> stood = store_.stand(std::move(standing), synced); !stood) {
        spdlog::error("{}", stood.error().message);
        if (must) {
            (void)store_.stand(before);
            if (!change.same) store_.remove(number);
            return tl::unexpected(stood.error());
        }
    }
    return number;
}

Result<void> Daemon::swap(Candidate candidate, PolicyBy by) {
    const Result<Own> own = line_.follow(*candidate.policy);
    if (!own) return tl::unexpected(own.error());
    if (Result<void> enforced = enforce(&candidate, *own, by); !enforced) {
        const Result<Own> back = line_.follow(*policy_);
        if (!back) spdlog::error("cannot follow the old policy's line again: {}", back.error().message);
        const Result<void> saved = save_names(names_saved_ ? std::string() : names_.to_text());
        names_saved_ = saved.has_value();
        if (!saved) spdlog::error("{}", saved.error().message);
        return enforced;
    }
    sentry_->set_mode(policy_->uplink.xdp);
    follow_names_and_records(*own);
    follow_inspection();
    feeds_.follow(*policy_, candidate.missing);
    return {};
}

// Another reading of a feed: the same rules, so names, counters and prefixes stay as they are, and so do
// flows that the rules still let in. A feed must not do what a load may not: break a protect line.
Result<void> Daemon::take_feed(unsigned feed, std::shared_ptr<const FeedEntries> entries) {
    auto changed = std::make_unique<const Policy>(with_feed(*policy_, feed, std::move(entries)));
    const std::vector<Broken> broken = check_protected(changed->protects, *changed);
    if (!broken.empty() && check_protected(policy_->protects, *policy_).empty())
        return fail("with it, {}", broken.front().text);
    const Result<CompiledImage> image = lower(*changed, names_.counter_of());
    if (!image) return tl::unexpected(image.error());
    const Result<std::uint32_t> generation = datapath_->put_in_force(*image, line_.own());
    if (!generation) return tl::unexpected(generation.error());
    policy_ = std::move(changed);
    cost_ = image->facts;
    return {};
}

// ---- the deadline

void Daemon::follow_deadline() {
    deadline_.reset();
    const auto& unconfirmed = store_.standing().unconfirmed;
    if (!unconfirmed) return;
    // After a revert that failed the deadline is past: then soon again.
    const auto now = read_clock(CLOCK_BOOTTIME);
    const auto at = std::chrono::ceil<std::chrono::microseconds>(std::max(unconfirmed->deadline.at, now));
    const auto on_time = [](sd_event_source*, std::uint64_t, void* self) {
        static_cast<Daemon*>(self)->revert();
        return 0;
    };
    sd_event_source* timer = nullptr;
    const int error = sd_event_add_time(loop_, &timer, CLOCK_BOOTTIME, static_cast<std::uint64_t>(at.count()),
                                        1000, on_time, this);
    if (error < 0)
        spdlog::error("nothing watches the deadline ({}): confirm or roll back yourself",
                      std::strerror(-error));
    else
        deadline_.reset(timer);
}

void Daemon::revert() {
    const Standing standing = store_.standing();
    if (!standing.unconfirmed) return;
    const unsigned back_to = standing.unconfirmed->back_to;
    const StoredPolicy* target = store_.find(back_to);
    const std::string path = target == nullptr ? "" : target->path;
    const unsigned of = target == nullptr ? 0 : target->of;
    CandidateResult candidate = candidate_of_store(back_to);
    const LoadResult report =
        candidate ? put_in_force(std::move(*candidate), Change{PolicyBy::revert, of, reverted(standing)})
                  : LoadResult(tl::unexpected(std::move(candidate.error())));
    if (report) {
        options_.config = path;
        spdlog::warn("policy {} was not confirmed in time: policy {} is back, as policy {}",
                     standing.in_force, back_to, report->number);
        return;
    }
    spdlog::error(
        "policy {} was not confirmed in time, and policy {} cannot be put in force: {}; tried again in {} s",
        standing.in_force, back_to, report.error().message, kTryAgain.count());
    const auto soon = std::chrono::ceil<std::chrono::microseconds>(read_clock(CLOCK_BOOTTIME) + kTryAgain);
    sd_event_source_set_time(deadline_.get(), static_cast<std::uint64_t>(soon.count()));
    sd_event_source_set_enabled(deadline_.get(), SD_EVENT_ONESHOT);
}

std::string Daemon::left_unconfirmed() const {
    const Standing& standing = store_.standing();
    if (!standing.unconfirmed) return {};
    return fmt::format("policy {} is not confirmed; without a daemon nothing goes back to policy {} at {}",
                       standing.in_force, standing.unconfirmed->back_to,
                       iso_time(standing.unconfirmed->deadline.wall));
}

}  // namespace dishwall
