// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/verbs.h"

#include "control/dishctl/file_verbs.h"
#include "control/dishctl/packet_verbs.h"
#include "control/dishctl/policy_verbs.h"
#include "control/dishctl/replay_verb.h"
#include "control/dishctl/state_verbs.h"

namespace dishwall {
namespace {

// ---- options

constexpr VerbOption kGlobalOptions[] = {
    {"-j,--json", &Invocation::as_json, "one JSON document; for monitor, one a line"},
    {"--run-dir", &Invocation::run_dir, "where the daemon's socket is; /run/dishwall when not given",
     Offer::files}};
constexpr VerbOption kFmtOptions[] = {
    {"--check", &Invocation::check, "change nothing; exit with 1 when a file has another layout"},
    {"--write", &Invocation::write, "write the files back"}};
constexpr VerbOption kImportOptions[] = {
    {"--uplink", &Invocation::uplink, "the interface that faces the Internet, if the rules do not tell"},
    {"--network", &Invocation::networks,
     "IFACE=N: the network behind this interface is /64 number N of the delegation; may be said again"}};
constexpr VerbOption kInitOptions[] = {{"--force", &Invocation::force, "replace the file that is there"}};
constexpr VerbOption kLoadOptions[] = {
    {"--confirm", &Invocation::confirm,
     "go back by itself unless 'dishctl confirm' is said within this time: 120s, 2m, 1h", Offer::durations},
    {"--force", &Invocation::force, "also if it cuts the caller's own connection or breaks a protect line"}};
constexpr VerbOption kRollbackOptions[] = {
    {"--force", &Invocation::force, "also if it cuts the caller's own connection or breaks a protect line"}};
constexpr VerbOption kHistoryOptions[] = {
    {"-n,--limit", &Invocation::limit, "at most so many policies; 0: all"}};
constexpr VerbOption kFlowsOptions[] = {
    {"-n,--limit", &Invocation::limit, "at most so many flows; 0: all (10000 when not given)"}};
constexpr VerbOption kCountersOptions[] = {
    {"-a,--all", &Invocation::all, "also what never counted a packet"}};
constexpr VerbOption kPrefixOptions[] = {
    {"-n,--limit", &Invocation::limit, "history: at most so many changes; 0: all (100 when not given)"}};
constexpr VerbOption kExplainOptions[] = {
    {"--pcap", &Invocation::pcap, "judge every packet of this capture instead, and sum up", Offer::files}};
constexpr VerbOption kReplayOptions[] = {
    {"--config", &Invocation::config, "the rule file; has to be given", Offer::files},
    {"--against", &Invocation::against, "another rule file: show what it would change", Offer::files},
    {"--signatures", &Invocation::signatures, "search what rules send to be inspected, as the inspector does"},
    {"--prefix", &Invocation::prefixes,
     "SOURCE=PREFIX: what dish.pd was, if the capture does not tell; may be said again"},
    {"--self", &Invocation::self, "an address of this box, if the capture does not tell; may be said again"}};
constexpr VerbOption kShadowOptions[] = {
    {"--for", &Invocation::duration, "how long: 60s, 5m, 1h (60s when not given)", Offer::durations}};
constexpr VerbOption kMonitorOptions[] = {
    {"-c,--count", &Invocation::events, "end after so many events; 0: never"}};
constexpr VerbOption kDoctorOptions[] = {
    {"--config", &Invocation::config,
     "the rule file to look at; when not given, the daemon's, or /etc/dishwall/dishwall.conf", Offer::files}};

// ---- words

constexpr int kNoEnd = VerbWords::kNoEnd;
constexpr VerbWords kNone{};
constexpr VerbWords kFiles{"FILE", 1, kNoEnd, "rule files", Offer::files};

constexpr Verb kVerbs[] = {
    {"init",
     {"FILE", 0, 1, "where to write it; when not given, it is shown", Offer::files},
     kInitOptions,
     "look at this machine and write a first rule file for it; needs no daemon",
     "  sudo dishctl init\n"
     "  sudo dishctl init /etc/dishwall/dishwall.conf",
     run_init},
    {"import",
     {"FORMAT FILE", 2, 2, "nft, ip6tables-save or uci, and the file; - is standard input",
      Offer::formats_then_files},
     kImportOptions,
     "make a rule file from another firewall's, and say what could not be carried over",
     "  dishctl import uci /etc/config/firewall > my.conf\n"
     "  sudo nft -j list ruleset | dishctl import nft - --uplink eth0 > my.conf\n"
     "  sudo ip6tables-save | dishctl import ip6tables-save - --network br-lan=0x1 > my.conf",
     run_import},
    {"check",
     kFiles,
     {},
     "tell whether rule files are good, and what of them is proven; needs no daemon and no rights",
     "  dishctl check /etc/dishwall/dishwall.conf\n"
     "  dishctl check my.conf && sudo dishctl load my.conf\n"
     "  dishctl check -j *.conf | jq '.files[].proven'",
     run_check},
    {"fmt", kFiles, kFmtOptions, "lay rule files out as all of them are; shows them unless told to write",
     "  dishctl fmt my.conf\n"
     "  dishctl fmt --write /etc/dishwall/*.conf\n"
     "  dishctl fmt --check my.conf",
     run_fmt},
    {"explain-error",
     {"CODE", 0, 1, "E0207, W0301, ...; when not given, all are listed", Offer::codes},
     {},
     "show the page about an error or a warning of rule files",
     "  dishctl explain-error E0207\n  dishctl explain-error",
     run_explain_error},
    {"load",
     {"FILE", 0, 1, "a rule file; when not given, the one in force is read again", Offer::files},
     kLoadOptions,
     "put a rule file in force; without FILE, read the one in force again",
     "  dishctl load\n"
     "  dishctl load ./my.conf --confirm 120s\n"
     "  dishctl load ./my.conf --force",
     run_load},
    {"confirm",
     kNone,
     {},
     "keep the policy that was loaded with --confirm",
     "  dishctl confirm",
     run_confirm},
    {"rollback",
     {"N", 0, 1, "a number of the history; when not given, the policy before this one", Offer::policies},
     kRollbackOptions,
     "put a policy in force again that was before",
     "  dishctl rollback\n"
     "  dishctl rollback 7",
     run_rollback},
    {"history", kNone, kHistoryOptions, "list the policies that were in force, the newest first",
     "  dishctl history\n  dishctl history -j | jq '.policies[0]'", run_history},
    {"diff",
     {"A B", 0, 2,
      "numbers of the history, or rule files; when not given, A is the policy in force and B its "
      "rule file as it is now",
      Offer::policies_or_files},
     {},
     "show which rules differ between two policies, and which open flows would end",
     "  dishctl diff\n"
     "  dishctl diff ./my.conf\n"
     "  dishctl diff 7\n"
     "  dishctl diff 7 ./my.conf",
     run_diff},
    {"shadow",
     {"FILE", 1, 1, "a rule file", Offer::files},
     kShadowOptions,
     "run a rule file beside the policy in force, on live traffic, and show what would change",
     "  dishctl shadow my.conf --for 60s\n"
     "  dishctl shadow -j my.conf | jq '.differences[] | select(.verdict_then == \"drop\")'",
     run_shadow},
    {"status",
     kNone,
     {},
     "show what is in force, and where",
     "  dishctl status\n  dishctl status -j | jq .xdp_mode",
     run_status},
    {"flows", kNone, kFlowsOptions, "list the flows, the last one seen first",
     "  dishctl flows\n"
     "  dishctl flows --limit 0\n"
     "  dishctl flows -j | jq '.flows[] | select(.origin == \"outside\")'",
     run_flows},
    {"counters",
     {"RULE", 0, kNoEnd, "only these rules", Offer::rules},
     kCountersOptions,
     "show packets and bytes by reason and by rule",
     "  dishctl counters\n  dishctl counters --all\n  dishctl counters web ssh",
     run_counters},
    {"prefix",
     {"WORD", 0, kNoEnd,
      "history; set SOURCE PREFIX valid SECONDS preferred SECONDS; withdraw SOURCE [PREFIX]", Offer::prefix},
     kPrefixOptions,
     "show our prefixes and their states, what changed, or tell of a delegation",
     "  dishctl prefix\n"
     "  dishctl prefix history --limit 20\n"
     "  dishctl prefix set dish.pd 2001:db8:1100::/56 valid 300 preferred 150\n"
     "  dishctl prefix withdraw dish.pd",
     run_prefix},
    {"hosts",
     {"HOST", 0, kNoEnd, "only these hosts", Offer::hosts},
     {},
     "list the hosts that are followed by device or by name, with their addresses",
     "  dishctl hosts\n  dishctl hosts nas\n"
     "  dishctl hosts -j | jq -r '.hosts[] | select(.addresses == []) | .name'",
     run_hosts},
    {"explain",
     {"PACKET", 0, kNoEnd, "in|out PROTOCOL SOURCE > DESTINATION [FLAGS], in quotes; with --pcap: in|out",
      Offer::packet},
     kExplainOptions,
     "say what would happen to a packet, and why; changes nothing",
     "  dishctl explain 'in tcp [2001:db8:1::1]:40000 > [2001:db8:1100:1::10]:443 S'\n"
     "  dishctl explain 'out udp [2001:db8:1100:1::20]:5000 > [2001:db8:9::1]:53'\n"
     "  dishctl explain 'in icmpv6 echo-request 2001:db8:1::1 > 2001:db8:1100:1::10'\n"
     "  dishctl explain --pcap capture.pcap",
     run_explain},
    {"replay",
     {"CAPTURE", 1, 1, "a capture of the uplink; - is standard input", Offer::files},
     kReplayOptions,
     "judge the packets of a capture as the programs would have, with flows and times; needs no daemon",
     "  dishctl replay capture.pcap --config my.conf\n"
     "  dishctl replay capture.pcap --config my.conf --prefix dish.pd=2001:db8:1100::/56\n"
     "  dishctl replay capture.pcap --config /etc/dishwall/dishwall.conf --against my.conf\n"
     "  dishctl replay capture.pcap --config my.conf --signatures -j | jq '.inspection.matches'",
     run_replay},
    {"monitor", kNone, kMonitorOptions,
     "show drops (a sample of them), what the inspector finds, and changes of prefixes and hosts as they "
     "happen",
     "  dishctl monitor\n  dishctl monitor --count 10\n"
     "  dishctl monitor -j | jq -c 'select(.kind == \"prefix\")'",
     run_monitor},
    {"audit",
     {"STANDARD", 1, 1, "rfc6092", Offer::standards},
     {},
     "show what is done of RFC 6092, and which tests show it; needs no daemon",
     "  dishctl audit rfc6092\n"
     "  dishctl audit rfc6092 -j | jq '.recommendations[] | select(.status != \"met\")'",
     run_audit},
    {"doctor", kNone, kDoctorOptions,
     "look at this machine and say what to do about each thing that is wrong; needs no daemon",
     "  dishctl doctor\n"
     "  dishctl doctor --config ./my.conf\n"
     "  dishctl doctor -j | jq -r '.checks[] | select(.result == \"failed\") | .todo'",
     run_doctor},
    {"unload",
     kNone,
     {},
     "take dishwall off the uplink: everything passes from then on",
     "  dishctl unload",
     run_unload},
    {"version",
     kNone,
     {},
     "show the versions of dishctl and of the daemon",
     "  dishctl version",
     run_version},
};

}  // namespace

std::span<const Verb> all_verbs() { return kVerbs; }

std::span<const VerbOption> global_options() { return kGlobalOptions; }

}  // namespace dishwall
