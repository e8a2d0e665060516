// SPDX-License-Identifier: BSD-3-Clause
#include "rules/resolve_rate.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "rules/literal.h"

namespace dishwall {
namespace {

constexpr Bounds kPackets{1, 1'000'000};
constexpr std::uint64_t kDay = 24 * 60 * 60;
constexpr std::uint64_t kLongestRefill = 365 * kDay;
constexpr std::uint64_t kTicksASecond = 100;

struct Unit {
    std::string_view letter, word;
    std::uint32_t seconds;
};
constexpr Unit kUnits[] = {{"s", "second", 1}, {"m", "minute", 60}, {"h", "hour", 3600}, {"d", "day", kDay}};

// The words around the `/` of 10/s, each with its place.
struct Halves {
    ast::Word before, after;
};

std::optional<Halves> halves_of(const ast::Word& word) {
    const std::size_t slash = word.text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto at = static_cast<std::uint32_t>(slash);
    const Span& span = word.span;
    return Halves{{word.text.substr(0, slash), {span.file, span.begin, span.begin + at}},
                  {word.text.substr(slash + 1), {span.file, span.begin + at + 1, span.end}}};
}

bool read_amount(const ast::Word& word, Rate* rate, Diagnostics* diagnostics) {
    const auto halves = halves_of(word);
    const auto* unit = std::end(kUnits);
    if (halves)
        unit = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& each) {
            return halves->after.text == each.letter || halves->after.text == each.word;
        });
    if (unit == std::end(kUnits) || !parse_number(halves->before.text)) {
        diagnostics->report(Code::bad_rate, word.span, "expected packets and a time")
            .with_help("packets a second, minute, hour or day: 10/s, 600/m, 1000/h, 5000/d");
        return false;
    }
    const auto packets = read_number(halves->before, "the number of packets", kPackets, diagnostics);
    if (!packets) return false;
    rate->packets = static_cast<std::uint32_t>(*packets);
    rate->unit_s = unit->seconds;
    return true;
}

bool read_source(const ast::Word& word, Rate* rate, Diagnostics* diagnostics) {
    const auto halves = halves_of(word);
    if ((halves ? halves->before.text : word.text) != "source") {
        diagnostics->report(Code::unknown_keyword, word.span, "expected `source` or `source/64`")
            .with_help("each source address has its own rate, or each prefix of that length");
        return false;
    }
    std::optional<std::uint64_t> length = 128;
    if (halves) length = read_number(halves->after, "the length of a prefix", {0, 128}, diagnostics);
    if (!length) return false;
    rate->per_source = static_cast<std::uint8_t>(*length);
    return true;
}

bool burst_fits(const Rate& rate, const Span& place, Diagnostics* diagnostics) {
    const std::uint64_t a_tick = std::uint64_t{rate.unit_s} * kTicksASecond;
    const std::uint64_t least = std::max<std::uint64_t>((rate.packets + a_tick - 1) / a_tick, 1);
    if (rate.burst < least) {
        diagnostics->report(Code::bad_burst, place, "less than arrives in 10 ms at this rate")
            .with_help(fmt::format("write `burst {}` or more", least));
        return false;
    }
    const std::uint64_t most = kLongestRefill * rate.packets / rate.unit_s;
    if (rate.burst <= most) return true;
    diagnostics->report(Code::bad_burst, place, "not full again within 365 days")
        .with_help(fmt::format("write `burst {}` or less", most));
    return false;
}

}  // namespace

std::optional<Rate> resolve_rate(const ast::Rate& from, Diagnostics* diagnostics) {
    Rate rate;
    const bool has_amount = read_amount(from.amount, &rate, diagnostics);
    bool good = has_amount;
    rate.burst = rate.packets;
    if (from.burst) {
        const auto burst = read_number(*from.burst, "a burst", kPackets, diagnostics);
        if (burst) rate.burst = static_cast<std::uint32_t>(*burst);
        good &= burst && has_amount && burst_fits(rate, from.burst->span, diagnostics);
    }
    if (from.per) good &= read_source(*from.per, &rate, diagnostics);
    return good ? std::optional(rate) : std::nullopt;
}

}  // namespace dishwall
