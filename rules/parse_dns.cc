// SPDX-License-Identifier: BSD-3-Clause
#include "rules/parse_dns.h"

#include <utility>

#include "rules/names.h"

namespace dishwall {
namespace {

// record NAME AAAA HOST [ttl N]
bool parse_record(Cursor& cursor, const Span& keyword, ast::DnsUpdate* update) {
    ast::DnsRecord record;
    const auto name = cursor.expect_text("a record's name, or @ for the zone itself");
    if (!name) return false;
    record.name = *name;
    if (!cursor.accept_word("AAAA")) {
        cursor.unexpected("`AAAA`").with_help(
            "`record NAME AAAA HOST`; other types do not follow the prefix");
        return false;
    }
    const auto host = cursor.expect_word("a host's name");
    if (!host) return false;
    record.host = *host;
    if (cursor.accept_word("ttl") && !(record.ttl = cursor.expect_word("a number of seconds"))) return false;
    record.span = join(keyword, cursor.last_span());
    update->records.push_back(std::move(record));
    return true;
}

bool parse_statement(Cursor& cursor, ast::DnsUpdate* update) {
    static constexpr std::string_view kExpected = "`server`, `key-file`, `exec` or `record`";
    const auto keyword = cursor.expect_word(kExpected);
    if (!keyword) return false;
    if (keyword->text == "record") return parse_record(cursor, keyword->span, update);
    if (keyword->text != "server" && keyword->text != "key-file" && keyword->text != "exec") {
        cursor.diagnostics()
            .report(Code::unknown_keyword, keyword->span, "expected " + std::string(kExpected))
            .with_help(did_you_mean(keyword->text, {"server", "key-file", "exec", "record"}));
        return false;
    }
    const bool server = keyword->text == "server";
    const auto value = cursor.expect_text(server ? "an address or a name" : "a path");
    if (!value) return false;
    ast::DnsSetting setting{*keyword, *value, std::nullopt, {}};
    if (server && cursor.accept_word("port") && !(setting.port = cursor.expect_word("a port"))) return false;
    setting.span = join(keyword->span, cursor.last_span());
    update->settings.push_back(std::move(setting));
    return true;
}

}  // namespace

void parse_dns_update(Cursor& cursor, const ast::Word& keyword, ast::File* tree) {
    const auto zone = cursor.expect_text("a zone");
    ast::DnsUpdate update{zone.value_or(ast::Word{}), {}, {}, !zone, {}};
    update.span = join(keyword.span, cursor.last_span());
    if (!cursor.find_block(zone.has_value()))
        update.broken = true;
    else
        cursor.read_block(update.span, [&] {
            if (parse_statement(cursor, &update)) return;
            update.broken = true;
            cursor.skip_statement();
        });
    tree->dns_updates.push_back(std::move(update));
}

}  // namespace dishwall
