// SPDX-License-Identifier: BSD-3-Clause
//
// Every policy that was in force, on disk and numbered: what `rollback` goes back to and `history` shows. And
// what stands: which of them is in force, whether somebody still has to confirm it, and which of them were
// taken back, so that their texts do not come into force again by a mere restart.
//
//   STATE_DIR/policies/state.json        what stands
//   STATE_DIR/policies/7/meta.json       written last: without it there is no policy 7
//   STATE_DIR/policies/7/0, 1, ...       the texts of its rule files as they were read
//
// What a deadline or something taken back hangs on is synced to disk before the policy is swapped in: after a
// power cut the deadline of an unconfirmed policy is never lost. A usual load does not wait for its half
// dozen syncs, 5 to 16 ms each: they follow at once, and a policy that a power cut left half written is known
// by the sizes of its texts and left out. At most kKept policies stay, and those that may still be needed.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "control/clock.h"
#include "control/state_file.h"
#include "rules/frontend.h"
#include "rules/result.h"

namespace dishwall {

// How a policy came into force.
enum class PolicyBy { load, rollback, revert, start };
[[nodiscard]] const char* to_string(PolicyBy by);

struct StoredPolicy {
    unsigned number = 0;  // from 1
    UnixTime time{0};     // when it came into force
    std::string path;     // of the rule file
    PolicyBy by = PolicyBy::load;
    unsigned of = 0;  // whose texts these are: its own number, or that of the one that was gone back to
    bool unprotected = false;               // its own protect lines are broken; somebody forced it
    std::size_t inbound = 0, outbound = 0;  // rules
};

// Until when an unconfirmed policy stays. CLOCK_BOOTTIME decides; the wall clock is for people.
struct Deadline {
    std::string boot;                // boot id that `at` counts from
    std::chrono::nanoseconds at{0};  // CLOCK_BOOTTIME
    UnixTime wall{0};

    bool operator==(const Deadline&) const = default;
};

struct Unconfirmed {
    unsigned back_to = 0;
    Deadline deadline;

    bool operator==(const Unconfirmed&) const = default;
};

struct Standing {
    unsigned in_force = 0;                   // 0: nothing was yet
    std::optional<Unconfirmed> unconfirmed;  // that one is not confirmed
    // Taken back by `rollback` or by the deadline. A rule file with the texts of one of these is not started.
    std::vector<unsigned> refused;
    std::vector<unsigned> reverted;  // never confirmed; for `history`, and not gone back to

    bool operator==(const Standing&) const = default;
};

class PolicyStore {
public:
    static constexpr std::size_t kKept = 32;

    // Reads what is there. What cannot be read is left out, and told by `warnings`.
    [[nodiscard]] static PolicyStore open(const std::filesystem::path& state_dir);

    [[nodiscard]] const std::vector<StoredPolicy>& all() const { return all_; }  // by number
    [[nodiscard]] const StoredPolicy* find(unsigned number) const;
    [[nodiscard]] const Standing& standing() const { return standing_; }
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

    [[nodiscard]] Result<std::vector<RuleText>> texts(unsigned number) const;
    [[nodiscard]] bool has_texts(unsigned number, const std::vector<RuleText>& texts) const;
    // The first of these numbers that has the texts.
    [[nodiscard]] std::optional<unsigned> with_texts(const std::vector<unsigned>& numbers,
                                                     const std::vector<RuleText>& texts) const;
    // What `rollback` without a number goes back to. Each further one goes one back: the texts that `number`
    // has are those of an older one after a rollback, and it is from there that this counts.
    [[nodiscard]] std::optional<unsigned> before(unsigned number) const;

    // Returns its number. `policy.number` is not read, and `policy.of` 0 stands for the new number.
    [[nodiscard]] Result<unsigned> add(StoredPolicy policy, const std::vector<RuleText>& texts,
                                       Synced synced = Synced::yes);
    void remove(unsigned number);
    // Says what stands from now on, and then forgets what nobody needs any more.
    [[nodiscard]] Result<void> stand(Standing standing, Synced synced = Synced::yes);

private:
    explicit PolicyStore(std::filesystem::path directory) : directory_(std::move(directory)) {}
    void read_policies();
    void read_standing();
    void forget_the_oldest();
    [[nodiscard]] std::filesystem::path place_of(unsigned number) const {
        return directory_ / std::to_string(number);
    }

    std::filesystem::path directory_;
    std::vector<StoredPolicy> all_;
    Standing standing_;
    std::vector<std::string> warnings_;
};

}  // namespace dishwall
