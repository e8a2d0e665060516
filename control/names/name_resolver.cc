// SPDX-License-Identifier: BSD-3-Clause
#include "control/names/name_resolver.h"

#include <ares.h>
#include <sys/epoll.h>

#include <algorithm>
#include <limits>
#include <map>

#include "control/clock.h"
#include "control/event_source.h"

namespace dishwall {
namespace {

// A server that does not answer is asked twice, 2 s and 4 s; the next one is not far.
constexpr int kServerPatience_ms = 2000, kTries = 2;

NameAnswer failed(std::string why) { return {.kind = NameAnswer::Kind::failed, .error = std::move(why)}; }

NameAnswer read_addresses(const ares_addrinfo& found) {
    NameAnswer answer{.kind = NameAnswer::Kind::addresses};
    int ttl = std::numeric_limits<int>::max();
    for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
        if (node->ai_family != AF_INET6) continue;
        const in6_addr& raw = reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr;
        Ipv6Address address;
        for (int i = 0; i < 8; ++i) address.hi = address.hi << 8 | raw.s6_addr[i];
        for (int i = 8; i < 16; ++i) address.lo = address.lo << 8 | raw.s6_addr[i];
        answer.addresses.push_back(address);
        ttl = std::min(ttl, node->ai_ttl);
    }
    for (const ares_addrinfo_cname* alias = found.cnames; alias != nullptr; alias = alias->next)
        ttl = std::min(ttl, alias->ttl);
    answer.ttl = std::chrono::seconds(std::max(ttl, 0));
    return answer;
}

NameAnswer read_error(int status) {
    switch (status) {
        case ARES_ENOTFOUND:
            return {.kind = NameAnswer::Kind::denied, .error = "there is no such name"};
        case ARES_ENODATA:
            return {.kind = NameAnswer::Kind::denied, .error = "it has no AAAA record"};
        case ARES_ETIMEOUT:
            return failed("no name server answers");
        case ARES_ECONNREFUSED:
            // c-ares goes on to the next server after each of these, and forgets which it was.
            return failed("each name server refuses, fails, or cannot be reached");
        default:
            return failed(fmt::format("no answer: {}", ares_strerror(status)));
    }
}

struct AddressesCloser {
    void operator()(ares_addrinfo* found) const { ares_freeaddrinfo(found); }
};

}  // namespace

// One question and its channel. Finished from its own sources only, so that the channel is never destroyed
// from within c-ares.
class NameResolver::Question {
public:
    Question(NameResolver* resolver, std::string domain) : domain(std::move(domain)), resolver_(resolver) {}
    ~Question() {
        resolver_ = nullptr;  // what c-ares says now is about the end of the channel
        if (channel_ != nullptr) ares_destroy(channel_);
    }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    Result<void> start();

    const std::string domain;

private:
    static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable);
    static int on_io(sd_event_source*, int fd, std::uint32_t events, void* self);
    static int on_time(sd_event_source*, std::uint64_t, void* self);
    static void on_answer(void* self, int status, int timeouts, ares_addrinfo* found);
    void go_on();

    NameResolver* resolver_;
    ares_channel channel_ = nullptr;
    EventSource timer_;
    std::map<int, EventSource> sockets_;
    MonotonicTime give_up_{0};
    std::optional<NameAnswer> answer_;
};

Result<void> NameResolver::Question::start() {
    timer_ = make_timer(resolver_->loop_, on_time, this);
    if (!timer_) return fail("cannot make a timer for a name");
    give_up_ = monotonic_time() + kPatience;
    ares_options options{};
    options.timeout = kServerPatience_ms;
    options.tries = kTries;
    options.ndomains = 0;  // a host's name is complete: no search list
    options.sock_state_cb = on_socket_state;
    options.sock_state_cb_data = this;
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB;
    if (const int error = ares_init_options(&channel_, &options, mask); error != ARES_SUCCESS) {
        channel_ = nullptr;
        return fail("cannot set up the resolver: {}", ares_strerror(error));
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_INET6;
    hints.ai_flags = ARES_AI_NOSORT;  // all of them are used
    ares_getaddrinfo(channel_, domain.c_str(), nullptr, &hints, on_answer, this);
    go_on();
    return {};
}

void NameResolver::Question::on_socket_state(void* data, ares_socket_t fd, int readable, int writable) {
    auto* self = static_cast<Question*>(data);
    self->sockets_.erase(fd);
    if (self->resolver_ == nullptr || (readable == 0 && writable == 0)) return;
    const std::uint32_t events = (readable != 0 ? EPOLLIN : 0u) | (writable != 0 ? EPOLLOUT : 0u);
    sd_event_source* source = nullptr;
    // Without a source the question waits for its timer.
    if (sd_event_add_io(self->resolver_->loop_, &source, fd, events, on_io, self) >= 0)
        self->sockets_[fd] = EventSource(source);
}

int NameResolver::Question::on_io(sd_event_source*, int fd, std::uint32_t events, void* data) {
    auto* self = static_cast<Question*>(data);
    const bool readable = (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
    const bool writable = (events & EPOLLOUT) != 0;
    ares_process_fd(self->channel_, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
    self->go_on();
    return 0;
}

int NameResolver::Question::on_time(sd_event_source*, std::uint64_t, void* data) {
    auto* self = static_cast<Question*>(data);
    if (!self->answer_) ares_process_fd(self->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    if (!self->answer_ && monotonic_time() >= self->give_up_)
        self->answer_ = failed(fmt::format("no answer within {} s", kPatience.count()));
    if (self->answer_) {
        self->resolver_->finish(self, std::move(*self->answer_));  // *self is gone
        return 0;
    }
    self->go_on();
    return 0;
}

void NameResolver::Question::on_answer(void* data, int status, int, ares_addrinfo* raw) {
    const std::unique_ptr<ares_addrinfo, AddressesCloser> found(raw);
    auto* self = static_cast<Question*>(data);
    if (self->resolver_ == nullptr) return;
    self->answer_ = status == ARES_SUCCESS ? read_addresses(*found) : read_error(status);
}

// An answer is handed out by the timer, at once; until then the timer is c-ares's next time-out.
void NameResolver::Question::go_on() {
    const MonotonicTime now = monotonic_time();
    timeval longest{}, next{};
    const auto left = std::max(give_up_ - now, std::chrono::nanoseconds(0));
    longest.tv_sec = std::chrono::floor<std::chrono::seconds>(left).count();
    longest.tv_usec = static_cast<long>((left % std::chrono::seconds(1)).count() / 1000);
    const timeval* due = ares_timeout(channel_, &longest, &next);
    // At least a millisecond: c-ares rounds, and would be asked again and again just before its time.
    const auto wait = std::max<std::chrono::nanoseconds>(
        std::chrono::seconds(due->tv_sec) + std::chrono::microseconds(due->tv_usec),
        std::chrono::milliseconds(1));
    set_timer(timer_, answer_ ? now : now + wait);
}

NameResolver::NameResolver(sd_event* loop, Done done) : loop_(loop), done_(std::move(done)) {
    ares_library_init(ARES_LIB_INIT_ALL);  // counted, and does nothing on Linux
}

NameResolver::~NameResolver() {
    questions_.clear();
    ares_library_cleanup();
}

Result<void> NameResolver::ask(const std::string& domain) {
    auto question = std::make_unique<Question>(this, domain);
    if (Result<void> started = question->start(); !started) return started;
    questions_.push_back(std::move(question));
    return {};
}

void NameResolver::finish(Question* question, NameAnswer answer) {
    const auto at = std::ranges::find(questions_, question, &std::unique_ptr<Question>::get);
    const std::unique_ptr<Question> done = std::move(*at);
    questions_.erase(at);
    done_(done->domain, std::move(answer));
}

}  // namespace dishwall
