// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspector/inspect_config.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "bpf/core/layout.h"

namespace dishwall {
namespace {

using Json = nlohmann::json;
using OnMatch = Signatures::OnMatch;

// Reads the words of one object. The first that is missing or wrong is remembered, all others are read for
// nothing.
class Reader {
public:
    Reader(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
        if (!object.is_object()) refuse("", "an object");
    }

    [[nodiscard]] bool has(const char* word) const { return find(word) != nullptr; }
    [[nodiscard]] std::string text(const char* word) {
        const Json* value = find(word);
        if (value != nullptr && value->is_string()) return value->get<std::string>();
        refuse(word, "a text");
        return {};
    }
    [[nodiscard]] std::uint64_t number(const char* word, std::uint64_t least, std::uint64_t most) {
        const Json* value = find(word);
        if (value != nullptr && value->is_number_unsigned()) {
            const auto found = value->get<std::uint64_t>();
            if (found >= least && found <= most) return found;
        }
        refuse(word, fmt::format("a number from {} to {}", least, most));
        return least;
    }
    [[nodiscard]] bool yes_or_no(const char* word) {
        const Json* value = find(word);
        if (value != nullptr && value->is_boolean()) return value->get<bool>();
        refuse(word, "true or false");
        return false;
    }
    [[nodiscard]] OnMatch on_match(const char* word) {
        const std::string value = text(word);
        if (value == "alert") return OnMatch::alert;
        if (value == "reject") return OnMatch::reject;
        if (value != "drop") refuse(word, "drop, alert or reject");
        return OnMatch::drop;
    }
    [[nodiscard]] std::array<std::uint8_t, 6> mac(const char* word) {
        std::array<std::uint8_t, 6> bytes{};
        const std::string value = text(word);
        bool right = value.size() == 17;
        for (std::size_t i = 0; right && i < bytes.size(); i++) {
            const char* digits = value.data() + 3 * i;
            right = std::from_chars(digits, digits + 2, bytes[i], 16).ptr == digits + 2 &&
                    (i == 5 || digits[2] == ':');
        }
        if (!right) refuse(word, "a MAC address");
        return bytes;
    }
    // What stands there, or null, about which is then complained elsewhere.
    [[nodiscard]] const Json& part(const char* word) {
        static const Json kNothing;
        const Json* value = find(word);
        return value == nullptr ? kNothing : *value;
    }
    template <typename Item, typename Read>
    [[nodiscard]] std::vector<Item> list(const char* word, std::size_t most, Read read) {
        std::vector<Item> items;
        const Json& array = part(word);
        if (!array.is_array() || array.size() > most) {
            refuse(word, fmt::format("a list of at most {}", most));
            return items;
        }
        for (std::size_t i = 0; i < array.size(); i++) {
            Reader item(array[i], fmt::format("{}{}[{}].", place_, word, i));
            items.push_back(read(item));
            take_trouble_of(item);
        }
        return items;
    }
    void take_trouble_of(const Reader& part) {
        if (trouble_.empty()) trouble_ = part.trouble_;
    }

    [[nodiscard]] const std::string& trouble() const { return trouble_; }

private:
    [[nodiscard]] const Json* find(const char* word) const {
        if (!object_.is_object()) return nullptr;
        const auto found = object_.find(word);
        return found == object_.end() ? nullptr : &*found;
    }
    void refuse(std::string_view word, const std::string& wanted) {
        if (!trouble_.empty()) return;
        std::string place = place_ + std::string(word);
        if (place.ends_with('.')) place.pop_back();
        trouble_ =
            place.empty() ? fmt::format("it is not {}", wanted) : fmt::format("{} is not {}", place, wanted);
    }

    const Json& object_;
    std::string place_;  // "" or "workers[0]."
    std::string trouble_;
};

InspectConfig::SignatureFile read_signatures(Reader& from) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    return {.id = static_cast<std::uint16_t>(from.number("id", 1, DW_INSPECT_SIGNATURES)),
            .name = from.text("name"),
            .file = from.text("file"),
            .text = from.text("text"),
            .on_match = from.on_match("on_match"),
            .ban_s = static_cast<std::uint32_t>(
                from.number("ban_s", 0, std::numeric_limits<std::uint32_t>::max())),
            .both_directions = from.yes_or_no("both_directions"),
            .clean_after = from.number("clean_after", 0, kMost)};
}

Result<void> check_ids(const std::vector<InspectConfig::SignatureFile>& all) {
    std::set<std::uint16_t> ids;
    for (const InspectConfig::SignatureFile& signatures : all)
        if (!ids.insert(signatures.id).second)
            return fail("two sets of signatures have the id {}", signatures.id);
    return {};
}

}  // namespace

Result<InspectConfig> parse_inspect_config(const std::string& text) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    const Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) return fail("it is not JSON");
    Reader from(json, "");
    if (const std::uint64_t version = from.number("version", 1, kMost);
        from.trouble().empty() && version != 1)
        return fail("it is of version {}, this dishwall-inspect reads version 1: install both from one build",
                    version);
    InspectConfig config;
    config.generation = from.number("generation", 0, kMost);
    if (from.has("armed_at")) config.armed_at = from.number("armed_at", 0, kMost);
    config.pins = from.text("pins");
    config.cache = from.text("cache");
    config.events = from.text("events");
    Reader uplink(from.part("uplink"), "uplink.");
    config.uplink = uplink.text("interface");
    if (uplink.has("mac")) config.uplink_mac = uplink.mac("mac");
    from.take_trouble_of(uplink);
    config.workers = from.list<InspectConfig::Worker>("workers", DW_WORKERS, [](Reader& item) {
        return InspectConfig::Worker{.interface = item.text("interface")};
    });
    config.signatures =
        from.list<InspectConfig::SignatureFile>("signatures", DW_INSPECT_SIGNATURES, read_signatures);
    if (!from.trouble().empty()) return fail("{}", from.trouble());
    if (Result<void> unique = check_ids(config.signatures); !unique) return tl::unexpected(unique.error());
    return config;
}

std::optional<std::string> what_needs_a_restart(const InspectConfig& now, const InspectConfig& next) {
    if (now.pins != next.pins) return fmt::format("the maps are in {} now", next.pins);
    if (now.workers != next.workers) return "the workers' interfaces are others now";
    if (now.uplink != next.uplink) return fmt::format("the uplink is {} now", next.uplink);
    if (now.events != next.events) return fmt::format("events go to {} now", next.events);
    if (now.cache != next.cache) return fmt::format("compiled signatures are kept in {} now", next.cache);
    return std::nullopt;
}

}  // namespace dishwall
