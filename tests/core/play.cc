// SPDX-License-Identifier: BSD-3-Clause
#include "tests/core/play.h"

#include <gtest/gtest.h>

#include "tests/core/names.h"
#include "tests/core/world.h"

namespace dishwall::test {
namespace {

class Player {
public:
    Player(const Vector& vector, Executor& first, Executor* second)
        : vector_(vector), first_(first), second_(second) {
        for_each([](Executor& executor) {
            executor.forget();
            executor.set_inspector(Inspector::none);
            executor.set_own(world_own());
        });
        load(kWorldRules);
    }

    void run() {
        for (; step_ < vector_.steps.size() && !testing::Test::HasFatalFailure(); ++step_)
            std::visit([this](const auto& step) { take(step); }, vector_.steps[step_]);
    }

private:
    template <typename Action>
    void for_each(Action action) {
        action(first_);
        if (second_ != nullptr) action(*second_);
    }
    void load(const std::string& rules) {
        const CompiledImage image = lower_or_throw(read_or_throw(rules));
        for_each([&](Executor& executor) { executor.install(image); });
    }

    void take(const Wait& wait) {
        for_each([&](Executor& executor) { executor.wait(std::chrono::seconds(wait.seconds)); });
    }
    void take(const Load& policy) { load(policy.rules); }
    void take(const Own& own) {
        for_each([&](Executor& executor) { executor.set_own(own); });
    }
    void take(const Inspector& state) {
        for_each([&](Executor& executor) { executor.set_inspector(state); });
    }
    void take(const Found& found) {
        for_each([&](Executor& executor) {
            for (const dw_flow& flow : executor.flows())
                if (flow.inspect != 0) const_cast<dw_flow&>(flow).inspect |= found.bits;
        });
    }
    void take(const Ban& ban) {
        const std::uint64_t network = parse_ipv6(ban.source)->hi;
        for_each([&](Executor& executor) {
            dw_inspection& inspection = executor.inspection();
            inspection.bans = 1;
            inspection.ban[dw_ban_line(network)][0] = {
                network, executor.clock_ns() + ban.seconds * std::uint64_t{1'000'000'000}};
        });
    }
    void take(const Judged& judged) {
        constexpr std::size_t kEthernet = 14;
        const std::uint64_t before = first_.counter(judged.reason).packets;
        const dw_outcome outcome = first_.run(judged.direction, judged.frame);
        EXPECT_EQ(reason_name(outcome.reason), reason_name(judged.reason))
            << where() << ": " << describe(outcome);
        EXPECT_EQ(verdict_name(outcome.verdict), verdict_name(judged.verdict)) << where();
        if (outcome.reason == judged.reason) {
            EXPECT_EQ(first_.counter(judged.reason).packets, before + 1) << where() << " was not counted";
        }
        if (second_ == nullptr || judged.frame.size() <= kEthernet) return;
        const dw_outcome other = second_->run(judged.direction, judged.frame);
        EXPECT_TRUE(same(outcome, other))
            << where() << "\n first:  " << describe(outcome) << "\n second: " << describe(other);
        if (outcome.flow != 0 && outcome.flow == other.flow) {
            EXPECT_TRUE(same(first_.flow(outcome.flow), second_->flow(other.flow)))
                << where() << ": the flow";
        }
    }
    [[nodiscard]] std::string where() const {
        return vector_.requirement + " " + vector_.claim + ", step " + std::to_string(step_ + 1);
    }

    const Vector& vector_;
    Executor& first_;
    Executor* second_;
    std::size_t step_ = 0;
};

}  // namespace

void play(const Vector& vector, Executor& first, Executor* second) { Player(vector, first, second).run(); }

}  // namespace dishwall::test
