// SPDX-License-Identifier: BSD-3-Clause
//
// The line of a capture, for a replay: what was ours when, by the daemon's own prefix tracker. Its facts come
// from the capture's DHCPv6 replies and router advertisements instead of netlink, from the moment at which
// they arrived, and from what is said by hand. This box is told from others by its MAC address: whoever
// speaks as the DHCPv6 client, or sends from behind us.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "control/line/prefix_tracker.h"
#include "dataplane/replay/line.h"
#include "dataplane/replay/line_news.h"
#include "dataplane/replay/ours.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

// What was said by hand: it holds for the whole capture, and what the capture says of the same source counts
// nothing.
struct GivenLine {
    struct Prefix {
        std::string source;  // "dish.pd"
        Ipv6Prefix prefix;
    };
    std::vector<Prefix> prefixes;
    std::vector<Ipv6Address> self;
};

// "dish.pd=2001:db8:1100::/56"
[[nodiscard]] Result<GivenLine::Prefix> given_prefix(const std::string& word);

class ReplayLine final : public Line {
public:
    struct Change {
        std::uint64_t packet = 0;  // 0: before the first one
        std::string text;          // "dish.pd: 2001:db8:1100::/56 is new"
    };
    static constexpr std::size_t kChangesMost = 100;

    // Given prefixes of sources that this policy does not have are left out. Fails when one cannot be its
    // source's.
    [[nodiscard]] static Result<std::unique_ptr<ReplayLine>> make(const Policy& policy,
                                                                  const GivenLine& given);

    bool before(const CapturedFrame& frame) override;
    bool passed(const CapturedFrame& frame) override;
    [[nodiscard]] Direction direction_of(const CapturedFrame& frame) const override;
    [[nodiscard]] const Own& own() const override { return own_; }

    [[nodiscard]] const std::vector<Change>& changes() const {
        return changes_;
    }  // of prefixes; the first ones
    // Sources of networks for which there never was a prefix: "dish.pd".
    [[nodiscard]] std::vector<std::string> unknown() const;
    // Packets of the Internet that came before every network's source had one.
    [[nodiscard]] std::uint64_t early() const { return early_; }

private:
    explicit ReplayLine(const Policy& policy);

    [[nodiscard]] Result<void> give(const GivenLine::Prefix& given);
    void settle(std::uint64_t packet);
    void learn_mac(const CapturedFrame& frame);
    [[nodiscard]] bool learn_self(const CapturedFrame& frame);
    [[nodiscard]] bool add_self(const Ipv6Address& address);
    void hear_delegation(const LineNews::Prefix& news);
    void hear_assignment(const LineNews::Address& news);
    void hear_advertisement(const LineNews::Prefix& news);
    [[nodiscard]] bool is_behind(const Ipv6Address& address) const;
    [[nodiscard]] bool is_on_link(const Ipv6Address& address) const;
    [[nodiscard]] MonotonicTime after(std::uint32_t seconds) const;
    void stand_in(unsigned link, const Ipv6Prefix& prefix, std::optional<MonotonicTime> valid_until,
                  std::optional<MonotonicTime> preferred_until);

    std::string uplink_name_;
    std::vector<PrefixSource> sources_;
    std::set<unsigned> by_hand_;  // sources
    std::optional<unsigned>
        delegated_;  // the source that replies are about; empty: none, or it cannot be told which
    bool ra_by_hand_ = false;
    std::set<unsigned> wanted_;  // sources of networks that had no prefix so far

    PrefixTracker tracker_;
    // Addresses that stand for one whose suffix nobody knows, so that the tracker sees their prefix.
    std::set<Ipv6Address> stand_ins_;
    std::map<Ipv6Prefix, MonotonicTime> advertised_;  // on the link, and until when
    std::set<Ipv6Address> self_;
    std::optional<MacAddress> mac_;
    Ours ours_;
    Own own_;
    MonotonicTime now_{0};
    std::optional<MonotonicTime> deadline_;
    std::vector<Change> changes_;
    std::uint64_t early_ = 0;
};

}  // namespace dishwall
