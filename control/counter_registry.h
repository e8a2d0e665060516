// SPDX-License-Identifier: BSD-3-Clause
//
// Which counter belongs to which rule. Totals must survive a load and a restart by the rule's name (not its
// place in the file), so a name keeps its counter as long as there is room: a name that a load no longer has
// stays listed as "gone", and only when all ids are taken is the one that went first used again.
//
// A value: a load works on a copy, which takes the original's place once the new policy is in force. With
// 100,000 rules that copy, and what a load asks of it, must take milliseconds: so all names stand in one
// text, what is known of a counter in one array by its id, and a name is found by a hash of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/core/layout.h"
#include "rules/lower.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

[[nodiscard]] std::string to_string(dw_verdict verdict);  // "accept"
[[nodiscard]] std::string to_string(const Place& place);  // "dishwall.conf:31", without directories

struct RuleCounter {
    std::uint32_t id = 0;  // DW_REASONS_MAX..DW_COUNTERS-1
    std::string name;
    std::string place;             // file:line where the rule is, or was last
    std::string chain;             // "inbound" or "outbound", also of a gone one
    std::string verdict;           // "accept"
    std::uint64_t gone_since = 0;  // the load that had it no more; 0: it is in force

    [[nodiscard]] bool is_gone() const { return gone_since != 0; }
    bool operator==(const RuleCounter&) const = default;
};

// One after the other, as `lower` asks for them.
[[nodiscard]] CounterOf in_order(std::vector<std::uint32_t> counters);

class CounterRegistry {
public:
    // `ids`: how many rule counters there are.
    explicit CounterRegistry(std::uint32_t ids = DW_RULES_MAX) : ids_(ids) {}

    // A line a counter. Fails, with nothing changed, when the text is not a registry.
    [[nodiscard]] Result<void> from_text(std::string_view text);
    [[nodiscard]] std::string to_text() const;

    // Gives every rule of the policy its counter. Returns the ids that belonged to another name before and
    // have to be zeroed. Fails, with nothing changed, when the policy has more names than there are counters.
    // `counters`: gets the counter of each rule, inbound first.
    [[nodiscard]] Result<std::vector<std::uint32_t>> assign(const Policy& policy,
                                                            std::vector<std::uint32_t>* counters = nullptr);

    // Of a rule of the policy assigned last.
    [[nodiscard]] std::uint32_t id_of(const Rule& rule) const;
    // The same for `lower`, which asks for one rule after the other. The registry must outlive it.
    [[nodiscard]] CounterOf counter_of() const;
    // Empty: nobody's, as DW_NO_RULE is.
    [[nodiscard]] std::optional<RuleCounter> find(std::uint32_t id) const;
    // In order of ids.
    [[nodiscard]] std::vector<RuleCounter> list() const;
    [[nodiscard]] bool empty() const { return names_ == 0; }
    // Same names with the same ids, places and verdicts.
    bool operator==(const CounterRegistry&) const = default;

private:
    static constexpr std::uint32_t kNewcomer = ~std::uint32_t{0};  // has no entry yet
    struct Description {
        std::uint32_t line = 0;
        std::uint32_t file = 0;  // in files_
        std::uint8_t outbound = 0;
        std::uint8_t verdict = DW_DROP;

        bool operator==(const Description&) const = default;
    };
    struct Entry {  // of an id
        std::uint64_t gone_since = 0;
        std::uint32_t name_at = 0, name_size = 0;  // in text_; size 0: nobody's
        Description is_now;                        // or was last

        [[nodiscard]] bool is_free() const { return name_size == 0; }
        bool operator==(const Entry&) const = default;
    };
    struct Newcomer {
        std::string_view name;  // the rule's own
        Description is_now;
    };
    using Newcomers = std::vector<Newcomer>;
    struct Slot {
        std::uint32_t entry = kNewcomer;  // kNewcomer: empty
        std::uint32_t tag = 0;            // of the name's hash, so that other names are seldom looked at
        bool operator==(const Slot&) const = default;
    };

    [[nodiscard]] std::string_view name_of(const Entry& entry) const {
        return std::string_view(text_).substr(entry.name_at, entry.name_size);
    }
    [[nodiscard]] RuleCounter counter_of(std::size_t index) const;
    // Where in `slots_` the name with this hash stands, or would stand.
    [[nodiscard]] std::size_t slot_of(std::string_view name, std::size_t hash) const;
    void take_slots(std::span<const std::uint32_t> entries);
    // Into entries_; empty: unknown. `likely` is looked at first: rules that follow each other in a file have
    // counters that do, too.
    [[nodiscard]] std::optional<std::uint32_t> find_name(std::string_view name,
                                                         std::uint32_t likely = kNewcomer) const;
    [[nodiscard]] std::uint32_t number_of_file(const std::string& path);
    // Those nobody has, then the gone ones, the longest gone first.
    [[nodiscard]] std::vector<std::uint32_t> available(std::size_t count) const;
    void find_rules(const Chain& chain, bool outbound, std::vector<bool>* in_policy, Newcomers* newcomers,
                    std::vector<std::uint32_t>* all);
    [[nodiscard]] std::vector<std::uint32_t> give(const Newcomers& newcomers,
                                                  std::span<std::uint32_t> known);
    void mark_gone(const std::vector<bool>& in_policy);
    void add_name(std::uint32_t index, std::string_view name);
    void make_slots(std::size_t names);
    [[nodiscard]] Result<void> read_line(std::string_view line);

    std::uint32_t ids_;
    std::uint64_t loads_ = 0;  // those after which a name was gone
    std::uint32_t names_ = 0;  // entries that are somebody's
    std::string text_;         // all names, also of some that were forgotten
    std::vector<std::string> files_;
    std::vector<Entry> entries_;  // by id, from DW_REASONS_MAX on
    std::vector<Slot> slots_;     // open addressing by the name's hash, at most half full
};

}  // namespace dishwall
