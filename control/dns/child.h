// SPDX-License-Identifier: BSD-3-Clause
//
// A program run for a moment, without waiting for it: no shell, nothing of ours but stdio, an environment
// made for it, no rights (no capability, none to be gained), a process group that ends with it, and a time
// limit. It gets all its input at once, and the end of what it says on stderr is kept.
#pragma once

#include <systemd/sd-event.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/event_source.h"
#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

struct Command {
    std::vector<std::string> words;        // a program without '/' is looked for in kPath
    std::vector<std::string> environment;  // "NAME=value"; PATH and LANG are added
    std::string input;
};

class Child {
public:
    static constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    static constexpr std::size_t kSaid = 4096;  // bytes of stderr

    // Called once, from the loop, when the program has ended; may destroy the child. An empty error: it
    // exited with 0. Else what it said, or how it ended.
    using Done = std::function<void(const std::string& error)>;

    // SIGCHLD must be blocked in the process.
    [[nodiscard]] static Result<std::unique_ptr<Child>> start(sd_event* loop, const Command& command,
                                                              std::chrono::nanoseconds limit, Done done);
    ~Child();  // kills it, and whatever it started in its group
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

private:
    Child(std::string name, std::chrono::nanoseconds limit, Done done)
        : name_(std::move(name)), limit_(limit), done_(std::move(done)) {}
    Result<void> watch(sd_event* loop);
    void kill_group() const;
    void read_said();
    void on_end(const siginfo_t& how);
    [[nodiscard]] std::string error_of(const siginfo_t& how) const;

    std::string name_;
    std::chrono::nanoseconds limit_;
    Done done_;
    pid_t pid_ = 0;  // 0: ended
    bool timed_out_ = false;
    UniqueFd stderr_;
    std::string said_;
    EventSource ended_, readable_, timer_;
};

}  // namespace dishwall
