// SPDX-License-Identifier: BSD-3-Clause
#include "control/guard.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "control/unique_fd.h"

namespace dishwall {
namespace {

constexpr char kTablePrefix[] = "dishwall-";
constexpr std::size_t kLongestComment = 120;  // nftables keeps 128
constexpr int kAttempts = 5;                  // somebody else's transaction may come between

struct ContextCloser {
    void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

// libnftables says "Error: ..." in its first line and repeats the command behind it.
std::string first_line(const char* text) {
    std::string line = text == nullptr ? "" : text;
    line.erase(std::min(line.find('\n'), line.size()));
    return line.starts_with("Error: ") ? line.substr(7) : line;
}

// The commands of one call are one transaction: all or nothing.
Result<std::string> run_once(const std::string& commands, unsigned output_flags, bool dry_run = false) {
    // libnftables ends the process when there is no such socket to be had.
    const UniqueFd probe(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!probe.is_open()) return fail("nftables cannot be reached: {}", std::strerror(errno));
    const std::unique_ptr<nft_ctx, ContextCloser> context(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!context) return fail("nftables cannot be reached");
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    nft_ctx_output_set_flags(context.get(), output_flags);
    nft_ctx_set_dry_run(context.get(), dry_run);
    if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) != 0)
        return fail("nftables refuses: {}", first_line(nft_ctx_get_error_buffer(context.get())));
    const char* output = nft_ctx_get_output_buffer(context.get());
    return std::string(output == nullptr ? "" : output);
}

Result<std::string> run(const std::string& commands, unsigned output_flags = 0) {
    Result<std::string> output = run_once(commands, output_flags);
    for (int attempt = 1; !output && attempt < kAttempts; ++attempt)
        output = run_once(commands, output_flags);
    return output;
}

// The objects of one kind in nftables' JSON, as in {"nftables": [{"table": {...}}, ...]}.
Result<std::vector<nlohmann::json>> list(const std::string& what, const char* kind) {
    const Result<std::string> output = run("list " + what, NFT_CTX_OUTPUT_JSON);
    if (!output) return tl::unexpected(output.error());
    const nlohmann::json parsed = nlohmann::json::parse(*output, nullptr, false);
    std::vector<nlohmann::json> found;
    if (!parsed.is_object() || !parsed.contains("nftables")) return found;
    for (const nlohmann::json& one : parsed["nftables"])
        if (one.contains(kind)) found.push_back(one[kind]);
    return found;
}

// With other characters than these an nftables word would have to be quoted, which a table's cannot be.
std::string plain(std::string text) {
    const auto is_plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
    for (char& c : text)
        if (!is_plain(c) && std::strchr("/_.-", c) == nullptr) c = '_';
    return text;
}

std::string comment_of(const std::string& owner) {
    const std::string text = plain(owner);
    return text.size() <= kLongestComment ? text : text.substr(text.size() - kLongestComment);
}

// A star at the end would stand for any ending.
std::string quoted(const std::string& interface) {
    const bool star = interface.ends_with('*');
    return fmt::format("\"{}{}\"", interface.substr(0, interface.size() - (star ? 1 : 0)), star ? "\\*" : "");
}

// The index first: it is one compare of integers and ends the rule for every packet of the armed device.
std::string rule(const std::string& table, const char* chain, const char* end, const std::string& interface,
                 unsigned index) {
    const std::string other = index == 0 ? "" : fmt::format("{} != {} ", end, index);
    return fmt::format("add rule inet {} {} {}{}name {} counter name \"{}\" drop\n", table, chain, other, end,
                       quoted(interface), chain);
}

Result<bool> was_made_by(const std::string& owner, const std::string& table) {
    // The comment is in nftables' own language only, not in its JSON.
    const Result<std::string> text = run(fmt::format("list table inet {}", table));
    if (!text) return tl::unexpected(text.error());
    return text->find(fmt::format("comment \"{}\"", comment_of(owner))) != std::string::npos;
}

}  // namespace

Guard::Guard(const std::string& interface, const std::string& owner)
    : interface_(interface), owner_(owner), table_(kTablePrefix + plain(interface)) {}

Result<void> Guard::arm(unsigned index, const Stamp& stamp) const {
    // Before everybody else's chains, connection tracking included: -400 is the first of the kernel's own.
    std::string commands =
        fmt::format("add table inet {} {{ comment \"{}\"; }}\n", table_, comment_of(owner_));
    constexpr std::pair<const char*, const char*> kChains[] = {{"inbound", "prerouting"},
                                                               {"outbound", "postrouting"}};
    for (const auto& [chain, hook] : kChains)
        commands += fmt::format(
            "add counter inet {0} {1}\n"
            "add chain inet {0} {1} {{ type filter hook {2} priority -450; policy accept; }}\n"
            "flush chain inet {0} {1}\n",
            table_, chain, hook);
    commands += rule(table_, "inbound", "iif", interface_, index);
    if (index != 0 && stamp != Stamp{})
        commands += fmt::format(
            "add rule inet {} inbound iif {} ether saddr != {:02x} counter name \"inbound\" drop\n", table_,
            index, fmt::join(stamp, ":"));
    // A second hook would cost every forwarded packet as much as the first. While a device is armed it is not
    // needed: a new one has no routes, and the advertisements and neighbours' answers that could make some
    // are held back.
    commands += index == 0 ? rule(table_, "outbound", "oif", interface_, 0)
                           : fmt::format("delete chain inet {} outbound\n", table_);
    if (const Result<std::string> done = run(commands); !done)
        return fail_with(done.error(), "table inet " + table_);
    return {};
}

Result<HeldBack> Guard::held_back() const {
    const auto counters = list("counters table inet " + table_, "counter");
    if (!counters) return tl::unexpected(counters.error());
    HeldBack held;
    for (const nlohmann::json& counter : *counters) {
        Total& total = counter.value("name", "") == "inbound" ? held.inbound : held.outbound;
        total = {counter.value("packets", std::uint64_t{0}), counter.value("bytes", std::uint64_t{0})};
    }
    return held;
}

// The kernel looks at a dry run's transaction as at any other, and then aborts it.
Result<void> try_nftables() {
    constexpr char kSample[] =
        "add table inet dishwall-doctor\n"
        "add counter inet dishwall-doctor inbound\n"
        "add chain inet dishwall-doctor inbound { type filter hook prerouting priority -450; policy accept; "
        "}\n"
        "add rule inet dishwall-doctor inbound iifname \"lo\" counter name \"inbound\" drop\n";
    if (const Result<std::string> done = run_once(kSample, 0, true); !done)
        return tl::unexpected(done.error());
    return {};
}

Result<std::vector<std::string>> remove_guards(const std::string& owner, const std::string& keep) {
    const auto tables = list("tables inet", "table");
    if (!tables) return tl::unexpected(tables.error());
    std::vector<std::string> removed;
    for (const nlohmann::json& table : *tables) {
        const std::string name = table.value("name", "");
        if (!name.starts_with(kTablePrefix) || name == keep) continue;
        const Result<bool> ours = was_made_by(owner, name);
        if (!ours) return tl::unexpected(ours.error());
        if (!*ours) continue;
        if (const Result<std::string> done = run("delete table inet " + name); !done)
            return fail_with(done.error(), "table inet " + name);
        removed.push_back(name);
    }
    return removed;
}

}  // namespace dishwall
