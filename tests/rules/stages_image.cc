// SPDX-License-Identifier: BSD-3-Clause
//
// The image as text. Where things stand in hash tables is left out: it says nothing about the policy.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "tests/rules/image_view.h"
#include "tests/rules/stages.h"

namespace dishwall::test {
namespace {

std::string set_text(std::uint32_t number) {
    return number == DW_NO_SET ? "any" : fmt::format("set{}", number);
}

std::string text_of(const dw_rule& rule) {
    std::string ours = set_text(rule.our_set), peer = set_text(rule.peer_set);
    if (rule.flags & DW_RULE_EXACT) ours = fmt::format("{:x}:{:016x}", rule.place_hi, rule.place_lo);
    if (rule.flags & DW_RULE_SUBNET) ours = fmt::format("{:x}:*", rule.place_hi);
    if (rule.peer_length != 0)
        peer = to_string(Ipv6Prefix::containing({rule.peer.hi, rule.peer.lo}, rule.peer_length));
    return fmt::format(
        "{} proto {} port {}-{} from {}-{} ours {} peer {} flags {:#x} rate {} counter +{} rule {}",
        verdict_text(rule.verdict), rule.proto, rule.port_first, rule.port_last, rule.from_first,
        rule.from_last, ours, peer, rule.flags, rule.rate, rule.counter - DW_REASONS_MAX, rule.index);
}

class ImageText {
public:
    explicit ImageText(const CompiledImage& compiled)
        : facts_(compiled.facts), image_(compiled.image), header_(image_.header()) {}

    std::string run() {
        text_ = fmt::format("image of {} lines, layout {}\n", header_.lines, header_.layout);
        text_ += fmt::format("ipv4 {} options {:#x} vlan {:#x} timeouts {}\n", header_.ipv4, header_.options,
                             header_.vlan, fmt::join(header_.timeout_s, " "));
        chain("inbound", header_.inbound, facts_.inbound);
        chain("outbound", header_.outbound, facts_.outbound);
        const auto sets = image_.list<dw_set>(header_.sets);
        for (std::size_t i = 0; i < sets.size(); ++i) set(i, sets[i]);
        for (const dw_rate& rate : image_.list<dw_rate>(header_.rates))
            text_ += fmt::format("rate step {} depth {} length {}\n", rate.step, rate.depth, rate.length);
        for (const dw_span& networks : header_.networks)
            if (networks.count != 0) subnets(networks);
        text_ += fmt::format("bogons {} prefixes\n", image_.wide_tree(header_.bogons_wide).size() +
                                                         image_.full_tree(header_.bogons_full).size());
        return std::move(text_);
    }

private:
    void chain(std::string_view name, const dw_chain& chain, const ChainFacts& facts) {
        text_ += fmt::format("{} default {} log 1/{} worst lines {} rules {}\n", name,
                             verdict_text(chain.default_verdict), chain.log_sample, chain.worst_lines,
                             chain.worst_rules);
        auto services = image_.services(chain);
        std::sort(services.begin(), services.end(), [](const dw_service& a, const dw_service& b) {
            return std::tie(a.index, a.name, a.lo) < std::tie(b.index, b.name, b.lo);
        });
        for (const dw_service& one : services) service(chain, one);
        for (std::uint32_t i = 0; i < facts.rule_lines; ++i)
            text_ += fmt::format("    {} {}: {}\n", i < chain.rules.count ? "rule" : "listed", i,
                                 text_of(image_.at<dw_rule>(chain.rules.line, i)));
        for (const dw_tuple& tuple : image_.list<dw_tuple>(chain.tuples))
            text_ += fmt::format("    tuple first {} local {} service {} peer /{}\n", tuple.first,
                                 tuple.local, tuple.service, tuple.peer_length);
        for (const dw_part& part : image_.list<dw_part>(chain.parts))
            text_ += fmt::format("    part dimension {} mask {}\n", part.dimension, part.mask);
    }

    void service(const dw_chain& chain, const dw_service& service) {
        text_ += fmt::format("    service {:x}:{:016x} proto {} port {} ", service.name & 0x1ffffffff,
                             service.lo, service.name >> 33 & 0xff, service.name >> 41 & 0xffff);
        if (service.name & DW_SERVICE_LIST) {
            text_ += fmt::format("rules {}\n", fmt::join(image_.numbers(chain, service.peer_set), " "));
            return;
        }
        text_ += fmt::format("{} peer {}{}{} counter +{} rule {}\n",
                             verdict_text(service.name >> DW_SERVICE_VERDICT_SHIFT),
                             set_text(service.peer_set), service.name & DW_SERVICE_LOG ? " log" : "",
                             service.name & DW_SERVICE_INDEPENDENT ? " independent" : "",
                             service.counter - DW_REASONS_MAX, service.index);
    }

    void set(std::size_t number, const dw_set& set) {
        text_ += fmt::format("set{} flags {:#x}\n", number, set.flags);
        prefixes("raw", image_.wide_tree(set.wide));
        prefixes("raw", image_.full_tree(set.full));
        prefixes("placed", image_.full_tree(set.placed));
        prefixes("not raw", image_.wide_tree(set.not_wide));
        prefixes("not raw", image_.full_tree(set.not_full));
        prefixes("not placed", image_.full_tree(set.not_placed));
    }
    void prefixes(std::string_view name, const std::vector<Ipv6Prefix>& prefixes) {
        for (const Ipv6Prefix& prefix : prefixes)
            text_ += fmt::format("    {} {:016x}:{:016x}/{}\n", name, prefix.first().hi, prefix.first().lo,
                                 prefix.length());
    }
    void subnets(const dw_span& bitmap) {
        text_ += "subnets";
        for (std::uint32_t bit = 0; bit < bitmap.count; ++bit)
            if (image_.at<std::uint64_t>(bitmap.line, bit / 64) >> bit % 64 & 1)
                text_ += fmt::format(" {:#x}", bit);
        text_ += "\n";
    }

    const ImageFacts& facts_;
    ImageView image_;
    dw_image header_;
    std::string text_;
};

}  // namespace

std::string dump_image(const CompiledImage& compiled) { return ImageText(compiled).run(); }

}  // namespace dishwall::test
