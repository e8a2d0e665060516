// SPDX-License-Identifier: BSD-3-Clause
//
// A foreign rule set, imported, and asked what it does with packets: by the oracle, on a line that is at a
// known place.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "control/dishctl/import/import.h"
#include "rules/evaluate.h"
#include "rules/frontend.h"

namespace dishwall::test {

inline std::string text_of_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

// 2a0d:3344:aa::/56 is delegated, and this machine is ::1 in each LAN and 2a0d:3344:ff::2 on the uplink.
inline Own own_line() {
    Own own;
    own.prefixes = {{*parse_prefix("2a0d:3344:aa::/56"), 0}};
    for (const char* self : {"2a0d:3344:aa:1::1", "2a0d:3344:aa:2::1", "2a0d:3344:ff::2", "fe80::1"})
        own.self.push_back(*parse_ipv6(self));
    return own;
}

class Imported {
public:
    Imported(ImportFormat format, const std::string& text, const ImportOptions& options) {
        auto made = import_rules(format, text, options);
        if (!made) {
            ADD_FAILURE() << made.error().message;
            return;
        }
        result = std::move(*made);
        Compiled compiled = read_policy("imported.conf", result.rules,
                                        {.service_port = [](std::string_view, std::string_view) {
                                            return std::optional<std::uint16_t>();
                                        }});
        if (!compiled.policy)
            ADD_FAILURE() << render(compiled.diagnostics, compiled.sources, false) << result.rules;
        if (compiled.policy) policy_ = std::move(*compiled.policy);
    }

    // "in 2a01::5 2a0d:3344:aa:1::10 tcp 443", "out ... udp 53 1024" (the sender's port last), "... icmpv6
    // 128"
    // -> accept, drop, reject
    [[nodiscard]] std::string verdict(const std::string& packet) const {
        std::istringstream words(packet);
        std::string way, from, to, protocol;
        unsigned number = 0, source_port = 40000;
        words >> way >> from >> to >> protocol >> number >> source_port;
        Query query;
        query.direction = way == "in" ? Direction::inbound : Direction::outbound;
        query.peer = parse_ipv6(way == "in" ? from : to).value();
        query.ours = parse_ipv6(way == "in" ? to : from).value();
        query.proto = protocol == "tcp" ? 6 : protocol == "udp" ? 17 : protocol == "icmpv6" ? 58 : 50;
        if (query.proto == 58) query.icmp_type = static_cast<std::uint8_t>(number);
        if (has_ports(query.proto)) {
            query.destination_port = static_cast<std::uint16_t>(number);
            query.source_port = static_cast<std::uint16_t>(words ? source_port : 40000);
        }
        const Judgement judgement = evaluate(policy_, own_line(), query);
        return judgement.verdict == DW_ACCEPT ? "accept" : judgement.verdict == DW_DROP ? "drop" : "reject";
    }

    // Why a rule is not in the file: all remarks about originals that contain `part`.
    [[nodiscard]] std::string remarks_about(const std::string& part) const {
        std::string text;
        for (const ImportRemark& one : result.remarks)
            if (one.what.find(part) != std::string::npos) text += one.why + "\n";
        return text;
    }

    ImportResult result;

private:
    Policy policy_;
};

}  // namespace dishwall::test
