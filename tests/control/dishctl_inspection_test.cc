// SPDX-License-Identifier: BSD-3-Clause
//
// What people see of inspection, to the letter.
#include "control/dishctl/flow_views.h"
#include "control/dishctl/inspection_views.h"
#include "tests/control/dishctl_view_fixture.h"

namespace dishwall {
namespace {

using nlohmann::json;

json worker(unsigned number, const char* state, unsigned given = 0, unsigned taken = 0) {
    return {{"interface", "dwi" + std::to_string(number) + "-eth0"},
            {"state", state},
            {"given", given},
            {"taken", taken}};
}

// Of an inspector that has had nothing to do yet.
json fresh(const char* state, bool wanted = true) {
    return {{"state", state},
            {"trouble", ""},
            {"wanted", wanted},
            {"config", "/run/dishwall/inspect.json"},
            {"workers", json::array({worker(0, state)})}};
}

TEST_F(ViewTest, inspection_that_does_not_work_says_what_to_do) {
    EXPECT_EQ(inspection_fields(nullptr, kPipe), "") << "nothing inspects";
    EXPECT_EQ(inspection_fields(fresh("works"), kPipe),
              "inspection dishwall-inspect works, behind dwi0-eth0\n");
    constexpr char kStart[] =
        "start it   systemctl start dishwall-inspect, or dishwall-inspect --config "
        "/run/dishwall/inspect.json\n";
    EXPECT_EQ(inspection_fields(fresh("not started"), kPipe),
              std::string("inspection dishwall-inspect was not started: rules that inspect do what their "
                          "on-failure says\n") +
                  kStart);
    EXPECT_EQ(
        inspection_fields(fresh("failed"), kPipe),
        std::string("inspection dishwall-inspect has failed: rules that inspect do what their on-failure "
                    "says\n") +
            kStart);
    EXPECT_NE(inspection_fields(fresh("failed"), kColors).find("\x1b[31m"), std::string::npos);
    EXPECT_EQ(inspection_fields(fresh("failed", false), kPipe),
              "inspection dishwall-inspect has failed; no rule in force needs it\n");
    json trouble = fresh("trouble");
    trouble["trouble"] = "cannot make the veth pair: \x1b[2J";
    EXPECT_EQ(inspection_fields(trouble, kPipe),
              "inspection NOT possible: cannot make the veth pair: \\x1b[2J\n");
}

TEST_F(ViewTest, one_worker_of_several_has_failed) {
    json two = fresh("works");
    two["workers"] = {worker(0, "works", 700, 700), worker(1, "works", 500, 499)};
    EXPECT_EQ(inspection_fields(two, kPipe),
              "inspection dishwall-inspect works, behind dwi0-eth0, dwi1-eth0\n"
              "workers    700 given to dwi0-eth0, 700 taken; 500 given to dwi1-eth0, 499 taken\n");
    two["state"] = "failed";
    two["workers"][1] = worker(1, "failed", 500, 499);
    EXPECT_EQ(inspection_fields(two, kPipe),
              "inspection of dishwall-inspect, worker 1 of 2 has failed: flows given to it do what their "
              "rules' on-failure says\n"
              "restart it systemctl restart dishwall-inspect\n"
              "workers    700 given to dwi0-eth0, 700 taken; 500 given to dwi1-eth0, 499 taken\n");
    EXPECT_EQ(
        failed_workers({{"workers", {worker(0, "failed"), worker(1, "not started"), worker(2, "works")}}}),
        "workers 0, 1 of 3 have failed");
    two["workers"][0] = worker(0, "failed");
    EXPECT_EQ(failed_workers(two), "") << "none of them works: it is all of it that has failed";
}

TEST_F(ViewTest, what_the_inspector_found) {
    EXPECT_EQ(
        event_view(canned_match(), kPipe),
        "13:05:03.000 drop   in  TCP [2001:db8:9::1]:40000 > [2001:db8:2200:1::10]:80: match of signature "
        "17 of exploits, rule web; its source is refused for 10 min\n");
    json gone = canned_match();
    gone.update({{"signatures", nullptr}, {"rule", nullptr}, {"action", "alert"}, {"banned_s", 0}});
    EXPECT_EQ(
        event_view(gone, kPipe),
        "13:05:03.000 alert  in  TCP [2001:db8:9::1]:40000 > [2001:db8:2200:1::10]:80: match of signature "
        "17 of an earlier policy\n");
    // What is no match has no signature.
    json conflict = canned_match();
    conflict.update({{"kind", "conflict"}, {"signature", 0}, {"banned_s", 0}});
    EXPECT_EQ(event_view(conflict, kPipe),
              "13:05:03.000 drop   in  TCP [2001:db8:9::1]:40000 > [2001:db8:2200:1::10]:80: conflict, rule "
              "web\n");
    EXPECT_NE(event_view(canned_match(), kColors).find("\x1b[31mdrop"), std::string::npos);
    EXPECT_NE(event_view(gone, kColors).find("\x1b[33malert"), std::string::npos);
}

}  // namespace
}  // namespace dishwall
