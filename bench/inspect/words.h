// SPDX-License-Identifier: BSD-3-Clause
//
// What both payloads and patterns are made of: random numbers that are the same on every machine, and words
// that stand on web pages. The two share words on purpose: a search that meets nothing alike is too easy.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace dishwall::bench {

// SplitMix64 (Steele, Lea, Flood 2014).
class Dice {
public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    std::uint64_t roll() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    }
    std::uint64_t below(std::uint64_t limit) { return roll() % limit; }
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
    template <typename List>
    auto& one_of(const List& list) {
        return list[below(list.size())];
    }

private:
    std::uint64_t state_;
};

inline constexpr std::array<std::string_view, 96> kWords = {
    "about",    "access",   "account",  "action",  "admin",   "album",   "answer",  "archive",  "article",
    "author",   "banner",   "basket",   "blog",    "board",   "browser", "button",  "calendar", "camera",
    "cart",     "category", "change",   "chapter", "client",  "comment", "company", "config",   "contact",
    "content",  "cookie",   "customer", "daily",   "data",    "default", "detail",  "device",   "display",
    "download", "editor",   "email",    "error",   "event",   "export",  "feature", "field",    "file",
    "filter",   "footer",   "forum",    "gallery", "global",  "group",   "guide",   "header",   "history",
    "home",     "image",    "import",   "index",   "install", "invoice", "label",   "language", "layout",
    "license",  "list",     "login",    "mail",    "manager", "media",   "member",  "menu",     "message",
    "mobile",   "module",   "network",  "news",    "option",  "order",   "page",    "panel",    "password",
    "photo",    "plugin",   "portal",   "product", "profile", "project", "public",  "query",    "report",
    "search",   "section",  "server",   "status",  "upload",  "user"};

}  // namespace dishwall::bench
