// SPDX-License-Identifier: BSD-3-Clause
#include "control/names/name_follower.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "control/event_source.h"
#include "control/names/name_resolver.h"
#include "control/names/name_table.h"
#include "control/saved_json.h"

namespace dishwall {
namespace {

constexpr std::size_t kAtOnce = 16;  // questions in flight: sockets, and what a resolver is asked for at once
constexpr std::chrono::milliseconds kSaveDelay{100};

struct Followed {
    std::string name, domain;
    std::uint32_t id = 0;
};

std::vector<Followed> domain_hosts(const Policy& policy) {
    std::vector<Followed> hosts;
    for (const LearntHost& host : policy.learnt)
        if (const auto* what = std::get_if<DomainHost>(&host.what))
            hosts.push_back({host.name, what->domain, host.id});
    return hosts;
}

template <typename T>
nlohmann::json or_null(const std::optional<T>& seconds) {
    return seconds ? nlohmann::json(whole_seconds(*seconds)) : nlohmann::json();
}

}  // namespace

struct NameFollower::Impl {
    Impl(sd_event* event_loop, const std::filesystem::path& directory, NameCallbacks functions)
        : loop(event_loop),
          saved(directory, "names.json"),
          callbacks(std::move(functions)),
          table(std::random_device{}()),
          resolver(loop, [this](const std::string& domain, NameAnswer answer) {
              on_answer(domain, std::move(answer));
          }) {}

    Result<void> begin();
    void on_answer(const std::string& domain, NameAnswer answer);
    void tell(const NameNews& news);
    void go_on();
    void save();
    void warn(const std::string& text) const {
        if (callbacks.warn) callbacks.warn(text);
    }
    [[nodiscard]] std::vector<LearntAddress> addresses() const;

    sd_event* loop;
    SavedJson saved;
    NameCallbacks callbacks;
    NameTable table;
    NameResolver resolver;
    std::vector<Followed> hosts;
    EventSource timer;
    bool report_due = false;
    std::optional<MonotonicTime> save_due;
};

Result<void> NameFollower::Impl::begin() {
    const auto on_time = [](sd_event_source*, std::uint64_t, void* self) {
        static_cast<Impl*>(self)->go_on();
        return 0;
    };
    timer = make_timer(loop, on_time, this);
    if (!timer) return fail("cannot make a timer for names");
    const Result<nlohmann::json> before = saved.read();
    const Result<void> restored = before ? table.from_json(*before) : tl::unexpected(before.error());
    if (!restored)
        warn(fmt::format("addresses of names of the last run are forgotten: {}", restored.error().message));
    return {};
}

void NameFollower::Impl::on_answer(const std::string& domain, NameAnswer answer) {
    tell(table.answered(domain, std::move(answer), monotonic_time(), unix_time()));
    go_on();
}

void NameFollower::Impl::tell(const NameNews& news) {
    for (const std::string& text : news.warnings) warn(text);
    if (!news.changed) return;
    report_due = true;
    if (!save_due) save_due = monotonic_time() + kSaveDelay;
}

// Everything that is due now: tell, ask, save, and sleep until the next.
void NameFollower::Impl::go_on() {
    if (std::exchange(report_due, false) && callbacks.resolved) callbacks.resolved(addresses());
    const MonotonicTime now = monotonic_time();
    for (const std::string& domain : table.take_due(now, kAtOnce - resolver.in_flight()))
        if (const Result<void> asked = resolver.ask(domain); !asked)
            tell(table.answered(domain, {.error = asked.error().message}, now, unix_time()));
    if (save_due && *save_due <= now) save();
    std::optional<MonotonicTime> due = resolver.in_flight() < kAtOnce ? table.deadline() : std::nullopt;
    if (save_due && (!due || *save_due < *due)) due = save_due;
    if (report_due) due = now;
    set_timer(timer, due);
}

void NameFollower::Impl::save() {
    save_due.reset();
    if (const Result<void> done = saved.write(table.to_json()); !done) warn(done.error().message);
}

std::vector<LearntAddress> NameFollower::Impl::addresses() const {
    std::vector<LearntAddress> all;
    const MonotonicTime now = monotonic_time();
    for (const Followed& host : hosts)
        for (const Ipv6Address& address : table.known(host.domain, now).addresses)
            all.push_back({address, host.id});
    return all;
}

NameFollower::NameFollower(sd_event* loop, std::filesystem::path state_dir, NameCallbacks callbacks)
    : impl_(std::make_unique<Impl>(loop, state_dir, std::move(callbacks))) {}

NameFollower::~NameFollower() {
    if (impl_->save_due) impl_->save();
}

Result<void> NameFollower::follow(const Policy& policy) {
    if (!impl_->timer)
        if (Result<void> begun = impl_->begin(); !begun) return begun;
    impl_->hosts = domain_hosts(policy);
    std::set<std::string> domains;
    for (const Followed& host : impl_->hosts) domains.insert(host.domain);
    impl_->table.follow(domains, monotonic_time());
    impl_->report_due = true;
    set_timer(impl_->timer, monotonic_time());
    return {};
}

std::vector<LearntAddress> NameFollower::addresses() const { return impl_->addresses(); }

nlohmann::json NameFollower::json() const {
    nlohmann::json all = nlohmann::json::array();
    const MonotonicTime now = monotonic_time();
    for (const Followed& host : impl_->hosts) {
        const KnownName known = impl_->table.known(host.domain, now);
        nlohmann::json addresses = nlohmann::json::array();
        for (const Ipv6Address& address : known.addresses) addresses.push_back(to_string(address));
        all.push_back({{"name", host.name},
                       {"kind", "domain"},
                       {"domain", host.domain},
                       {"addresses", std::move(addresses)},
                       {"stale", known.stale},
                       {"expires_in", or_null(known.expires_in)},
                       {"resolved_at", or_null(known.resolved_at)},
                       {"error", known.error.empty() ? nlohmann::json() : nlohmann::json(known.error)}});
    }
    return all;
}

}  // namespace dishwall
