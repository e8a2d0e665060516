// SPDX-License-Identifier: BSD-3-Clause
#include "rules/resolve_uplink.h"

#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "rules/literal.h"
#include "rules/names.h"

namespace dishwall {
namespace {

constexpr Bounds kGrace{0, 7 * 24 * 60 * 60};
constexpr Bounds kFlowTable{1024, 4194304};
constexpr Bounds kDelegation{48, 64};  // lengths of a prefix behind the line
constexpr Bounds kVlan{1, 4094};
constexpr Bounds kMetric{1, 0xffffffff};
constexpr Bounds kIdle{1, 7 * 24 * 60 * 60};

// The timeouts by name, and what the RFCs allow at least. Below that a UDP port is taken away from programs
// that rightly rely on it, so nothing starts; the others are the administrator's to shorten.
struct Timeout {
    std::string_view name;
    dw_timeout which;
    std::uint32_t least_s;
    Code below;
    std::string_view why;
};
constexpr Timeout kTimeouts[] = {
    {"tcp-opening", DW_TIMEOUT_TCP_OPENING, 240, Code::short_timeout,
     "RFC 6092 (REC-35) gives a TCP connection that opens at least 4 minutes (240s)"},
    {"tcp-established", DW_TIMEOUT_TCP_ESTABLISHED, 7440, Code::short_timeout,
     "RFC 6092 (REC-35) gives an established TCP connection at least 2 hours and 4 minutes (7440s)"},
    {"tcp-closing", DW_TIMEOUT_TCP_CLOSING, 240, Code::short_timeout,
     "RFC 6092 (REC-35) gives a TCP connection that closes at least 4 minutes (240s)"},
    {"udp", DW_TIMEOUT_UDP, 120, Code::out_of_range,
     "RFC 4787 (REQ-5) gives a UDP flow at least 2 minutes (120s)"},
    {"icmp", DW_TIMEOUT_ICMP, 0, Code::short_timeout, ""},
    {"other", DW_TIMEOUT_OTHER, 120, Code::short_timeout,
     "RFC 6092 (REC-12) gives flows of other protocols at least 2 minutes (120s)"},
};

class UplinkResolver {
public:
    UplinkResolver(const ast::Uplink& from, const SourceMap& sources, Diagnostics* diagnostics)
        : from_(from), sources_(sources), diagnostics_(*diagnostics) {}

    Uplink run() {
        uplink_.place = sources_.place(from_.span);
        uplink_.name = from_.name.text;
        if (!from_.name.text.empty()) check_name(from_.name);
        for (const ast::Setting& setting : from_.settings)
            if (!is_repeated(setting)) apply(setting);
        if (from_.prefixes.size() > DW_SOURCES)
            diagnostics_.report(Code::over_limit, from_.prefixes[DW_SOURCES].span,
                                fmt::format("an uplink has at most {} prefix statements", DW_SOURCES));
        for (const ast::Prefix& prefix : from_.prefixes)
            if (uplink_.sources.size() < DW_SOURCES) add(prefix);
        if (!from_.broken) check_complete();
        return std::move(uplink_);
    }

private:
    bool check_name(const ast::Word& name) {
        if (is_name(name.text)) return true;
        diagnostics_.report(Code::bad_name, name.span, "letters, digits, - and _, at most 63 of them");
        return false;
    }

    bool is_repeated(const ast::Setting& setting) {
        const auto& name = setting.which ? *setting.which : setting.keyword;
        auto& seen = setting.which ? seen_timeouts_ : seen_;
        const auto [first, is_new] = seen.emplace(name.text, join(setting.keyword.span, name.span));
        if (is_new) return false;
        diagnostics_.report(Code::given_twice, setting.span, "given again")
            .and_at(first->second, "first given here");
        return true;
    }

    void apply(const ast::Setting& setting) {
        const std::string_view keyword = setting.keyword.text;
        if (keyword == "interface")
            uplink_.interface = read_interface(setting.value);
        else if (keyword == "grace")
            read_grace(setting.value);
        else if (keyword == "flow-table")
            read_flow_table(setting.value);
        else if (keyword == "xdp")
            read_xdp(setting.value);
        else if (keyword == "ipv4")
            read_ipv4(setting.value);
        else if (keyword == "timeout")
            read_timeout(*setting.which, setting.value);
        else if (keyword == "vlan")
            read_vlan(setting.value);
        else
            read_switch(keyword, setting.value);
    }

    std::string read_interface(const ast::Word& word) {
        const bool fits = !word.text.empty() && word.text.size() < IFNAMSIZ;
        if (fits && word.text.find_first_of(" /\t\r:") == std::string_view::npos)
            return std::string(word.text);
        diagnostics_.report(Code::bad_name, word.span, "not an interface")
            .with_help(fmt::format("1 to {} characters, no blank, `/` or `:`", IFNAMSIZ - 1));
        return {};
    }

    void read_grace(const ast::Word& word) {
        const auto seconds = read_duration(word, kGrace, &diagnostics_);
        if (seconds) uplink_.grace_s = static_cast<unsigned>(*seconds);
    }

    void read_flow_table(const ast::Word& word) {
        const auto flows = read_number(word, "a number of flows", kFlowTable, &diagnostics_);
        if (!flows) return;
        uplink_.flow_table = static_cast<unsigned>(*flows);
        if ((*flows & (*flows - 1)) == 0) return;
        std::uint64_t next = kFlowTable.least;
        while (next < *flows) next *= 2;
        diagnostics_.report(Code::out_of_range, word.span, "not a power of two")
            .with_help(fmt::format("the next one is {}", next));
    }

    // One of a few words. Empty, and reported, when it is none of them.
    std::optional<std::size_t> read_choice(const ast::Word& word,
                                           const std::vector<std::string_view>& choices) {
        const auto found = std::find(choices.begin(), choices.end(), word.text);
        if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
        std::string names;
        for (const std::string_view choice : choices)
            names += fmt::format("{}`{}`", names.empty() ? "" : ", ", choice);
        diagnostics_.report(Code::unknown_keyword, word.span, fmt::format("expected one of {}", names))
            .with_help(did_you_mean(word.text, choices));
        return std::nullopt;
    }

    void read_xdp(const ast::Word& word) {
        static constexpr XdpMode kModes[] = {XdpMode::automatic, XdpMode::native, XdpMode::generic};
        const auto choice = read_choice(word, {"auto", "native", "generic"});
        if (choice) uplink_.xdp = kModes[*choice];
    }
    void read_ipv4(const ast::Word& word) {
        static constexpr dw_ipv4_mode kModes[] = {DW_IPV4_STATEFUL, DW_IPV4_PASS, DW_IPV4_DROP};
        const auto choice = read_choice(word, {"stateful", "pass", "drop"});
        if (choice) uplink_.ipv4 = kModes[*choice];
    }
    // Settings that are `drop` or `allow`.
    bool* switch_of(std::string_view keyword) {
        if (keyword == "routing-headers") return &uplink_.routing_headers;
        if (keyword == "other-ethertypes") return &uplink_.other_ethertypes;
        if (keyword == "udp-without-checksum") return &uplink_.udp_without_checksum;
        return &uplink_.documentation_prefixes;
    }
    void read_switch(std::string_view keyword, const ast::Word& word) {
        const auto choice = read_choice(word, {"drop", "allow"});
        if (choice) *switch_of(keyword) = *choice == 1;
    }

    void read_vlan(const ast::Word& word) {
        const auto number = read_number(word, "a VLAN", kVlan, &diagnostics_);
        if (number) uplink_.vlan = static_cast<std::uint16_t>(*number);
    }

    void read_timeout(const ast::Word& name, const ast::Word& word) {
        std::vector<std::string_view> names;
        for (const Timeout& each : kTimeouts) names.push_back(each.name);
        const auto choice = read_choice(name, names);
        const auto seconds = read_duration(word, kIdle, &diagnostics_);
        if (!choice || !seconds) return;
        const Timeout& timeout = kTimeouts[*choice];
        uplink_.idle_s[timeout.which] = static_cast<std::uint32_t>(*seconds);
        if (*seconds >= timeout.least_s) return;
        diagnostics_.report(timeout.below, word.span, std::string(timeout.why))
            .with_help(fmt::format("write `timeout {} {}s`, or more", timeout.name, timeout.least_s));
    }

    // ---- prefix statements

    void add(const ast::Prefix& prefix) {
        PrefixSource source{std::string(prefix.name.text), {}, sources_.place(prefix.span)};
        if (!check_name(prefix.name)) return;
        if (prefix.origin.text == "dhcpv6-pd" && !read_metric(prefix.argument, &source)) return;
        if (prefix.origin.text == "ra")
            source.from = FromRouterAdvertisement{};
        else if (prefix.origin.text == "addresses")
            source.from = FromAddresses{read_interface(prefix.argument)};
        else if (prefix.origin.text == "static" && !read_static(prefix.argument, &source))
            return;
        for (std::size_t i = 0; i < uplink_.sources.size(); ++i)
            if (is_conflict(uplink_.sources[i], *kept_[i], source, prefix)) return;
        uplink_.sources.push_back(std::move(source));
        kept_.push_back(&prefix);
    }

    bool read_metric(const ast::Word& word, PrefixSource* source) {
        if (word.text.empty()) return true;
        const auto metric = read_number(word, "a metric", kMetric, &diagnostics_);
        if (metric) source->from = FromDhcpv6Pd{static_cast<std::uint32_t>(*metric)};
        return metric.has_value();
    }

    bool read_static(const ast::Word& word, PrefixSource* source) {
        const auto prefix = read_prefix(word, &diagnostics_);
        if (!prefix) return false;
        if (prefix->length() < kDelegation.least || prefix->length() > kDelegation.most) {
            diagnostics_.report(Code::out_of_range, word.span,
                                fmt::format("the length of a prefix behind the line is {} to {}",
                                            kDelegation.least, kDelegation.most));
            return false;
        }
        source->from = Static{*prefix};
        return true;
    }

    // Two statements that follow the same thing would each claim its addresses.
    static bool same_origin(const PrefixSource& a, const PrefixSource& b) {
        if (a.from.index() != b.from.index()) return false;
        if (const auto* delegation = std::get_if<FromDhcpv6Pd>(&a.from)) {
            const auto& other = std::get<FromDhcpv6Pd>(b.from).metric;
            return !delegation->metric || !other || *delegation->metric == *other;
        }
        if (const auto* addresses = std::get_if<FromAddresses>(&a.from))
            return addresses->interface == std::get<FromAddresses>(b.from).interface;
        if (const auto* fixed = std::get_if<Static>(&a.from)) {
            const Ipv6Prefix& other = std::get<Static>(b.from).prefix;
            return fixed->prefix.contains(other.first()) || other.contains(fixed->prefix.first());
        }
        return true;
    }

    bool is_conflict(const PrefixSource& first, const ast::Prefix& first_text, const PrefixSource& second,
                     const ast::Prefix& second_text) {
        if (first.name == second.name) {
            diagnostics_.report(Code::duplicate_name, second_text.name.span, "defined again")
                .and_at(first_text.name.span, "first defined here");
            return true;
        }
        if (!same_origin(first, second)) return false;
        Diagnostic& report =
            diagnostics_.report(Code::given_twice, second_text.span, "the same addresses again")
                .and_at(first_text.span, "followed here already");
        if (std::holds_alternative<FromDhcpv6Pd>(first.from))
            report.with_help("two DHCPv6 clients are told apart by their routes: `metric N` behind each");
        return true;
    }

    void check_complete() {
        if (seen_.count("interface") == 0)
            diagnostics_.report(Code::missing, from_.span, "this uplink has no interface")
                .with_help("add `interface NAME`, the one that faces the dish");
        if (from_.prefixes.empty())
            diagnostics_.report(Code::no_prefix, from_.span, "nothing behind the line can be reached")
                .with_help("add `prefix NAME from dhcpv6-pd`, for example");
        for (std::size_t i = 0; i < uplink_.sources.size(); ++i) {
            const auto* fixed = std::get_if<Static>(&uplink_.sources[i].from);
            if (!fixed || uplink_.documentation_prefixes || !is_documentation(fixed->prefix)) continue;
            diagnostics_.report(Code::documentation_prefix, kept_[i]->argument.span, "a documentation prefix")
                .with_help("for a test network add `documentation-prefixes allow`");
        }
    }

    const ast::Uplink& from_;
    const SourceMap& sources_;
    Diagnostics& diagnostics_;
    Uplink uplink_;
    std::vector<const ast::Prefix*> kept_;  // beside uplink_.sources
    std::unordered_map<std::string_view, Span> seen_;
    std::unordered_map<std::string_view, Span> seen_timeouts_;
};

}  // namespace

bool is_documentation(const Ipv6Prefix& prefix) {
    static const Ipv6Prefix kOld = Ipv6Prefix::containing({0x20010db800000000, 0}, 32);
    static const Ipv6Prefix kNew = Ipv6Prefix::containing({0x3fff000000000000, 0}, 20);
    return (prefix.length() >= kOld.length() && kOld.contains(prefix.first())) ||
           (prefix.length() >= kNew.length() && kNew.contains(prefix.first()));
}

Uplink resolve_uplink(const ast::File& file, const SourceMap& sources, Diagnostics* diagnostics) {
    if (file.uplinks.empty()) {
        if (file.incomplete) return {};
        diagnostics->report(Code::missing, file.end, "no uplink by the end of the file")
            .with_help("add `uplink NAME { interface ... }`");
        return {};
    }
    if (file.uplinks.size() > 1)
        diagnostics->report(Code::several_uplinks, file.uplinks[1].span, "the second one")
            .and_at(file.uplinks[0].span, "the first one")
            .with_help("one uplink is supported");
    return UplinkResolver(file.uplinks[0], sources, diagnostics).run();
}

}  // namespace dishwall
