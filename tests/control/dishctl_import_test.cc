// SPDX-License-Identifier: BSD-3-Clause
//
// Whole rule sets: what real nft 1.0.6 and ip6tables-save 1.8.9 printed, and OpenWrt's default with an
// owner's rules. What comes out is import/NAME.conf to the letter, and it judges packets as the original did.
// After a change that is meant: DISHWALL_UPDATE_GOLDEN=1 meson test control-import, and read the difference.
#include <cstdlib>

#include "tests/control/import_case.h"

namespace dishwall::test {
namespace {

struct Said {
    const char* packet;
    const char* verdict;  // the original's
};

void compare_with_golden(const std::string& name, const std::string& text) {
    const std::string path = std::string(IMPORT_DIR) + "/" + name;
    if (std::getenv("DISHWALL_UPDATE_GOLDEN")) std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(text_of_file(path), text);
}

void judge(const Imported& imported, const std::vector<Said>& packets) {
    for (const Said& one : packets) EXPECT_EQ(imported.verdict(one.packet), one.verdict) << one.packet;
}

Imported import_file(ImportFormat format, const std::string& name, ImportOptions options) {
    options.source = name;
    return {format, text_of_file(std::string(IMPORT_DIR) + "/" + name), options};
}

const std::vector<ImportNetwork> kNetworks{{"br-lan", 1}, {"br-iot", 2}, {"br-dmz", 2}, {"lan", 1}};

TEST(Import, RouterByIp6tablesSave) {
    const Imported imported = import_file(ImportFormat::ip6tables_save, "router.ip6tables",
                                          {.uplink = "wan0", .networks = kNetworks});
    compare_with_golden("router.ip6tables.conf", imported.result.rules);
    judge(imported,
          {// INPUT
           {"in 2a03::1 2a0d:3344:ff::2 icmpv6 128", "accept"},
           {"in 2a03::1 2a0d:3344:ff::2 tcp 80", "accept"},
           {"in 2a03::1 2a0d:3344:ff::2 tcp 8050", "accept"},
           {"in 2a03::1 2a0d:3344:ff::2 tcp 81", "drop"},
           {"in 2a01:4f8:10:20::5 2a0d:3344:ff::2 tcp 80", "drop"},  // returned before
           {"in 2a01:4f8:10:20::6 2a0d:3344:ff::2 tcp 22", "accept"},
           {"in 2a03::1 2a0d:3344:ff::2 tcp 22", "drop"},
           {"in 2a03::1 2a0d:3344:aa:1::1 tcp 2222", "accept"},
           {"in 2a03::1 2a0d:3344:ff::2 tcp 113", "reject"},
           {"in 2a03::1 2a0d:3344:ff::2 udp 53", "drop"},
           // FORWARD, inwards
           {"in 2a03::1 2a0d:3344:aa:1::10 tcp 443", "accept"},
           {"in 2a03::1 2a0d:3344:aa:2::10 tcp 443", "reject"},  // the same id, another network
           {"in 2a03::1 2a0d:3344:aa:1::11 tcp 443", "reject"},
           {"in 2a03::1 2a0d:3344:aa:1::20 tcp 80", "accept"},
           {"in 2a01:4f8:20::6 2a0d:3344:aa:1::30 udp 51820", "accept"},
           {"in 2a01:4f8:20::7 2a0d:3344:aa:1::30 udp 51820", "reject"},
           {"in 2a01:4f8::1 2a0d:3344:aa:1::30 tcp 8443", "accept"},
           {"in 2a03::1 2a0d:3344:aa:1::30 tcp 8443", "drop"},
           {"in 2a03::1 2a0d:3344:aa:1::30 esp", "accept"},
           {"in 2a03::1 2a0d:3344:aa:2::30 esp", "reject"},
           // FORWARD, outwards
           {"out 2a0d:3344:aa:1::10 2a03::1 tcp 443", "accept"},
           {"out 2a0d:3344:aa:2::10 2a03::1 udp 123", "accept"},
           {"out 2a0d:3344:aa:2::10 2a03::1 udp 53", "drop"},
           {"out 2a0d:3344:aa:2::10 2a03::1 tcp 443", "accept"},
           {"out 2a0d:3344:aa:2::10 2a03::1 tcp 80", "drop"},
           // OUTPUT
           {"out 2a0d:3344:ff::2 2a03::1 tcp 443", "accept"},
           {"out 2a0d:3344:ff::2 2001:501::1 tcp 443", "drop"}});
    // What could not be said is refused, never accepted.
    EXPECT_EQ(imported.verdict("in 2a03::1 2a0d:3344:ff::2 tcp 5900"), "drop");  // -m recent comes before it
    EXPECT_EQ(imported.verdict("out 2a0d:3344:ff::2 2a03::1 tcp 25"), "drop");   // -m owner
    EXPECT_EQ(imported.verdict("out 2a0d:3344:aa:1::10 2a03::1 tcp 25"),
              "drop");  // REJECT, which has no outbound form
}

TEST(Import, RouterByNft) {
    const Imported imported =
        import_file(ImportFormat::nft, "router.json", {.uplink = "wan0", .networks = kNetworks});
    compare_with_golden("router.json.conf", imported.result.rules);
    judge(imported, {{"in 2a03::1 2a0d:3344:ff::2 icmpv6 128", "accept"},
                     {"in 2a0e:97c0::1 2a0d:3344:ff::2 icmpv6 128", "drop"},  // table raw
                     {"in 2a01:4f8:10::1 2a0d:3344:ff::2 tcp 22", "accept"},
                     {"in 2a01:4f8:20::7 2a0d:3344:ff::2 tcp 22", "drop"},
                     {"in 2a03::1 2a0d:3344:ff::2 tcp 80", "accept"},
                     {"in 2a03::1 2a0d:3344:ff::2 tcp 113", "reject"},
                     {"in 2a01:4f8:10::1 2a0d:3344:ff::2 udp 53", "accept"},
                     {"in 2a03::1 2a0d:3344:ff::2 udp 53", "drop"},
                     {"in 2a03::1 2a0d:3344:ff::2 tcp 9000", "accept"},
                     {"in 2a03::1 2a0d:3344:ff::2 udp 60001 1024", "accept"},
                     {"in 2a03::1 2a0d:3344:ff::2 udp 60001 53", "drop"},
                     {"in 2a03::1 2a0d:3344:aa:1::10 tcp 8443", "accept"},
                     {"in 2a0e:97c0::1 2a0d:3344:aa:1::10 tcp 8443", "drop"},
                     {"in 2a03::1 2a0d:3344:aa:2::10 tcp 8443", "drop"},
                     {"in 2a03::1 2a0d:3344:aa:1::10 udp 51820", "accept"},
                     {"in 2a03::1 2a0d:3344:aa:1::9 esp", "accept"},
                     {"in 2a03::1 2a0d:3344:aa:2::9 esp", "accept"},
                     {"in 2a04::1 2a0d:3344:aa:2::9 tcp 25", "reject"},
                     {"in 2a02::1 2a0d:3344:aa:2::9 tcp 25", "accept"},
                     {"in 2a02::1 2a0d:3344:aa:1::9 tcp 25", "drop"},
                     {"out 2a0d:3344:aa:1::10 2a03::1 tcp 443", "accept"},
                     {"out 2a0d:3344:aa:2::10 2a03::1 tcp 443", "drop"},
                     {"out 2a0d:3344:ff::2 2a03::1 tcp 443", "accept"}});
    EXPECT_EQ(imported.verdict("in 2a03::1 2a0d:3344:ff::2 tcp 8050"), "drop");  // behind `limit rate over`
    EXPECT_EQ(imported.verdict("in 2a01:4f8:10::1 2a0d:3344:aa:2::9 tcp 22"), "drop");  // a concatenation
}

TEST(Import, OpenWrtsDefault) {
    const Imported imported =
        import_file(ImportFormat::uci, "openwrt.uci", {.uplink = "eth1", .networks = kNetworks});
    compare_with_golden("openwrt.uci.conf", imported.result.rules);
    judge(imported, {{"in 2a03::1 2a0d:3344:ff::2 icmpv6 128", "accept"},
                     {"in 2a03::1 2a0d:3344:aa:1::9 icmpv6 128", "accept"},
                     {"in 2a03::1 2a0d:3344:aa:1::9 esp", "accept"},
                     {"in 2a03::1 2a0d:3344:ff::2 esp", "reject"},
                     {"in 2a03::1 2a0d:3344:aa:1::1 esp", "reject"},  // this router's own LAN address
                     {"in 2a03::1 2a0d:3344:aa:1::9 udp 500", "accept"},
                     {"in 2a03::1 2a0d:3344:aa:1::10 tcp 80", "accept"},
                     {"in 2a03::1 2a0d:3344:aa:1::11 tcp 80", "reject"},
                     {"in 2a03::1 2a0d:3344:ff::2 udp 51820", "accept"},
                     {"in 2a01:4f8:10::1 2a0d:3344:ff::2 tcp 22", "accept"},
                     {"in 2a03::1 2a0d:3344:ff::2 tcp 22", "reject"},
                     {"in 2a03::1 2a0d:3344:ff::2 tcp 8080", "reject"},  // not enabled
                     {"out 2a0d:3344:ff::2 2a03::1 tcp 443", "accept"}});
    // A camera is kept inside by its MAC address, which a rule cannot say: so nobody is let out behind it.
    EXPECT_EQ(imported.verdict("out 2a0d:3344:aa:1::9 2a03::1 tcp 443"), "drop");
}

// ufw's own rules, with `allow 443`, `allow` for some to 22, `limit 2222/tcp` and `deny 25/tcp`.
TEST(Import, UfwOnAServer) {
    const Imported imported = import_file(ImportFormat::ip6tables_save, "ufw.ip6tables", {.uplink = "eth0"});
    compare_with_golden("ufw.ip6tables.conf", imported.result.rules);
    judge(imported, {{"in 2a03::1 2a0d:3344:ff::2 tcp 443", "accept"},
                     {"in 2a03::1 2a0d:3344:ff::2 udp 443", "accept"},
                     {"in 2a03::1 2a0d:3344:ff::2 icmpv6 128", "accept"},
                     {"in 2a01:4f8:10::1 2a0d:3344:ff::2 tcp 22", "accept"},
                     {"in 2a03::1 2a0d:3344:ff::2 tcp 22", "drop"},
                     {"in 2a03::1 2a0d:3344:ff::2 tcp 25", "drop"},
                     {"in 2a03::1 2a0d:3344:aa:1::9 tcp 443", "drop"},
                     {"out 2a0d:3344:ff::2 2a03::1 tcp 443", "accept"},
                     {"out 2a0d:3344:aa:1::9 2a03::1 tcp 443", "drop"}});
    EXPECT_EQ(imported.verdict("in 2a03::1 2a0d:3344:ff::2 tcp 2222"), "drop");  // `limit` is -m recent
}

// nft's text goes through nft itself, in a namespace of its own.
TEST(Import, TextOfNftIsReadAsItsJsonIs) {
    const std::string text = text_of_file(std::string(IMPORT_DIR) + "/router.nft");
    const auto from_text = import_rules(ImportFormat::nft, text, {.uplink = "wan0"});
    if (!from_text && from_text.error().message.find("cannot make a network namespace") == 0)
        GTEST_SKIP() << from_text.error().message;
    ASSERT_TRUE(from_text) << from_text.error().message;
    const auto from_json = import_rules(
        ImportFormat::nft, text_of_file(std::string(IMPORT_DIR) + "/router.json"), {.uplink = "wan0"});
    ASSERT_TRUE(from_json);
    EXPECT_EQ(from_text->rules, from_json->rules);
}

}  // namespace
}  // namespace dishwall::test
