// SPDX-License-Identifier: BSD-3-Clause
#include "bench/tables/acl.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>

namespace dishwall::bench {
namespace {

// What rte_acl is given to look at: network order, the first field one byte, the others in groups of four.
struct Key {
    std::uint8_t proto, pad[3];
    std::uint32_t peer[4], ours[4];
    std::uint16_t peer_port, port;
};

enum Field { kProto, kPeer, kOurs = kPeer + 4, kPeerPort = kOurs + 4, kPort, kFields };
RTE_ACL_RULE_DEF(AclRule, kFields);

constexpr std::size_t kBlock = 256;  // keys a call: rte_acl works on many at once

std::array<rte_acl_field_def, kFields> fields() {
    std::array<rte_acl_field_def, kFields> all = {};
    all[kProto] = {RTE_ACL_FIELD_TYPE_BITMASK, 1, kProto, 0, offsetof(Key, proto)};
    for (std::uint8_t word = 0; word < 4; ++word) {
        const std::uint32_t at = 4u * word;
        all[kPeer + word] = {RTE_ACL_FIELD_TYPE_MASK, 4, static_cast<std::uint8_t>(kPeer + word),
                             static_cast<std::uint8_t>(1 + word),
                             static_cast<std::uint32_t>(offsetof(Key, peer) + at)};
        all[kOurs + word] = {RTE_ACL_FIELD_TYPE_MASK, 4, static_cast<std::uint8_t>(kOurs + word),
                             static_cast<std::uint8_t>(5 + word),
                             static_cast<std::uint32_t>(offsetof(Key, ours) + at)};
    }
    all[kPeerPort] = {RTE_ACL_FIELD_TYPE_RANGE, 2, kPeerPort, 9, offsetof(Key, peer_port)};
    all[kPort] = {RTE_ACL_FIELD_TYPE_RANGE, 2, kPort, 9, offsetof(Key, port)};
    return all;
}

std::array<std::uint32_t, 4> words(const dw_in6& address) {
    return {static_cast<std::uint32_t>(address.hi >> 32), static_cast<std::uint32_t>(address.hi),
            static_cast<std::uint32_t>(address.lo >> 32), static_cast<std::uint32_t>(address.lo)};
}

AclRule rule_of(const PublishedService& service, std::uint32_t number, std::size_t of) {
    AclRule rule = {};
    rule.data.category_mask = 1;
    rule.data.priority = static_cast<std::int32_t>(of - number);  // first match wins
    rule.data.userdata = number + 1;
    rule.field[kProto].value.u8 = service.tcp ? IPPROTO_TCP : IPPROTO_UDP;
    rule.field[kProto].mask_range.u8 = 0xff;
    const auto ours = words({service.host().hi, service.host().lo});
    for (std::size_t word = 0; word < 4; ++word) {
        rule.field[kOurs + word].value.u32 = ours[word];
        rule.field[kOurs + word].mask_range.u32 = 32;
    }
    rule.field[kPeerPort].mask_range.u16 = 0xffff;
    rule.field[kPort].value.u16 = service.port;
    rule.field[kPort].mask_range.u16 = service.last_port;
    return rule;
}

Key key_of(const dw_tuple_key& from) {
    Key key = {};
    key.proto = from.proto;
    const auto peer = words(from.peer), ours = words(from.ours);
    for (std::size_t word = 0; word < 4; ++word) {
        key.peer[word] = htonl(peer[word]);
        key.ours[word] = htonl(ours[word]);
    }
    key.peer_port = htons(from.peer_port);
    key.port = htons(from.port);
    return key;
}

enum rte_acl_classify_alg algorithm_of(AclWay way) {
    if (way == AclWay::scalar) return RTE_ACL_CLASSIFY_SCALAR;
    return way == AclWay::avx2 ? RTE_ACL_CLASSIFY_AVX2 : RTE_ACL_CLASSIFY_AVX512X32;
}

}  // namespace

struct Acl::State {
    struct Free {
        void operator()(rte_acl_ctx* context) const { rte_acl_free(context); }
    };
    std::unique_ptr<rte_acl_ctx, Free> context;
    std::vector<Key> keys;
    std::vector<const std::uint8_t*> pointers;
};

const char* name_of(AclWay way) {
    if (way == AclWay::scalar) return "rte_acl, scalar";
    return way == AclWay::avx2 ? "rte_acl, AVX2" : "rte_acl, AVX-512";
}

Acl::Acl(std::unique_ptr<State> state) : state_(std::move(state)) {}
Acl::Acl(Acl&&) noexcept = default;
Acl::~Acl() = default;

Result<void> Acl::start(int cpu) {
    std::vector<std::string> words = {"tables",         "--no-huge",   "--no-pci",
                                      "--no-telemetry", "--no-shconf", "-m",
                                      "1536",           "-l",          fmt::format("{}", cpu),
                                      "--log-level",    "error",       "--force-max-simd-bitwidth=512"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0)
        return fail("DPDK does not start: {}", rte_strerror(rte_errno));
    return {};
}

Result<Acl> Acl::build(std::span<const PublishedService> services, double* build_ms) {
    const std::string name = fmt::format("bench-{}", services.size());
    rte_acl_param parameters = {};
    parameters.name = name.c_str();
    parameters.socket_id = -1;
    parameters.rule_size = RTE_ACL_RULE_SZ(kFields);
    parameters.max_rule_num = static_cast<std::uint32_t>(services.size());
    auto state = std::make_unique<State>();
    state->context.reset(rte_acl_create(&parameters));
    if (!state->context) return fail("rte_acl_create: {}", rte_strerror(rte_errno));
    rte_acl_reset(state->context.get());  // one of the same name is shared
    for (std::uint32_t number = 0; number < services.size(); ++number) {
        const AclRule rule = rule_of(services[number], number, services.size());
        if (const int error =
                rte_acl_add_rules(state->context.get(), reinterpret_cast<const rte_acl_rule*>(&rule), 1);
            error != 0)
            return fail("rte_acl_add_rules: {}", rte_strerror(-error));
    }
    rte_acl_config config = {};
    config.num_categories = 1;
    config.num_fields = kFields;
    const auto defined = fields();
    std::memcpy(config.defs, defined.data(), sizeof(defined));
    const auto began = std::chrono::steady_clock::now();
    const int error = rte_acl_build(state->context.get(), &config);
    *build_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
    if (error != 0) return fail("rte_acl_build: {}", rte_strerror(-error));
    return Acl(std::move(state));
}

Result<void> Acl::go(AclWay way) {
    if (rte_acl_set_ctx_classify(state_->context.get(), algorithm_of(way)) != 0)
        return fail("this CPU or this build of DPDK does not have {}", name_of(way));
    return {};
}

void Acl::set_keys(std::span<const dw_tuple_key> keys) {
    state_->keys.clear();
    state_->pointers.clear();
    for (const dw_tuple_key& key : keys) state_->keys.push_back(key_of(key));
    for (const Key& key : state_->keys)
        state_->pointers.push_back(reinterpret_cast<const std::uint8_t*>(&key));
}

void Acl::classify(std::vector<std::uint32_t>* results) const {
    const std::size_t count = state_->pointers.size();
    results->resize(count);
    std::vector<const std::uint8_t*>& pointers = state_->pointers;
    for (std::size_t at = 0; at < count; at += kBlock)
        rte_acl_classify(state_->context.get(), pointers.data() + at, results->data() + at,
                         static_cast<std::uint32_t>(std::min(kBlock, count - at)), 1);
}

}  // namespace dishwall::bench
