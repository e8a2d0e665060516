// SPDX-License-Identifier: BSD-3-Clause
//
// Replies as dishwalld gives them, canned. The time is 2026-11-22T13:10:00Z.
#pragma once

#include <nlohmann/json.hpp>

namespace dishwall {

constexpr std::int64_t kCannedNow = 1795353000;

inline nlohmann::json canned(const char* text) { return nlohmann::json::parse(text); }

inline nlohmann::json canned_prefixes() {
    return canned(R"([
        {"source":"dish.pd","prefix":"2001:db8:1100::/56","state":"grace","onlink":false,"grace_until":1795353240},
        {"source":"dish.pd","prefix":"2001:db8:2200::/56","state":"preferred","onlink":false},
        {"source":"dish.pd","prefix":"2001:db8:3300::/56","state":"grace","onlink":false,"grace_left":90},
        {"source":"dish.onlink","prefix":"2001:db8:ffff::/64","state":"deprecated","onlink":true,
         "valid_until":1795353295,"preferred_until":1795353000}])");
}

inline nlohmann::json canned_prefix() {
    return {
        {"prefixes", canned_prefixes()}, {"self", {"2001:db8:2200:1::1", "fe80::1"}}, {"enforced_in_us", 85}};
}

inline nlohmann::json canned_line() {
    return canned(R"({"up":true,
        "ipv4":{"state":"cgnat","address":"100.72.3.4","text":"online behind CGNAT"},
        "ipv6":{"present":true,"ra_age_s":12,"onlink":["2001:db8:ffff::/64"],"text":"a /56 is delegated",
                "delegations":[{"prefix":"2001:db8:2200::/56","length":56,"valid_in":295,"preferred_in":145}]},
        "advice":null})");
}

inline nlohmann::json canned_hosts() {
    return canned(R"({"hosts":[
        {"name":"cam","kind":"device","mac":"02:11:22:33:44:55","network":"lan","addresses":[
            {"address":"2001:db8:2200:1:11ff:fe22:3344:5566","state":"confirmed","since":1795352940},
            {"address":"2001:db8:2200:1::77","state":"stale","since":1795349400}]},
        {"name":"tv","kind":"device","mac":"02:11:22:33:44:66","network":"lan","addresses":[]},
        {"name":"tokyo","kind":"domain","domain":"vpn.example.net","stale":false,"expires_in":240,
         "resolved_at":1795352940,"error":null,"addresses":["2001:db8:7::1","2001:db8:7::2"]},
        {"name":"oslo","kind":"domain","domain":"oslo.example.net","stale":true,"expires_in":null,
         "resolved_at":1795349400,"error":"the resolver does not answer","addresses":["2001:db8:8::1"]},
        {"name":"rome","kind":"domain","domain":"rome.example.net","stale":false,"expires_in":null,
         "resolved_at":null,"error":"there is no such name","addresses":[]}]})");
}

inline nlohmann::json canned_history() {
    return canned(R"({"changes":[
        {"time":"2026-11-22T13:05:02.000Z","kind":"withdrawn","source":"dish.pd","prefix":"2001:db8:1100::/56",
         "text":"dish.pd: 2001:db8:1100::/56 is withdrawn","enforced_in_us":85},
        {"time":"2026-11-22T13:05:01.900Z","kind":"dns","source":null,"prefix":null,
         "text":"web.home.example is at 2001:db8:2200:1::10","enforced_in_us":null},
        {"time":"2026-11-22T13:05:01.250Z","kind":"added","source":"dish.pd","prefix":"2001:db8:2200::/56",
         "text":"dish.pd: 2001:db8:2200::/56 is new","enforced_in_us":1204}]})");
}

inline nlohmann::json canned_dns() {
    return canned(R"([{"zone":"home.example","by":"nsupdate","server":"2001:db8::53 port 53","records":[
        {"name":"web.home.example","host":"nas","wanted":["2001:db8:2200:1::10"],"published":["2001:db8:2200:1::10"],
         "state":"current","last_success":1795352700,"error":null,"attempts":1,"retry_in":null},
        {"name":"cam.home.example","host":"cam","wanted":["2001:db8:2200:1::77"],"published":[],
         "state":"failing","last_success":null,"error":"REFUSED by the server","attempts":4,"retry_in":60}]}])");
}

inline nlohmann::json canned_inspection() {
    return canned(R"({"state":"works","trouble":"","wanted":true,"config":"/run/dishwall/inspect.json",
        "workers":[{"interface":"dwi0-eth0","state":"works","given":1200,"taken":1200}],
        "given":1200,"taken":1200,"passed":1190,"matched":3,"alerted":1,"conflicts":2,
        "unscannable":4,"bad_checksums":1,"strays":0,"bytes":1048576,"flows_clean":7,"flows_ended":3,"bans":2,
        "packets":{"given":1200,"clean":6780,"around":15,"failed":5,"signature":9,"banned":2}})");
}

inline nlohmann::json canned_match() {
    return canned(R"({"kind":"match","time":"2026-11-22T13:05:03.000Z","direction":"in",
        "IP":{"source":"2001:db8:9::1","destination":"2001:db8:2200:1::10","ipVersion":"IPv6"},
        "l4":{"TCP":{"source_port":40000,"destination_port":80}},"signatures":"exploits","signature":17,
        "rule":"web","action":"drop","banned_s":600})");
}

inline nlohmann::json canned_status() {
    nlohmann::json status = canned(R"({
        "version":"0.1.0","pid":4711,"uplink":"dish","interface":"eth0","ifindex":2,"xdp_mode":"generic",
        "egress":"tcx","state":"enforced","trouble":"",
        "guard":{"table":"dishwall-eth0","trouble":"","held_back":{"inbound":{"packets":12,"bytes":900},
                 "outbound":{"packets":3,"bytes":210}}},
        "routers":[{"address":"fe80::1","expires_in":295}],"config":"/etc/dishwall/dishwall.conf","loaded_at":"2026-11-22T13:05:01.250Z","generation":3,
        "rules":{"inbound":7,"outbound":2},
        "flow_table":{"slots":131072,"bytes":17825792},"layout":1,"pin_dir":"/sys/fs/bpf/dishwall"})");
    status["image"] = canned(R"({"bytes":12345,"limit":67108864,"held":8388608,"chunks":2,"sets":1,"prefixes":3,
        "address_bytes":192,
        "inbound":{"services":7,"rule_lines":0,"tuples":0,"longest_list":0,"bytes":512,"worst_accesses":4,"worst_rules":1},
        "outbound":{"services":0,"rule_lines":40,"tuples":3,"longest_list":5,"bytes":4096,"worst_accesses":21,
                    "worst_rules":9}})");
    status["prefixes"] = canned_prefixes();
    status["line"] = canned_line();
    status["hosts"] = canned(R"({"devices":2,"addresses":5,"domains":3,"stale":2})");
    status["dns"] = canned_dns();
    status["inspection"] = canned_inspection();
    return status;
}

inline nlohmann::json canned_load() {
    return canned(R"({"config":"/x.conf","warnings":"","generation":4,"number":4,"confirm_by":null,
        "rules":{"inbound":1,"outbound":0}})");
}

inline nlohmann::json canned_policies() {
    return canned(R"({"policies":[
        {"number":4,"time":"2026-11-22T13:09:00.000Z","path":"/x.conf","by":"load","state":"in force, unconfirmed",
         "confirm_by":"2026-11-22T13:12:00.000Z","rules":{"inbound":8,"outbound":2}},
        {"number":3,"time":"2026-11-22T13:05:01.250Z","path":"/etc/dishwall/dishwall.conf","by":"revert","of":1,
         "state":"was in force","confirm_by":null,"rules":{"inbound":7,"outbound":2}},
        {"number":2,"time":"2026-11-22T12:00:00.000Z","path":"/etc/dishwall/dishwall.conf","by":"load",
         "state":"reverted","confirm_by":null,"rules":{"inbound":120,"outbound":0}},
        {"number":1,"time":"2026-11-21T09:30:00.000Z","path":"/etc/dishwall/dishwall.conf","by":"start",
         "state":"was in force","confirm_by":null,"rules":{"inbound":7,"outbound":2}}]})");
}

inline nlohmann::json canned_names() {
    return canned(
        R"({"rules":["web","ssh","websites"],"hosts":["nas","cam"],"networks":["lan"],"sets":["admins"],
        "feeds":["drop6"],"sources":["dish.pd","dish.onlink"],"policies":[4,3,2,1]})");
}

inline nlohmann::json canned_counters() {
    return canned(R"({
        "reasons":[
            {"name":"flow","text":"belongs to a known flow","verdict":"accept","packets":123456,"bytes":98765432},
            {"name":"default-drop","text":"dropped by the policy's default","verdict":"drop","packets":17,"bytes":1258},
            {"name":"no-policy","text":"no policy image is loaded","verdict":"drop","packets":0,"bytes":0}],
        "rules":[
            {"name":"web","place":"dishwall.conf:12","chain":"inbound","verdict":"accept","packets":42,"bytes":3108},
            {"name":"ssh","place":"dishwall.conf:13","chain":"inbound","verdict":"accept","packets":0,"bytes":0},
            {"name":"old","place":"dishwall.conf:9","chain":"gone","verdict":"reject","packets":1,"bytes":74}]})");
}

inline nlohmann::json canned_flows() {
    return canned(R"({"flows":[
        {"verdict":"FORWARDED","IP":{"source":"2001:db8:9::1","destination":"2001:db8:2200:1::10","ipVersion":"IPv6"},
         "l4":{"TCP":{"source_port":40000,"destination_port":443}},"origin":"outside","stage":"established",
         "state":"established","rule":"web","reason":"rule-accept","generation":3,"packets_in":10,"bytes_in":1000,
         "packets_out":12,"bytes_out":120000,"first_seen":"2026-11-22T13:00:00.000Z",
         "last_seen":"2026-11-22T13:09:58.000Z","timeout_in":7438},
        {"verdict":"FORWARDED","IP":{"source":"192.168.1.7","destination":"192.0.2.1","ipVersion":"IPv4"},
         "l4":{"UDP":{"source_port":5000,"destination_port":53}},"origin":"inside","stage":"established",
         "state":"established","rule":null,"reason":"default-accept","generation":3,"packets_in":1,"bytes_in":90,
         "packets_out":1,"bytes_out":80,"first_seen":"2026-11-22T13:09:59.000Z",
         "last_seen":"2026-11-22T13:09:59.500Z","timeout_in":299},
        {"verdict":"FORWARDED","IP":{"source":"2001:db8:2200:1::10","destination":"2001:db8:9::1","ipVersion":"IPv6"},
         "l4":{"ICMPv6":{"identifier":77}},"origin":"inside","stage":"embryonic",
         "state":"unanswered","rule":null,"reason":"default-accept","generation":3,"packets_in":0,"bytes_in":0,
         "packets_out":3,"bytes_out":312,"first_seen":"2026-11-22T13:09:00.000Z",
         "last_seen":"2026-11-22T13:09:02.000Z","timeout_in":2}],
        "truncated":true,"slots_used":5000})");
}

inline nlohmann::json canned_diff() {
    nlohmann::json diff =
        canned(R"({"a":{"number":3,"path":"/etc/dishwall/dishwall.conf","time":"2026-11-22T13:05:01.250Z"},
        "b":{"number":null,"path":"/x.conf"},"flows_total":5,"rules":[
        {"change":"changed","chain":"inbound","name":"web","before":"accept tcp 443 to nas name web",
         "after":"accept tcp { 80, 443 } to nas rate 200/s per source/64 name web"},
        {"change":"added","chain":"inbound","name":"ping","before":null,"after":"accept icmpv6 echo-request name ping"},
        {"change":"removed","chain":"outbound","name":"mail","before":"drop tcp 25 name mail","after":null},
        {"change":"moved","chain":"inbound","name":"ssh","before":"accept tcp 22 from admins to self name ssh",
         "after":"accept tcp 22 from admins to self name ssh"}]})");
    diff["flows"] = nlohmann::json::array({canned_flows()["flows"][1]});
    return diff;
}

inline nlohmann::json canned_explain() {
    return canned(
        R"({"packet":"in tcp [2001:db8:9::1]:40000 > [2001:db8:2200:1::10]:443 S","verdict":"accept",
        "reason":"rule-accept","reason_text":"accepted by a rule","rule":{"name":"web","place":"dishwall.conf:12"},
        "prefix":{"source":"dish.pd","prefix":"2001:db8:2200::/56","state":"preferred"},"subnet":1,"flow":null,
        "evaluator":{"verdict":"accept","rule":"web"},"agree":true,
        "steps":["the packet: in tcp ...","no known flow has this packet","rule web (dishwall.conf:12) matches: accept"]})");
}

inline nlohmann::json canned_drop() {
    return canned(R"({"kind":"drop","time":"2026-11-22T13:05:01.250Z","direction":"in","verdict":"DROPPED",
        "IP":{"source":"2001:db8:9::1","destination":"2001:db8:2200:1::10","ipVersion":"IPv6"},
        "l4":{"TCP":{"source_port":40000,"destination_port":22}},"reason":"default-drop",
        "drop_reason_desc":"default-drop","rule":null,"length":74,"skipped":12})");
}

inline nlohmann::json canned_change() {
    return canned(R"({"kind":"prefix","time":"2026-11-22T13:05:02.000Z","change":"added","source":"dish.pd",
        "prefix":"2001:db8:2200::/56","text":"dish.pd: 2001:db8:2200::/56 is new"})");
}

}  // namespace dishwall
