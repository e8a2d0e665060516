// SPDX-License-Identifier: BSD-3-Clause
//
// The parts of a condition in the rule language: MATCH, ADDRESS, rate. The names that they need (services for
// several protocols, networks for interfaces, hosts for interface ids) are collected on the way.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "control/dishctl/import/built_in.h"
#include "control/dishctl/import/condition.h"
#include "control/dishctl/import/import.h"
#include "control/dishctl/made_names.h"

namespace dishwall::import {

// An interface behind this machine, as a network of the rule file.
struct InsideNetwork {
    std::string interface, name;
    unsigned subnet = 0;
    bool guessed = true;  // the subnet
    bool used = false;
};

class Words {
public:
    Words(const std::vector<std::string>& inside, bool by_zone, const ImportOptions& options);

    // "tcp { 80, 443 }"; empty: any.
    [[nodiscard]] std::string match(const Condition& condition);
    // " from any port 53 to self rate 10/s burst 5", with what is left out left out. `pin_self`: what the
    // other section of this direction does not see has to be said.
    [[nodiscard]] std::string rest(Path path, const Condition& condition, bool pin_self);

    [[nodiscard]] std::vector<InsideNetwork>& networks() { return networks_; }
    [[nodiscard]] std::string definitions() const;  // hosts and services
    [[nodiscard]] bool needs_a_network() const { return needs_a_network_; }

private:
    [[nodiscard]] std::string ours(Path path, const End& end, bool pin_self);
    [[nodiscard]] std::string peer(const End& end) const;
    [[nodiscard]] std::string host(const End& end);
    [[nodiscard]] std::string network(const std::string& interface);
    [[nodiscard]] std::vector<std::string> excluded(const End& end);

    MadeNames names_, service_names_;
    std::vector<std::string> interfaces_;          // as the original names them
    std::vector<InsideNetwork> networks_;          // beside them
    std::map<std::string, std::string> hosts_;     // what it is -> name
    std::map<std::string, std::string> services_;  // the same
    bool needs_a_network_ = false;
};

}  // namespace dishwall::import
