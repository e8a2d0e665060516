// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/doctor_checks.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "control/dishctl/doctor_line.h"
#include "control/dishctl/inspection_views.h"
#include "control/dishctl/text.h"
#include "control/kernel_support.h"

namespace dishwall {
namespace {

using nlohmann::json;
using Judgement = std::optional<Finding>;

constexpr char kAskAsRoot[] = "ask as root: sudo dishctl doctor";
constexpr KernelVersion kFirstTcx{6, 6};
constexpr std::int64_t kWritten = 1795305600;  // this file, 2026-11-22: a clock before that is wrong

std::string state_of(const MachineFacts& machine) { return text_of(machine.daemon.status, "state"); }

// ---- the daemon

Judgement judge_daemon(const MachineFacts& machine) {
    const DaemonFacts& daemon = machine.daemon;
    if (!daemon.runs())
        return warn(daemon.trouble + "; what only it knows is not looked at",
                    "start it (systemctl start dishwalld), or name its directory with --run-dir");
    const std::string pid = text_of(daemon.status, "pid");
    if (!daemon.in_our_namespace)
        return bad(
            fmt::format("dishwalld, process {}, lives in another network namespace than this doctor", pid),
            fmt::format("ask there: nsenter --net=/proc/{}/ns/net dishctl doctor", pid));
    return good(fmt::format("dishwalld {} answers, process {}", text_of(daemon.status, "version"), pid));
}

Judgement judge_policy(const MachineFacts& machine) {
    const std::string state = state_of(machine), interface = text_of(machine.daemon.status, "interface");
    if (state == "enforced") return good("the policy is in force on " + interface);
    if (state == "closed")
        return bad(fmt::format("{} is closed: {}", interface, text_of(machine.daemon.status, "trouble")),
                   "remove what is in the way; dishwalld tries again every second");
    if (state == "waiting")
        return warn("dishwalld waits for " + interface, "it arms the interface as soon as there is one");
    return std::nullopt;
}

// ---- kernel and rights

Judgement judge_kernel(const MachineFacts& machine) {
    if (const Result<void> fits = check_kernel_release(machine.kernel); !fits)
        return bad(fits.error().message, "install a newer kernel");
    const bool tcx = *parse_kernel_release(machine.kernel) >= kFirstTcx;
    return good(fmt::format("Linux {}{}", machine.kernel,
                            tcx ? "" : ": older than 6.6, so a clsact filter judges what leaves, not tcx"));
}

Judgement judge_btf(const MachineFacts& machine) {
    if (machine.btf) return good("the kernel describes its types (/sys/kernel/btf/vmlinux)");
    return warn(
        "there is no /sys/kernel/btf/vmlinux: dishwall's programs load without it, other tools do not",
        "use a kernel with CONFIG_DEBUG_INFO_BTF=y, as distributions build it");
}

Judgement judge_bpf_fs(const MachineFacts& machine) {
    if (machine.bpf_fs.empty()) return good(fmt::format("pins can be kept in {}", machine.pin_dir));
    return bad(machine.bpf_fs,
               "mount -t bpf bpf /sys/fs/bpf, in the mount namespace that dishwalld lives in");
}

Judgement judge_rights(const MachineFacts& machine) {
    if (machine.missing_rights.empty())
        return good("CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_NET_RAW are there");
    const bool of_daemon = machine.daemon.runs();
    if (!of_daemon && !machine.root)
        return warn("asked by an ordinary user: what dishwalld may do cannot be told", kAskAsRoot);
    const std::string text = fmt::format("{} lacks {}", of_daemon ? "dishwalld" : "this process",
                                         fmt::join(machine.missing_rights, ", "));
    const bool only_raw = machine.missing_rights == std::vector<std::string>{"CAP_NET_RAW"};
    if (only_raw) return warn(text, "start dishwalld by its unit, which has it; filtering goes on without");
    return bad(text,
               "run dishwalld as root or by its unit; in a container these have to be granted from outside");
}

Judgement judge_state_dir(const MachineFacts& machine) {
    if (machine.state_dir_trouble.empty()) return good(machine.state_dir + " can be written");
    if (!machine.root) return std::nullopt;  // it is root's
    return bad(
        "cannot write " + machine.state_dir_trouble,
        fmt::format("make it writable, or give dishwalld another --state-dir; without {} a restart forgets "
                    "prefixes, devices and names",
                    machine.state_dir));
}

Judgement judge_clock(const MachineFacts& machine) {
    constexpr char kSynchronise[] =
        "timedatectl set-ntp true (systemd-timesyncd or chrony has to be installed); signed DNS updates fail "
        "with a "
        "wrong clock";
    if (machine.now < kWritten)
        return bad(fmt::format("the clock says {:%Y-%m-%d}, which is over", fmt::gmtime(machine.now)),
                   kSynchronise);
    if (!machine.clock_synchronised) return warn("the clock is not synchronised", kSynchronise);
    return good("the clock is synchronised");
}

// ---- rules and uplink

Judgement judge_rules(const MachineFacts& machine) {
    const RuleFileFacts& rules = machine.rules;
    if (!rules.report.readable && !machine.root && machine.daemon.runs())
        return warn(rules.report.message, kAskAsRoot);
    if (!rules.report.readable)
        return bad(rules.report.message,
                   "write one (dishwall.conf(5) has an example), or name it with --config");
    const std::string look = fmt::format("dishctl check {}", rules.path);
    if (!rules.report.good) return bad(rules.report.message, look + " shows where");
    if (!rules.report.diagnostics.empty()) return warn(rules.path + " is good, but has warnings", look);
    return good(rules.report.message);
}

Judgement judge_uplink(const MachineFacts& machine) {
    const UplinkFacts& uplink = machine.uplink;
    if (uplink.name.empty())
        return bad("no uplink is known: neither a rule file nor a daemon names an interface",
                   "mend the rule file first");
    if (uplink.index == 0)
        return bad(
            uplink.others.empty()
                ? fmt::format("there is no interface {}, and none but lo in this network namespace",
                              uplink.name)
                : fmt::format("there is no interface {} (there are: {})", uplink.name,
                              fmt::join(uplink.others, ", ")),
            fmt::format("plug it in, or name another one behind 'interface' in {}", machine.rules.path));
    if (!uplink.up)
        return bad(uplink.name + " is down, or has no carrier",
                   fmt::format("ip link set dev {} up; if it is, look at the cable and at the dish's power",
                               uplink.name));
    return good(uplink.name + " is up");
}

Judgement judge_xdp(const MachineFacts& machine) {
    const UplinkFacts& uplink = machine.uplink;
    const XdpFacts& xdp = uplink.xdp;
    if (uplink.index == 0) return std::nullopt;
    if (!xdp.trouble.empty())
        return warn(fmt::format("cannot tell what XDP program is on {}: {}", uplink.name, xdp.trouble),
                    kAskAsRoot);
    if (xdp.program == 0 && state_of(machine) == "enforced")
        return bad(fmt::format("the daemon says that {} is armed, but no XDP program is on it", uplink.name),
                   "restart dishwalld, and please report it");
    if (xdp.program == 0)
        return warn(
            fmt::format("no XDP program is on {}: nothing is filtered there", uplink.name),
            "start dishwalld; it takes native mode where the driver has it, and generic mode otherwise");
    if (xdp.ours == false)
        return bad(
            fmt::format("an XDP program of somebody else's (id {}) is on {}", xdp.program, uplink.name),
            fmt::format(
                "see whose it is with 'bpftool prog show id {}', and take it off ('ip link set dev {} "
                "xdp off' if no link holds it): dishwall never replaces one",
                xdp.program, uplink.name));
    if (!xdp.ours && state_of(machine) != "enforced")
        return warn(fmt::format("an XDP program (id {}) is on {}, and only root can tell whose", xdp.program,
                                uplink.name),
                    kAskAsRoot);
    return good(fmt::format("the program runs on {} in {}", uplink.name,
                            xdp.native ? "native mode" : "generic mode: slower than native, as strict"));
}

Judgement judge_guard(const MachineFacts& machine) {
    const json& guard = part_of(machine.daemon.status, "guard");
    constexpr char kTodo[] =
        "does 'nft list ruleset' work here? The kernel needs nf_tables with family inet (modprobe nf_tables)";
    if (const std::string trouble = text_of(guard, "trouble"); !trouble.empty())
        return bad("the guard is not in place: " + trouble, kTodo);
    if (guard.is_object())
        return good(fmt::format("the guard is in place (table inet {})", text_of(guard, "table")));
    if (machine.nftables.empty()) return good("nftables takes a guard");
    if (!machine.root) return warn("only root can tell whether nftables takes a guard", kAskAsRoot);
    return bad(machine.nftables, kTodo);
}

Judgement judge_forwarding(const MachineFacts& machine) {
    if (!machine.forwarding)
        return bad("this kernel has no IPv6 here (no /proc/sys/net/ipv6)", "boot without ipv6.disable=1");
    const std::string is = fmt::format("net.ipv6.conf.all.forwarding is {}", *machine.forwarding);
    if (*machine.forwarding != 0) return good(is);
    if (machine.rules.policy && machine.rules.policy->networks.empty())
        return good(is + ", and the rule file has no network behind this box");
    return bad(is + ": nothing reaches the hosts behind this box",
               "sysctl -w net.ipv6.conf.all.forwarding=1, and the same in /etc/sysctl.d/");
}

// Only the daemon knows whether the policy in force inspects, and whether something does.
Judgement judge_inspector(const MachineFacts& machine) {
    const json& inspection = part_of(machine.daemon.status, "inspection");
    const std::string state = text_of(inspection, "state");
    if (state == "works") return good("dishwall-inspect works");
    if (!flag_of(inspection, "wanted")) return std::nullopt;
    if (state == "trouble")
        return bad("nothing can be inspected: " + text_of(inspection, "trouble"),
                   "the kernel needs veth (modprobe veth) and XDP on it; 'dishctl load' tries it again");
    if (const std::string failed = failed_workers(inspection); !failed.empty())
        return bad(
            fmt::format("of dishwall-inspect, {}: flows given to it do what their on-failure says", failed),
            how_to_inspect(inspection) + "; 'journalctl -u dishwall-inspect' may say why");
    return bad(fmt::format("rules inspect, but dishwall-inspect {}: they do what their on-failure says",
                           state == "failed" ? "has failed" : "was not started"),
               how_to_inspect(inspection) + "; 'journalctl -u dishwall-inspect' says why it ended");
}

constexpr DoctorCheck kChecks[] = {
    {"daemon", judge_daemon},
    {"policy", judge_policy},
    {"kernel", judge_kernel},
    {"btf", judge_btf},
    {"bpffs", judge_bpf_fs},
    {"rights", judge_rights},
    {"rules", judge_rules},
    {"state", judge_state_dir},
    {"clock", judge_clock},
    {"uplink", judge_uplink},
    {"xdp", judge_xdp},
    {"guard", judge_guard},
    {"inspector", judge_inspector},
    {"forwarding", judge_forwarding},
    {"accept_ra", judge_accept_ra},
    {"ra", judge_ra_age},
    {"line", judge_line},
    {"delegation", judge_delegation},
    {"networks", judge_networks},
    {"dish-page", judge_dish_page},
    {"dns", judge_dns_programs},
    {"records", judge_records},
    {"hosts", judge_hosts},
};

}  // namespace

std::span<const DoctorCheck> doctor_checks() { return kChecks; }

}  // namespace dishwall
