// SPDX-License-Identifier: BSD-3-Clause
//
// What the doctor says of a machine, to the letter. The machine is a good one with one thing changed, so each
// case shows what a single cause looks like.
#include <gtest/gtest.h>

#include <functional>

#include "control/dishctl/doctor.h"
#include "tests/control/dishctl_replies.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Change = std::function<void(MachineFacts&)>;

constexpr char kDelegated[] = "2001:db8:2200::/56";

Policy policy_with_two_networks() {
    Policy policy;
    policy.uplink.name = "dish";
    policy.uplink.interface = "eth0";
    policy.uplink.sources = {{"pd", FromDhcpv6Pd{}, {}}};
    policy.networks = {{"lan", 0, 1, "br-lan", {}}, {"dmz", 0, 0x10, "", {}}};
    return policy;
}

MachineFacts good_machine() {
    MachineFacts machine;
    machine.root = true;
    machine.daemon.status = canned_status();
    machine.daemon.status["dns"][0]["records"].erase(1);
    machine.daemon.hosts = json::array({canned_hosts()["hosts"][0], canned_hosts()["hosts"][2]});
    machine.kernel = "6.12.9-amd64";
    machine.btf = true;
    machine.pin_dir = "/sys/fs/bpf/dishwall";
    machine.rules = {"/etc/dishwall/dishwall.conf", {}, policy_with_two_networks()};
    machine.rules.report.good = true;
    machine.rules.report.message = "/etc/dishwall/dishwall.conf is good: 7 inbound rules";
    machine.uplink = {"eth0", 2, true, {"br-lan"}, 2, true, {31, true, true, ""}};
    machine.forwarding = 1;
    machine.prefixes = json::array({{{"source", "dish.pd"}, {"prefix", kDelegated}, {"state", "preferred"}}});
    machine.line = canned_line();
    machine.dish_page = "eth0";
    machine.now = kCannedNow;
    machine.clock_synchronised = true;
    machine.has_nsupdate = true;
    machine.state_dir = "/var/lib/dishwall";
    return machine;
}

// "failed: what is -> what to do"; "" when the check says nothing.
std::string said(const char* check, const MachineFacts& machine) {
    for (const Examined& one : examine(machine)) {
        if (one.name != check) continue;
        const char* kNames[] = {"ok", "warning", "failed"};
        return std::string(kNames[static_cast<int>(one.finding.health)]) + ": " + one.finding.text +
               (one.finding.todo.empty() ? "" : " -> " + one.finding.todo);
    }
    return "";
}

void without_daemon(MachineFacts& machine) {
    machine.daemon = {};
    machine.daemon.trouble = "no dishwalld here: there is no /run/dishwall/ctl.sock";
}

TEST(DoctorTest, good_machine_has_nothing_to_do) {
    const auto all = examine(good_machine());
    for (const Examined& one : all) {
        EXPECT_EQ(one.finding.health, Health::ok) << one.name << ": " << one.finding.text;
        EXPECT_EQ(one.finding.todo, "") << one.name;
    }
    EXPECT_TRUE(is_healthy(all));
    // All but `dns`, since nothing there is to be published.
    EXPECT_EQ(all.size(), doctor_checks().size() - 1);
}

// A check that is not in this table has never been seen to fail.
struct Case {
    const char* check;
    Change change;
    const char* expected;
};

void check_cases(const std::vector<Case>& cases) {
    for (const Case& c : cases) {
        MachineFacts machine = good_machine();
        c.change(machine);
        EXPECT_EQ(said(c.check, machine), c.expected);
    }
}

TEST(DoctorTest, daemon_and_policy) {
    check_cases({
        {"daemon", [](auto&) {}, "ok: dishwalld 0.1.0 answers, process 4711"},
        {"daemon", without_daemon,
         "warning: no dishwalld here: there is no /run/dishwall/ctl.sock; what only it knows is not looked "
         "at -> "
         "start it (systemctl start dishwalld), or name its directory with --run-dir"},
        {"daemon", [](auto& m) { m.daemon.in_our_namespace = false; },
         "failed: dishwalld, process 4711, lives in another network namespace than this doctor -> ask there: "
         "nsenter "
         "--net=/proc/4711/ns/net dishctl doctor"},
        {"policy", [](auto&) {}, "ok: the policy is in force on eth0"},
        {"policy",
         [](auto& m) {
             m.daemon.status.update({{"state", "closed"}, {"trouble", "another XDP program (id 7)"}});
         },
         "failed: eth0 is closed: another XDP program (id 7) -> remove what is in the way; dishwalld tries "
         "again "
         "every second"},
        {"policy", [](auto& m) { m.daemon.status["state"] = "waiting"; },
         "warning: dishwalld waits for eth0 -> it arms the interface as soon as there is one"},
        {"policy", without_daemon, ""},
    });
}

TEST(DoctorTest, kernel_and_rights) {
    check_cases({
        {"kernel", [](auto&) {}, "ok: Linux 6.12.9-amd64"},
        {"kernel", [](auto& m) { m.kernel = "6.1.0-18-amd64"; },
         "ok: Linux 6.1.0-18-amd64: older than 6.6, so a clsact filter judges what leaves, not tcx"},
        {"kernel", [](auto& m) { m.kernel = "5.10.0"; },
         "failed: kernel 5.10.0 is too old: dishwall needs 5.17 or newer (6.1, Debian 12's, is tested) -> "
         "install a "
         "newer kernel"},
        {"btf", [](auto& m) { m.btf = false; },
         "warning: there is no /sys/kernel/btf/vmlinux: dishwall's programs load without it, other tools do "
         "not -> "
         "use a kernel with CONFIG_DEBUG_INFO_BTF=y, as distributions build it"},
        {"bpffs", [](auto& m) { m.bpf_fs = "there is no bpf file system at /sys/fs/bpf"; },
         "failed: there is no bpf file system at /sys/fs/bpf -> mount -t bpf bpf /sys/fs/bpf, in the mount "
         "namespace "
         "that dishwalld lives in"},
        {"rights",
         [](auto& m) {
             m.missing_rights = {"CAP_BPF", "CAP_NET_RAW"};
         },
         "failed: dishwalld lacks CAP_BPF, CAP_NET_RAW -> run dishwalld as root or by its unit; in a "
         "container these "
         "have to be granted from outside"},
        {"rights", [](auto& m) { m.missing_rights = {"CAP_NET_RAW"}; },
         "warning: dishwalld lacks CAP_NET_RAW -> start dishwalld by its unit, which has it; filtering goes "
         "on "
         "without"},
        {"rights",
         [](auto& m) {
             without_daemon(m);
             m.missing_rights = {"CAP_NET_ADMIN"};
         },
         "failed: this process lacks CAP_NET_ADMIN -> run dishwalld as root or by its unit; in a container "
         "these "
         "have to be granted from outside"},
        {"rights",
         [](auto& m) {
             without_daemon(m);
             m.root = false;
             m.missing_rights = {"CAP_BPF", "CAP_NET_ADMIN"};
         },
         "warning: asked by an ordinary user: what dishwalld may do cannot be told -> ask as root: sudo "
         "dishctl "
         "doctor"},
        {"state", [](auto& m) { m.state_dir_trouble = "/var/lib: Read-only file system"; },
         "failed: cannot write /var/lib: Read-only file system -> make it writable, or give dishwalld "
         "another "
         "--state-dir; without /var/lib/dishwall a restart forgets prefixes, devices and names"},
        {"state",
         [](auto& m) {
             m.root = false;
             m.state_dir_trouble = "/var/lib: Permission denied";
         },
         ""},
        {"clock", [](auto& m) { m.now = 86400; },
         "failed: the clock says 1970-01-02, which is over -> timedatectl set-ntp true (systemd-timesyncd or "
         "chrony "
         "has to be installed); signed DNS updates fail with a wrong clock"},
        {"clock", [](auto& m) { m.clock_synchronised = false; },
         "warning: the clock is not synchronised -> timedatectl set-ntp true (systemd-timesyncd or chrony "
         "has to be "
         "installed); signed DNS updates fail with a wrong clock"},
    });
}

TEST(DoctorTest, rules_and_uplink) {
    check_cases({
        {"rules",
         [](auto& m) {
             m.rules.report.readable = m.rules.report.good = false;
             m.rules.report.message = "there is no rule file /x.conf";
         },
         "failed: there is no rule file /x.conf -> write one (dishwall.conf(5) has an example), or name it "
         "with "
         "--config"},
        {"rules",
         [](auto& m) {
             m.root = m.rules.report.readable = m.rules.report.good = false;
             m.rules.report.message = "cannot open /x.conf: Permission denied";
         },
         "warning: cannot open /x.conf: Permission denied -> ask as root: sudo dishctl doctor"},
        {"rules",
         [](auto& m) {
             m.rules.report.good = false;
             m.rules.report.message = "/x.conf has 1 error";
             m.rules.path = "/x.conf";
         },
         "failed: /x.conf has 1 error -> dishctl check /x.conf shows where"},
        {"rules", [](auto& m) { m.rules.report.diagnostics = "warning[W0401]: ..."; },
         "warning: /etc/dishwall/dishwall.conf is good, but has warnings -> dishctl check "
         "/etc/dishwall/dishwall.conf"},
        {"uplink", [](auto& m) { m.uplink = {}; },
         "failed: no uplink is known: neither a rule file nor a daemon names an interface -> mend the rule "
         "file "
         "first"},
        {"uplink", [](auto& m) { m.uplink.index = 0; },
         "failed: there is no interface eth0 (there are: br-lan) -> plug it in, or name another one behind "
         "'interface' in /etc/dishwall/dishwall.conf"},
        {"uplink", [](auto& m) { m.uplink.up = false; },
         "failed: eth0 is down, or has no carrier -> ip link set dev eth0 up; if it is, look at the cable "
         "and at the "
         "dish's power"},
        {"xdp", [](auto&) {}, "ok: the program runs on eth0 in native mode"},
        {"xdp", [](auto& m) { m.uplink.xdp.native = false; },
         "ok: the program runs on eth0 in generic mode: slower than native, as strict"},
        {"xdp", [](auto& m) { m.uplink.xdp.ours = false; },
         "failed: an XDP program of somebody else's (id 31) is on eth0 -> see whose it is with 'bpftool prog "
         "show id "
         "31', and take it off ('ip link set dev eth0 xdp off' if no link holds it): dishwall never replaces "
         "one"},
        {"xdp", [](auto& m) { m.uplink.xdp = {}; },
         "failed: the daemon says that eth0 is armed, but no XDP program is on it -> restart dishwalld, and "
         "please "
         "report it"},
        {"xdp",
         [](auto& m) {
             without_daemon(m);
             m.uplink.xdp = {};
         },
         "warning: no XDP program is on eth0: nothing is filtered there -> start dishwalld; it takes native "
         "mode "
         "where the driver has it, and generic mode otherwise"},
        {"xdp",
         [](auto& m) {
             without_daemon(m);
             m.uplink.xdp.ours.reset();
         },
         "warning: an XDP program (id 31) is on eth0, and only root can tell whose -> ask as root: sudo "
         "dishctl "
         "doctor"},
        {"xdp", [](auto& m) { m.uplink.index = 0; }, ""},
        {"guard", [](auto&) {}, "ok: the guard is in place (table inet dishwall-eth0)"},
        {"guard",
         [](auto& m) { m.daemon.status["guard"]["trouble"] = "nftables refuses: Operation not supported"; },
         "failed: the guard is not in place: nftables refuses: Operation not supported -> does 'nft list "
         "ruleset' "
         "work here? The kernel needs nf_tables with family inet (modprobe nf_tables)"},
        {"guard", without_daemon, "ok: nftables takes a guard"},
        {"guard",
         [](auto& m) {
             without_daemon(m);
             m.nftables = "nftables cannot be reached: Protocol not supported";
         },
         "failed: nftables cannot be reached: Protocol not supported -> does 'nft list ruleset' work here? "
         "The "
         "kernel needs nf_tables with family inet (modprobe nf_tables)"},
    });
}

TEST(DoctorTest, inspector) {
    const auto is = [](const char* state, bool wanted, const char* trouble = "") {
        return [=](MachineFacts& m) {
            m.daemon.status["inspection"].update(
                {{"state", state}, {"wanted", wanted}, {"trouble", trouble}});
        };
    };
    check_cases({
        {"inspector", [](auto&) {}, "ok: dishwall-inspect works"},
        {"inspector", is("not started", true),
         "failed: rules inspect, but dishwall-inspect was not started: they do what their on-failure says -> "
         "systemctl start dishwall-inspect, or dishwall-inspect --config /run/dishwall/inspect.json; "
         "'journalctl -u dishwall-inspect' says why it ended"},
        {"inspector", is("failed", true),
         "failed: rules inspect, but dishwall-inspect has failed: they do what their on-failure says -> "
         "systemctl start dishwall-inspect, or dishwall-inspect --config /run/dishwall/inspect.json; "
         "'journalctl -u dishwall-inspect' says why it ended"},
        {"inspector", is("trouble", true, "cannot make the veth pair dwi0-eth0 and dwx0-eth0: Not supported"),
         "failed: nothing can be inspected: cannot make the veth pair dwi0-eth0 and dwx0-eth0: Not supported "
         "-> the kernel needs veth (modprobe veth) and XDP on it; 'dishctl load' tries it again"},
        {"inspector",
         [&](auto& m) {
             is("failed", true)(m);
             m.daemon.status["inspection"]["workers"] = {{{"state", "works"}}, {{"state", "failed"}}};
         },
         "failed: of dishwall-inspect, worker 1 of 2 has failed: flows given to it do what their on-failure "
         "says -> systemctl restart dishwall-inspect; 'journalctl -u dishwall-inspect' may say why"},
        {"inspector", is("failed", false), ""},
        {"inspector", [](auto& m) { m.daemon.status["inspection"] = nullptr; }, ""},
        {"inspector", without_daemon, ""},
    });
}

TEST(DoctorTest, forwarding_and_advertisements) {
    const auto accept_ra = [](int value, bool route) {
        return [=](MachineFacts& m) {
            m.uplink.accept_ra = value;
            m.uplink.has_default_route = route;
        };
    };
    check_cases({
        {"forwarding", [](auto& m) { m.forwarding = 0; },
         "failed: net.ipv6.conf.all.forwarding is 0: nothing reaches the hosts behind this box -> sysctl -w "
         "net.ipv6.conf.all.forwarding=1, and the same in /etc/sysctl.d/"},
        {"forwarding",
         [](auto& m) {
             m.forwarding = 0;
             m.rules.policy->networks.clear();
         },
         "ok: net.ipv6.conf.all.forwarding is 0, and the rule file has no network behind this box"},
        {"forwarding", [](auto& m) { m.forwarding.reset(); },
         "failed: this kernel has no IPv6 here (no /proc/sys/net/ipv6) -> boot without ipv6.disable=1"},
        {"accept_ra", [](auto&) {},
         "ok: net.ipv6.conf.eth0.accept_ra is 2: the kernel takes router advertisements, though it forwards"},
        {"accept_ra", accept_ra(1, true),
         "warning: net.ipv6.conf.eth0.accept_ra is 1: the kernel takes no router advertisement while it "
         "forwards, "
         "and no client says that it does instead -> sysctl -w net.ipv6.conf.eth0.accept_ra=2, and the same "
         "in "
         "/etc/sysctl.d/; not needed if a client such as dhcpcd or systemd-networkd handles them"},
        {"accept_ra", accept_ra(0, true),
         "ok: net.ipv6.conf.eth0.accept_ra is 0: the kernel leaves router advertisements alone; a client "
         "handles "
         "them, as there is a default route"},
        {"accept_ra", accept_ra(0, false),
         "warning: net.ipv6.conf.eth0.accept_ra is 0: the kernel takes no router advertisement, and there is "
         "no "
         "default route for IPv6 -> if dhcpcd or systemd-networkd is to handle them, look why it does not; "
         "else: "
         "sysctl -w net.ipv6.conf.eth0.accept_ra=2, and the same in /etc/sysctl.d/"},
        {"ra", [](auto&) {}, "ok: the last router advertisement came 12 s ago"},
        {"ra", [](auto& m) { m.line["ipv6"]["ra_age_s"] = 151; },
         "warning: the last router advertisement came 2 min 31 s ago: addresses of the dish side stay "
         "preferred for "
         "2 min 30 s only -> does any arrive? tcpdump -ni eth0 'icmp6 and ip6[40] == 134'"},
        {"ra", [](auto& m) { m.line["ipv6"]["ra_age_s"] = nullptr; },
         "warning: no router advertisement was seen yet -> does any arrive? tcpdump -ni eth0 'icmp6 and "
         "ip6[40] == "
         "134'"},
        {"ra", [](auto& m) { m.line = nullptr; }, ""},
    });
}

TEST(DoctorTest, line_and_delegation) {
    const auto prefix = [](const char* text, const char* state) {
        return [=](MachineFacts& m) { m.prefixes[0].update({{"prefix", text}, {"state", state}}); };
    };
    check_cases({
        {"line", [](auto&) {}, "ok: IPv4: online behind CGNAT; IPv6: a /56 is delegated"},
        {"line",
         [](auto& m) {
             m.line["ipv4"].update({{"state", "vendor-router"}, {"text", "behind the vendor's router"}});
             m.line["advice"] = "put it in bypass mode";
         },
         "failed: IPv4: behind the vendor's router; IPv6: a /56 is delegated -> put it in bypass mode"},
        {"line", [](auto& m) { m.line["advice"] = "look at the cable"; },
         "warning: IPv4: online behind CGNAT; IPv6: a /56 is delegated -> look at the cable"},
        {"delegation", [](auto&) {}, "ok: dish.pd 2001:db8:2200::/56"},
        {"delegation", prefix(kDelegated, "grace"),
         "failed: dish.pd has no prefix: nothing behind it can be reached -> let a DHCPv6 client ask for a "
         "prefix on "
         "eth0 (dhcpcd: 'ia_pd 1 LAN/1'; networkd: DHCPv6 with DHCPPrefixDelegation=); if it has one and "
         "installs "
         "no unreachable route for it, its hook has to call 'dishctl prefix set dish.pd PREFIX valid SECONDS "
         "preferred SECONDS'"},
        {"delegation",
         [](auto& m) {
             m.rules.policy->uplink.sources.push_back({"lan", FromAddresses{"br-lan"}, {}});
         },
         "failed: dish.lan has no prefix: nothing behind it can be reached -> br-lan needs a global address "
         "with a "
         "/64: 'ip -6 address show dev br-lan'"},
        {"delegation",
         [](auto& m) {
             m.rules.policy->uplink.sources.push_back({"onlink", FromRouterAdvertisement{}, {}});
         },
         "failed: dish.onlink has no prefix: nothing behind it can be reached -> eth0 needs an address by a "
         "router "
         "advertisement: see accept_ra and RA"},
        {"networks", [](auto&) {}, "ok: all 2 networks of the rule file fit into the delegation"},
        // A boundary: subnet 0x10 is the first that a /60 has no room for.
        {"networks", prefix("2001:db8:2200::/59", "preferred"),
         "ok: all 2 networks of the rule file fit into the delegation"},
        {"networks", prefix("2001:db8:2200::/60", "deprecated"),
         "failed: network dmz is subnet 0x10, and 2001:db8:2200::/60 has 0..0xf -> ask for a larger "
         "delegation "
         "('ia_pd 1/::/56' in dhcpcd.conf), or number the networks from 0 in the rule file"},
        {"networks", prefix("2001:db8:2200::/64", "preferred"),
         "failed: network lan is subnet 0x1, and 2001:db8:2200::/64 has subnet 0 only -> ask for a larger "
         "delegation "
         "('ia_pd 1/::/56' in dhcpcd.conf), or number the networks from 0 in the rule file"},
        {"networks", prefix("2001:db8::/48", "preferred"),
         "ok: all 2 networks of the rule file fit into the delegation"},
        {"networks", prefix(kDelegated, "grace"), ""},
        {"dish-page", [](auto&) {}, "ok: 192.168.100.1, the dish's own page, is reached through eth0"},
        {"dish-page", [](auto& m) { m.dish_page.clear(); },
         "warning: there is no route to 192.168.100.1, the dish's own page -> ip route replace "
         "192.168.100.1/32 dev "
         "eth0"},
        {"dish-page", [](auto& m) { m.dish_page = "br-lan"; },
         "warning: 192.168.100.1, the dish's own page, is looked for behind br-lan, not eth0 -> ip route "
         "replace "
         "192.168.100.1/32 dev eth0"},
    });
}

TEST(DoctorTest, names_and_records) {
    const auto update = [](MachineFacts& m, auto by) {
        m.rules.policy->dns_updates = {{"home.example", by, {}, {}}};
    };
    check_cases({
        {"dns", [&](auto& m) { update(m, DnsUpdate::Nsupdate{}); }, "ok: what dns-update calls is there"},
        {"dns",
         [&](auto& m) {
             update(m, DnsUpdate::Nsupdate{});
             m.has_nsupdate = false;
         },
         "failed: dns-update calls nsupdate, which is not in PATH -> apt install bind9-dnsutils"},
        {"dns",
         [&](auto& m) {
             update(m, DnsUpdate::Exec{"/opt/update"});
             m.has_nsupdate = false;
             m.not_executable = {"/opt/update"};
         },
         "failed: dns-update cannot run /opt/update -> is it there, and may it be executed (chmod +x)?"},
        {"records", [](auto&) {}, "ok: no update of 1 record fails"},
        {"records", [](auto& m) { m.daemon.status = canned_status(); },
         "failed: 1 of 2 records cannot be published; cam.home.example: REFUSED by the server -> 'dishctl "
         "status' shows "
         "each; is the name server reachable, and does it take the key for this zone?"},
        {"hosts", [](auto&) {}, "ok: 2 hosts are followed"},
        {"hosts", [](auto& m) { m.daemon.hosts = canned_hosts()["hosts"]; },
         "warning: host oslo (oslo.example.net): the resolver does not answer; the last good addresses are "
         "used -> "
         "can this box resolve names? 'getent ahostsv6 oslo.example.net'"},
        {"hosts", [](auto& m) { m.daemon.hosts = json::array({canned_hosts()["hosts"][4]}); },
         "warning: host rome (rome.example.net): there is no such name; no address is known -> can this box "
         "resolve "
         "names? 'getent ahostsv6 rome.example.net'"},
        {"hosts", without_daemon, ""},
    });
}

TEST(DoctorTest, one_line_each_and_what_to_do_below) {
    const std::vector<Examined> all = {{"kernel", {Health::ok, "Linux 6.12", ""}},
                                       {"clock", {Health::warning, "not synchronised", "install chrony"}},
                                       {"uplink", {Health::failed, "no eth0\x1b[2J", "plug it in"}}};
    EXPECT_EQ("\n" + doctor_view(all, View{}), R"(
ok       kernel     Linux 6.12
warning  clock      not synchronised
                    -> install chrony
failed   uplink     no eth0\x1b[2J
                    -> plug it in

1 ok, 1 warning, 1 failed
)");
    EXPECT_NE(doctor_view(all, View{80, true, 0}).find("\x1b[31mfailed\x1b[0m   uplink"), std::string::npos);
    EXPECT_EQ(doctor_document(all), canned(R"({"healthy":false,"checks":[
        {"name":"kernel","result":"ok","text":"Linux 6.12","todo":null},
        {"name":"clock","result":"warning","text":"not synchronised","todo":"install chrony"},
        {"name":"uplink","result":"failed","text":"no eth0\u001b[2J","todo":"plug it in"}]})"));
}

TEST(DoctorTest, warnings_do_not_fail) {
    EXPECT_TRUE(is_healthy({{"clock", {Health::warning, "not synchronised", "install chrony"}}}));
    EXPECT_FALSE(is_healthy({{"clock", {Health::failed, "it is 1970", "install chrony"}}}));
}

}  // namespace
}  // namespace dishwall
