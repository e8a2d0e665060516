// SPDX-License-Identifier: BSD-3-Clause
//
// What the names of a rule file mean: networks, hosts and sets (which share one name space, since rules
// write them alike), services (which have their own), and the addresses made of them.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "rules/address_set.h"
#include "rules/ast.h"
#include "rules/diagnostic.h"
#include "rules/learnt_hosts.h"
#include "rules/name_table.h"
#include "rules/policy.h"
#include "rules/resolve_files.h"
#include "rules/resolve_match.h"
#include "rules/source.h"

namespace dishwall {

// Elements of sets and ports, counted wherever they are written out. A few lines could multiply to more
// than memory holds: sets of sets in thousands of rules.
inline constexpr std::size_t kMostElements = 4'000'000;
inline constexpr std::size_t kMostNetworks = 1'000;
inline constexpr std::size_t kMostHosts = 65'536;
inline constexpr std::size_t kMostSets = 65'535;
inline constexpr unsigned kDeepestSets = 64;  // sets in sets, each used before it is defined

class Definitions {
public:
    Definitions(const ast::File& file, SourceMap* sources, const Environment& environment,
                Diagnostics* diagnostics)
        : file_(file),
          sources_(*sources),
          places_(*sources),
          environment_(environment),
          diagnostics_(*diagnostics),
          lists_(file, sources, environment, diagnostics),
          learnt_(diagnostics) {}

    // Fills policy->feeds, signatures, networks, hosts and learnt, reads every set and service;
    // policy->uplink is there.
    void define_all(Policy* policy);

    // These report what is wrong; a use of a name whose definition is broken fails without a word.
    [[nodiscard]] std::optional<AddressSet> read_address(const ast::Address& address);
    [[nodiscard]] std::shared_ptr<const ResolvedService> read_service(const ast::Word& name);
    // Index into policy->signatures.
    [[nodiscard]] std::optional<unsigned> read_signatures(const ast::Word& word) {
        return lists_.find_signatures(word);
    }
    // Index into policy->hosts.
    [[nodiscard]] std::optional<unsigned> read_host(const ast::Word& word);
    // False, and reported once, when there are too many in all.
    [[nodiscard]] bool spend_elements(std::size_t count, const Span& place);

private:
    enum class Kind { network, host, set, broken };
    struct Name {
        Kind kind = Kind::broken;
        std::size_t index = 0;  // into the file's list of that kind
        Span span;
    };
    struct SetState {
        enum class Stage { untouched, in_work, done } stage = Stage::untouched;
        std::optional<AddressSet> value;
    };

    void collect_names();
    void collect_services();
    template <typename Items>
    void check_count(const Items& items, std::size_t most, std::string_view what);

    void define(const ast::Network& network, std::size_t index);
    void define(const ast::Host& host, std::size_t index);
    [[nodiscard]] bool is_dish_side(const ast::Network& network, unsigned source) const;
    void check_side(const ast::Host& host, std::size_t network);
    // What a host means; empty when something was reported. The network is the file's number of it.
    [[nodiscard]] AddressElements host_elements(const ast::Host& host);
    [[nodiscard]] std::optional<AddressElement> by_literal(const ast::Host& host);
    [[nodiscard]] std::optional<AddressElement> by_interface_id(const ast::Host& host, std::size_t network);
    [[nodiscard]] AddressElements in_any_network(const ast::Host& host);
    [[nodiscard]] std::optional<AddressElement> by_mac(const ast::Host& host, std::size_t network);
    [[nodiscard]] std::optional<AddressElement> by_eui64(const ast::Host& host, std::size_t network);
    [[nodiscard]] std::optional<AddressElement> by_domain(const ast::Host& host);
    [[nodiscard]] std::optional<std::uint64_t> host_id(const ast::Word& word);
    [[nodiscard]] bool subnet_fits(unsigned source, const ast::Word& subnet, std::uint64_t number);

    [[nodiscard]] std::optional<unsigned> find_source(const ast::Word& word);
    [[nodiscard]] const Name* find_name(const ast::Word& word);
    [[nodiscard]] std::optional<std::size_t> find_network(const ast::Word& word);
    void report_unknown(const ast::Word& word, std::string_view what);

    [[nodiscard]] std::optional<AddressSet> read_positive(const ast::Address& address);
    [[nodiscard]] std::optional<AddressSet> read_name(const ast::Word& word);
    [[nodiscard]] std::optional<AddressSet> read_list(const ast::Address& list);
    [[nodiscard]] std::optional<AddressSet> read_set(std::size_t index, const ast::Word& use);

    const ast::File& file_;
    const SourceMap& sources_;
    PlacesInOrder places_;
    const Environment& environment_;
    Diagnostics& diagnostics_;

    Policy* policy_ = nullptr;
    ListFiles lists_;
    NameTable<Name> names_;
    std::vector<std::string_view> sorted_names_;  // of names_, when somebody had to look for a near one
    // Beside the file's lists. Empty: something was reported.
    std::vector<std::optional<AddressElement>> networks_;
    std::vector<AddressElements> hosts_;
    std::vector<unsigned> network_numbers_, host_numbers_;  // in policy_->networks, policy_->hosts
    LearntHosts learnt_;
    ElementIndex network_index_;
    std::vector<SetState> sets_;
    std::unordered_map<std::string_view, std::shared_ptr<const ResolvedService>> services_;  // null: broken
    unsigned depth_ = 0;  // of sets in work
    std::size_t elements_ = 0;
    WorkBudget comparisons_{20'000'000};
};

}  // namespace dishwall
