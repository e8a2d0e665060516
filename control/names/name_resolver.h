// SPDX-License-Identifier: BSD-3-Clause
//
// Asks the system's resolver for the IPv6 addresses of a name without ever waiting for it: c-ares, which
// reads resolv.conf, nsswitch.conf and /etc/hosts, with its sockets on the daemon's loop. Each question has a
// channel of its own: it reads those files anew, so that another uplink's name server is followed without
// anybody telling, and ends with its sockets when its time is over.
#pragma once

#include <systemd/sd-event.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/names/name_table.h"

namespace dishwall {

class NameResolver {
public:
    static constexpr std::chrono::seconds kPatience{10};  // for one question, all servers and tries

    // Called from the loop, never from within `ask`. May ask again.
    using Done = std::function<void(const std::string& domain, NameAnswer answer)>;

    NameResolver(sd_event* loop, Done done);
    ~NameResolver();  // open questions are dropped, `done` is not called for them
    NameResolver(const NameResolver&) = delete;
    NameResolver& operator=(const NameResolver&) = delete;

    [[nodiscard]] Result<void> ask(const std::string& domain);
    [[nodiscard]] std::size_t in_flight() const { return questions_.size(); }

private:
    class Question;
    void finish(Question* question, NameAnswer answer);

    sd_event* loop_;
    Done done_;
    std::vector<std::unique_ptr<Question>> questions_;
};

}  // namespace dishwall
