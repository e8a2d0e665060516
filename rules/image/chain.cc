// SPDX-License-Identifier: BSD-3-Clause
#include "rules/image/chain.h"

#include <algorithm>

#include "rules/image/services.h"
#include "rules/image/tuple_index.h"

namespace dishwall {
namespace {

std::uint32_t lines_of(std::size_t elements, std::uint32_t a_line) {
    return static_cast<std::uint32_t>((elements + a_line - 1) / a_line);
}

template <typename T>
std::uint32_t count_of(const std::vector<T>& values) {
    return static_cast<std::uint32_t>(values.size());
}

template <typename T>
std::size_t bytes_of(const std::vector<T>& values) {
    return std::size_t{lines_of(values.size(), DW_LINE / sizeof(T))} * DW_LINE;
}

class ChainMaker {
public:
    ChainMaker(const ChainLines& lines, std::uint32_t names, AddressSets* sets)
        : lines_(lines), names_(names), sets_(sets) {}

    Result<ChainTables> make(const Chain& chain) {
        made_.header.default_verdict = chain.default_verdict;
        made_.header.log_sample = chain.log_sample;
        made_.rules.reserve(lines_.general.size());
        for (const RuleLine& line : lines_.general)
            made_.rules.push_back(encode(lines_.heads[line.head], line, sets_));
        lines_.general.size() > DW_FEW_RULES ? add_tuples() : add_walk();
        if (const auto added = add_services(); !added) return tl::unexpected(added.error());
        made_.lists = lists_.words();
        note_counts();
        return std::move(made_);
    }

private:
    void add_walk() {
        for (const dw_rule& rule : made_.rules) made_.header.worst_lines += cost(rule, *sets_);
        made_.header.worst_rules += count_of(made_.rules);
    }

    void add_tuples() {
        TuplePlan plan = plan_tuples(lines_);
        TupleIndex index = make_tuple_index(lines_, plan, made_.rules, *sets_, &lists_);
        const std::uint32_t looked_up = 2 * count_of(plan.tuples) + count_of(index.parts);
        made_.header.worst_lines += lines_of(plan.tuples.size(), DW_TUPLES_A_LINE) +
                                    lines_of(index.parts.size(), DW_PARTS_A_LINE) + looked_up +
                                    index.worst_lines;
        made_.header.worst_rules += index.worst_rules;
        std::copy(index.always.begin(), index.always.end(), made_.header.always);
        made_.tuples = std::move(plan.tuples);
        made_.part_bits = std::move(index.bits);
        made_.parts = std::move(index.parts);
        made_.entries = std::move(index.entries);
    }

    // A packet asks for each name that our end has.
    Result<void> add_services() {
        made_.header.rules.count = count_of(made_.rules);
        Result<ServiceTable> table = make_services(lines_, sets_, &made_.rules, &lists_);
        if (!table) return tl::unexpected(table.error());
        if (table->services == 0) return {};
        constexpr std::uint32_t kBloomAndBothLines = 3;
        const std::uint32_t known = table->learnt ? names_ : 1;
        made_.header.worst_lines += names_ * kBloomAndBothLines + known * table->worst_lines;
        made_.header.worst_rules += known * table->worst_rules;
        made_.header.seed = table->seed;
        made_.bloom = std::move(table->bloom);
        made_.services = std::move(table->ways);
        made_.facts.services = table->services;
        return {};
    }

    void note_counts() {
        dw_chain& header = made_.header;
        header.bloom.count = count_of(made_.bloom);
        header.services.count = count_of(made_.services) / DW_SERVICE_WAYS;
        header.tuples.count = count_of(made_.tuples);
        header.parts.count = count_of(made_.parts);
        header.entries.count = count_of(made_.entries) / DW_ENTRY_WAYS;
        header.lists.count = count_of(made_.lists);
        ChainFacts& facts = made_.facts;
        facts.rule_lines = made_.rules.size();
        facts.tuples = made_.tuples.size();
        facts.longest_list = lists_.longest();
        facts.worst_lines = header.worst_lines;
        facts.worst_rules = header.worst_rules;
        facts.bytes = bytes_of(made_.bloom) + bytes_of(made_.services) + bytes_of(made_.rules) +
                      bytes_of(made_.tuples) + bytes_of(made_.part_bits) + bytes_of(made_.parts) +
                      bytes_of(made_.entries) + bytes_of(made_.lists);
    }

    const ChainLines& lines_;
    std::uint32_t names_;
    AddressSets* sets_;
    RuleLists lists_;
    ChainTables made_;
};

}  // namespace

Result<ChainTables> make_chain(const Chain& chain, const ChainLines& lines, std::uint32_t names,
                               AddressSets* sets) {
    return ChainMaker(lines, names, sets).make(chain);
}

}  // namespace dishwall
