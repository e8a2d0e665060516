// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/dns_updater.h"

#include <nlohmann/json.hpp>
#include <random>

#include "control/clock.h"
#include "control/dns/child.h"
#include "control/dns/update_command.h"
#include "control/dns/update_plan.h"
#include "control/event_source.h"
#include "control/saved_json.h"

namespace dishwall {
namespace {

constexpr std::chrono::seconds kPatience{10};  // with one child

}  // namespace

struct DnsUpdater::Impl {
    Impl(sd_event* event_loop, const std::filesystem::path& directory, DnsCallbacks functions)
        : loop(event_loop),
          saved(directory, "dns.json"),
          callbacks(std::move(functions)),
          plan(std::random_device{}()) {}

    Result<void> begin();
    void go_on();
    void start(const UpdateJob& job);
    void finished(std::size_t zone, const std::string& error);
    void save();
    void warn(const std::string& text) const {
        if (callbacks.warn) callbacks.warn(text);
    }

    sd_event* loop;
    SavedJson saved;
    DnsCallbacks callbacks;
    UpdatePlan plan;
    EventSource timer;
    std::map<std::size_t, std::unique_ptr<Child>> children;  // by zone
    bool unsaved = false, save_failed = false;
};

Result<void> DnsUpdater::Impl::begin() {
    const auto on_time = [](sd_event_source*, std::uint64_t, void* self) {
        static_cast<Impl*>(self)->go_on();
        return 0;
    };
    timer = make_timer(loop, on_time, this);
    if (!timer) return fail("cannot make a timer for DNS updates");
    const Result<nlohmann::json> before = saved.read();
    const Result<void> restored = before ? plan.from_json(*before) : tl::unexpected(before.error());
    if (!restored)
        warn(fmt::format("what was published in the last run is forgotten, all records are sent again: {}",
                         restored.error().message));
    return {};
}

// Everything that is due now: send, save, and sleep until the next.
void DnsUpdater::Impl::go_on() {
    const std::vector<UpdateJob> jobs = plan.take_due(monotonic_time());
    // Before anything is sent: after a crash it must be known that the server may have something else.
    if (!jobs.empty() || unsaved) save();
    for (const UpdateJob& job : jobs) start(job);
    set_timer(timer, unsaved ? std::optional(monotonic_time()) : plan.deadline());
}

void DnsUpdater::Impl::start(const UpdateJob& job) {
    const auto done = [this, job](const std::string& error) {
        finished(job.zone, explain_error(job, error));
        go_on();
    };
    Result<std::unique_ptr<Child>> child = Child::start(loop, command_for(job), kPatience, done);
    if (child)
        children[job.zone] = std::move(*child);
    else
        finished(job.zone, child.error().message);
}

void DnsUpdater::Impl::finished(std::size_t zone, const std::string& error) {
    const UpdateNews news = plan.finished(zone, error, monotonic_time(), unix_time());
    unsaved = true;
    for (const std::string& text : news.changed)
        if (callbacks.changed) callbacks.changed(text);
    for (const std::string& text : news.warnings) warn(text);
    children.erase(zone);
}

void DnsUpdater::Impl::save() {
    unsaved = false;
    const Result<void> done = saved.write(plan.to_json());
    if (!done && !save_failed) warn(done.error().message);
    save_failed = !done;
}

DnsUpdater::DnsUpdater(sd_event* loop, std::filesystem::path state_dir, DnsCallbacks callbacks)
    : impl_(std::make_unique<Impl>(loop, state_dir, std::move(callbacks))) {}

DnsUpdater::~DnsUpdater() {
    if (impl_->unsaved) impl_->save();
}

Result<void> DnsUpdater::follow(const Policy& policy) {
    if (!impl_->timer)
        if (Result<void> begun = impl_->begin(); !begun) return begun;
    impl_->children.clear();
    impl_->plan.follow(policy);
    set_timer(impl_->timer, std::nullopt);
    return {};
}

void DnsUpdater::own_in_force(const Own& own) {
    if (!impl_->timer) return;
    const MonotonicTime now = monotonic_time();
    impl_->plan.own_in_force(own, now);
    set_timer(impl_->timer, impl_->unsaved ? std::optional(now) : impl_->plan.deadline());
}

nlohmann::json DnsUpdater::json() const { return impl_->plan.list(monotonic_time()); }

}  // namespace dishwall
