// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/machine_facts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <linux/if_link.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <system_error>

#include "control/bpf_fs.h"
#include "control/config_file.h"
#include "control/dishctl/route_lookup.h"
#include "control/dishctl/text.h"
#include "control/guard.h"
#include "control/ipc/client.h"
#include "control/line/interfaces.h"
#include "control/line/line_follower.h"
#include "control/pin_directory.h"
#include "control/state_file.h"
#include "control/unique_fd.h"

namespace dishwall {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr char kUsualConfig[] = "/etc/dishwall/dishwall.conf";
constexpr char kUsualPins[] = "/sys/fs/bpf/dishwall";
constexpr char kUsualState[] = "/var/lib/dishwall";
constexpr char kDishPage[] = "192.168.100.1";
constexpr char kSomebodyFarAway[] = "2000::1";  // only a default route leads there

std::string or_usual(const std::string& text, const char* usual) { return text.empty() ? usual : text; }

// ---- the daemon

bool same_network_namespace(const std::string& pid) {
    std::error_code hidden, unknown;  // an ordinary user may not look at root's processes
    const fs::path theirs = fs::read_symlink("/proc/" + pid + "/ns/net", hidden);
    const fs::path ours = fs::read_symlink("/proc/self/ns/net", unknown);
    return hidden || unknown || theirs == ours;
}

DaemonFacts ask_daemon(const fs::path& run_dir) {
    DaemonFacts facts;
    const auto ask = [&](const char* method) {
        return IpcClient::connect(run_dir / "ctl.sock").and_then([&](IpcClient client) {
            return client.call(method, json::object());
        });
    };
    const auto status = ask("org.dishwall.Status");
    if (!status) {
        facts.trouble = status.error().message;
        return facts;
    }
    facts.status = *status;
    facts.in_our_namespace = same_network_namespace(text_of(*status, "pid"));
    if (const auto hosts = ask("org.dishwall.Hosts")) facts.hosts = part_of(*hosts, "hosts");
    return facts;
}

// ---- kernel and rights

// A number in one of the kernel's files; empty when there is no such file.
std::optional<int> number_in_file(const std::string& path) {
    const auto text = read_file(path);
    int value = 0;
    if (!text || !*text ||
        std::from_chars((*text)->data(), (*text)->data() + (*text)->size(), value).ec != std::errc())
        return std::nullopt;
    return value;
}

// Without this right libnftables writes to stderr on its own.
std::string nftables_trouble() {
    if (capng_get_caps_process() != 0 || capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) == 0)
        return "nftables cannot be asked without CAP_NET_ADMIN";
    const auto tried = try_nftables();
    return tried ? "" : tried.error().message;
}

std::vector<std::string> missing_rights(const DaemonFacts& daemon) {
    if (daemon.runs()) capng_setpid(static_cast<int>(number_of(daemon.status, "pid")));
    if (capng_get_caps_process() != 0) return {};
    const auto has = [](unsigned right) { return capng_have_capability(CAPNG_EFFECTIVE, right) != 0; };
    std::vector<std::string> missing;
    const bool all_of_them = has(CAP_SYS_ADMIN);
    if (!has(CAP_BPF) && !all_of_them) missing.emplace_back("CAP_BPF");
    if (!has(CAP_NET_ADMIN)) missing.emplace_back("CAP_NET_ADMIN");
    if (!has(CAP_PERFMON) && !all_of_them) missing.emplace_back("CAP_PERFMON");
    if (!has(CAP_NET_RAW)) missing.emplace_back("CAP_NET_RAW");
    return missing;
}

std::string bpf_fs_trouble(const std::string& pin_dir) {
    const auto step = decide_bpf_fs(pin_dir, mounts_around(pin_dir));
    return step ? "" : step.error().message;
}

// ---- the uplink

// Is what runs on the device what our pinned link holds?
std::optional<bool> is_ours(const std::string& pin_dir, unsigned index, std::uint32_t program) {
    const UniqueFd link(bpf_obj_get((pin_dir + "/" + kIngressPin).c_str()));
    if (!link.is_open()) return errno == ENOENT ? std::optional(false) : std::nullopt;
    bpf_link_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0) return std::nullopt;
    return info.prog_id == program && info.xdp.ifindex == index;
}

XdpFacts xdp_on(unsigned index, const std::string& pin_dir) {
    XdpFacts facts;
    bpf_xdp_query_opts query{};
    query.sz = sizeof query;
    if (const int error = bpf_xdp_query(static_cast<int>(index), 0, &query); error != 0) {
        facts.trouble = std::strerror(-error);
        return facts;
    }
    facts.program = query.prog_id;
    facts.native = query.attach_mode == XDP_ATTACHED_DRV;
    if (facts.program != 0) facts.ours = is_ours(pin_dir, index, facts.program);
    return facts;
}

UplinkFacts read_uplink(const std::string& name, const std::string& pin_dir) {
    UplinkFacts uplink;
    uplink.name = name;
    const auto interfaces = list_interfaces();
    for (const Interface& one : interfaces ? *interfaces : std::vector<Interface>{}) {
        if (one.name == name) {
            uplink.index = one.index;
            uplink.up = one.up;
        } else if (one.name != "lo") {
            uplink.others.push_back(one.name);
        }
    }
    if (uplink.index == 0) return uplink;
    uplink.accept_ra = number_in_file("/proc/sys/net/ipv6/conf/" + name + "/accept_ra");
    const auto way = interface_towards(kSomebodyFarAway);
    uplink.has_default_route = way && *way == uplink.index;
    uplink.xdp = xdp_on(uplink.index, pin_dir);
    return uplink;
}

// ---- the line

struct Unref {
    void operator()(sd_event* loop) const { sd_event_unref(loop); }
};

// Prefixes and line, found as the daemon finds them, but nothing is kept and nobody is told.
void read_line(const Policy& policy, MachineFacts* facts) {
    sd_event* made = nullptr;
    if (sd_event_new(&made) < 0) return;
    const std::unique_ptr<sd_event, Unref> loop(made);
    LineFollower follower(loop.get(), {},
                          {[](const LineUpdate&) {}, [](const UplinkState&) {}, [](const std::string&) {}});
    if (!follower.start(policy)) return;
    facts->prefixes = follower.prefixes_json();
    facts->line = follower.line_json();
}

std::string interface_to_dish_page() {
    const auto way = interface_towards(kDishPage);
    const auto interfaces = list_interfaces();
    if (!way || !*way || !interfaces) return {};
    const auto found = std::ranges::find(*interfaces, **way, &Interface::index);
    return found == interfaces->end() ? "" : found->name;
}

// ---- programs and directories

bool is_in_path(const std::string& program) {
    const char* path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "/usr/bin:/bin" : path;
    while (!rest.empty()) {
        const std::string directory(rest.substr(0, rest.find(':')));
        if (::access((directory + "/" + program).c_str(), X_OK) == 0) return true;
        rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
    }
    return false;
}

std::string state_dir_trouble(fs::path directory) {
    std::error_code error;
    while (!fs::exists(directory, error) && directory.has_parent_path() &&
           directory != directory.parent_path())
        directory = directory.parent_path();
    return ::access(directory.c_str(), W_OK) == 0 ? "" : directory.string() + ": " + std::strerror(errno);
}

void read_dns_programs(const Policy& policy, MachineFacts* facts) {
    facts->has_nsupdate = is_in_path("nsupdate");
    for (const DnsUpdate& update : policy.dns_updates)
        if (const auto* exec = std::get_if<DnsUpdate::Exec>(&update.by))
            if (::access(exec->program.c_str(), X_OK) != 0) facts->not_executable.push_back(exec->program);
}

RuleFileFacts read_rules(const std::string& path) {
    RuleFileFacts facts{path, check_rule_file(path), std::nullopt};
    if (auto config = load_config(path)) facts.policy = std::move(config->policy);
    return facts;
}

void read_clock(MachineFacts* facts) {
    timex time{};
    facts->clock_synchronised = ::adjtimex(&time) != TIME_ERROR && (time.status & STA_UNSYNC) == 0;
    facts->now = std::time(nullptr);
}

}  // namespace

MachineFacts read_machine(const fs::path& run_dir, const std::string& config) {
    MachineFacts facts;
    facts.root = ::geteuid() == 0;
    facts.daemon = ask_daemon(run_dir);
    const json& status = facts.daemon.status;
    utsname name{};
    if (::uname(&name) == 0) facts.kernel = name.release;
    facts.btf = ::access("/sys/kernel/btf/vmlinux", R_OK) == 0;
    facts.pin_dir = or_usual(text_of(status, "pin_dir"), kUsualPins);
    facts.bpf_fs = bpf_fs_trouble(facts.pin_dir);
    facts.nftables = nftables_trouble();  // of this process, before libcap-ng is told of another
    facts.missing_rights = missing_rights(facts.daemon);
    facts.rules = read_rules(or_usual(config.empty() ? text_of(status, "config") : config, kUsualConfig));
    const std::string named = config.empty() ? text_of(status, "interface") : "";
    facts.uplink = read_uplink(named.empty() ? interface_in(facts.rules.path) : named, facts.pin_dir);
    facts.forwarding = number_in_file("/proc/sys/net/ipv6/conf/all/forwarding");
    facts.prefixes = part_of(status, "prefixes");
    facts.line = part_of(status, "line");
    if (facts.rules.policy && !facts.daemon.runs()) read_line(*facts.rules.policy, &facts);
    facts.dish_page = interface_to_dish_page();
    read_clock(&facts);
    if (facts.rules.policy) read_dns_programs(*facts.rules.policy, &facts);
    facts.state_dir = or_usual(text_of(status, "state_dir"), kUsualState);
    facts.state_dir_trouble = state_dir_trouble(facts.state_dir);
    return facts;
}

}  // namespace dishwall
