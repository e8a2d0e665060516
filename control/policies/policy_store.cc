// SPDX-License-Identifier: BSD-3-Clause
#include "control/policies/policy_store.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "control/state_file.h"

namespace dishwall {
namespace {

using nlohmann::json;

constexpr std::array kBy{PolicyBy::load, PolicyBy::rollback, PolicyBy::revert, PolicyBy::start};

std::optional<PolicyBy> by_named(const std::string& name) {
    for (const PolicyBy by : kBy)
        if (name == to_string(by)) return by;
    return std::nullopt;
}

std::string text_of(const json& value) {
    return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

json meta_of(const StoredPolicy& policy, const std::vector<RuleText>& texts) {
    json names = json::array(), sizes = json::array();
    for (const RuleText& text : texts) {
        names.push_back(text.name);
        sizes.push_back(text.text.size());
    }
    return {{"time", policy.time.count()},       {"path", policy.path},
            {"by", to_string(policy.by)},        {"of", policy.of},
            {"unprotected", policy.unprotected}, {"inbound", policy.inbound},
            {"outbound", policy.outbound},       {"texts", std::move(names)},
            {"sizes", std::move(sizes)}};
}

// A power cut may have left less of its texts than was written.
bool is_whole(const std::filesystem::path& place, const json& meta) {
    std::size_t number = 0;
    std::error_code none;
    for (const json& size : meta.value("sizes", json::array()))
        if (std::filesystem::file_size(place / std::to_string(number++), none) != size) return false;
    return true;
}

// Throws json::exception when it is something else.
StoredPolicy policy_from(const json& meta, unsigned number) {
    const auto by = by_named(meta.at("by").get<std::string>());
    return {number,
            UnixTime(meta.at("time").get<std::int64_t>()),
            meta.at("path").get<std::string>(),
            by.value_or(PolicyBy::load),
            meta.at("of").get<unsigned>(),
            meta.at("unprotected").get<bool>(),
            meta.at("inbound").get<std::size_t>(),
            meta.at("outbound").get<std::size_t>()};
}

json state_of(const Standing& standing) {
    json state{{"in_force", standing.in_force},
               {"unconfirmed", nullptr},
               {"refused", standing.refused},
               {"reverted", standing.reverted}};
    if (standing.unconfirmed) {
        const Deadline& deadline = standing.unconfirmed->deadline;
        state["unconfirmed"] = {{"back_to", standing.unconfirmed->back_to},
                                {"boot", deadline.boot},
                                {"boottime_ns", deadline.at.count()},
                                {"wall_ns", deadline.wall.count()},
                                {"wall", iso_time(deadline.wall)}};
    }
    return state;
}

// Throws json::exception when it is something else.
Standing standing_from(const json& state) {
    Standing standing{state.at("in_force").get<unsigned>(), std::nullopt,
                      state.at("refused").get<std::vector<unsigned>>(),
                      state.at("reverted").get<std::vector<unsigned>>()};
    if (const json& saved = state.at("unconfirmed"); !saved.is_null())
        standing.unconfirmed = {saved.at("back_to").get<unsigned>(),
                                {saved.at("boot").get<std::string>(),
                                 std::chrono::nanoseconds(saved.at("boottime_ns").get<std::int64_t>()),
                                 UnixTime(saved.at("wall_ns").get<std::int64_t>())}};
    return standing;
}

Result<json> read_json(const std::filesystem::path& path) {
    const Result<std::optional<std::string>> text = read_file(path.string());
    if (!text) return tl::unexpected(text.error());
    if (!*text) return fail("there is no {}", path.string());
    json value = json::parse(**text, nullptr, false);
    if (value.is_discarded()) return fail("{} is not JSON", path.string());
    return value;
}

std::optional<unsigned> number_in(const std::string& name) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size() || number == 0) return std::nullopt;
    return number;
}

bool equal(const std::vector<RuleText>& a, const std::vector<RuleText>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const RuleText& one, const RuleText& other) {
        return one.name == other.name && one.text == other.text;
    });
}

bool has(const std::vector<unsigned>& numbers, unsigned number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

}  // namespace

const char* to_string(PolicyBy by) {
    switch (by) {
        case PolicyBy::load:
            return "load";
        case PolicyBy::rollback:
            return "rollback";
        case PolicyBy::revert:
            return "revert";
        case PolicyBy::start:
            return "start";
    }
    return "";
}

PolicyStore PolicyStore::open(const std::filesystem::path& state_dir) {
    PolicyStore store(state_dir / "policies");
    store.read_policies();
    store.read_standing();
    return store;
}

void PolicyStore::read_policies() {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, none)) {
        const auto number = number_in(entry.path().filename().string());
        if (!number || !std::filesystem::exists(entry.path() / "meta.json", none)) continue;
        const Result<json> meta = read_json(entry.path() / "meta.json");
        try {
            if (!meta)
                warnings_.push_back(meta.error().message);
            else if (!is_whole(entry.path(), *meta))
                warnings_.push_back(fmt::format("policy {} is not whole and is left out", *number));
            else
                all_.push_back(policy_from(*meta, *number));
        } catch (const json::exception&) {
            warnings_.push_back(fmt::format("{} does not describe a policy", entry.path().string()));
        }
    }
    std::sort(all_.begin(), all_.end(),
              [](const StoredPolicy& a, const StoredPolicy& b) { return a.number < b.number; });
}

void PolicyStore::read_standing() {
    std::error_code none;
    if (!std::filesystem::exists(directory_ / "state.json", none)) return;
    const Result<json> state = read_json(directory_ / "state.json");
    try {
        if (state)
            standing_ = standing_from(*state);
        else
            warnings_.push_back(state.error().message);
    } catch (const json::exception&) {
        warnings_.push_back(fmt::format("{} does not say what is in force: nothing is known of it",
                                        (directory_ / "state.json").string()));
    }
}

const StoredPolicy* PolicyStore::find(unsigned number) const {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [&](const StoredPolicy& one) { return one.number == number; });
    return found == all_.end() ? nullptr : &*found;
}

Result<std::vector<RuleText>> PolicyStore::texts(unsigned number) const {
    if (find(number) == nullptr) return fail("there is no policy {}", number);
    const Result<json> meta = read_json(place_of(number) / "meta.json");
    if (!meta) return tl::unexpected(meta.error());
    std::vector<RuleText> texts;
    for (const json& name : meta->value("texts", json::array())) {
        const std::string file = (place_of(number) / std::to_string(texts.size())).string();
        Result<std::optional<std::string>> text = read_file(file);
        if (!text) return tl::unexpected(text.error());
        if (!*text || !name.is_string()) return fail("policy {} is not whole: {} is missing", number, file);
        texts.push_back({name.get<std::string>(), std::move(**text)});
    }
    return texts;
}

bool PolicyStore::has_texts(unsigned number, const std::vector<RuleText>& wanted) const {
    std::error_code none;
    for (std::size_t i = 0; i < wanted.size(); ++i)  // most differ in this, and then nothing has to be read
        if (std::filesystem::file_size(place_of(number) / std::to_string(i), none) != wanted[i].text.size())
            return false;
    const Result<std::vector<RuleText>> stored = texts(number);
    return stored && !wanted.empty() && equal(*stored, wanted);
}

std::optional<unsigned> PolicyStore::with_texts(const std::vector<unsigned>& numbers,
                                                const std::vector<RuleText>& wanted) const {
    for (const unsigned number : numbers)
        if (has_texts(number, wanted)) return number;
    return std::nullopt;
}

std::optional<unsigned> PolicyStore::before(unsigned number) const {
    const StoredPolicy* from = find(number);
    if (from == nullptr) return std::nullopt;
    for (auto one = all_.rbegin(); one != all_.rend(); ++one)
        if (one->number < from->of && !has(standing_.reverted, one->number)) return one->number;
    return std::nullopt;
}

Result<unsigned> PolicyStore::add(StoredPolicy policy, const std::vector<RuleText>& texts, Synced synced) {
    policy.number = std::max(all_.empty() ? 0 : all_.back().number, standing_.in_force) + 1;
    if (policy.of == 0) policy.of = policy.number;
    const std::filesystem::path place = place_of(policy.number);
    std::error_code none;
    std::filesystem::remove_all(place, none);  // what a crash left half written
    std::vector<std::string> paths;
    const auto write = [&](const std::string& name, const std::string& text) {
        paths.push_back((place / name).string());
        return replace_file(paths.back(), text, synced);
    };
    Result<void> written;
    for (std::size_t i = 0; i < texts.size() && written; ++i)
        written = write(std::to_string(i), texts[i].text);
    if (written) written = write("meta.json", text_of(meta_of(policy, texts)));
    if (!written) {
        std::filesystem::remove_all(place, none);
        return fail_with(written.error(), "the policy cannot be kept");
    }
    paths.push_back(place.string());
    if (synced == Synced::no) sync_later(std::move(paths));
    all_.push_back(policy);
    return policy.number;
}

void PolicyStore::remove(unsigned number) {
    std::erase_if(all_, [&](const StoredPolicy& one) { return one.number == number; });
    std::error_code none;
    std::filesystem::remove(place_of(number) / "meta.json", none);
    std::filesystem::remove_all(place_of(number), none);
}

Result<void> PolicyStore::stand(Standing standing, Synced synced) {
    // This syncs the directory, too, and with it the entry of a policy that was just added.
    const std::string path = (directory_ / "state.json").string();
    if (Result<void> written = replace_file(path, text_of(state_of(standing)), synced); !written)
        return written;
    if (synced == Synced::no) sync_later({path, directory_.string()});
    standing_ = std::move(standing);
    forget_the_oldest();
    return {};
}

void PolicyStore::forget_the_oldest() {
    const auto needed = [&](unsigned number) {
        return number == standing_.in_force || has(standing_.refused, number) ||
               (standing_.unconfirmed && standing_.unconfirmed->back_to == number);
    };
    if (all_.size() <= kKept) return;
    std::vector<unsigned> old;
    for (std::size_t i = 0; i + kKept < all_.size(); ++i)
        if (!needed(all_[i].number)) old.push_back(all_[i].number);
    for (const unsigned number : old) remove(number);
}

}  // namespace dishwall
