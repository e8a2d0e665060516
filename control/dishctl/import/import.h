// SPDX-License-Identifier: BSD-3-Clause
//
// `dishctl import`: another firewall's rules as a rule file. What is written means what the original meant,
// or it is not written: an accept that cannot be said exactly is left out, and where a drop cannot be, the
// accepts behind it that it may have narrowed are left out too. Whatever was left out is named, one entry a
// rule.
//
// Reading `nft -j list ruleset`, ip6tables-save and /etc/config/firewall is pure. Text of nftables is loaded
// into an empty network namespace of its own and listed again, so that nft itself is what understands it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/result.h"

namespace dishwall {

enum class ImportFormat { nft, ip6tables_save, uci };

// "nft", "ip6tables-save", "uci"
[[nodiscard]] std::optional<ImportFormat> import_format_named(std::string_view name);

// What an interface behind this box is, where the caller knows it.
struct ImportNetwork {
    std::string interface;  // as the original names it: br-lan; of uci, the zone: lan
    std::uint16_t subnet = 0;
};

struct ImportOptions {
    std::string uplink;  // the interface that faces the Internet; empty: guessed from the rules
    std::string source;  // what was read, for comments: "/etc/nftables.conf"
    std::vector<ImportNetwork> networks;  // those that are missing get numbers to be checked
};

// One thing that the reader of the file has to know.
struct ImportRemark {
    enum class Kind {
        left_out,  // it is not in the file: what it did is not done
        built_in,  // it is not in the file, because it holds without any rule
        check,     // it is in the file, and somebody has to look at it
    };
    Kind kind = Kind::left_out;
    unsigned line = 0;  // of the input; 0: of no line (JSON has none)
    std::string what;   // the original: "-A INPUT -m set ..."
    std::string why;    // and what to do
};

struct ImportResult {
    std::string rules;  // a rule file that passes `dishctl check`; the remarks are in it as comments
    std::vector<ImportRemark> remarks;  // in the order of the input
};

// Fails when the text is not of that format.
[[nodiscard]] Result<ImportResult> import_rules(ImportFormat format, std::string_view text,
                                                const ImportOptions& options = {});

// "line 12: -A INPUT ...: the reason", one line, without its end.
[[nodiscard]] std::string remark_text(const ImportRemark& remark);

}  // namespace dishwall
