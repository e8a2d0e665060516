// SPDX-License-Identifier: BSD-3-Clause
//
// A rule file as it was written: every statement with its words and where they stand, nothing looked up.
// The parser makes it, resolve reads it. Words are views into the source text.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "rules/source.h"

namespace dishwall::ast {

struct Word {
    std::string_view text;
    Span span;
};

// ADDRESS
struct Address {
    enum class Kind { any, self, name, source, literal, list, broken };
    Kind kind = Kind::any;
    bool negated = false;
    Span span;                      // with its `not`
    Word word;                      // name: nas; source: dish.pd; literal: 2001:db8::/32
    std::vector<Address> elements;  // list
};

// MATCH
struct Match {
    enum class Kind {
        any,      // nothing was written
        ports,    // tcp, udp, sctp: `values` are PORTS, empty: all
        icmpv6,   // `values` are types, empty: all
        proto,    // `values` is one number
        service,  // `values` is one name
    };
    Kind kind = Kind::any;
    Word keyword;
    std::vector<Word> values;
    Span span;
};

struct Rule {
    Word verdict;
    Match match;
    std::optional<Address> from;
    std::vector<Word> from_ports;
    std::optional<Address> to;
    std::optional<Span> endpoint_independent;  // where the word stands
    bool log = false;
    std::optional<Word> name;
    Span span;
    bool broken = false;  // was complained about: its parts are not all there
};

struct Default {
    Word verdict;
    Span span;
};

struct Policy {
    Word direction;  // inbound | outbound
    Word uplink;
    std::vector<Default> defaults;
    std::vector<Rule> rules;
    Span span;  // of the line that opens the block
};

struct Prefix {
    Word name;
    Word origin;    // dhcpv6-pd | ra | addresses | static
    Word argument;  // dhcpv6-pd: a metric, or empty; addresses: an interface; static: a prefix
    Span span;
};

struct Setting {
    Word keyword;
    std::optional<Word> which;  // timeout: of which flows
    Word value;
    Span span;
};

struct Uplink {
    Word name;
    std::vector<Setting> settings;
    std::vector<Prefix> prefixes;
    bool broken = false;  // a statement in it was complained about
    Span span;            // `uplink NAME`
};

struct Network {
    Word name;
    Word source;  // dish.pd
    std::optional<Word> subnet;
    std::optional<Word> interface;
};

struct Host {
    enum class Kind { plain, any_network, mac, eui64, domain };
    Word name;
    Kind kind = Kind::plain;
    Word base;                  // plain: a network's name, or the address; mac, eui64: a network's name
    std::optional<Word> value;  // ::10 behind a network or `any`; a MAC address; a domain
};

struct Set {
    Word name;
    Address members;
};

struct Service {
    Word name;
    std::vector<Match> members;
};

// record NAME AAAA HOST [ttl N]
struct DnsRecord {
    Word name;
    Word host;
    std::optional<Word> ttl;
    Span span;
};

// A setting of a `dns-update` block: its keyword, its value, and the port behind `server ADDR port`.
struct DnsSetting {
    Word keyword;  // server | key-file | exec
    Word value;
    std::optional<Word> port;
    Span span;
};

struct DnsUpdate {
    Word zone;
    std::vector<DnsSetting> settings;
    std::vector<DnsRecord> records;
    bool broken = false;  // a statement in it was complained about
    Span span;            // `dns-update "ZONE"`
};

struct File {
    std::vector<Uplink> uplinks;
    std::vector<Network> networks;
    std::vector<Host> hosts;
    std::vector<Set> sets;
    std::vector<Service> services;
    std::vector<Policy> policies;
    std::vector<DnsUpdate> dns_updates;
    // Names whose definitions were complained about: a use of them is no second error.
    std::vector<Word> broken_names;
    bool incomplete = false;  // an include was refused: names that are unknown may be defined there
    Span end;
};

}  // namespace dishwall::ast
