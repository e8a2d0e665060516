// SPDX-License-Identifier: BSD-3-Clause
//
// The tables are made first (rules/image/), then laid out front to back by how likely a packet is to need
// them, then written: header, networks, rates, small tables of sets, forbidden addresses, tuples and their
// bit sets, Bloom filters; then services, rules, entries, lists; then the trees of address sets. So the first
// chunk, which the core reaches without a look-up, has what most packets ask for.
#include "rules/lower.h"

#include <algorithm>

#include "rules/image/bogons.h"
#include "rules/image/chain.h"
#include "rules/image/image_writer.h"

namespace dishwall {
namespace {

constexpr std::size_t kFewSets = 2048;  // 64 KiB: they stand in front, and leave the first chunk to others

class Lowering {
public:
    Lowering(const Policy& policy, const CounterOf& counter_of) : policy_(policy), counter_of_(counter_of) {}

    Result<CompiledImage> run() {
        settings();
        if (const auto made = make_tables(); !made) return tl::unexpected(made.error());
        place_tables();
        if (const auto begun = image_.begin(); !begun) return tl::unexpected(begun.error());
        write_tables();
        CompiledImage compiled;
        compiled.facts = facts();
        compiled.image = image_.take();
        return compiled;
    }

private:
    // A chain's tables, and where those stand that its header does not name.
    struct PlacedChain {
        ChainTables tables;
        std::uint32_t part_bits = 0;  // line
    };

    void settings() {
        const Uplink& uplink = policy_.uplink;
        header_.magic = DW_MAGIC;
        header_.layout = DW_LAYOUT_VERSION;
        header_.ipv4 = uplink.ipv4;
        header_.options = options();
        header_.vlan = uplink.vlan.value_or(DW_NO_VLAN);
        std::copy(uplink.idle_s.begin(), uplink.idle_s.end(), header_.timeout_s);
    }

    [[nodiscard]] std::uint32_t options() const {
        const Uplink& uplink = policy_.uplink;
        const std::vector<Rule>& rules = policy_.outbound.rules;
        const bool independent = std::any_of(rules.begin(), rules.end(),
                                             [](const Rule& rule) { return rule.endpoint_independent; });
        return (uplink.routing_headers ? DW_OPTION_ROUTING_HEADERS : 0) |
               (uplink.other_ethertypes ? DW_OPTION_ETHERTYPES : 0) |
               (uplink.udp_without_checksum ? DW_OPTION_UDP_NO_CHECKSUM : 0) |
               (independent ? DW_OPTION_INDEPENDENT : 0) |
               (inspects(policy_.inbound) || inspects(policy_.outbound) ? DW_OPTION_INSPECT : 0);
    }

    static bool inspects(const Chain& chain) {
        return std::any_of(chain.rules.begin(), chain.rules.end(),
                           [](const Rule& rule) { return rule.inspect.has_value(); });
    }

    // ---- making

    Result<void> make_tables() {
        if (const auto made = make(policy_.inbound, Direction::inbound, &inbound_); !made) return made;
        if (const auto made = make(policy_.outbound, Direction::outbound, &outbound_); !made) return made;
        make_networks();
        make_bogons();
        return {};
    }

    Result<void> make(const Chain& chain, Direction direction, PlacedChain* placed) {
        const Result<ChainLines> lines = lines_of(policy_, direction, counter_of_, &next_index_, &rates_);
        if (!lines) return tl::unexpected(lines.error());
        // An address has a name for each learnt host that uses it, beside its place.
        const std::uint32_t names = 1 + (policy_.learnt.empty() ? 0 : DW_LEARNT_HOSTS);
        Result<ChainTables> tables = make_chain(chain, *lines, names, &sets_);
        if (!tables) return tl::unexpected(tables.error());
        placed->tables = std::move(*tables);
        return {};
    }

    void make_networks() {
        for (const Network& network : policy_.networks) {
            std::vector<std::uint8_t>& bitmap = networks_[network.source];
            bitmap.resize(std::max<std::size_t>(bitmap.size(), network.subnet / 8 + 1u));
            bitmap[network.subnet / 8] |= static_cast<std::uint8_t>(1u << network.subnet % 8);
            std::uint32_t& bits = header_.networks[network.source].count;
            bits = std::max<std::uint32_t>(bits, network.subnet + 1u);
        }
    }

    void make_bogons() {
        const std::vector<Ipv6Prefix> prefixes = bogons(policy_.uplink.documentation_prefixes);
        bogon_roots_ = bogon_trees_.add_literals(prefixes);
        // Most addresses are in an area without any bogon: for them the core searches nothing. No area is
        // smaller than a /24.
        constexpr unsigned kSmallest = 40;
        for (const Ipv6Prefix& prefix : prefixes)
            for (std::uint64_t at = prefix.first().hi >> kSmallest; at <= prefix.last().hi >> kSmallest;
                 ++at) {
                const std::uint32_t area = dw_bogon_area(at << kSmallest);
                header_.bogon_areas[area / 64] |= 1ull << area % 64;
            }
    }

    // ---- placing

    void place_tables() {
        image_.reserve(Room::other, 1, sizeof(dw_image));
        for (unsigned source = 0; source < DW_SOURCES; ++source)
            header_.networks[source].line = image_.reserve(Room::other, networks_[source]).line;
        header_.rates = image_.reserve(Room::rules, rates_);
        const bool few_sets = sets_.count() <= kFewSets;
        if (few_sets) place_sets();
        bogon_line_ = image_.reserve(Room::other, bogon_trees_.lines(), DW_LINE).line;
        for (PlacedChain* chain : {&inbound_, &outbound_}) place_hot(chain);
        for (PlacedChain* chain : {&inbound_, &outbound_}) place_rest(chain);
        if (!few_sets) place_sets();
        tree_line_ = image_.reserve(Room::addresses, sets_.trees().lines(), DW_LINE).line;
    }

    void place_sets() { header_.sets = image_.reserve(Room::addresses, sets_.count(), sizeof(dw_set)); }

    void place_hot(PlacedChain* chain) {
        ChainTables& tables = chain->tables;
        tables.header.tuples = image_.reserve(Room::tuples, tables.tuples);
        tables.header.parts = image_.reserve(Room::tuples, tables.parts);
        chain->part_bits = image_.reserve(Room::tuples, tables.part_bits).line;
        tables.header.bloom = image_.reserve(Room::services, tables.bloom);
    }

    // Of tables that are counted in other things than what is written, the header has the count already.
    void place_rest(PlacedChain* chain) {
        ChainTables& tables = chain->tables;
        tables.header.services.line = image_.reserve(Room::services, tables.services).line;
        tables.header.rules.line = image_.reserve(Room::rules, tables.rules).line;
        tables.header.entries.line = image_.reserve(Room::tuples, tables.entries).line;
        tables.header.lists = image_.reserve(Room::tuples, tables.lists);
    }

    // ---- writing

    void write_tables() {
        write(inbound_);
        write(outbound_);
        for (unsigned source = 0; source < DW_SOURCES; ++source)
            image_.put(header_.networks[source].line, networks_[source]);
        image_.put(header_.rates.line, rates_);
        image_.put(header_.sets.line, sets_.placed_at(tree_line_));
        sets_.trees().write(image_.at(tree_line_), tree_line_);
        header_.bogons_wide = bogon_trees_.root(bogon_roots_.wide, bogon_line_);
        header_.bogons_full = bogon_trees_.root(bogon_roots_.full, bogon_line_);
        bogon_trees_.write(image_.at(bogon_line_), bogon_line_);
        header_.inbound = inbound_.tables.header;
        header_.outbound = outbound_.tables.header;
        header_.lines = image_.lines();
        image_.put(0, header_);
    }

    void write(PlacedChain& chain) {
        ChainTables& tables = chain.tables;
        for (dw_part& part : tables.parts) part.line += chain.part_bits;
        image_.put(tables.header.tuples.line, tables.tuples);
        image_.put(tables.header.parts.line, tables.parts);
        image_.put(chain.part_bits, tables.part_bits);
        image_.put(tables.header.bloom.line, tables.bloom);
        image_.put(tables.header.services.line, tables.services);
        image_.put(tables.header.rules.line, tables.rules);
        image_.put(tables.header.entries.line, tables.entries);
        image_.put(tables.header.lists.line, tables.lists);
    }

    [[nodiscard]] ImageFacts facts() const {
        ImageFacts facts;
        facts.inbound = inbound_.tables.facts;
        facts.outbound = outbound_.tables.facts;
        facts.sets = sets_.count();
        facts.prefixes = sets_.trees().prefixes();
        facts.address_bytes = image_.bytes(Room::addresses);
        facts.bytes = std::size_t{image_.lines()} * DW_LINE;
        return facts;
    }

    const Policy& policy_;
    const CounterOf& counter_of_;
    dw_image header_{};
    std::uint32_t next_index_ = 0;
    AddressSets sets_;
    std::vector<dw_rate> rates_;
    std::array<std::vector<std::uint8_t>, DW_SOURCES> networks_;
    PrefixTrees bogon_trees_;
    PrefixTrees::Roots bogon_roots_;
    PlacedChain inbound_, outbound_;
    ImageWriter image_;
    std::uint32_t bogon_line_ = 0, tree_line_ = 0;
};

}  // namespace

const Rule* rule_at(const Policy& policy, std::size_t rule_index) {
    const std::size_t inbound = policy.inbound.rules.size();
    if (rule_index < inbound) return &policy.inbound.rules[rule_index];
    rule_index -= inbound;
    return rule_index < policy.outbound.rules.size() ? &policy.outbound.rules[rule_index] : nullptr;
}

Result<CompiledImage> lower(const Policy& policy, const CounterOf& counter_of) {
    return Lowering(policy, counter_of).run();
}

}  // namespace dishwall
