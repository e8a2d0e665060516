// SPDX-License-Identifier: BSD-3-Clause
//
// The plan against a server that is slow, refuses, applies without confirming, and loses what it was sent,
// over random schedules with renumberings, loads and crashes of the daemon. At any time the plan knows what
// the server has, or knows that it does not; and when the server answers again, it gets the last wanted
// state.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "control/dns/update_plan.h"
#include "tests/control/dns_policy.h"
#include "tests/sanitized.h"

namespace dishwall {
namespace {

using std::chrono::seconds;

constexpr int kSchedules = 1000 / test::kRandomRunsDividedBy;
constexpr int kStepsEach = 200;
constexpr const char* kPrefixes[] = {"2001:db8:100::/56", "2001:db8:200::/60", "2001:db8:300::/64"};

struct Sent {
    std::vector<RecordChange> changes;
    MonotonicTime answered_at;
    bool applied, confirmed;
};

class Schedule {
public:
    explicit Schedule(std::uint32_t seed) : random_(seed) { restart(); }

    void run() {
        for (int step = 0; step < kStepsEach && !testing::Test::HasFatalFailure(); ++step) {
            now_ += std::chrono::milliseconds(one_of(3000));
            answer();
            const int event = one_of(100);
            if (event < 30) renumber();
            if (event == 30) restart();
            if (event == 31) load();
            if (event < 34 && event > 31) broken_ = !broken_;
            send();
            check();
        }
        settle();
    }

private:
    int one_of(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

    void restart() {
        plan_ = UpdatePlan{static_cast<std::uint32_t>(random_())};
        EXPECT_TRUE(plan_.from_json(saved_));
        load();
    }
    void load() {
        Policy policy = home();
        policy.dns_updates = {
            zone("home.example", {{"nas.home.example", 0, 60, {}}, {"any.home.example", 2, 60, {}}}),
            exec_zone("other.example", "/p",
                      {{"nas.other.example", 0, 60, {}}, {"any.other.example", 2, 60, {}}})};
        // The children are killed; what they sent may still arrive.
        for (auto& [zone, sent] : in_flight_)
            if (one_of(2) == 0) apply(sent);
        in_flight_.clear();
        plan_.follow(policy);
        plan_.own_in_force(own_, now_);
    }
    void renumber() {
        own_.prefixes.clear();
        for (const char* prefix : kPrefixes) {
            const int state = one_of(6);
            if (state <= DW_PREFIX_GRACE && state > 0)
                own_.prefixes.push_back(live(prefix, static_cast<dw_prefix_state>(state)));
        }
        plan_.own_in_force(own_, now_);
    }
    void send() {
        const std::vector<UpdateJob> jobs = plan_.take_due(now_);
        if (!jobs.empty()) saved_ = plan_.to_json();
        for (const UpdateJob& job : jobs) {
            ASSERT_FALSE(in_flight_.contains(job.zone)) << "one at a time";
            ASSERT_FALSE(job.changes.empty());
            const bool confirmed = !broken_ && one_of(4) > 0;
            in_flight_[job.zone] = {job.changes, now_ + std::chrono::milliseconds(one_of(10'000)),
                                    confirmed || one_of(3) == 0, confirmed};
        }
    }
    void answer() {
        for (auto at = in_flight_.begin(); at != in_flight_.end();) {
            if (at->second.answered_at > now_) {
                ++at;
                continue;
            }
            if (at->second.applied) apply(at->second);
            (void)plan_.finished(at->first, at->second.confirmed ? "" : "no answer", now_, seconds(1));
            if (one_of(2) == 0) saved_ = plan_.to_json();  // a crash can come before that
            at = in_flight_.erase(at);
        }
    }
    void apply(const Sent& sent) {
        for (const RecordChange& change : sent.changes) server_[change.name] = change.wanted;
    }
    template <typename Visit>
    void each_record(const Visit& visit) const {
        for (const nlohmann::json& zone : plan_.list(now_))
            for (const nlohmann::json& record : zone["records"]) visit(record);
    }
    std::vector<std::string> on_server(const nlohmann::json& record) const {
        std::vector<std::string> texts;
        const auto at = server_.find(record["name"]);
        if (at != server_.end())
            for (const Ipv6Address& address : at->second) texts.push_back(to_string(address));
        return texts;
    }
    void check() const {
        each_record([&](const nlohmann::json& record) {
            if (record["state"] != "current") return;
            ASSERT_EQ(record["published"], nlohmann::json(on_server(record))) << record.dump();
            ASSERT_TRUE(record["wanted"].empty() || record["wanted"] == record["published"]) << record.dump();
        });
    }
    void settle() {
        broken_ = false;
        for (int i = 0; i < 1000 && (plan_.deadline() || !in_flight_.empty()); ++i) {
            now_ += seconds(10);
            answer();
            send();
        }
        ASSERT_EQ(plan_.deadline(), std::nullopt) << "it never comes to an end";
        each_record([&](const nlohmann::json& record) {
            if (record["wanted"].empty()) return;
            ASSERT_EQ(record["wanted"], nlohmann::json(on_server(record))) << "the last wanted state is lost";
        });
    }

    std::mt19937 random_;
    UpdatePlan plan_{0};
    MonotonicTime now_ = seconds(1000);
    Own own_;
    nlohmann::json saved_;
    std::map<std::size_t, Sent> in_flight_;
    std::map<std::string, Addresses> server_;
    bool broken_ = false;
};

TEST(UpdatePlanRandom, NothingIsLostOnAServerThatFails) {
    for (std::uint32_t seed = 1; seed <= kSchedules; ++seed) {
        SCOPED_TRACE(seed);
        Schedule(seed).run();
        if (testing::Test::HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace dishwall
