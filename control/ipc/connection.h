// SPDX-License-Identifier: BSD-3-Clause
//
// One client of the control socket: bytes in, cut into messages; messages out, as fast as the client reads.
// It is read only while nothing waits to be sent, so a client that does not read its replies gets no further
// ones, and the memory it can hold is one reply. A stream, which is not asked for each message, has a limit.
#pragma once

#include <systemd/sd-event.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "control/ipc/server.h"
#include "control/unique_fd.h"

namespace dishwall {

using SharedText = std::shared_ptr<const std::string>;  // with its NUL; a published message is one for all

class Connection {
public:
    using OnMessage = std::function<void(Connection&, std::string_view)>;
    using OnChange = std::function<void()>;  // may be over

    [[nodiscard]] static Result<std::unique_ptr<Connection>> open(sd_event* loop, UniqueFd fd,
                                                                  OnMessage on_message, OnChange on_change);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] const Caller& caller() const { return caller_; }
    [[nodiscard]] bool over() const { return over_; }

    void send(SharedText message);
    void close_after(SharedText message);  // nothing is read or sent after it

    // From now on it gets what is published under this name, and may only hang up.
    void become_stream(const std::string& name) { stream_ = name; }
    [[nodiscard]] const std::string& stream() const { return stream_; }
    // False: it was too far behind; it is told so in place of what it has not read, and closed.
    bool publish(const SharedText& message, const SharedText& farewell);

private:
    Connection(UniqueFd fd, Caller caller, OnMessage on_message, OnChange on_change);
    void on_events(std::uint32_t events);
    void read_some();
    void hand_out();
    void write_some();
    void watch();
    void forget_unsent();

    UniqueFd fd_;
    Caller caller_;
    OnMessage on_message_;
    OnChange on_change_;
    struct Unref {
        void operator()(sd_event_source* source) const { sd_event_source_disable_unref(source); }
    };
    std::unique_ptr<sd_event_source, Unref> source_;

    std::string in_;
    std::deque<SharedText> out_;
    std::size_t written_ = 0;  // of the first message of out_
    std::size_t backlog_ = 0;  // bytes in out_, less written_
    std::string stream_;
    bool closing_ = false;  // after what is in out_
    bool over_ = false;
};

}  // namespace dishwall
