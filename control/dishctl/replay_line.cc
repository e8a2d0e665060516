// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/replay_line.h"

#include <algorithm>

namespace dishwall {
namespace {

constexpr unsigned kUplink = 1;  // interface indices: the uplink's, and of others by their source
constexpr unsigned kOthers = 2;
// Of each kind, far more than a line has: a capture may be full of what somebody made up.
constexpr std::size_t kAdvertisedMost = 64, kSelfMost = 64;
constexpr std::chrono::hours kLeastShortened{
    2};  // RFC 4862 5.5.3 e: nobody on the link ends an address sooner

bool is_link_local(const Ipv6Address& address) { return address.hi == 0xfe80000000000000; }

bool is_global(const Ipv6Address& address) { return address.hi >> 61 == 1; }  // 2000::/3

std::optional<MonotonicTime> unless_forever(std::uint32_t seconds, MonotonicTime until) {
    return seconds == Lifetimes::kForever ? std::nullopt : std::optional(until);
}

}  // namespace

Result<GivenLine::Prefix> given_prefix(const std::string& word) {
    const std::size_t equals = word.find('=');
    const auto prefix = equals == std::string::npos ? std::nullopt : parse_prefix(word.substr(equals + 1));
    if (equals == 0 || !prefix)
        return fail(
            "--prefix: '{}' has to be a prefix source and its prefix, as in dish.pd=2001:db8:1100::/56",
            word);
    return GivenLine::Prefix{word.substr(0, equals), *prefix};
}

ReplayLine::ReplayLine(const Policy& policy)
    : uplink_name_(policy.uplink.name), sources_(policy.uplink.sources), tracker_(policy.uplink) {
    tracker_.set_link({.index = kUplink, .name = policy.uplink.interface, .up = true, .enabled = true});
    for (const Network& network : policy.networks) wanted_.insert(network.source);
}

Result<std::unique_ptr<ReplayLine>> ReplayLine::make(const Policy& policy, const GivenLine& given) {
    std::unique_ptr<ReplayLine> line(new ReplayLine(policy));
    for (const GivenLine::Prefix& one : given.prefixes)
        if (const Result<void> done = line->give(one); !done) return tl::unexpected(done.error());
    for (const Ipv6Address& address : given.self) (void)line->add_self(address);
    std::vector<unsigned> delegated;
    for (unsigned source = 0; source < line->sources_.size(); ++source)
        if (std::holds_alternative<FromDhcpv6Pd>(line->sources_[source].from) &&
            !line->by_hand_.contains(source))
            delegated.push_back(source);
    if (delegated.size() == 1) line->delegated_ = delegated.front();
    line->settle(0);
    return line;
}

// Once a source has a prefix by hand, the tracker sees it as it would on a line: told, or by an address.
Result<void> ReplayLine::give(const GivenLine::Prefix& given) {
    for (unsigned source = 0; source < sources_.size(); ++source) {
        if (uplink_name_ + "." + sources_[source].name != given.source) continue;
        by_hand_.insert(source);
        const auto& from = sources_[source].from;
        if (std::holds_alternative<Static>(from))
            return fail("--prefix: {} is static, its prefix stands in the rule file", given.source);
        if (std::holds_alternative<FromDhcpv6Pd>(from)) {
            const Result<void> told =
                tracker_.set_told(given.source, given.prefix, std::nullopt, std::nullopt);
            return told ? Result<void>() : fail_with(told.error(), "--prefix");
        }
        if (given.prefix.length() != 64)
            return fail("--prefix: {} is not from dhcpv6-pd, so {} has to be a /64", given.source,
                        to_string(given.prefix));
        unsigned link = kUplink;
        if (const auto* other = std::get_if<FromAddresses>(&from)) {
            link = kOthers + source;
            tracker_.set_link({.index = link, .name = other->interface, .up = true, .enabled = true});
        }
        ra_by_hand_ |= link == kUplink;
        stand_in(link, given.prefix, std::nullopt, std::nullopt);
        return {};
    }
    return {};
}

void ReplayLine::stand_in(unsigned link, const Ipv6Prefix& prefix, std::optional<MonotonicTime> valid_until,
                          std::optional<MonotonicTime> preferred_until) {
    stand_ins_.insert(prefix.first());
    tracker_.set_address({.link = link,
                          .address = prefix.first(),
                          .length = prefix.length(),
                          .valid_until = valid_until,
                          .preferred_until = preferred_until});
}

MonotonicTime ReplayLine::after(std::uint32_t seconds) const { return now_ + std::chrono::seconds(seconds); }

void ReplayLine::settle(std::uint64_t packet) {
    for (LineChange& change : tracker_.settle(now_))
        if (change.about_prefix() && changes_.size() < kChangesMost)
            changes_.push_back({packet, std::move(change.text)});
    deadline_ = tracker_.deadline();
    own_ = tracker_.own();
    std::erase_if(own_.self, [&](const Ipv6Address& address) { return stand_ins_.contains(address); });
    std::vector<Ipv6Prefix> prefixes;
    for (const LivePrefix& live : own_.prefixes) {
        prefixes.push_back(live.prefix);
        wanted_.erase(live.source);
    }
    for (const Ipv6Address& address : own_.self) prefixes.push_back(Ipv6Prefix::containing(address, 128));
    ours_.set_prefixes(std::move(prefixes));
}

std::vector<std::string> ReplayLine::unknown() const {
    std::vector<std::string> names;
    for (const unsigned source : wanted_) names.push_back(uplink_name_ + "." + sources_[source].name);
    return names;
}

Direction ReplayLine::direction_of(const CapturedFrame& frame) const {
    return ours_.direction_of(frame.bytes, frame.parts);
}

// ---- this box

bool ReplayLine::is_behind(const Ipv6Address& address) const {
    return std::ranges::any_of(
        own_.prefixes, [&](const LivePrefix& live) { return !live.onlink && live.prefix.contains(address); });
}

bool ReplayLine::is_on_link(const Ipv6Address& address) const {
    if (is_link_local(address)) return true;
    const auto found = advertised_.find(Ipv6Prefix::containing(address, 64));
    return (found != advertised_.end() && now_ < found->second) ||
           std::ranges::any_of(own_.prefixes, [&](const LivePrefix& live) {
               return live.onlink && live.prefix.contains(address);
           });
}

bool ReplayLine::add_self(const Ipv6Address& address) {
    if (self_.size() >= kSelfMost || !self_.insert(address).second) return false;
    tracker_.set_address({.link = kUplink, .address = address, .length = 128});
    return true;
}

// What lies behind us is reached through the uplink's address and leaves from it.
void ReplayLine::learn_mac(const CapturedFrame& frame) {
    if (mac_ || frame.parts.family != 6) return;
    if (const auto client = dhcp_client(frame.bytes, frame.parts))
        mac_ = client->mac;
    else if (is_behind(frame.parts.destination))
        mac_ = destination_mac(frame.bytes);
    else if (is_behind(frame.parts.source))
        mac_ = source_mac(frame.bytes);
    if (mac_) ours_.set_mac(*mac_);
}

// Our own address on the link: what we send from, or try. What hosts behind us send from is not on the link.
bool ReplayLine::learn_self(const CapturedFrame& frame) {
    const FrameParts& parts = frame.parts;
    if (parts.family != 6) return false;
    const auto client = dhcp_client(frame.bytes, parts);
    if (client && (!mac_ || !client->mac || client->mac == mac_)) return add_self(client->address);
    if (!mac_ || source_mac(frame.bytes) != mac_) return false;
    if (const auto tried = tried_address(frame.bytes, parts)) return add_self(*tried);
    return is_on_link(parts.source) && add_self(parts.source);
}

// ---- what is heard

bool ReplayLine::before(const CapturedFrame& frame) {
    now_ = std::max(now_, MonotonicTime(frame.time_ns));
    if (!wanted_.empty() && is_global(frame.parts.source) && is_global(frame.parts.destination)) ++early_;
    learn_mac(frame);
    const bool is_new = learn_self(frame);
    if (!is_new && !(deadline_ && now_ >= *deadline_)) return false;
    settle(frame.number);
    return true;
}

bool ReplayLine::passed(const CapturedFrame& frame) {
    const LineNews news = line_news(frame.bytes, frame.parts);
    if (news.empty()) return false;
    for (const LineNews::Prefix& one : news.delegated) hear_delegation(one);
    for (const LineNews::Address& one : news.assigned) hear_assignment(one);
    for (const LineNews::Prefix& one : news.advertised) hear_advertisement(one);
    settle(frame.number);
    return true;
}

// What the tracker refuses as a delegation is none: it stays unknown.
void ReplayLine::hear_delegation(const LineNews::Prefix& news) {
    if (!delegated_) return;
    const std::string source = uplink_name_ + "." + sources_[*delegated_].name;
    const auto [preferred_s, valid_s] = news.lives;
    if (valid_s == 0)
        (void)tracker_.withdraw_told(source, news.prefix);
    else
        (void)tracker_.set_told(source, news.prefix, unless_forever(valid_s, after(valid_s)),
                                unless_forever(preferred_s, after(preferred_s)));
}

void ReplayLine::hear_assignment(const LineNews::Address& news) {
    if (news.lives.valid_s == 0) {
        self_.erase(news.address);
        tracker_.remove_address(kUplink, news.address);
        return;
    }
    if (!self_.contains(news.address) && self_.size() >= kSelfMost) return;
    self_.insert(news.address);
    tracker_.set_address({.link = kUplink,
                          .address = news.address,
                          .length = 128,
                          .valid_until = unless_forever(news.lives.valid_s, after(news.lives.valid_s))});
}

void ReplayLine::hear_advertisement(const LineNews::Prefix& news) {
    const auto [preferred_s, valid_s] = news.lives;
    MonotonicTime until = after(valid_s);
    const auto known = advertised_.find(news.prefix);
    if (known == advertised_.end() && (valid_s == 0 || advertised_.size() >= kAdvertisedMost)) return;
    if (known != advertised_.end() && until < known->second && until < now_ + kLeastShortened)
        until = std::min<MonotonicTime>(known->second, now_ + kLeastShortened);
    advertised_[news.prefix] = until;
    if (!ra_by_hand_)
        stand_in(kUplink, news.prefix, unless_forever(valid_s, until),
                 unless_forever(preferred_s, after(preferred_s)));
}

}  // namespace dishwall
