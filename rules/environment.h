// SPDX-License-Identifier: BSD-3-Clause
//
// What the pure compiler may ask of the world, injected, so that tests and fuzzers decide the answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace dishwall {

struct Policy;

using WillFill = std::function<void(void* begin, std::size_t bytes)>;

struct Environment {
    // /etc/services: ("https", "tcp") -> 443, host byte order. Empty when there is no such name.
    std::function<std::optional<std::uint16_t>(std::string_view service, std::string_view proto)>
        service_port;
    // Where relative paths of the rule file begin: its own directory, absolute. Empty: that of its name.
    std::string directory = {};
    // Why the file cannot be read, or run, by who loads the rules: "No such file or directory"; empty when it
    // can. Absent: not asked.
    std::function<std::string(const std::string& path)> why_unreadable = {};
    std::function<std::string(const std::string& path)> why_not_executable = {};
    // The text of an included file, a feed or a signature file, or why there is none. Absent: no file can be
    // read.
    std::function<tl::expected<std::string, std::string>(const std::string& path)> read_text = {};
    // Can a rule's `inspect` be had? Not from a build without the inspector.
    bool inspects = true;
    // These texts were loaded once: that their rules are reached, and that their tests and protect lines
    // hold, was proven then, and is not proven again, so that a feed that has changed since cannot stand in
    // the way of going back.
    bool proven = false;
    // This room is about to be filled, front to back: whoever knows the machine may have it in large pages.
    // Asked for the few rooms of megabytes that a long file needs, whose 20,000 small pages take as long as a
    // pass.
    WillFill will_fill = {};
    // Long files may be read by two threads. Nothing here is called by both at once.
    bool two_threads = false;
    // With two threads: called once with a resolved policy of many rules in which nothing is wrong so far,
    // while another thread looks for rules that are never reached. What is made of it here is worth something
    // only if the policy comes out of the whole compilation, which moves it and does not change it. Absent:
    // everything is done on one thread.
    std::function<void(const Policy& policy)> meanwhile = {};
};

}  // namespace dishwall
