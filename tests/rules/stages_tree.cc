// SPDX-License-Identifier: BSD-3-Clause
//
// Tokens and tree as text.
#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "rules/lexer.h"
#include "rules/parser.h"
#include "tests/rules/stages.h"

namespace dishwall::test {
namespace {

std::string_view name_of(Token::Kind kind) {
    switch (kind) {
        case Token::Kind::word:
            return "word";
        case Token::Kind::string:
            return "string";
        case Token::Kind::comma:
            return "comma";
        case Token::Kind::equals:
            return "equals";
        case Token::Kind::open:
            return "open";
        case Token::Kind::close:
            return "close";
        case Token::Kind::newline:
            return "newline";
        case Token::Kind::semicolon:
            return "semicolon";
        case Token::Kind::end:
            return "end";
    }
    return "";
}

std::string_view name_of(ast::Address::Kind kind) {
    switch (kind) {
        case ast::Address::Kind::any:
            return "any";
        case ast::Address::Kind::self:
            return "self";
        case ast::Address::Kind::name:
            return "name";
        case ast::Address::Kind::source:
            return "source";
        case ast::Address::Kind::literal:
            return "literal";
        case ast::Address::Kind::feed:
            return "feed";
        case ast::Address::Kind::list:
            return "list";
        case ast::Address::Kind::broken:
            return "broken";
    }
    return "";
}

std::string_view name_of(ast::Match::Kind kind) {
    switch (kind) {
        case ast::Match::Kind::any:
            return "any";
        case ast::Match::Kind::ports:
            return "ports";
        case ast::Match::Kind::icmpv6:
            return "types";
        case ast::Match::Kind::proto:
            return "proto";
        case ast::Match::Kind::service:
            return "service";
    }
    return "";
}

std::string_view name_of(ast::Host::Kind kind) {
    switch (kind) {
        case ast::Host::Kind::plain:
            return "plain";
        case ast::Host::Kind::any_network:
            return "any-network";
        case ast::Host::Kind::mac:
            return "mac";
        case ast::Host::Kind::eui64:
            return "eui64";
        case ast::Host::Kind::domain:
            return "domain";
    }
    return "";
}

// ---- parts of a statement; each begins with a blank when there is something to say

std::string part(std::string_view what, const std::optional<ast::Word>& word) {
    return word ? fmt::format(" {}=`{}`", what, word->text) : "";
}

std::string part(std::string_view what, const ast::Rare<ast::Word>& word) {
    return word ? fmt::format(" {}=`{}`", what, word->text) : "";
}

std::string words(std::string_view what, const ast::Words& list) {
    std::string text;
    for (const ast::Word& word : list) text += fmt::format("{}`{}`", text.empty() ? "" : " ", word.text);
    return text.empty() ? "" : fmt::format(" {}=[{}]", what, text);
}

std::string address(const ast::Address& from) {
    std::string text = fmt::format("({}{}", from.negated ? "not " : "", name_of(from.kind));
    if (!from.word.text.empty()) text += fmt::format(" `{}`", from.word.text);
    for (const ast::Address& element : from.elements) text += " " + address(element);
    return text + ")";
}

std::string part(std::string_view what, const std::optional<ast::Address>& from) {
    return from ? fmt::format(" {}={}", what, address(*from)) : "";
}

std::string part(std::string_view what, const ast::Rare<ast::Address>& from) {
    return from ? fmt::format(" {}={}", what, address(*from)) : "";
}

std::string match(const ast::Match& from) {
    if (from.kind == ast::Match::Kind::any) return " match=any";
    return fmt::format(" match={} `{}`{}", name_of(from.kind), from.keyword.text,
                       words("values", from.values));
}

template <typename Traffic>
std::string traffic(const Traffic& from) {
    return match(from.match) + part("from", from.from) + (from.from_ports ? words("from-ports", *from.from_ports) : "") +
           part("to", from.to) + (from.broken ? " broken" : "");
}

std::string rule(const ast::Rule& from) {
    std::string text = fmt::format("    rule `{}`{}", from.verdict.text, traffic(from));
    if (from.rate)
        text += fmt::format(" rate=(`{}`{}{})", from.rate->amount.text, part("burst", from.rate->burst),
                            part("per", from.rate->per));
    if (from.inspect)
        text += fmt::format(" inspect=(`{}`{})", from.inspect->signatures.text,
                            part("on-failure", from.inspect->on_failure));
    if (from.endpoint_independent) text += " endpoint-independent";
    if (from.log) text += " log";
    return text + part("name", from.name) + "\n";
}

std::string uplink(const ast::Uplink& from) {
    std::string text = fmt::format("uplink `{}`{}\n", from.name.text, from.broken ? " broken" : "");
    for (const ast::Setting& each : from.settings)
        text += fmt::format("    setting `{}`{} `{}`\n", each.keyword.text, part("which", each.which),
                            each.value.text);
    for (const ast::Prefix& each : from.prefixes)
        text +=
            fmt::format("    prefix `{}` `{}` `{}`\n", each.name.text, each.origin.text, each.argument.text);
    return text;
}

std::string policy(const ast::Policy& from) {
    std::string text = fmt::format("policy `{}` on `{}`\n", from.direction.text, from.uplink.text);
    for (const ast::Default& each : from.defaults)
        text += fmt::format("    default `{}`\n", each.verdict.text);
    for (const ast::LogSample& each : from.log_samples)
        text += fmt::format("    log-sample `{}`\n", each.fraction.text);
    for (const ast::Rule& each : from.rules) text += rule(each);
    return text;
}

std::string dns_update(const ast::DnsUpdate& from) {
    std::string text = fmt::format("dns-update `{}`{}\n", from.zone.text, from.broken ? " broken" : "");
    for (const ast::DnsSetting& each : from.settings)
        text += fmt::format("    setting `{}` `{}`{}\n", each.keyword.text, each.value.text,
                            part("port", each.port));
    for (const ast::DnsRecord& each : from.records)
        text +=
            fmt::format("    record `{}` `{}`{}\n", each.name.text, each.host.text, part("ttl", each.ttl));
    return text;
}

std::string protect(const ast::Protect& from) {
    std::string text = fmt::format("protect `{}`{}\n", from.name.text, from.broken ? " broken" : "");
    for (const ast::Traffic& each : from.lines) text += "    line" + traffic(each) + "\n";
    return text;
}

std::string test(const ast::Test& from) {
    std::string text = fmt::format("test `{}`{}\n", from.name.text, from.broken ? " broken" : "");
    for (const ast::Expectation& each : from.expectations) {
        text += fmt::format("    expectation `{}`{} verdict=`{}`{}", each.direction.text,
                            traffic(each.traffic), each.verdict.text, part("by", each.by));
        for (const ast::With& with : each.with)
            text += fmt::format(" with `{}`=`{}`", with.source.text, with.prefix.text);
        text += "\n";
    }
    return text;
}

std::string service(const ast::Service& from) {
    std::string text = fmt::format("service `{}`", from.name.text);
    for (const ast::Match& each : from.members) text += match(each);
    return text + "\n";
}

}  // namespace

std::string dump_tokens(const SourceMap& sources, FileId file) {
    Diagnostics diagnostics;
    std::string text;
    const TokenList tokens = lex(sources, file, &diagnostics);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const Token token = tokens[i];
        const Place place = sources.place(token.span);
        text += fmt::format("{}:{} {}", place.line, place.column, name_of(token.kind));
        if (token.kind == Token::Kind::word || token.kind == Token::Kind::string)
            text += fmt::format(" `{}`", token.text);
        text += "\n";
    }
    return text;
}

std::string dump_tree(const ast::File& tree) {
    std::string text;
    for (const ast::Uplink& each : tree.uplinks) text += uplink(each);
    for (const ast::Network& each : tree.networks)
        text += fmt::format("network `{}` `{}`{}{}\n", each.name.text, each.source.text,
                            part("subnet", each.subnet), part("interface", each.interface));
    for (const ast::Host& each : tree.hosts)
        text += fmt::format("host `{}` {} `{}`{}\n", each.name.text, name_of(each.kind), each.base.text,
                            part("value", each.value));
    for (const ast::Set& each : tree.sets)
        text += fmt::format("set `{}` {}\n", each.name.text, address(each.members));
    for (const ast::Service& each : tree.services) text += service(each);
    for (const ast::Feed& each : tree.feeds)
        text += fmt::format("feed `{}` `{}`{}{}\n", each.name.text, each.path.text,
                            part("refresh", each.refresh), part("stale-after", each.stale_after));
    for (const ast::Signatures& each : tree.signatures)
        text += fmt::format("signatures `{}` `{}`\n", each.name.text, each.path.text);
    for (const ast::Policy& each : tree.policies) text += policy(each);
    for (const ast::DnsUpdate& each : tree.dns_updates) text += dns_update(each);
    for (const ast::Protect& each : tree.protects) text += protect(each);
    for (const ast::Test& each : tree.tests) text += test(each);
    for (const ast::Word& each : tree.broken_names) text += fmt::format("broken `{}`\n", each.text);
    return text;
}

std::string tree_of(const std::string& text) {
    SourceMap sources;
    Diagnostics diagnostics;
    std::string included;
    const FileId file = sources.add("rules.conf", text);
    const ParseOptions options{
        false, [&](const ast::Word& path) { included += fmt::format("include `{}`\n", path.text); }};
    ast::File tree;
    TokenList tokens = lex(sources, file, &diagnostics);
    if (!tokens.empty()) parse(std::move(tokens), sources.file(file), options, &tree, &diagnostics);
    return diagnostics.has_errors() ? "" : "rules\n" + included + dump_tree(tree);
}

}  // namespace dishwall::test
