// SPDX-License-Identifier: BSD-3-Clause
//
// What is wrong with a rule file, as data. Every kind of complaint is one line of the table below: its
// number, whether it stops the load, and its title. The particular case is told by the labels: what stands
// at the marked range, and what to do about it. rules/render.h turns them into text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/source.h"

namespace dishwall {

enum class Severity { error, warning };

// X(identifier, number, severity, title). Numbers are never reused.
// 00xx characters, 01xx syntax, 02xx meaning, 03xx warnings, 04xx limits, 05xx not there yet, 06xx claims.
#define DW_DIAGNOSTICS(X)                                                            \
    X(invalid_character, 1, error, "this character has no meaning here")             \
    X(unclosed_string, 2, error, "this string does not end on its line")             \
    X(too_many, 3, error, "there are more errors than are shown")                    \
    X(syntax, 101, error, "this does not belong here")                               \
    X(unknown_keyword, 102, error, "unknown keyword")                                \
    X(unclosed_block, 103, error, "this block is not closed")                        \
    X(clause_order, 104, error, "the parts of this rule are out of order")           \
    X(version_missing, 105, error, "a rule file begins with its version")            \
    X(version_unknown, 106, error, "this version of the language is unknown")        \
    X(out_of_range, 107, error, "this value is out of range")                        \
    X(bad_address, 108, error, "this is not an IPv6 address or prefix")              \
    X(bad_duration, 109, error, "this is not a duration")                            \
    X(bad_name, 110, error, "this cannot be a name")                                 \
    X(bad_domain, 111, error, "this is not a domain name")                           \
    X(bad_mac, 112, error, "this is not the MAC address of a device")                \
    X(bad_file, 113, error, "this file cannot be used")                              \
    X(bad_rate, 114, error, "this is not a rate")                                    \
    X(bad_burst, 115, error, "this burst does not fit its rate")                     \
    X(bad_fraction, 116, error, "this is not a fraction")                            \
    X(unknown_name, 201, error, "unknown name")                                      \
    X(duplicate_name, 202, error, "this name is defined twice")                      \
    X(given_twice, 203, error, "this is given twice")                                \
    X(missing, 204, error, "something is missing")                                   \
    X(wrong_kind, 205, error, "this name means something else")                      \
    X(circular_set, 206, error, "this set contains itself")                          \
    X(never_matches, 207, error, "this rule can never match")                        \
    X(matches_nothing, 208, error, "this set is empty")                              \
    X(host_bits, 209, error, "this prefix has bits set behind its length")           \
    X(subnet_does_not_fit, 210, error, "this subnet is not inside the delegation")   \
    X(not_exact, 211, error, "this combination of `not` has no exact form")          \
    X(several_uplinks, 212, error, "there is more than one uplink")                  \
    X(no_ports, 213, error, "this protocol has no ports")                            \
    X(undecided_default, 214, error, "a default has to decide")                      \
    X(does_not_fit, 215, error, "this option does not fit its rule")                 \
    X(same_id, 216, error, "these two cannot be told apart")                         \
    X(not_both, 217, error, "these two exclude each other")                          \
    X(no_record, 218, error, "this host has no address that follows the prefix")     \
    X(outside_zone, 219, error, "this name is not in the zone")                      \
    X(bad_line, 220, error, "this line cannot be used")                              \
    X(circular_include, 221, error, "this file includes itself")                     \
    X(not_a_decision, 225, error, "this cannot be expected")                         \
    X(fixed_prefix, 226, error, "this prefix never changes")                         \
    X(no_such_packet, 227, error, "there is no such packet")                         \
    X(overlapping_elements, 301, warning, "these elements overlap")                  \
    X(carrier_blocked, 302, warning, "the carrier blocks this port")                 \
    X(same_network, 303, warning, "two networks are the same")                       \
    X(documentation_prefix, 304, warning, "packets for this prefix will be dropped") \
    X(no_prefix, 305, warning, "this uplink has no prefix")                          \
    X(short_timeout, 306, warning, "these flows end earlier than they should")       \
    X(first_address, 307, warning, "scanners try this address first")                \
    X(dish_side, 308, warning, "this /64 is the dish's, not the LAN's")              \
    X(partly_shadowed, 309, warning, "a part of this rule can never match")          \
    X(empty_list, 311, warning, "this file holds nothing that could match")          \
    X(limited_drop, 312, warning, "this rule stops only what is within its rate")    \
    X(over_limit, 401, error, "this is over a limit")                                \
    X(not_supported, 501, error, "this is not supported yet")                        \
    X(no_inspector, 502, error, "nothing here can inspect")                          \
    X(test_failed, 601, error, "this test fails")                                    \
    X(protect_broken, 602, error, "this is protected, and would not be accepted")

enum class Code : std::uint16_t {
#define DW_DIAGNOSTIC_ENUM(identifier, number, severity, title) identifier = (number),
    DW_DIAGNOSTICS(DW_DIAGNOSTIC_ENUM)
#undef DW_DIAGNOSTIC_ENUM
};

[[nodiscard]] Severity severity_of(Code code);
[[nodiscard]] std::string_view title_of(Code code);
[[nodiscard]] std::string to_string(Code code);  // "E0207", "W0301"

struct Label {
    Span span;
    std::string text;
};

struct Diagnostic {
    Code code = Code::syntax;
    Label primary;
    std::optional<Label> second;  // the other place: "first defined here"
    std::string help;             // what to do; may be empty

    Diagnostic& and_at(const Span& span, std::string text);
    Diagnostic& with_help(std::string text);
};

// Collects the complaints of all passes. Bounded: a file that is wrong everywhere is not worth a book.
class Diagnostics {
public:
    static constexpr std::size_t kMost = 100;  // errors, and as many warnings
    static constexpr std::size_t kHopeless = 10'000;

    // The reference is good until the next report: `report(...).with_help(...)`.
    Diagnostic& report(Code code, const Span& span, std::string label);

    [[nodiscard]] bool has_errors() const { return errors_ != 0; }
    [[nodiscard]] bool empty() const { return errors_ == 0 && warnings_ == 0; }
    // Is the last error that was reported one of those that will be shown?
    [[nodiscard]] bool keeps_errors() const { return errors_ <= kMost; }
    // The same, and nothing that is reported after it is kept: one limit is one complaint.
    Diagnostic& report_last(Code code, const Span& span, std::string label);
    // This is no rule file. Whoever goes through the text may stop: nothing more that it says will be shown.
    [[nodiscard]] bool hopeless() const { return gave_up_ || errors_ >= kHopeless; }
    // In source order; the collection is empty afterwards.
    [[nodiscard]] std::vector<Diagnostic> take();

private:
    std::vector<Diagnostic> all_;
    Diagnostic beyond_;  // scratch for what is not kept
    std::size_t errors_ = 0;
    std::size_t warnings_ = 0;
    std::optional<Span> first_beyond_;
    bool gave_up_ = false;
};

}  // namespace dishwall
