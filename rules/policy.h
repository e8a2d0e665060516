// SPDX-License-Identifier: BSD-3-Clause
//
// The resolved policy: what a rule file means, with every name looked up and every sugar gone.
// It is the waist of the compiler. The front end (lexer, parser, resolve) produces it; two things consume
// it and nothing else: lower.h, which writes the image for the packet core, and evaluate.h, the slow oracle.
// Addresses behind the line are kept as places (source, subnet id, interface id), never as literals (design
// D3).
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "bpf/core/image_layout.h"
#include "rules/few.h"
#include "rules/ipv6.h"

namespace dishwall {

// The name of a file, shared by all that was written in it: a policy has a hundred thousand places.
class FileName {
public:
    FileName() = default;
    explicit FileName(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}

    [[nodiscard]] const std::string& text() const {
        static const std::string none;
        return text_ ? *text_ : none;
    }
    operator const std::string&() const { return text(); }  // NOLINT: it is one
    bool operator==(const FileName& other) const { return text_ == other.text_ || text() == other.text(); }
    bool operator==(std::string_view other) const { return text() == other; }

private:
    std::shared_ptr<const std::string> text_;
};

// Where in the text something was written. Lines and columns count from 1.
struct Place {
    FileName file;
    unsigned line = 0;
    unsigned column = 0;
};

// ---- the uplink

struct FromDhcpv6Pd {
    // Only routes of this metric: how two DHCPv6 clients on one machine tell their delegations apart.
    std::optional<std::uint32_t> metric;
};
struct FromRouterAdvertisement {};
struct FromAddresses {
    std::string interface;
};
struct Static {
    Ipv6Prefix prefix;  // length 48..64
};

// One `prefix` statement. Its position in Uplink::sources is its number in the data plane (dw_prefix.source).
struct PrefixSource {
    std::string name;  // "pd", written as dish.pd in rules
    std::variant<FromDhcpv6Pd, FromRouterAdvertisement, FromAddresses, Static> from;
    Place place;
};

enum class XdpMode { automatic, native, generic };

struct Uplink {
    std::string name;                   // "dish"
    std::string interface;              // "eth0"
    std::vector<PrefixSource> sources;  // at most DW_SOURCES
    unsigned grace_s = 300;             // seconds that flows of a withdrawn prefix live on
    XdpMode xdp = XdpMode::automatic;
    dw_ipv4_mode ipv4 = DW_IPV4_STATEFUL;
    // Seconds that a flow may be idle, by dw_timeout (R22): RFC 6092 REC-12, 14, 35, 40.
    std::array<std::uint32_t, DW_TIMEOUTS> idle_s = {240, 7440, 240, 300, 60, 300, 60, 0};
    bool routing_headers = false;         // true: types other than 0 pass the header walk (R8)
    std::optional<std::uint16_t> vlan;    // the only 802.1Q tag that the uplink's frames carry (R14)
    bool other_ethertypes = false;        // true: frames that are neither IPv6, IPv4 nor ARP pass (R14)
    bool udp_without_checksum = false;    // true: UDP over IPv6 with checksum zero passes (R13)
    bool documentation_prefixes = false;  // true: 2001:db8::/32 and 3fff::/20 are ordinary addresses
    unsigned flow_table = 131072;         // flows, a power of two, 1024..4194304
    Place place;
};

struct Network {
    std::string name;     // "lan"
    unsigned source = 0;  // index into Uplink::sources
    std::uint16_t subnet = 0;
    std::string interface;  // may be empty
    Place place;
};

// ---- addresses in rules

// All addresses of one prefix source, one subnet of it, or one interface id in one subnet.
struct Behind {
    unsigned source = 0;
    std::optional<std::uint16_t> subnet;        // empty: the whole delegation
    std::optional<std::uint64_t> interface_id;  // empty: the whole subnet; set only with a subnet
};
struct Self {};
// The addresses that are known at the moment of a host that is learnt while the policy runs: Own::learnt.
struct Learnt {
    std::uint32_t host = 0;  // LearntHost::id
};

// What a feed's file says, as rules/feed.h reads it.
struct FeedEntries {
    std::vector<Ipv6Prefix> prefixes;  // sorted, none in another one

    [[nodiscard]] bool contains(const Ipv6Address& address) const;
};
// Everything in a feed. `feed` is its name for comparisons: two elements of one feed are equal.
struct InFeed {
    unsigned feed = 0;                           // index into Policy::feeds
    std::shared_ptr<const FeedEntries> entries;  // those of Policy::feeds[feed]; never null
};

// What may stand between braces, after names are looked up. `any` is an AddressSet with `any` true.
using AddressElement = std::variant<Ipv6Prefix, Behind, Self, Learnt, InFeed>;
using AddressElements = Few<AddressElement>;

// (any or in one of `include`) and in none of `exclude`.
// `{ a, not b }` is include {a} exclude {b}; `not b` and `{ not b }` alone are any, exclude {b}.
struct AddressSet {
    bool any = true;
    AddressElements include;  // used only when any is false; then empty matches nothing
    AddressElements exclude;

    [[nodiscard]] bool matches_everything() const { return any && exclude.empty(); }
};

// ---- rules

// TCP, UDP and SCTP: the protocols whose ports a rule may name.
[[nodiscard]] inline bool has_ports(std::uint8_t proto) {
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
}

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 65535;
};
using PortRanges = Few<PortRange>;

// One alternative of a MATCH. `service web` gives one for each of its members, a MATCH without protocol
// gives a single one with an empty `proto`.
struct ProtocolMatch {
    std::optional<std::uint8_t> proto;     // empty: any protocol
    PortRanges ports;          // tcp, udp, sctp: destination ports. Empty: all
    std::vector<std::uint8_t> icmp_types;  // icmpv6. Empty: all
};
using ProtocolMatches = Few<ProtocolMatch>;

// MATCH from ADDRESS port PORTS to ADDRESS: which packets are meant.
struct Traffic {
    ProtocolMatches match;   // never empty: any one of them
    PortRanges from_ports;  // the sender's port. Empty: all
    AddressSet from;
    AddressSet to;
};

// `rate 200/s burst 400 per source/64`: a token bucket. A packet over the rate does not match its rule.
struct Rate {
    std::uint32_t packets = 1;  // so many ...
    std::uint32_t unit_s = 1;   // ... in so many seconds: 1, 60, 3600 or 86400
    std::uint32_t burst = 1;    // tokens that the bucket holds; `packets` when the file says nothing
    std::optional<std::uint8_t>
        per_source;  // a bucket for each prefix of this length, 0..128; empty: one for the rule
};

// `inspect exploits on-failure drop`.
struct Inspect {
    unsigned signatures = 0;  // index into Policy::signatures
    bool accept_on_failure = false;
};

struct Rule : Traffic {
    dw_verdict verdict = DW_DROP;
    std::optional<Rate> rate;
    std::optional<Inspect> inspect;  // of an `accept`
    bool log = false;
    bool endpoint_independent = false;  // outbound accept: the flows it opens let any peer answer (R23)
    std::string name;                   // given, or "file:line" (file without its directory)
    bool named = false;
    Place place;
};

// `on dish`. Inbound: `from` is the peer and `to` is ours; outbound: the other way round.
struct Chain {
    dw_verdict default_verdict = DW_DROP;  // inbound when the file says nothing: drop; outbound: accept
    std::vector<Rule> rules;
    std::uint32_t log_sample = 1;  // `log sample 1/N`: of what would be reported, one in N is
    Place place;                   // of the first policy statement; line 0 when there is none
};

// A host by name, for tables, `explain`, DNS updates and errors: the first that fits names an address.
struct NamedAddress {
    std::string name;
    AddressElements elements;  // never empty; several: one interface id in any network
    Place place;
};

// ---- what is learnt while the policy runs

// `host cam = lan mac 02:11:22:33:44:55`: every address that this device uses on that network.
struct DeviceHost {
    unsigned network = 0;  // index into Policy::networks; that network has an interface
    MacAddress mac{};
};
// `host tokyo = name vpn.example.net`: what its AAAA records say.
struct DomainHost {
    std::string domain;  // lower case, without a final dot
};

struct LearntHost {
    std::string name;  // in the rule file
    // Made from the definition, never zero: the same host has the same id after every load and restart, and
    // a host that is defined otherwise has another.
    std::uint32_t id = 0;
    std::variant<DeviceHost, DomainHost> what;
    Place place;
};

// ---- records that follow the prefix

// `record web AAAA nas ttl 60`
struct DnsRecord {
    std::string name;   // fully qualified, without a final dot: "web.home.example"
    unsigned host = 0;  // index into Policy::hosts
    std::uint32_t ttl_s = 300;
    Place place;
};

// `dns-update "home.example" { ... }`: by nsupdate, or by a program of the user's.
struct DnsUpdate {
    struct Nsupdate {
        std::string server;  // an address or a name
        std::uint16_t port = 53;
        std::string key_file;  // absolute; may be empty: not signed
    };
    struct Exec {
        std::string program;  // absolute
    };
    std::string zone;  // without a final dot
    std::variant<Nsupdate, Exec> by;
    std::vector<DnsRecord> records;
    Place place;
};

// ---- files beside the rule file

// `feed drop6 = file "feeds/drop6.txt" refresh 24h stale-after 72h`
struct Feed {
    std::string name;
    std::string path;                            // absolute
    std::uint32_t refresh_s = 0;                 // read again so often; 0: at loads only
    std::uint32_t stale_after_s = 0;             // without a good reading for so long it is stale; 0: never
    std::shared_ptr<const FeedEntries> entries;  // never null
    Place place;
};

// `signatures exploits = file "sig/web.hs" on-match drop ban 10m both-directions clean-after 1M`
struct Signatures {
    enum class OnMatch { drop, alert, reject };
    std::string name;
    // Made from the name, 1..65535: it has the same number after every load, so that an open flow goes on to mean
    // the same signatures.
    std::uint16_t id = 0;
    std::string path;                         // absolute
    std::shared_ptr<const std::string> text;  // what the file says: one `ID:/regex/flags` a line; never null
    std::size_t patterns = 0;
    OnMatch on_match = OnMatch::drop;
    std::uint32_t ban_s = 0;  // new flows from the /64 of a match are refused for so long; 0: they are not
    bool both_directions = false;  // packets of our side are inspected, too
    std::uint64_t clean_after = kCleanAfter;  // bytes of a direction without a match; 0: a flow is never clean
    Place place;

    static constexpr std::uint64_t kCleanAfter = 1 << 20;
};

// ---- claims about the policy, proven before it is loaded

enum class Direction { inbound, outbound };

// One statement of a `test`: every packet of this traffic comes to this verdict.
struct Expectation {
    struct With {
        unsigned source = 0;  // index into Uplink::sources
        Ipv6Prefix prefix;    // is what it has at that time
    };
    std::vector<With> with;
    Direction direction = Direction::inbound;
    Traffic traffic;
    dw_verdict verdict = DW_ACCEPT;
    std::string by;  // the rule that has to decide; empty: any, or the default
    Place place;
};

struct PolicyTest {
    std::string name;
    std::vector<Expectation> expectations;
    Place place;
};

// One line of a `protect` block: inbound, and accepted.
struct Protected {
    std::string name;  // of the block
    Traffic traffic;
    Place place;
};

struct Policy {
    Uplink uplink;
    std::vector<Network> networks;
    std::vector<NamedAddress> hosts;
    std::vector<LearntHost> learnt;  // ids differ
    std::vector<DnsUpdate> dns_updates;
    std::vector<Feed> feeds;
    std::vector<Signatures> signatures;
    std::vector<PolicyTest> tests;
    std::vector<Protected> protects;
    Chain inbound;
    Chain outbound;
};

}  // namespace dishwall
