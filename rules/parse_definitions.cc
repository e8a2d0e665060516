// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parse_definitions.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "rules/names.h"
#include "rules/parse_traffic.h"

namespace dishwall {
namespace {

using Kind = Token::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class DefinitionParser {
public:
    DefinitionParser(Cursor& cursor, ast::File* tree)
        : cursor_(cursor), diagnostics_(cursor.diagnostics()), tree_(*tree) {}

    // Reads `NAME =` and the rest by `body`. When something is wrong the name is kept as a broken one.
    template <typename Body>
    void definition(std::string_view what, Body body) {
        const auto name = cursor_.expect_word(what);
        const bool read = name && cursor_.expect(Kind::equals, "`=`") && body(*name);
        if (!cursor_.end_statement(read) && name) tree_.broken_names.push_back(*name);
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
            tree_.networks.push_back(network);
            return true;
        });
    }

    void host() {
        definition("a host's name", [&](const ast::Word& name) {
            ast::Host host{name, ast::Host::Kind::plain, {}, std::nullopt};
            const bool read = cursor_.accept_word("name") ? host_by_domain(&host) : host_by_address(&host);
            if (!read || !cursor_.expect_statement_end()) return false;
            tree_.hosts.push_back(host);
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
            auto members = parse_address(cursor_);
            if (!members || !cursor_.expect_statement_end()) return false;
            tree_.sets.push_back({name, std::move(*members)});
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
            tree_.services.push_back(std::move(service));
            return true;
        });
    }

    // feed NAME = file "PATH" [refresh DURATION] [stale-after DURATION]
    void feed() {
        definition("a feed's name", [&](const ast::Word& name) {
            ast::Feed feed{name, {}, std::nullopt, std::nullopt, name.span};
            if (!file(&feed.path)) return false;
            while (!cursor_.at_statement_end())
                if (!feed_option(&feed)) return false;
            feed.span = join(name.span, cursor_.last_span());
            tree_.feeds.push_back(feed);
            return true;
        });
    }

    bool feed_option(ast::Feed* feed) {
        static constexpr std::string_view kExpected = "`refresh`, `stale-after` or the end of the line";
        const auto keyword = cursor_.expect_word(kExpected);
        if (!keyword) return false;
        const bool refresh = keyword->text == "refresh";
        if (!refresh && keyword->text != "stale-after") {
            diagnostics_.report(Code::unknown_keyword, keyword->span, "expected " + std::string(kExpected))
                .with_help(did_you_mean(keyword->text, {"refresh", "stale-after"}));
            return false;
        }
        std::optional<ast::Word>& option = refresh ? feed->refresh : feed->stale_after;
        if (option) {
            diagnostics_.report(Code::given_twice, keyword->span, "given again")
                .and_at(option->span, "first given here");
            return false;
        }
        option = cursor_.expect_word("a duration, such as 24h");
        return option.has_value();
    }

    // signatures NAME = file "PATH" [on-match VERDICT] [ban DURATION] [both-directions] [clean-after SIZE]
    void signatures() {
        definition("a name for the signatures", [&](const ast::Word& name) {
            ast::Signatures signatures{name, {}, {}, {}, {}, {}, name.span};
            if (!file(&signatures.path)) return false;
            while (!cursor_.at_statement_end())
                if (!signatures_option(&signatures)) return false;
            signatures.span = join(name.span, cursor_.last_span());
            tree_.signatures.push_back(signatures);
            return true;
        });
    }

    bool signatures_option(ast::Signatures* signatures) {
        struct Option {
            std::string_view keyword;
            std::optional<ast::Word> ast::Signatures::*member;
            std::string_view value;  // what stands behind the keyword; empty: nothing
        };
        static constexpr Option kOptions[] = {
            {"on-match", &ast::Signatures::on_match, "`drop`, `alert` or `reject`"},
            {"ban", &ast::Signatures::ban, "a duration, such as 10m"},
            {"both-directions", &ast::Signatures::both_directions, ""},
            {"clean-after", &ast::Signatures::clean_after, "a number of bytes, such as 1M"},
        };
        static constexpr std::string_view kExpected =
            "`on-match`, `ban`, `both-directions`, `clean-after` or the end of the line";
        const auto keyword = cursor_.expect_word(kExpected);
        if (!keyword) return false;
        const auto* option = std::find_if(std::begin(kOptions), std::end(kOptions),
                                          [&](const Option& one) { return one.keyword == keyword->text; });
        if (option == std::end(kOptions)) {
            diagnostics_.report(Code::unknown_keyword, keyword->span, "expected " + std::string(kExpected))
                .with_help(
                    did_you_mean(keyword->text, {"on-match", "ban", "both-directions", "clean-after"}));
            return false;
        }
        std::optional<ast::Word>& said = signatures->*option->member;
        if (said) {
            diagnostics_.report(Code::given_twice, keyword->span, "given again")
                .and_at(said->span, "first given here");
            return false;
        }
        said = option->value.empty() ? keyword : cursor_.expect_word(option->value);
        return said.has_value();
    }

    // file "PATH"
    bool file(ast::Word* path) {
        if (!cursor_.accept_word("file")) {
            cursor_.unexpected("`file`").with_help("`= file \"PATH\"`");
            return false;
        }
        if (!cursor_.at(Kind::string)) {
            cursor_.unexpected("a path in quotes");
            return false;
        }
        *path = cursor_.take_word();
        return true;
    }

private:
    Cursor& cursor_;
    Diagnostics& diagnostics_;
    ast::File& tree_;
};

using Parse = void (DefinitionParser::*)();
struct Definition {
    std::string_view keyword;
    Parse parse;
};
constexpr Definition kDefinitions[] = {
    {"network", &DefinitionParser::network}, {"host", &DefinitionParser::host},
    {"set", &DefinitionParser::set},         {"service", &DefinitionParser::service},
    {"feed", &DefinitionParser::feed},       {"signatures", &DefinitionParser::signatures},
};

const Definition* find_definition(std::string_view keyword) {
    for (const Definition& each : kDefinitions)
        if (each.keyword == keyword) return &each;
    return nullptr;
}

}  // namespace

bool defines_a_name(std::string_view keyword) { return find_definition(keyword) != nullptr; }

void parse_definition(Cursor& cursor, std::string_view keyword, ast::File* tree) {
    DefinitionParser parser(cursor, tree);
    (parser.*find_definition(keyword)->parse)();
}

}  // namespace dishwall
