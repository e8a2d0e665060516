// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/tuple_index.h"

#include <algorithm>
#include <utility>

#include "rules/image/cuckoo.h"
#include "rules/image/services.h"

namespace dishwall {
namespace {

constexpr double kLoad = 0.85;    // eight ways and two lines hold more than 0.98
constexpr std::size_t kRoom = 2;  // bit sets of a part for each value that it has
constexpr std::size_t kWordsALine = DW_LINE / sizeof(std::uint64_t);

struct Key {
    std::uint64_t hash;
    std::uint32_t rule;
    std::uint32_t tuple;

    [[nodiscard]] std::uint32_t tag() const { return static_cast<std::uint32_t>(hash) | 1; }
};

// By tag; keys with one tag stay in their order. Three passes of 11 bits: a million keys are a matter of 15
// ms, where comparing takes 90.
void sort_by_tag(std::vector<Key>* keys) {
    constexpr unsigned kBits = 11;
    constexpr std::uint32_t kMask = (1u << kBits) - 1;
    std::vector<Key> other(keys->size());
    for (unsigned shift = 0; shift < 32; shift += kBits) {
        std::array<std::size_t, kMask + 1> at{};
        for (const Key& key : *keys) ++at[key.tag() >> shift & kMask];
        std::size_t sum = 0;
        for (std::size_t& count : at) sum += std::exchange(count, sum);
        for (const Key& key : *keys) other[at[key.tag() >> shift & kMask]++] = key;
        keys->swap(other);
    }
}

// Bit sets by hash, kept exactly until it is known how many there are.
class BitsByHash {
public:
    void add(std::uint64_t hash, std::uint64_t bits) {
        if (used_ * 2 >= slots_.size()) grow();
        Slot& slot = find(hash);
        used_ += slot.bits == 0;
        slot.hash = hash;
        slot.bits |= bits;
    }

    // As a table of the image: at least kRoom sets a value, whole lines. Gives its first word's number.
    [[nodiscard]] dw_part append_to(std::vector<std::uint64_t>* words) const {
        const std::size_t lines = (used_ * kRoom + kWordsALine - 1) / kWordsALine;
        const auto count = static_cast<std::uint32_t>(lines * kWordsALine);
        dw_part part{};
        part.line = static_cast<std::uint32_t>(words->size() / kWordsALine);
        part.count = count;
        words->resize(words->size() + count);
        for (const Slot& slot : slots_)
            if (slot.bits != 0) (*words)[part.line * kWordsALine + dw_pick(slot.hash, count)] |= slot.bits;
        return part;
    }
    [[nodiscard]] bool empty() const { return used_ == 0; }

private:
    struct Slot {
        std::uint64_t hash = 0;
        std::uint64_t bits = 0;  // 0: free
    };

    Slot& find(std::uint64_t hash) {
        std::size_t at = hash >> 20 & (slots_.size() - 1);
        while (slots_[at].bits != 0 && slots_[at].hash != hash) at = (at + 1) & (slots_.size() - 1);
        return slots_[at];
    }
    void grow() {
        const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
        for (const Slot& slot : before)
            if (slot.bits != 0) find(slot.hash) = slot;
    }

    std::vector<Slot> slots_ = std::vector<Slot>(64);  // a power of two
    std::size_t used_ = 0;
};

class IndexMaker {
public:
    IndexMaker(const ChainLines& lines, const TuplePlan& plan, const std::vector<dw_rule>& rules,
               const AddressSets& sets, RuleLists* lists)
        : lines_(lines), plan_(plan), rules_(rules), sets_(sets), lists_(lists) {}

    TupleIndex make() {
        keys_.reserve(plan_.keys);
        for (std::uint32_t i = 0; i < lines_.general.size(); ++i) add_line(i);
        for (std::size_t tuple = 0; tuple < plan_.masks.size(); ++tuple) note_empty_masks(tuple);
        write_parts();
        sort_by_tag(&keys_);
        write_lists();
        seat_entries();
        for (const Worst& worst : worst_) {
            index_.worst_lines += worst.lines;
            index_.worst_rules += worst.rules;
        }
        return std::move(index_);
    }

private:
    struct Worst {
        std::uint32_t lines = 0;
        std::uint32_t rules = 0;
    };

    void add_line(std::uint32_t number) {
        const RuleLine& line = lines_.general[number];
        const std::uint32_t tuple = plan_.of_line[number];
        const TupleMasks& masks = plan_.masks[tuple];
        find_key_parts(lines_.heads[line.head], line, masks, &parts_);
        const std::uint64_t bit = 1ull << tuple;
        for (const std::uint64_t place : parts_.place) {
            if (masks.local) bits_[DW_OUR_PLACE][masks.local].add(place, bit);
            for (const std::uint64_t service : parts_.service)
                for (const std::uint64_t peer : parts_.peer)
                    keys_.push_back({dw_key_hash(tuple, place, service, peer), number, tuple});
        }
        if (masks.service)
            for (const std::uint64_t service : parts_.service)
                bits_[DW_THE_SERVICE][masks.service].add(dw_mix(service, masks.service), bit);
        if (masks.peer)
            for (const std::uint64_t peer : parts_.peer) bits_[DW_THE_PEER][masks.peer].add(peer, bit);
    }

    void note_empty_masks(std::size_t tuple) {
        const TupleMasks& masks = plan_.masks[tuple];
        const std::uint64_t bit = 1ull << tuple;
        if (!masks.local) index_.always[DW_OUR_PLACE] |= bit;
        if (!masks.service) index_.always[DW_THE_SERVICE] |= bit;
        if (!masks.peer) index_.always[DW_THE_PEER] |= bit;
    }

    void write_parts() {
        for (std::uint8_t dimension = 0; dimension < DW_DIMENSIONS; ++dimension)
            for (std::uint8_t mask = 0; mask < kMasks; ++mask) {
                const BitsByHash& bits = bits_[dimension][mask];
                if (bits.empty()) continue;
                dw_part part = bits.append_to(&index_.bits);
                part.dimension = dimension;
                part.mask = dimension == DW_THE_PEER ? kPeerLengths[mask] : mask;
                index_.parts.push_back(part);
            }
    }

    // One list for each tag, one entry for each key.
    void write_lists() {
        for (std::size_t begin = 0, end = 0; begin < keys_.size(); begin = end) {
            rules_of_tag_.clear();
            hashes_of_tag_.clear();
            for (; end < keys_.size() && keys_[end].tag() == keys_[begin].tag(); ++end) {
                if (rules_of_tag_.empty() || rules_of_tag_.back() != keys_[end].rule)
                    rules_of_tag_.push_back(keys_[end].rule);
                if (hashes_of_tag_.empty() || hashes_of_tag_.back() != keys_[end].hash)
                    hashes_of_tag_.push_back(keys_[end].hash);
            }
            std::sort(hashes_of_tag_.begin(), hashes_of_tag_.end());
            hashes_of_tag_.erase(std::unique(hashes_of_tag_.begin(), hashes_of_tag_.end()),
                                 hashes_of_tag_.end());
            const dw_entry entry{keys_[begin].tag(), list_of_tag()};
            for (const std::uint64_t hash : hashes_of_tag_) {
                hashes_.push_back(hash);
                entries_.push_back(entry);
            }
            note_cost(begin, end);
        }
    }

    std::uint32_t list_of_tag() {
        return rules_of_tag_.size() == 1 ? DW_ENTRY_ONE | rules_of_tag_[0] : lists_->add(rules_of_tag_);
    }

    void note_cost(std::size_t begin, std::size_t end) {
        Worst cost{rules_of_tag_.size() == 1 ? 0 : RuleLists::lines(rules_of_tag_.size()),
                   static_cast<std::uint32_t>(rules_of_tag_.size())};
        for (const std::uint32_t rule : rules_of_tag_) cost.lines += dishwall::cost(rules_[rule], sets_);
        for (std::size_t i = begin; i < end; ++i) {
            Worst& worst = worst_[keys_[i].tuple];
            worst.lines = std::max(worst.lines, cost.lines);
            worst.rules = std::max(worst.rules, cost.rules);
        }
    }

    void seat_entries() {
        std::uint32_t lines = lines_for(hashes_.size(), DW_ENTRY_WAYS, kLoad);
        auto seats = seat(hashes_, lines, DW_ENTRY_WAYS);
        while (!seats) seats = seat(hashes_, lines += lines / 8 + 1, DW_ENTRY_WAYS);
        index_.entries.resize(seats->size());
        for (std::size_t at = 0; at < seats->size(); ++at)
            if ((*seats)[at] != kNobody) index_.entries[at] = entries_[(*seats)[at]];
    }

    static constexpr std::size_t kMasks = kPeerLengths.size();  // the most of a dimension

    const ChainLines& lines_;
    const TuplePlan& plan_;
    const std::vector<dw_rule>& rules_;
    const AddressSets& sets_;
    RuleLists* lists_;
    KeyParts parts_;
    std::vector<Key> keys_;  // by line, then by tag
    std::array<std::array<BitsByHash, kMasks>, DW_DIMENSIONS> bits_;
    std::vector<std::uint32_t> rules_of_tag_;
    std::vector<std::uint64_t> hashes_of_tag_;
    std::vector<std::uint64_t> hashes_;  // of entries_
    std::vector<dw_entry> entries_;
    std::array<Worst, DW_TUPLES_MAX> worst_{};
    TupleIndex index_;
};

}  // namespace

TupleIndex make_tuple_index(const ChainLines& lines, const TuplePlan& plan, const std::vector<dw_rule>& rules,
                            const AddressSets& sets, RuleLists* lists) {
    return IndexMaker(lines, plan, rules, sets, lists).make();
}

}  // namespace dishwall
