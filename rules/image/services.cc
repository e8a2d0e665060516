// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/services.h"

#include <algorithm>

#include "rules/image/cuckoo.h"
#include "rules/image/flat_index.h"

namespace dishwall {
namespace {

constexpr double kLoad = 0.72;  // two ways and two lines hold 0.89; a walk is short up to three quarters
constexpr std::size_t kKeysABloomWord = 4;  // 16 bits a key
constexpr std::size_t kWordsALine = DW_LINE / sizeof(std::uint64_t);
constexpr unsigned kSeeds = 8;  // tried before the table grows
constexpr std::size_t kMostKeys = std::size_t{DW_IMAGE_LINES} * DW_SERVICE_WAYS;
constexpr std::size_t kMostMembers = std::size_t{DW_IMAGE_LINES} * DW_NUMBERS_A_LINE;

class ServiceMaker {
public:
    ServiceMaker(const ChainLines& lines, AddressSets* sets, std::vector<dw_rule>* rules, RuleLists* lists)
        : lines_(lines), sets_(sets), rules_(rules), lists_(lists) {}

    Result<ServiceTable> make() {
        keys_.reserve(lines_.services.size());
        index_.reserve(lines_.services.size());
        for (std::uint32_t line = 0; line < lines_.services.size(); ++line) {
            add_line(line);
            if (keys_.size() > kMostKeys || members_.size() > kMostMembers)
                return fail("the rules name more ports of hosts than an image of {} MiB can hold",
                            DW_IMAGE_SIZE >> 20);
        }
        if (keys_.empty()) return std::move(table_);
        write_listed_rules();
        seat_keys();
        table_.services = keys_.size();
        return std::move(table_);
    }

private:
    static constexpr std::uint32_t kNone = ~0u;

    struct Key {
        std::uint64_t lo;
        std::uint64_t name;  // without DW_SERVICE_*
        std::uint32_t first_line, last_line;
        std::uint32_t member = kNone;  // the first; kNone: first_line is the only one
        std::uint32_t last_member = kNone;
    };
    struct Member {
        std::uint32_t line;
        std::uint32_t next;
    };

    [[nodiscard]] const RuleHead& head_of(std::uint32_t line) const {
        return lines_.heads[lines_.services[line].head];
    }

    void add_line(std::uint32_t number) {
        const RuleLine& line = lines_.services[number];
        const RuleHead& head = lines_.heads[line.head];
        for (std::uint32_t i = 0; i < head.hosts; ++i) {
            const Ipv6Address& host = lines_.hosts[head.first_host + i];
            table_.learnt |= (host.hi & DW_LEARNT_KEY) != 0;
            add_key(host.lo, dw_service_key(host.hi, line.proto, line.port_first), number);
        }
    }

    void add_key(std::uint64_t lo, std::uint64_t name, std::uint32_t line) {
        const auto number = static_cast<std::uint32_t>(keys_.size());
        const std::uint32_t found = index_.find_or_add(
            dw_service_hash(0, lo, name), number,
            [&](std::uint32_t other) { return keys_[other].lo == lo && keys_[other].name == name; });
        if (found == number) {
            keys_.push_back({lo, name, line, line});
            return;
        }
        // The rule itself says it twice, or one above it leaves nothing.
        if (lines_.services[keys_[found].last_line].head == lines_.services[line].head) return;
        if (takes_everything(keys_[found].last_line)) return;
        append(&keys_[found], line);
    }

    [[nodiscard]] bool takes_everything(std::uint32_t line) const {
        return head_of(line).is_final() && head_of(line).any_peer;
    }

    void append(Key* key, std::uint32_t line) {
        if (key->member == kNone) key->member = key->last_member = add_member(key->first_line);
        const std::uint32_t member = add_member(line);
        members_[key->last_member].next = member;
        key->last_member = member;
        key->last_line = line;
    }

    std::uint32_t add_member(std::uint32_t line) {
        members_.push_back({line, kNone});
        return static_cast<std::uint32_t>(members_.size() - 1);
    }

    // Lines that stand in lists become rules, in their order, each once.
    void write_listed_rules() {
        if (members_.empty()) return;
        rule_of_line_.assign(lines_.services.size(), kNone);
        for (const Member& member : members_) rule_of_line_[member.line] = 0;
        for (std::uint32_t line = 0; line < rule_of_line_.size(); ++line) {
            if (rule_of_line_[line] == kNone) continue;
            rule_of_line_[line] = static_cast<std::uint32_t>(rules_->size());
            rules_->push_back(encode(head_of(line), lines_.services[line], sets_));
        }
    }

    void seat_keys() {
        std::uint32_t lines = lines_for(keys_.size(), DW_SERVICE_WAYS, kLoad);
        std::vector<std::uint64_t> hashes(keys_.size());
        for (unsigned attempt = 1;; ++attempt) {
            table_.seed = dw_mix(attempt, 0x5eed);
            for (std::size_t i = 0; i < keys_.size(); ++i)
                hashes[i] = dw_service_hash(table_.seed, keys_[i].lo, keys_[i].name);
            if (const auto seats = seat(hashes, lines, DW_SERVICE_WAYS)) {
                write(*seats);
                write_bloom(hashes);
                return;
            }
            if (attempt % kSeeds == 0) lines += lines / 8 + 1;
        }
    }

    void write(const std::vector<std::uint32_t>& seats) {
        std::vector<dw_service> by_key;
        by_key.reserve(keys_.size());
        for (const Key& key : keys_) by_key.push_back(key.member == kNone ? alone(key) : listed(key));
        table_.ways.resize(seats.size());
        for (std::size_t at = 0; at < seats.size(); ++at)
            if (seats[at] != kNobody) table_.ways[at] = by_key[seats[at]];
    }

    void write_bloom(const std::vector<std::uint64_t>& hashes) {
        const std::size_t lines = hashes.size() / (kKeysABloomWord * kWordsALine) + 1;
        table_.bloom.resize(lines * kWordsALine);
        const auto words = static_cast<std::uint32_t>(table_.bloom.size());
        for (const std::uint64_t hash : hashes)
            table_.bloom[dw_pick(hash << 32, words)] |= dw_bloom_bits(hash);
    }

    dw_service alone(const Key& key) {
        const RuleHead& head = head_of(key.first_line);
        dw_service service{};
        service.lo = key.lo;
        service.name = key.name | DW_SERVICE_USED |
                       static_cast<std::uint64_t>(head.verdict) << DW_SERVICE_VERDICT_SHIFT |
                       (head.flags & DW_RULE_LOG ? DW_SERVICE_LOG : 0) |
                       (head.flags & DW_RULE_INDEPENDENT ? DW_SERVICE_INDEPENDENT : 0);
        service.counter = head.counter;
        service.index = head.index;
        service.inspect = head.inspect;
        service.peer_set = head.any_peer ? DW_NO_SET : sets_->number_of(*head.peer);
        note_cost(sets_->cost(service.peer_set), 1);
        return service;
    }

    dw_service listed(const Key& key) {
        scratch_.clear();
        std::uint32_t lines = 0;
        for (std::uint32_t member = key.member; member != kNone; member = members_[member].next) {
            scratch_.push_back(rule_of_line_[members_[member].line]);
            lines += cost((*rules_)[scratch_.back()], *sets_);
        }
        dw_service service{};
        service.lo = key.lo;
        service.name = key.name | DW_SERVICE_USED | DW_SERVICE_LIST;
        service.index = head_of(key.first_line).index;
        service.peer_set = lists_->add(scratch_);
        note_cost(lines + RuleLists::lines(scratch_.size()), static_cast<std::uint32_t>(scratch_.size()));
        return service;
    }

    void note_cost(std::uint32_t lines, std::uint32_t rules) {
        table_.worst_lines = std::max(table_.worst_lines, lines);
        table_.worst_rules = std::max(table_.worst_rules, rules);
    }

    const ChainLines& lines_;
    AddressSets* sets_;
    std::vector<dw_rule>* rules_;
    RuleLists* lists_;
    std::vector<Key> keys_;
    FlatIndex index_;
    std::vector<Member> members_;
    std::vector<std::uint32_t> rule_of_line_;
    std::vector<std::uint32_t> scratch_;
    ServiceTable table_;
};

}  // namespace

Result<ServiceTable> make_services(const ChainLines& lines, AddressSets* sets, std::vector<dw_rule>* rules,
                                   RuleLists* lists) {
    return ServiceMaker(lines, sets, rules, lists).make();
}

}  // namespace dishwall
