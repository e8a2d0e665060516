// SPDX-License-Identifier: BSD-3-Clause
#include "control/ipc/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace dishwall {
namespace {

constexpr std::size_t kReadAtOnce = 64 << 10;

SharedText too_long() {
    static const SharedText kText = std::make_shared<const std::string>(
        nlohmann::json{
            {"error", "org.varlink.service.InvalidParameter"},
            {"parameters",
             {{"parameter", "request"},
              {"message", fmt::format("a request has at most {} bytes", IpcServer::kRequestLimit)}}}}
            .dump() +
        '\0');
    return kText;
}

}  // namespace

Connection::Connection(UniqueFd fd, Caller caller, OnMessage on_message, OnChange on_change)
    : fd_(std::move(fd)),
      caller_(caller),
      on_message_(std::move(on_message)),
      on_change_(std::move(on_change)) {}

Result<std::unique_ptr<Connection>> Connection::open(sd_event* loop, UniqueFd fd, OnMessage on_message,
                                                     OnChange on_change) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return fail("cannot learn who calls: {}", std::strerror(errno));
    const int number = fd.get();
    std::unique_ptr<Connection> made{new Connection(std::move(fd), {peer.uid, peer.gid, peer.pid},
                                                    std::move(on_message), std::move(on_change))};
    const auto on_io = [](sd_event_source*, int, std::uint32_t events, void* self) {
        static_cast<Connection*>(self)->on_events(events);
        return 0;
    };
    sd_event_source* source = nullptr;
    if (const int error = sd_event_add_io(loop, &source, number, EPOLLIN, on_io, made.get()); error < 0)
        return fail("cannot watch a connection: {}", std::strerror(-error));
    made->source_.reset(source);
    return made;
}

// `on_change_` may destroy this: it comes last.
void Connection::on_events(std::uint32_t events) {
    if ((events & (EPOLLERR | EPOLLHUP)) != 0 && (events & EPOLLIN) == 0) over_ = true;
    if (!over_ && (events & EPOLLOUT) != 0) write_some();
    if (!over_ && (events & EPOLLIN) != 0) read_some();
    if (!over_) hand_out();
    watch();
    const OnChange changed = on_change_;
    changed();
}

void Connection::read_some() {
    std::array<char, kReadAtOnce> buffer;
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0 || (got == 0 && (out_.empty() || !stream_.empty()))) {
        over_ = true;
    } else if (got == 0) {
        closing_ = true;
    } else if (!closing_ && stream_.empty()) {
        in_.append(buffer.data(), static_cast<std::size_t>(got));
    } else {
        over_ = over_ || !stream_.empty();  // a stream only listens
    }
}

// One request after the other: the next is looked at once the reply to the one before is on its way.
void Connection::hand_out() {
    std::size_t done = 0;
    while (!over_ && !closing_ && stream_.empty() && out_.empty()) {
        const std::size_t end = in_.find('\0', done);
        if (end == std::string::npos) {
            if (in_.size() - done > IpcServer::kRequestLimit) close_after(too_long());
            break;
        }
        const std::string_view message(in_.data() + done, end - done);
        if (message.size() > IpcServer::kRequestLimit)
            close_after(too_long());
        else
            on_message_(*this, message);
        done = end + 1;
    }
    in_.erase(0, done);
}

void Connection::send(SharedText message) {
    if (over_ || closing_) return;
    backlog_ += message->size();
    out_.push_back(std::move(message));
    write_some();
    watch();
}

void Connection::close_after(SharedText message) {
    send(std::move(message));
    closing_ = true;
    over_ = over_ || out_.empty();
    watch();
}

bool Connection::publish(const SharedText& message, const SharedText& farewell) {
    if (backlog_ + message->size() <= IpcServer::kBacklogLimit) {
        send(message);
        return true;
    }
    forget_unsent();
    close_after(farewell);
    stream_.clear();
    return false;
}

// A message whose beginning was sent stays, or its reader would lose the framing.
void Connection::forget_unsent() {
    while (out_.size() > (written_ > 0 ? 1 : 0)) {
        backlog_ -= out_.back()->size();
        out_.pop_back();
    }
}

void Connection::write_some() {
    while (!out_.empty()) {
        const std::string& first = *out_.front();
        const ssize_t n =
            ::send(fd_.get(), first.data() + written_, first.size() - written_, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            over_ = over_ || errno != EAGAIN;
            return;
        }
        written_ += static_cast<std::size_t>(n);
        backlog_ -= static_cast<std::size_t>(n);
        if (written_ < first.size()) continue;
        out_.pop_front();
        written_ = 0;
    }
    over_ = over_ || closing_;
}

// One that is over asks to be writable, which it is: the loop comes by once more and its owner can let it go.
void Connection::watch() {
    const bool reads = !closing_ && (out_.empty() || !stream_.empty());
    const bool writes = over_ || !out_.empty();
    sd_event_source_set_io_events(source_.get(), (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u));
}

}  // namespace dishwall
