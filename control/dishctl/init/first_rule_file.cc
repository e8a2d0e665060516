// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/init/first_rule_file.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <map>
#include <set>

#include "control/dishctl/made_names.h"
#include "rules/names.h"

namespace dishwall {
namespace {

constexpr std::size_t kMostHosts = 256;
constexpr std::uint16_t kFirstEphemeralPort = 32768;  // of Linux: sockets of clients, not of services ...
constexpr std::uint16_t kWireguard = 51820;           // ... but for this one

// ---- text

// What stands in a comment: one line of plain characters.
std::string plain(std::string_view text) {
    std::string result;
    for (const char c : text.substr(0, 100)) result += c < ' ' || c > '~' || c == '\\' ? '?' : c;
    return result;
}

std::string with_comment(std::string statement, const std::string& comment) {
    return fmt::format("{:<43} # {}\n", statement, comment);
}

std::string mac_text(const MacAddress& mac) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4],
                       mac[5]);
}

bool is_device(const MacAddress& mac) { return (mac[0] & 1) == 0 && mac != MacAddress{}; }
bool is_global(const Ipv6Address& address) { return address.hi >> 61 == 1; }

// ---- what the machine's parts are in the file

struct MadeNetwork {
    std::string name, interface;
    std::string source;  // "pd"
    std::uint16_t subnet = 0;
    Ipv6Prefix now;
};

class File {
public:
    explicit File(const MachineView& machine) : machine_(machine) { choose_delegation(); }

    std::string text() {
        find_networks();
        std::string all = head() + uplink() + network_lines();
        all += host_lines();  // before the rules, which speak of one of them
        return all + inbound() + outbound() + kLast;
    }

private:
    static const char kLast[];

    void choose_delegation();
    void find_networks();
    void add_network(const std::string& interface, const SeenAddress& address);
    [[nodiscard]] std::string head() const;
    [[nodiscard]] std::string uplink() const;
    [[nodiscard]] std::string delegation_line() const;
    [[nodiscard]] std::string network_lines() const;
    [[nodiscard]] std::string host_lines();
    [[nodiscard]] std::string inbound();
    [[nodiscard]] std::string services();
    [[nodiscard]] std::string this_session() const;
    [[nodiscard]] static std::string outbound();

    const MachineView& machine_;
    std::optional<SeenDelegation> delegation_;
    bool needs_metric_ = false;
    std::vector<std::string> address_sources_;  // interfaces whose /64s are prefixes of their own
    std::vector<MadeNetwork> networks_;
    MadeNames names_, rule_names_;
    std::string example_host_;
};

const char File::kLast[] =
    "\n# A claim that every load has to prove: whatever rules you write, this stays shut.\n"
    "# test \"nobody else gets in\" { inbound tcp 22 from 2001:db8:1::1 to self  expect drop }\n";

// The one that the LANs are numbered from, where there are several.
void File::choose_delegation() {
    const auto uses = [&](const SeenDelegation& delegation) {
        std::size_t count = 0;
        for (const SeenInterface& interface : machine_.interfaces)
            for (const SeenAddress& address : interface.addresses)
                count +=
                    interface.name != machine_.uplink && delegation.prefix.contains(address.address) ? 1 : 0;
        return count;
    };
    for (const SeenDelegation& one : machine_.delegations) {
        if (!is_global(one.prefix.first()) || one.prefix.length() < 48 || one.prefix.length() > 64) continue;
        needs_metric_ = needs_metric_ || (delegation_ && delegation_->metric != one.metric);
        if (!delegation_ || uses(one) > uses(*delegation_)) delegation_ = one;
    }
}

// ---- networks

void File::add_network(const std::string& interface, const SeenAddress& address) {
    if (!is_global(address.address)) return;
    MadeNetwork made{"", interface, "pd", 0, Ipv6Prefix::containing(address.address, 64)};
    if (delegation_ && delegation_->prefix.contains(address.address)) {
        const std::uint64_t all =
            delegation_->prefix.length() == 64 ? 0 : (1ull << (64 - delegation_->prefix.length())) - 1;
        made.subnet = static_cast<std::uint16_t>(address.address.hi & all);
    } else if (!delegation_ && address.length == 64 && address_sources_.size() < 5) {
        if (std::ranges::find(address_sources_, interface) != address_sources_.end()) return;
        made.source = fmt::format("lan{}", address_sources_.size() + 1);
        address_sources_.push_back(interface);
    } else {
        return;
    }
    for (const MadeNetwork& other : networks_)
        if (other.source == made.source && other.subnet == made.subnet) return;
    const std::string_view name = std::string_view(interface).substr(interface.starts_with("br-") ? 3 : 0);
    made.name = names_.make(name, "net");
    networks_.push_back(std::move(made));
}

void File::find_networks() {
    for (const SeenInterface& interface : machine_.interfaces) {
        if (interface.name == machine_.uplink || interface_word(interface.name).empty()) continue;
        for (const SeenAddress& address : interface.addresses) add_network(interface.name, address);
    }
}

std::string File::network_lines() const {
    if (networks_.empty())
        return "# No interface but the uplink has an address of the delegation, so nothing behind this "
               "machine can be\n"
               "# reached. A LAN is written like this:\n"
               "# network lan = dish.pd subnet 0x1 on br-lan\n\n";
    std::string text = "# Only what is in one of these can be reached from outside at all.\n";
    for (const MadeNetwork& network : networks_) {
        const std::string subnet = network.source == "pd" ? fmt::format(" subnet {:#x}", network.subnet) : "";
        text += with_comment(fmt::format("network {} = dish.{}{} on {}", network.name, network.source, subnet,
                                         interface_word(network.interface)),
                             to_string(network.now) + " now");
    }
    return text + "\n";
}

// ---- head and uplink

std::string File::head() const {
    std::string text = fmt::format(
        "# The first rules of {}, by `dishctl init`.\n"
        "# They let out what wants to go and let nothing in. What could come in is counted by `audit` rules: "
        "see who\n"
        "# asks with `dishctl counters`, then turn those that you want into `accept`, with `from` as narrow "
        "as it\n"
        "# can be. Before each load: dishctl check FILE; then: dishctl load FILE --confirm 2m\n",
        machine_.host_name.empty() ? "this machine" : plain(machine_.host_name));
    for (const std::string& trouble : machine_.troubles) text += "# Not seen: " + plain(trouble) + "\n";
    return text + "version 1\n\n";
}

std::string File::delegation_line() const {
    const std::string statement = "    prefix pd     from dhcpv6-pd";
    if (!delegation_) return with_comment(statement, "no delegation was seen; a DHCPv6 client asks for one");
    const bool metric = needs_metric_ && delegation_->metric.has_value();
    return with_comment(metric ? fmt::format("{} metric {}", statement, *delegation_->metric) : statement,
                        fmt::format("{} now; used as dish.pd", to_string(delegation_->prefix)));
}

std::string File::uplink() const {
    const bool known = !interface_word(machine_.uplink).empty();
    const char* why = !known ? "CHECK: no default route was seen; the dish is plugged in here?"
                      : machine_.uplink_by_ipv4 ? "CHECK: only the IPv4 default route leads here"
                                                : "the IPv6 default route leads here";
    std::string text = "uplink dish {\n";
    text += with_comment("    interface " + (known ? interface_word(machine_.uplink) : "eth0"), why);
    if (delegation_ || address_sources_.empty()) text += delegation_line();
    for (std::size_t i = 0; i < address_sources_.size(); ++i)
        text += fmt::format("    prefix lan{} from addresses on {}\n", i + 1,
                            interface_word(address_sources_[i]));
    text += with_comment("    prefix onlink from ra", "the /64 between dish and this machine");
    return text + "}\n\n";
}

// ---- hosts

std::string File::host_lines() {
    std::map<std::pair<std::string, MacAddress>, std::vector<Ipv6Address>> devices;  // by network
    for (const SeenNeighbour& neighbour : machine_.neighbours)
        for (const MadeNetwork& network : networks_)
            if (network.interface == neighbour.interface && is_device(neighbour.mac)) {
                devices[{network.name, neighbour.mac}].push_back(neighbour.address);
                break;
            }
    if (devices.empty()) return "";
    std::string text =
        "# Devices that the neighbour table knows, by their MAC addresses: rules for them hold for every "
        "address that\n"
        "# they use. Call them by better names.\n";
    std::size_t count = 0;
    for (const auto& [key, addresses] : devices) {
        if (++count > kMostHosts)
            return text + fmt::format("# ... and {} more\n\n", devices.size() - kMostHosts);
        const MacAddress& mac = key.second;
        const std::string name =
            names_.make(fmt::format("device-{:02x}{:02x}{:02x}", mac[3], mac[4], mac[5]), "device");
        if (example_host_.empty()) example_host_ = name;
        const auto global = std::ranges::find_if(addresses, is_global);
        text += with_comment(fmt::format("host {} = {} mac {}", name, key.first, mac_text(mac)),
                             to_string(global == addresses.end() ? addresses.front() : *global) + " now");
    }
    return text + "\n";
}

// ---- rules

std::string File::services() {
    std::set<std::pair<std::pair<std::uint8_t, std::uint16_t>, std::string>> seen;
    for (const SeenListener& one : machine_.listeners) {
        const bool of_client =
            one.proto == IPPROTO_UDP && one.port >= kFirstEphemeralPort && one.port != kWireguard;
        const bool of_link =
            one.proto == IPPROTO_UDP && (one.port == 546 || one.port == 547 || one.port == 5353);
        if ((one.proto != IPPROTO_TCP && one.proto != IPPROTO_UDP) || of_client || of_link) continue;
        seen.insert({{one.proto, one.port}, one.program});
    }
    if (seen.empty()) return "    # Nothing on this machine listens for IPv6.\n";
    std::string text =
        "    # Listens on this machine. Nobody outside can reach it yet; counted is who would like to.\n";
    std::set<std::pair<std::uint8_t, std::uint16_t>> written;
    for (const auto& [where, program] : seen) {
        if (!written.insert(where).second) continue;
        const std::string match =
            fmt::format("{} {}", where.first == IPPROTO_TCP ? "tcp" : "udp", where.second);
        const std::string plain_name =
            fmt::format("{}-{}", where.first == IPPROTO_TCP ? "tcp" : "udp", where.second);
        const std::string name = rule_names_.make(
            program.empty() ? plain_name : program + "-" + std::to_string(where.second), "service");
        text += with_comment(fmt::format("    audit {} to self name try-{}", match, name),
                             program.empty() ? "somebody listens" : plain(program) + " listens");
        text += fmt::format("    # accept {} from 2001:db8:7::/48 to self name {}\n", match, name);
    }
    return text;
}

std::string File::this_session() const {
    const auto client = parse_ipv6(machine_.ssh_client);
    if (!client || !is_global(*client)) return "";
    if (delegation_ && delegation_->prefix.contains(*client)) return "";
    return fmt::format(
        "    # Your own session comes from {0}. Without a rule for it `dishctl load` refuses this file:\n"
        "    # accept tcp 22 from {0} to self name my-session\n",
        to_string(*client));
}

std::string File::inbound() {
    std::string text =
        "policy inbound on dish {\n"
        "    default drop\n"
        "    # Replies to what goes out, errors about it, and what the link itself needs pass without a "
        "rule.\n\n"
        "    audit icmpv6 echo-request name try-ping\n"
        "    # accept icmpv6 echo-request to any rate 10/s burst 20 per source/64 name ping\n\n";
    text += this_session() + services();
    if (!example_host_.empty())
        text += fmt::format(
            "\n    # A server behind this machine would be opened like this:\n"
            "    # accept tcp 443 to {} name web\n",
            example_host_);
    return text + "}\n\n";
}

std::string File::outbound() {
    return "policy outbound on dish {\n"
           "    default accept\n"
           "    # The carrier drops these anyway; a device that sends them is worth a look.\n"
           "    audit tcp { 25, 445 } name try-carrier-blocked\n"
           "}\n";
}

}  // namespace

std::string first_rule_file(const MachineView& machine) { return File(machine).text(); }

}  // namespace dishwall
