// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rules/cursor.h"
#include "rules/names.h"
#include "rules/parse_dns.h"
#include "rules/parse_rule.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

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

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
public:
    Parser(std::vector<Token> tokens, const SourceFile& file, Diagnostics* diagnostics)
        : cursor_(std::move(tokens), file, diagnostics), diagnostics_(*diagnostics) {}

    std::optional<ast::File> run() {
        cursor_.skip_separators();
        if (!version()) return std::nullopt;
        for (cursor_.skip_separators(); !cursor_.at(Kind::end); cursor_.skip_separators()) top_statement();
        file_.end = cursor_.peek().span;
        return std::move(file_);
    }

private:
    // False: the rest cannot be understood.
    bool version() {
        cursor_.begin_statement();
        const Span first = cursor_.peek().span;
        if (cursor_.at(Kind::word) && !cursor_.at_word("version") &&
            nearest(cursor_.peek().text, {"version"})) {
            diagnostics_.report(Code::unknown_keyword, first, "expected the version")
                .with_help("did you mean `version`?");
            cursor_.take();
        } else if (!cursor_.accept_word("version")) {
            diagnostics_.report(Code::version_missing, first, "before this")
                .with_help("write `version 1` as the first line");
            return true;
        }
        version_ = first;
        const auto number = cursor_.expect_word("a version number");
        if (number && number->text != "1") {
            diagnostics_.report(Code::version_unknown, number->span, "this dishwall understands version 1");
            return false;
        }
        end_statement(number.has_value());
        return true;
    }

    // After a statement that was read (or not): leaves the cursor at its end. True when all is well.
    bool end_statement(bool read) {
        if (read && cursor_.expect_statement_end()) return true;
        cursor_.skip_statement();
        return false;
    }

    void top_statement() {
        cursor_.begin_statement();
        const Token& token = cursor_.peek();
        if (token.kind == Kind::close) {
            diagnostics_.report(Code::syntax, token.span, "closes nothing");
            cursor_.take();
            return;
        }
        if (token.kind != Kind::word) {
            cursor_.unexpected("a statement");
            cursor_.skip_statement();
            return;
        }
        dispatch(cursor_.take_word());
    }

    void dispatch(const ast::Word& keyword) {
        if (keyword.text == "uplink")
            uplink(keyword);
        else if (keyword.text == "network")
            network();
        else if (keyword.text == "host")
            host();
        else if (keyword.text == "set")
            set();
        else if (keyword.text == "service")
            service();
        else if (keyword.text == "policy")
            policy(keyword);
        else if (keyword.text == "dns-update")
            dns_update(keyword);
        else if (keyword.text == "version")
            version_again(keyword);
        else if (opens_top_statement(keyword.text))
            not_supported(keyword);
        else
            unknown_statement(keyword);
    }

    void version_again(const ast::Word& keyword) {
        Diagnostic& report = diagnostics_.report(Code::given_twice, keyword.span, "once, as the first line");
        if (version_) report.and_at(*version_, "first given here");
        cursor_.skip_statement();
    }

    void not_supported(const ast::Word& keyword) {
        diagnostics_.report(Code::not_supported, keyword.span,
                            fmt::format("`{}` is not supported yet", keyword.text));
        if (keyword.text == "include") file_.incomplete = true;
        const bool defines = keyword.text == "feed" || keyword.text == "signatures";
        if (defines && cursor_.at(Kind::word)) file_.broken_names.push_back(cursor_.take_word());
        cursor_.skip_statement();
    }

    // A misspelt keyword is reported and then read as the one that was meant.
    void unknown_statement(const ast::Word& keyword) {
        Diagnostic& report = diagnostics_.report(Code::unknown_keyword, keyword.span, "expected a statement");
        const auto meant = nearest(keyword.text, top_keywords());
        if (opens_policy_statement(keyword.text)) {
            report.with_help("rules stand in a `policy inbound on UPLINK { ... }` block");
        } else if (meant) {
            report.with_help(did_you_mean(keyword.text, top_keywords()));
            if (is_supported(*meant)) return dispatch({*meant, keyword.span});
        }
        cursor_.skip_statement();
    }

    static bool is_supported(std::string_view keyword) {
        return keyword == "uplink" || keyword == "network" || keyword == "host" || keyword == "set" ||
               keyword == "service" || keyword == "policy" || keyword == "dns-update";
    }

    // ---- definitions: KEYWORD NAME = ...

    // Reads `NAME =` and the rest by `body`. When something is wrong the name is kept as a broken one.
    template <typename Body>
    void definition(std::string_view what, Body body) {
        const auto name = cursor_.expect_word(what);
        const bool read = name && cursor_.expect(Kind::equals, "`=`") && body(*name);
        if (!end_statement(read) && name) file_.broken_names.push_back(*name);
    }

    void network() {
        definition("a network's name", [&](const ast::Word& name) {
            ast::Network network{name, {}, std::nullopt, std::nullopt};
            const auto source = cursor_.expect_word("a prefix, such as dish.pd");
            if (!source) return false;
            network.source = *source;
            if (cursor_.accept_word("subnet") && !(network.subnet = cursor_.expect_word("a subnet number")))
                return false;
            if (cursor_.accept_word("on") && !(network.interface = cursor_.expect_text("an interface")))
                return false;
            if (!cursor_.expect_statement_end()) return false;
            file_.networks.push_back(network);
            return true;
        });
    }

    void host() {
        definition("a host's name", [&](const ast::Word& name) {
            ast::Host host{name, ast::Host::Kind::plain, {}, std::nullopt};
            const bool read = cursor_.accept_word("name") ? host_by_domain(&host) : host_by_address(&host);
            if (!read || !cursor_.expect_statement_end()) return false;
            file_.hosts.push_back(host);
            return true;
        });
    }

    // name DOMAIN
    bool host_by_domain(ast::Host* host) {
        host->kind = ast::Host::Kind::domain;
        if (cursor_.at_lost_letters()) return false;  // complained about
        host->value = cursor_.expect_text("a domain");
        return host->value && !cursor_.at_lost_letters();
    }

    // ADDRESS | NETWORK ::10 | any ::10 | NETWORK mac MAC | NETWORK eui64 MAC
    bool host_by_address(ast::Host* host) {
        const auto base = cursor_.expect_word("a network, an address, `any` or `name`");
        if (!base) return false;
        host->base = *base;
        if (base->text == "any") {
            host->kind = ast::Host::Kind::any_network;
            host->value = cursor_.expect_word("an interface id, such as ::10");
            return host->value.has_value();
        }
        if (cursor_.at_word("mac") || cursor_.at_word("eui64")) {
            const bool learnt = cursor_.take_word().text == "mac";
            host->kind = learnt ? ast::Host::Kind::mac : ast::Host::Kind::eui64;
            host->value = cursor_.expect_word("a MAC address, such as 02:11:22:33:44:55");
            return host->value.has_value();
        }
        if (cursor_.at(Kind::word)) host->value = cursor_.take_word();
        if (!host->value || cursor_.at_statement_end()) return true;
        if (host->value->text.find(':') != std::string_view::npos) return cursor_.expect_statement_end();
        diagnostics_
            .report(Code::unknown_keyword, host->value->span, "expected `mac`, `eui64` or an interface id")
            .with_help(did_you_mean(host->value->text, {"mac", "eui64"}));
        return false;
    }

    void set() {
        definition("a set's name", [&](const ast::Word& name) {
            if (!cursor_.at(Kind::open)) {
                cursor_.unexpected("`{`").with_help("the elements of a set stand in braces: { A, B }");
                return false;
            }
            bool broken = false;
            auto members = parse_address(cursor_, &broken);
            if (!members || !cursor_.expect_statement_end()) return false;
            if (broken)
                file_.broken_names.push_back(name);
            else
                file_.sets.push_back({name, std::move(*members)});
            return true;
        });
    }

    void service() {
        definition("a service's name", [&](const ast::Word& name) {
            ast::Service service{name, {}};
            do {
                if (!service.members.empty() && cursor_.at(Kind::word) && is_digit(cursor_.peek().text[0])) {
                    cursor_.unexpected("a protocol")
                        .with_help("several ports stand in braces: tcp { 80, 443 }");
                    return false;
                }
                auto member = parse_match(cursor_);
                if (!member) return false;
                if (member->kind == ast::Match::Kind::service) {
                    diagnostics_.report(Code::syntax, member->span, "a service cannot hold another one");
                    return false;
                }
                service.members.push_back(std::move(*member));
            } while (cursor_.accept(Kind::comma));
            if (!cursor_.at_statement_end()) {
                cursor_.unexpected("`,` or the end of the line");
                return false;
            }
            file_.services.push_back(std::move(service));
            return true;
        });
    }

    // ---- blocks

    // At `{`: reads statements up to `}` by `statement`, which leaves the cursor at their ends.
    template <typename Statement>
    void block(const Span& header, Statement statement) {
        cursor_.take();
        for (cursor_.skip_separators(); !cursor_.accept(Kind::close); cursor_.skip_separators()) {
            cursor_.begin_statement();
            if (cursor_.at(Kind::end) || at_top_statement()) {
                report_unclosed(header);
                return;
            }
            statement();
        }
        cursor_.begin_statement();
        end_statement(true);
    }

    void report_unclosed(const Span& header) {
        Diagnostic& report = diagnostics_.report(Code::unclosed_block, header, "opens a block");
        const auto odd = cursor_.odd_list_end();
        if (odd && odd->begin > header.begin)
            report.and_at(*odd, "this closes a list inside of it")
                .with_help("close the list on its own line");
        else
            report.and_at(cursor_.peek().span, "expected `}` before this");
    }

    bool at_top_statement() const {
        return cursor_.at(Kind::word) && opens_top_statement(cursor_.peek().text);
    }

    // Is there a block on this line? Also behind a header that could not be read.
    bool find_block(bool header_read) {
        if (header_read && !cursor_.at(Kind::open)) cursor_.unexpected("`{`");
        while (!cursor_.at(Kind::open) && !cursor_.at_statement_end()) cursor_.take();
        if (cursor_.at(Kind::open)) return true;
        cursor_.skip_statement();
        return false;
    }

    void uplink(const ast::Word& keyword) {
        const auto name = cursor_.expect_word("the uplink's name");
        const Span header = join(keyword.span, cursor_.last_span());
        ast::Uplink uplink{name.value_or(ast::Word{}), {}, {}, !name, header};
        if (!find_block(name.has_value()))
            uplink.broken = true;
        else
            block(header, [&] {
                if (!end_statement(uplink_statement(&uplink))) uplink.broken = true;
            });
        file_.uplinks.push_back(std::move(uplink));
    }

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

    // dns-update ZONE { ... }
    void dns_update(const ast::Word& keyword) {
        const auto zone = cursor_.expect_text("a zone");
        ast::DnsUpdate update{zone.value_or(ast::Word{}), {}, {}, !zone, {}};
        update.span = join(keyword.span, cursor_.last_span());
        if (!find_block(zone.has_value()))
            update.broken = true;
        else
            block(update.span, [&] {
                if (parse_dns_statement(cursor_, &update)) return;
                update.broken = true;
                cursor_.skip_statement();
            });
        file_.dns_updates.push_back(std::move(update));
    }

    // policy inbound|outbound on UPLINK { ... }
    void policy(const ast::Word& keyword) {
        ast::Policy policy;
        const bool header_read = policy_header(&policy);
        policy.span = join(keyword.span, cursor_.last_span());
        if (!find_block(header_read)) return;
        cursor_.set_in_policy(true);
        block(policy.span, [&] { policy_statement(&policy); });
        cursor_.set_in_policy(false);
        if (header_read) file_.policies.push_back(std::move(policy));
    }

    bool policy_header(ast::Policy* policy) {
        const auto direction = cursor_.expect_word("`inbound` or `outbound`");
        if (!direction || !cursor_.expect_word_is("on")) return false;
        const auto uplink = cursor_.expect_word("an uplink's name");
        if (!uplink) return false;
        policy->direction = *direction;
        policy->uplink = *uplink;
        return true;
    }

    void policy_statement(ast::Policy* policy) {
        const Token& token = cursor_.peek();
        if (token.kind != Kind::word) {
            cursor_.unexpected("a rule");
            cursor_.skip_statement();
        } else if (token.text == "default") {
            end_statement(default_verdict(policy));
        } else if (token.text == "log") {
            diagnostics_.report(Code::not_supported, token.span, "`log sample` is not supported yet");
            cursor_.skip_statement();
        } else if (opens_policy_statement(token.text)) {
            auto rule = parse_rule(cursor_);
            if (end_statement(rule.has_value())) policy->rules.push_back(std::move(*rule));
        } else {
            unknown_policy_statement(policy);
        }
    }

    // A misspelt verdict is reported, and the rest of the rule is checked all the same.
    void unknown_policy_statement(ast::Policy* policy) {
        const Token& token = cursor_.peek();
        const bool other_language = token.text == "deny" || token.text == "block";
        const auto meant = other_language ? "drop" : nearest(token.text, policy_keywords());
        Diagnostic& report = diagnostics_.report(Code::unknown_keyword, token.span, "expected a rule");
        if (meant) report.with_help(fmt::format("did you mean `{}`?", *meant));
        if (!meant || *meant == "log") {
            cursor_.skip_statement();
        } else if (*meant == "default") {
            end_statement(default_verdict(policy));
        } else {
            auto rule = parse_rule(cursor_);
            if (!end_statement(rule.has_value())) return;
            rule->broken = true;
            policy->rules.push_back(std::move(*rule));
        }
    }

    bool default_verdict(ast::Policy* policy) {
        const Span keyword = cursor_.take().span;
        const auto verdict = cursor_.expect_word("a verdict");
        if (verdict) policy->defaults.push_back({*verdict, join(keyword, verdict->span)});
        return verdict.has_value();
    }

    Cursor cursor_;
    Diagnostics& diagnostics_;
    ast::File file_;
    std::optional<Span> version_;
};

}  // namespace

std::optional<ast::File> parse(std::vector<Token> tokens, const SourceFile& file, Diagnostics* diagnostics) {
    return Parser(std::move(tokens), file, diagnostics).run();
}

}  // namespace dishwall
