// SPDX-License-Identifier: BSD-3-Clause
//
// dishctl run as a program, in a directory of its own, against a daemon that is only a socket with canned
// replies.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "control/ipc/client.h"
#include "control/ipc/server.h"
#include "tests/control/dishctl_replies.h"

namespace dishwall {

using nlohmann::json;

struct Ran {
    int code = -1;
    std::string out, err;
};

class DishctlTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/dw-ctl-XXXXXX";
        ASSERT_NE(::mkdtemp(name), nullptr);
        directory_ = name;
    }
    void TearDown() override {
        if (thread_.joinable()) {
            (void)IpcClient::connect(directory_ / "ctl.sock")->call("test.Quit", json::object());
            thread_.join();
        }
        server_.reset();
        sd_event_unref(loop_);
        std::filesystem::remove_all(directory_);
    }
    void serve() {
        ASSERT_GE(sd_event_new(&loop_), 0);
        server_.emplace(loop_);
        const auto give = [this](const char* verb, const json& reply) {
            server_->add_method(std::string("org.dishwall.") + verb,
                                [this, reply](const Caller&, const json& parameters) {
                                    asked_ = parameters;
                                    return CallResult(reply);
                                });
        };
        give("Version", {{"version", "9.9"}});
        give("Status", canned_status());
        give("Flows", canned_flows());
        give("Counters", canned_counters());
        give("Prefix", canned_prefix());
        give("Unload", {{"message", "eth0 is open"}});
        give("Hosts", canned_hosts());
        give("PrefixHistory", canned_history());
        give("Names", canned_names());
        give("Confirm", {{"number", 4}, {"message", "policy 4 stays in force"}});
        give("History", canned_policies());
        give("Diff", canned_diff());
        give("PrefixSet", {{"message", "dish.pd: 2001:db8:1100::/56 is set"}});
        give("PrefixWithdraw", {{"message", "dish.pd: all that was set is withdrawn"}});
        server_->add_method("org.dishwall.Load", [this](const Caller&, const json& p) -> CallResult {
            asked_ = p;
            const std::string file = p["config"].is_null() ? "" : p["config"].get<std::string>();
            if (file.ends_with("bad.conf"))
                return call_error("BadInput", "bad.conf has 1 error", "error[E0201]: no\n");
            if (file.ends_with("no.conf")) return call_error("Refused", "another uplink");
            if (file.ends_with("oops.conf")) return call_error("Failed", "the kernel says no");
            json reply = canned_load();
            if (!p["confirm"].is_null()) reply["confirm_by"] = "2099-01-01T00:00:00.000Z";
            return reply;
        });
        server_->add_method("org.dishwall.Rollback", [this](const Caller&, const json& p) -> CallResult {
            asked_ = p;
            if (p["number"] == 99) return call_error("BadInput", "there is no policy 99 in the history");
            return canned_load();
        });
        server_->add_method("org.dishwall.Explain", [](const Caller&, const json& p) -> CallResult {
            if (p["packet"] == "nonsense") return call_error("BadInput", "no packet: nonsense");
            json reply = canned_explain();
            reply["agree"] = p["packet"] != "differ";
            return reply;
        });
        server_->add_stream("org.dishwall.Monitor", [this](const Caller&, const json&) {
            sd_event_add_time_relative(
                loop_, nullptr, CLOCK_MONOTONIC, 10'000, 1,
                [](sd_event_source*, std::uint64_t, void* self) {
                    auto* server = &*static_cast<DishctlTest*>(self)->server_;
                    for (int n = 0; n < 5; ++n) {
                        server->publish("org.dishwall.Monitor", canned_drop());
                        server->publish("org.dishwall.Monitor", canned_change());
                    }
                    return 0;
                },
                this);
            return tl::expected<void, CallError>();
        });
        server_->add_method("test.Quit", [this](const Caller&, const json&) {
            sd_event_exit(loop_, 0);
            return CallResult(json::object());
        });
        ASSERT_TRUE(server_->listen(directory_ / "ctl.sock"));
        thread_ = std::thread([this] { sd_event_loop(loop_); });
    }

    std::string file(const char* name) const { return (directory_ / name).string(); }
    static std::string read(const std::string& path) {
        std::ifstream in(path);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    Ran run(const std::string& words, const std::string& before = "") const {
        const std::string command = fmt::format("{} {} --run-dir {} {} >{} 2>{}", before, DISHCTL,
                                                directory_.string(), words, file("out"), file("err"));
        const int status = std::system(command.c_str());
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(file("out")), read(file("err"))};
    }
    void expect(const std::string& words, int code, const std::string& out, const std::string& err) const {
        const Ran ran = run(words);
        EXPECT_EQ(ran.code, code) << words;
        EXPECT_EQ(ran.out, out) << words;
        EXPECT_EQ(ran.err, err) << words;
    }

    std::filesystem::path directory_;
    sd_event* loop_ = nullptr;
    std::optional<IpcServer> server_;
    std::thread thread_;
    json asked_;
};

}  // namespace dishwall
