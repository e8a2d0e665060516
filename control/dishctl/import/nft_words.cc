// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/nft_words.h"

#include <fmt/format.h>

namespace dishwall::import {
namespace {

using nlohmann::json;

std::string joined(const json& list, const char* between) {
    std::string text;
    for (const json& one : list) text += (text.empty() ? "" : between) + nft_words(one);
    return text;
}

std::string words_at(const json& object, const char* key) {
    return object.is_object() && object.contains(key) ? nft_words(object[key]) : "";
}

std::string match_words(const json& match) {
    const std::string op = words_at(match, "op");
    const std::string middle = op == "==" || op == "in" ? " " : " " + op + " ";
    return words_at(match, "left") + middle + words_at(match, "right");
}

std::string object_words(const std::string& kind, const json& value) {
    if (kind == "match") return match_words(value);
    if (kind == "payload") return words_at(value, "protocol") + " " + words_at(value, "field");
    if (kind == "meta") {
        const std::string key = words_at(value, "key");
        return key == "mark" || key == "l4proto" || key == "nfproto" ? "meta " + key : key;
    }
    if (kind == "ct") return "ct " + words_at(value, "key");
    if (kind == "set" && value.is_array()) return "{ " + joined(value, ", ") + " }";
    if (kind == "prefix") return words_at(value, "addr") + "/" + words_at(value, "len");
    if (kind == "range") return joined(value, "-");
    if (kind == "concat") return joined(value, " . ");
    if (kind == "&" || kind == "|") return joined(value, kind == "&" ? " & " : "|");
    if (kind == "elem") return words_at(value, "val");
    if (kind == "vmap") return words_at(value, "key") + " vmap " + words_at(value, "data");
    if (kind == "jump" || kind == "goto") return kind + " " + words_at(value, "target");
    if (kind == "fib") return "fib " + words_at(value, "flags") + " " + words_at(value, "result");
    if (kind == "limit")
        return fmt::format("limit rate {}{}/{}", value.value("inv", false) ? "over " : "",
                           words_at(value, "rate"), words_at(value, "per"));
    return kind;  // accept, drop, counter, log, reject ...
}

}  // namespace

std::string nft_words(const json& expression) {
    if (expression.is_string()) return expression.get<std::string>();
    if (expression.is_array()) return joined(expression, ",");
    if (!expression.is_object() || expression.empty()) return expression.is_null() ? "" : expression.dump();
    return object_words(expression.begin().key(), expression.begin().value());
}

std::string nft_rule_words(const json& statements) { return joined(statements, " "); }

}  // namespace dishwall::import
