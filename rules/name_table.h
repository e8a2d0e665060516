// SPDX-License-Identifier: BSD-3-Clause
//
// Names -> values, for files with a hundred thousand of them: no allocation a name, and what is looked for is
// found, or seen to be missing, in one or two lines of memory. The names are views of the texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace dishwall {

template <typename Value>
class NameTable {
public:
    struct Entry {
        std::string_view name;
        Value value;
    };

    // The value of the name, and whether it is new. Good until the next one is added.
    std::pair<Value*, bool> try_emplace(std::string_view name, const Value& value) {
        if (2 * (entries_.size() + 1) > slots_.size()) grow();
        const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>()(name));
        Slot& slot = slots_[slot_of(hash, name)];
        if (slot.number != 0) return {&entries_[slot.number - 1].value, false};
        entries_.push_back({name, value});
        slot = {hash, static_cast<std::uint32_t>(entries_.size())};
        return {&entries_.back().value, true};
    }

    // Null: there is none.
    [[nodiscard]] const Value* find(std::string_view name) const {
        if (entries_.empty()) return nullptr;
        const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>()(name));
        const Slot& slot = slots_[slot_of(hash, name)];
        return slot.number == 0 ? nullptr : &entries_[slot.number - 1].value;
    }

    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

private:
    struct Slot {
        std::uint32_t hash = 0, number = 0;  // of the entry, from 1; 0: free
    };

    // Where the name is, or could be.
    [[nodiscard]] std::size_t slot_of(std::uint32_t hash, std::string_view name) const {
        std::size_t at = hash & (slots_.size() - 1);
        while (slots_[at].number != 0 &&
               (slots_[at].hash != hash || entries_[slots_[at].number - 1].name != name))
            at = (at + 1) & (slots_.size() - 1);
        return at;
    }

    void grow() {
        std::vector<Slot> old(slots_.empty() ? 16 : 2 * slots_.size());
        std::swap(old, slots_);
        for (const Slot& slot : old) {
            if (slot.number == 0) continue;
            std::size_t at = slot.hash & (slots_.size() - 1);
            while (slots_[at].number != 0) at = (at + 1) & (slots_.size() - 1);
            slots_[at] = slot;
        }
    }

    std::vector<Entry> entries_;  // in the order of their coming
    std::vector<Slot> slots_;     // open addressing; at most half of them are taken
};

}  // namespace dishwall
