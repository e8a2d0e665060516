// SPDX-License-Identifier: BSD-3-Clause
#include "control/counter_registry.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

namespace dishwall {
namespace {

constexpr std::string_view kHead = "dishwall counters 2\t";
constexpr std::array kVerdicts{DW_ACCEPT, DW_DROP, DW_REJECT, DW_AUDIT, DW_REJECT_LATE};
constexpr std::size_t kFewestSlots = 64;  // a power of two
constexpr std::size_t kUsualLine = 48;    // bytes, without the name

std::optional<dw_verdict> verdict_named(std::string_view name) {
    for (const dw_verdict verdict : kVerdicts)
        if (name == to_string(verdict)) return verdict;
    return std::nullopt;
}

template <typename Number>
bool read_number(std::string_view text, Number* number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::size_t hash_of(std::string_view name) { return std::hash<std::string_view>()(name); }

std::uint32_t tag_of(std::size_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

void add_number(std::uint64_t number, char end, std::string* text) {
    std::array<char, 20> digits;
    text->append(digits.data(), std::to_chars(digits.begin(), digits.end(), number).ptr);
    *text += end;
}

// What stands before the next tab; the text behind it stays.
std::string_view take_field(std::string_view* text) {
    const std::size_t tab = std::min(text->find('\t'), text->size());
    const std::string_view field = text->substr(0, tab);
    text->remove_prefix(std::min(tab + 1, text->size()));
    return field;
}

std::string without_directories(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// A file's name may hold anything, and a tab or a line's end would break the text.
std::string in_one_field(std::string text) {
    std::ranges::replace_if(
        text, [](char c) { return c == '\t' || c == '\n'; }, '?');
    return text;
}

}  // namespace

std::string to_string(dw_verdict verdict) {
    switch (verdict) {
        case DW_ACCEPT:
            return "accept";
        case DW_DROP:
            return "drop";
        case DW_REJECT:
            return "reject";
        case DW_AUDIT:
            return "audit";
        case DW_REJECT_LATE:
            return "reject-late";
    }
    return "unknown";
}

std::string to_string(const Place& place) {
    return fmt::format("{}:{}", without_directories(place.file.text()), place.line);
}

// ---- names

std::size_t CounterRegistry::slot_of(std::string_view name, std::size_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    for (; slots_[at].entry != kNewcomer; at = (at + 1) & mask)
        if (slots_[at].tag == tag_of(hash) && name_of(entries_[slots_[at].entry]) == name) break;
    return at;
}

// Where a name belongs is anywhere in some megabytes: several are asked for at once.
void CounterRegistry::take_slots(std::span<const std::uint32_t> entries) {
    std::array<std::size_t, 16> hashes;
    while (!entries.empty()) {
        const auto some = entries.first(std::min(entries.size(), hashes.size()));
        for (std::size_t i = 0; i < some.size(); ++i) {
            hashes[i] = hash_of(name_of(entries_[some[i]]));
            __builtin_prefetch(&slots_[hashes[i] & (slots_.size() - 1)]);
        }
        for (std::size_t i = 0; i < some.size(); ++i)
            slots_[slot_of(name_of(entries_[some[i]]), hashes[i])] = {some[i], tag_of(hashes[i])};
        entries = entries.subspan(some.size());
    }
}

std::optional<std::uint32_t> CounterRegistry::find_name(std::string_view name, std::uint32_t likely) const {
    if (likely < entries_.size() && name_of(entries_[likely]) == name) return likely;
    if (slots_.empty()) return std::nullopt;
    const std::uint32_t found = slots_[slot_of(name, hash_of(name))].entry;
    return found == kNewcomer ? std::nullopt : std::optional(found);
}

// For so many names; those that there are anew.
void CounterRegistry::make_slots(std::size_t names) {
    std::size_t size = kFewestSlots;
    while (size < 2 * names) size *= 2;
    slots_.assign(size, Slot{});
    std::vector<std::uint32_t> used;
    used.reserve(names_);
    for (std::uint32_t entry = 0; entry < entries_.size(); ++entry)
        if (!entries_[entry].is_free()) used.push_back(entry);
    take_slots(used);
}

// To a free entry; its slot is still to be taken.
void CounterRegistry::add_name(std::uint32_t index, std::string_view name) {
    if (index >= entries_.size()) entries_.resize(index + 1);
    entries_[index] = Entry{};
    entries_[index].name_at = static_cast<std::uint32_t>(text_.size());
    entries_[index].name_size = static_cast<std::uint32_t>(name.size());
    text_ += name;
    ++names_;
}

// Counters that stand together are of one file, as a rule: the last ones first.
std::uint32_t CounterRegistry::number_of_file(const std::string& path) {
    const std::string file = in_one_field(without_directories(path));
    for (std::size_t i = files_.size(); i-- > 0;)
        if (files_[i] == file) return static_cast<std::uint32_t>(i);
    files_.push_back(file);
    return static_cast<std::uint32_t>(files_.size() - 1);
}

RuleCounter CounterRegistry::counter_of(std::size_t index) const {
    const Entry& entry = entries_[index];
    return {static_cast<std::uint32_t>(index) + DW_REASONS_MAX,
            std::string(name_of(entry)),
            fmt::format("{}:{}", files_[entry.is_now.file], entry.is_now.line),
            entry.is_now.outbound ? "outbound" : "inbound",
            to_string(static_cast<dw_verdict>(entry.is_now.verdict)),
            entry.gone_since};
}

std::uint32_t CounterRegistry::id_of(const Rule& rule) const {
    return find_name(rule.name).value() + DW_REASONS_MAX;
}

CounterOf in_order(std::vector<std::uint32_t> counters) {
    return [counters = std::move(counters), next = std::size_t{0}](const Rule&) mutable {
        return counters[next++];
    };
}

CounterOf CounterRegistry::counter_of() const {
    return [this, next = std::uint32_t{0}](const Rule& rule) mutable {
        const std::uint32_t index = find_name(rule.name, next).value();
        next = index + 1;
        return index + DW_REASONS_MAX;
    };
}

std::optional<RuleCounter> CounterRegistry::find(std::uint32_t id) const {
    const std::size_t index = std::size_t{id} - DW_REASONS_MAX;
    if (id < DW_REASONS_MAX || index >= entries_.size() || entries_[index].is_free()) return std::nullopt;
    return counter_of(index);
}

std::vector<RuleCounter> CounterRegistry::list() const {
    std::vector<RuleCounter> all;
    all.reserve(names_);
    for (std::size_t index = 0; index < entries_.size(); ++index)
        if (!entries_[index].is_free()) all.push_back(counter_of(index));
    return all;
}

// ---- a load

std::vector<std::uint32_t> CounterRegistry::available(std::size_t count) const {
    std::vector<std::uint32_t> indexes;
    for (std::uint32_t i = 0; i < ids_ && indexes.size() < count; ++i)
        if (i >= entries_.size() || entries_[i].is_free()) indexes.push_back(i);
    if (indexes.size() == count) return indexes;
    std::vector<std::uint32_t> gone;
    for (std::uint32_t i = 0; i < entries_.size(); ++i)
        if (!entries_[i].is_free() && entries_[i].gone_since != 0) gone.push_back(i);
    std::ranges::stable_sort(gone, {}, [&](std::uint32_t i) { return entries_[i].gone_since; });
    gone.resize(std::min(gone.size(), count - indexes.size()));
    indexes.insert(indexes.end(), gone.begin(), gone.end());
    return indexes;
}

void CounterRegistry::mark_gone(const std::vector<bool>& in_policy) {
    const std::uint64_t now = loads_ + 1;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        Entry& entry = entries_[i];
        if (in_policy[i]) {
            entry.gone_since = 0;
        } else if (!entry.is_free() && entry.gone_since == 0) {
            entry.gone_since = now;
            loads_ = now;
        }
    }
}

// Each of them an entry, in place of kNewcomer in `known`. Returns those that were somebody else's, as ids.
std::vector<std::uint32_t> CounterRegistry::give(const Newcomers& newcomers, std::span<std::uint32_t> known) {
    const std::vector<std::uint32_t> indexes = available(newcomers.size());
    std::vector<std::uint32_t> reused;
    for (const std::uint32_t index : indexes) {
        if (index >= entries_.size() || entries_[index].is_free()) continue;
        entries_[index] = Entry{};
        --names_;
        reused.push_back(index + DW_REASONS_MAX);
    }
    if (!reused.empty()) {  // without the names that are nobody's now
        std::string text;
        for (Entry& entry : entries_) {
            if (entry.is_free()) continue;
            const std::string_view name = name_of(entry);
            entry.name_at = static_cast<std::uint32_t>(text.size());
            text += name;
        }
        text_ = std::move(text);
    }
    if (!indexes.empty())
        entries_.resize(std::max<std::size_t>(entries_.size(), std::ranges::max(indexes) + 1));
    for (std::size_t i = 0; i < newcomers.size(); ++i) {
        add_name(indexes[i], newcomers[i].name);
        entries_[indexes[i]].is_now = newcomers[i].is_now;
    }
    if (!reused.empty() || 2 * std::size_t{names_} > slots_.size())
        make_slots(names_);
    else
        take_slots(indexes);
    auto index = indexes.begin();
    for (std::uint32_t& entry : known)
        if (entry == kNewcomer) entry = *index++;
    return reused;
}

Result<std::vector<std::uint32_t>> CounterRegistry::assign(const Policy& policy,
                                                           std::vector<std::uint32_t>* counters) {
    const std::size_t rules = policy.inbound.rules.size() + policy.outbound.rules.size();
    if (rules > ids_)
        return fail("the policy has {} rules with counters of their own; the limit is {}", rules, ids_);
    std::vector<bool> in_policy(entries_.size());
    Newcomers newcomers;
    std::vector<std::uint32_t> all;  // of each rule
    all.reserve(rules);
    find_rules(policy.inbound, false, &in_policy, &newcomers, &all);
    find_rules(policy.outbound, true, &in_policy, &newcomers, &all);
    // Those that are back first, or a newcomer could be given the id of one.
    mark_gone(in_policy);
    std::vector<std::uint32_t> reused = give(newcomers, all);
    if (counters != nullptr) {
        for (std::uint32_t& entry : all) entry += DW_REASONS_MAX;
        *counters = std::move(all);
    }
    return reused;
}

// The rules lie far apart in memory: what is wanted of one is read while it is at hand.
void CounterRegistry::find_rules(const Chain& chain, bool outbound, std::vector<bool>* in_policy,
                                 Newcomers* newcomers, std::vector<std::uint32_t>* all) {
    const FileName* path = nullptr;  // of the rule before
    std::uint32_t file = 0;
    for (const Rule& rule : chain.rules) {
        if (path == nullptr || *path != rule.place.file) file = number_of_file(rule.place.file.text());
        path = &rule.place.file;
        const Description now{rule.place.line, file, static_cast<std::uint8_t>(outbound ? 1 : 0),
                              static_cast<std::uint8_t>(rule.verdict)};
        const std::uint32_t likely = all->empty() ? 0 : all->back() + 1;  // of kNewcomer: 0
        all->push_back(find_name(rule.name, likely).value_or(kNewcomer));
        if (all->back() == kNewcomer) {
            newcomers->push_back({rule.name, now});
        } else {
            (*in_policy)[all->back()] = true;
            entries_[all->back()].is_now = now;
        }
    }
}

// ---- as a text: what is known of the registry, then a line a counter. A name that is its own place is left
// out.

std::string CounterRegistry::to_text() const {
    std::array<std::string, DW_REJECT_LATE + 1> verdicts;
    for (const dw_verdict verdict : kVerdicts) verdicts[verdict] = to_string(verdict);
    std::string text = fmt::format("{}{}\n", kHead, loads_);
    text.reserve(text.size() + text_.size() + std::size_t{names_} * kUsualLine);
    for (std::size_t index = 0; index < entries_.size(); ++index) {
        const Entry& entry = entries_[index];
        if (entry.is_free()) continue;
        add_number(index + DW_REASONS_MAX, '\t', &text);
        add_number(entry.gone_since, '\t', &text);
        text += entry.is_now.outbound ? "out\t" : "in\t";
        text.append(verdicts[entry.is_now.verdict]).append("\t");
        const std::size_t place = text.size();
        text.append(files_[entry.is_now.file]).append(":");
        add_number(entry.is_now.line, '\t', &text);
        const std::string_view name = name_of(entry);
        if (name != std::string_view(text).substr(place, text.size() - place - 1)) text += name;
        text += '\n';
    }
    return text;
}

Result<void> CounterRegistry::read_line(std::string_view line) {
    const std::string_view whole = line;
    const auto malformed = [&] { return fail("a line of the counter registry is malformed: {}", whole); };
    std::uint32_t id = 0;
    Entry entry;
    const bool numbers =
        read_number(take_field(&line), &id) && read_number(take_field(&line), &entry.gone_since);
    const std::string_view chain = take_field(&line);
    const auto verdict = verdict_named(take_field(&line));
    const std::string_view place = take_field(&line);
    const std::size_t colon = place.rfind(':');
    if (!numbers || (chain != "in" && chain != "out") || !verdict || colon == place.npos ||
        !read_number(place.substr(colon + 1), &entry.is_now.line))
        return malformed();
    const std::string_view name = line.empty() ? place : line;
    if (id < DW_REASONS_MAX || id >= DW_REASONS_MAX + ids_)
        return fail("counter {} of the registry is out of range", id);
    const std::uint32_t index = id - DW_REASONS_MAX;
    if (index < entries_.size() && !entries_[index].is_free())
        return fail("counter {} is in the registry twice", id);
    if (find_name(name)) return fail("'{}' is in the counter registry twice", name);
    add_name(index, name);
    if (2 * std::size_t{names_} > slots_.size())
        make_slots(2 * std::size_t{names_});
    else
        take_slots(std::span(&index, 1));
    Entry& added = entries_[index];
    added.gone_since = entry.gone_since;
    added.is_now.line = entry.is_now.line;
    added.is_now.file = number_of_file(std::string(place.substr(0, colon)));
    added.is_now.outbound = chain == "out" ? 1 : 0;
    added.is_now.verdict = static_cast<std::uint8_t>(*verdict);
    return {};
}

Result<void> CounterRegistry::from_text(std::string_view text) {
    CounterRegistry read(ids_);
    const auto take_line = [&text] {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        return line;
    };
    std::string_view head = take_line();
    if (!head.starts_with(kHead) || !read_number(head.substr(kHead.size()), &read.loads_))
        return fail("this is not a counter registry");
    while (!text.empty())
        if (Result<void> line = read.read_line(take_line()); !line) return line;
    *this = std::move(read);
    return {};
}

}  // namespace dishwall
