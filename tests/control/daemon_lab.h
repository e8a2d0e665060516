// SPDX-License-Identifier: BSD-3-Clause
//
// A dishwalld to experiment on: a fresh network namespace with an uplink (wan0, its far end isp0), the daemon
// in it with directories of its own, and packets put on the wire by hand. Everything is removed at the end,
// however the test went. Needs root.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>
#include <chrono>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "control/ipc/client.h"
#include "control/unique_fd.h"

namespace dishwall {

// What most tests ask about: packets from the Internet to the host `nas`.
inline constexpr char kToWeb[] = "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:443 S";
inline constexpr char kToSsh[] = "in tcp [2001:db8:1::1]:40000 > [2001:db8:aa00:1::10]:22 S";

// The rule file of most tests.
[[nodiscard]] std::string config_text(const std::string& inbound, const std::string& uplink = "");

// Runs a command and returns its output; a failing one fails the test.
std::string shell(const std::string& command);

// An XDP program that is not ours.
[[nodiscard]] UniqueFd pass_everything();

// One instance's directories, command line and process.
class Instance {
public:
    explicit Instance(const std::string& name);
    ~Instance();  // ends the process, removes pins and directories
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    void write_config(const std::string& text) const;
    [[nodiscard]] std::filesystem::path config() const { return directory_ / "dishwall.conf"; }
    [[nodiscard]] std::filesystem::path run_dir() const { return directory_ / "run"; }
    [[nodiscard]] std::filesystem::path state_dir() const { return directory_ / "state"; }
    std::string pin_dir;

    // The full command, for tests that start it in their own way.
    [[nodiscard]] std::vector<std::string> command(const std::vector<std::string>& more = {}) const;
    // Starts it in this thread's network namespace, behind `wrapper` if there is one. Waits until it says
    // READY (true) or ends (false).
    [[nodiscard]] bool start(const std::vector<std::string>& more = {},
                             const std::vector<std::string>& wrapper = {});
    void signal(int number) const;
    // Waits for the end. The exit status; 128 + signal when killed.
    int wait();
    [[nodiscard]] bool running() const { return pid_ > 0; }
    [[nodiscard]] std::string log() const;
    // Time goes by, and what is said to the notify socket is read, as systemd does: nobody else makes room
    // there.
    void run_for(std::chrono::milliseconds time);
    // Waits up to five seconds for a datagram to the notify socket that holds this text.
    [[nodiscard]] bool notified(const std::string& text);

    // The reply's parameters; {"error": ..., "message": ..., "diagnostics": ...} for an error.
    [[nodiscard]] nlohmann::json call(const std::string& verb, const nlohmann::json& parameters = {}) const;
    [[nodiscard]] std::uint64_t packets_of_rule(const std::string& name) const;
    [[nodiscard]] std::uint64_t packets_of_reason(const std::string& name) const;

private:
    std::filesystem::path directory_;
    UniqueFd notify_;
    pid_t pid_ = -1;
};

// Each test in a network namespace of its own, with a veth pair wan0 (up, the uplink) and isp0.
class DaemonLab : public testing::Test {
protected:
    void SetUp() override;
    void TearDown() override;

    void make_uplink();
    // Puts this packet (explain's form) on the wire at the provider's end, `times` times with one source port
    // after the other, and lets it arrive.
    void send(const std::string& packet, int times = 1);
    // 0: none.
    [[nodiscard]] std::uint32_t xdp_program_on_uplink() const;
    // Through whichever hook.
    [[nodiscard]] unsigned egress_programs_on_uplink() const;
    [[nodiscard]] unsigned filters_on_uplink() const;  // of clsact
    // The hook that is taken when nothing else is asked for: tcx came with kernel 6.6.
    [[nodiscard]] static std::string usual_egress();
    // Puts a device that has no native XDP in the uplink's place; false: this kernel has no bridges.
    [[nodiscard]] static bool make_uplink_a_bridge();

    std::optional<Instance> daemon;

private:
    UniqueFd home_;  // the namespace the test began in
};

}  // namespace dishwall
