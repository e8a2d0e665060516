// SPDX-License-Identifier: BSD-3-Clause
//
// A rule file as it was written: every statement with its words and where they stand, nothing looked up.
// The parser makes it, resolve reads it. Words are views into the source text.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/few.h"
#include "rules/source.h"

namespace dishwall::ast {

struct Word {
    std::string_view text;
    Span span;
};

using Words = Few<Word>;  // of a list

// An optional for what few statements have: where it is empty it takes little room.
template <typename T>
class Rare {
public:
    Rare& operator=(T value) {
        value_ = std::make_unique<T>(std::move(value));
        return *this;
    }
    Rare& operator=(std::optional<T> value) {
        value_ = value ? std::make_unique<T>(std::move(*value)) : nullptr;
        return *this;
    }
    explicit operator bool() const { return value_ != nullptr; }
    [[nodiscard]] bool has_value() const { return value_ != nullptr; }
    const T& operator*() const { return *value_; }
    const T* operator->() const { return value_.get(); }

private:
    std::unique_ptr<T> value_;
};

// ADDRESS
struct Address {
    enum class Kind { any, self, name, source, literal, feed, list, broken };
    Kind kind = Kind::any;
    bool negated = false;
    Span span;                      // with its `not`
    Word word;                      // name: nas; source: dish.pd; literal: 2001:db8::/32; feed: its name
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
    Words values;
    Span span;
};

// rate N/UNIT [burst N] [per source[/LEN]]
struct Rate {
    Word amount;  // 200/s
    std::optional<Word> burst;
    std::optional<Word> per;  // source or source/64
    Span span;
};

// inspect SIGNATURES [on-failure accept|drop]
struct Inspect {
    Word signatures;
    std::optional<Word> on_failure;
    Span span;
};

struct Rule {
    Word verdict;
    Match match;
    Rare<Address> from;
    Rare<Words> from_ports;  // not empty
    std::optional<Address> to;
    Rare<Rate> rate;
    Rare<Inspect> inspect;
    Rare<Span> endpoint_independent;  // where the word stands
    Rare<Word> name;
    Span span;
    bool log = false;
    bool broken = false;  // was complained about: its parts are not all there
};

struct Default {
    Word verdict;
    Span span;
};

// log sample 1/N
struct LogSample {
    Word fraction;
    Span span;
};

struct Policy {
    explicit Policy(std::pmr::memory_resource* arena) : rules(arena) {}
    Policy(Policy&&) = default;
    Policy& operator=(Policy&&) = default;

    Word direction;  // inbound | outbound
    Word uplink;
    bool goes_on = false;  // holds the later rules of the block before it, which has everything else
    std::vector<Default> defaults;
    std::vector<LogSample> log_samples;
    std::pmr::deque<Rule> rules;  // none is moved
    Span span;                    // of the line that opens the block
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

// feed NAME = file "PATH" [refresh DURATION] [stale-after DURATION]
struct Feed {
    Word name;
    Word path;
    std::optional<Word> refresh, stale_after;
    Span span;
};

// signatures NAME = file "PATH" [on-match VERDICT] [ban DURATION] [both-directions] [clean-after SIZE]
struct Signatures {
    Word name;
    Word path;
    std::optional<Word> on_match;
    std::optional<Word> ban;
    std::optional<Word> both_directions;
    std::optional<Word> clean_after;
    Span span;
};

// MATCH [from ADDRESS [port PORTS]] [to ADDRESS]
struct Traffic {
    Match match;
    Rare<Address> from;
    Rare<Words> from_ports;  // not empty
    std::optional<Address> to;
    Span span;
    bool broken = false;  // was complained about: its parts are not all there
};

struct Protect {
    Word name;
    std::vector<Traffic> lines;
    bool broken = false;
    Span span;
};

// with dish.pd = PREFIX
struct With {
    Word source;
    Word prefix;
};

struct Expectation {
    std::vector<With> with;
    Word direction;
    Traffic traffic;
    Word verdict;
    std::optional<Word> by;
    Span span;
};

struct Test {
    Word name;
    std::vector<Expectation> expectations;
    bool broken = false;
    Span span;
};

// How much of the texts is in a tree: bounded while it grows, whatever it holds (Cursor::count).
struct Written {
    std::size_t statements = 0;
    std::size_t addresses = 0;  // in lists
    std::size_t claims = 0;     // lines of tests and of protect blocks
};

struct File {
    File() = default;
    File(File&&) = default;

    // Of the rules: there may be a hundred thousand. It takes its memory from `rooms`.
    std::unique_ptr<std::pmr::memory_resource> rooms;
    std::unique_ptr<std::pmr::monotonic_buffer_resource> arena =
        std::make_unique<std::pmr::monotonic_buffer_resource>();
    std::vector<std::unique_ptr<std::pmr::monotonic_buffer_resource>> more_arenas;  // of blocks that go on
    std::vector<Uplink> uplinks;
    std::vector<Network> networks;
    std::vector<Host> hosts;
    std::vector<Set> sets;
    std::vector<Service> services;
    std::vector<Policy> policies;
    std::vector<DnsUpdate> dns_updates;
    std::vector<Feed> feeds;
    std::vector<Signatures> signatures;
    std::vector<Protect> protects;
    std::vector<Test> tests;
    // Names whose definitions were complained about: a use of them is no second error.
    std::vector<Word> broken_names;
    bool incomplete = false;  // an include was refused: names that are unknown may be defined there
    Written written;
    Span end;
};

}  // namespace dishwall::ast
