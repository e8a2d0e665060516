// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parse_uplink.h"

#include <algorithm>
#include <utility>

#include "rules/names.h"

namespace dishwall {
namespace {

const std::vector<std::string_view>& uplink_keywords() {
    static const std::vector<std::string_view> words = {"interface",
                                                        "prefix",
                                                        "grace",
                                                        "timeout",
                                                        "xdp",
                                                        "ipv4",
                                                        "documentation-prefixes",
                                                        "routing-headers",
                                                        "udp-without-checksum",
                                                        "other-ethertypes",
                                                        "vlan",
                                                        "flow-table"};
    return words;
}

class UplinkParser {
public:
    UplinkParser(Cursor& cursor, ast::File* tree)
        : cursor_(cursor), diagnostics_(cursor.diagnostics()), tree_(*tree) {}

    void uplink(const ast::Word& keyword) {
        const auto name = cursor_.expect_word("the uplink's name");
        const Span header = join(keyword.span, cursor_.last_span());
        ast::Uplink uplink{name.value_or(ast::Word{}), {}, {}, !name, header};
        if (!cursor_.find_block(name.has_value()))
            uplink.broken = true;
        else
            cursor_.read_block(header, [&] {
                if (!cursor_.end_statement(uplink_statement(&uplink))) uplink.broken = true;
            });
        tree_.uplinks.push_back(std::move(uplink));
    }

private:
    bool uplink_statement(ast::Uplink* uplink) {
        const auto keyword = cursor_.expect_word("a setting of the uplink");
        if (!keyword) return false;
        if (keyword->text == "prefix") return prefix(*keyword, uplink);
        if (keyword->text == "endpoint-independent") {
            diagnostics_.report(Code::unknown_keyword, keyword->span, "expected a setting of the uplink")
                .with_help("it stands in a rule: `accept udp 3074 endpoint-independent`, outbound");
            return false;
        }
        const auto& known = uplink_keywords();
        if (std::find(known.begin(), known.end(), keyword->text) == known.end()) {
            diagnostics_.report(Code::unknown_keyword, keyword->span, "expected a setting of the uplink")
                .with_help(did_you_mean(keyword->text, known));
            return false;
        }
        std::optional<ast::Word> which;
        if (keyword->text == "timeout" && !(which = cursor_.expect_word("the flows that it is for")))
            return false;
        const auto value = keyword->text == "interface" ? cursor_.expect_text("an interface")
                                                        : cursor_.expect_word("a value");
        if (value) uplink->settings.push_back({*keyword, which, *value, join(keyword->span, value->span)});
        return value.has_value();
    }

    // prefix NAME from dhcpv6-pd [metric N] | from ra | from addresses on IFACE | static PREFIX
    bool prefix(const ast::Word& keyword, ast::Uplink* uplink) {
        const auto name = cursor_.expect_word("the prefix's name");
        if (!name) return false;
        ast::Prefix prefix{*name, {}, {}, {}};
        if (!prefix_origin(&prefix)) return false;
        prefix.span = join(keyword.span, cursor_.last_span());
        uplink->prefixes.push_back(prefix);
        return true;
    }

    bool prefix_origin(ast::Prefix* prefix) {
        if (cursor_.at_word("static")) {
            prefix->origin = cursor_.take_word();
            const auto literal = cursor_.expect_word("a prefix");
            prefix->argument = literal.value_or(ast::Word{});
            return literal.has_value();
        }
        if (!cursor_.accept_word("from")) {
            cursor_.unexpected("`from` or `static`");
            return false;
        }
        const auto origin = cursor_.expect_word("`dhcpv6-pd`, `ra` or `addresses`");
        if (!origin) return false;
        prefix->origin = *origin;
        if (origin->text == "dhcpv6-pd" && cursor_.accept_word("metric")) {
            const auto metric = cursor_.expect_word("a metric");
            prefix->argument = metric.value_or(ast::Word{});
            return metric.has_value();
        }
        if (origin->text == "dhcpv6-pd" || origin->text == "ra") return true;
        if (origin->text != "addresses") {
            diagnostics_.report(Code::unknown_keyword, origin->span, "expected a source of prefixes")
                .with_help(origin->text == "static" || origin->text.find(':') != std::string_view::npos
                               ? "a fixed prefix: `prefix NAME static PREFIX`"
                               : did_you_mean(origin->text, {"dhcpv6-pd", "ra", "addresses"}));
            return false;
        }
        if (!cursor_.expect_word_is("on")) return false;
        const auto interface = cursor_.expect_text("an interface");
        prefix->argument = interface.value_or(ast::Word{});
        return interface.has_value();
    }

    Cursor& cursor_;
    Diagnostics& diagnostics_;
    ast::File& tree_;
};

}  // namespace

void parse_uplink(Cursor& cursor, const ast::Word& keyword, ast::File* tree) {
    UplinkParser(cursor, tree).uplink(keyword);
}

}  // namespace dishwall
