// SPDX-License-Identifier: BSD-3-Clause
#include "bench/renumber/gateway.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include "bench/renumber/many_rules.h"

namespace dishwall::bench {
namespace {

constexpr std::chrono::seconds kReady{120};  // reading, compiling and checking 100,000 rules takes some
constexpr std::chrono::seconds kStore{2};    // far beyond everything that is worth a number
// Behind the store of the withdrawal: the daemon keeps 2 ms between two stores, which are not to be measured.
constexpr std::chrono::milliseconds kRest{5};

Ipv6Prefix delegation(unsigned number) {
    return Ipv6Prefix::containing({0x20010db8'00000000 | (0x1000ull + number) << 16, 0}, 56);
}
std::uint64_t lan_of(const Ipv6Prefix& prefix) { return prefix.first().hi | 1; }

Result<Mapping> pinned(const std::string& path, std::size_t size) {
    const UniqueFd map(bpf_obj_get(path.c_str()));
    if (!map.is_open()) return fail("cannot open the pinned map {}: {}", path, std::strerror(errno));
    return Mapping::of(map.get(), size, Mapping::Access::read);
}

}  // namespace

Result<Gateway> Gateway::create(const DishwallPlace& place, unsigned rules) {
    Gateway gateway;
    if (auto plugged = gateway.plug(); !plugged) return tl::unexpected(plugged.error());
    auto daemon = DishwallProcess::start(gateway.where_, place, many_rules(rules), kReady);
    if (!daemon) return tl::unexpected(daemon.error());
    gateway.daemon_ = std::move(*daemon);
    if (auto watching = gateway.watch(place); !watching) return tl::unexpected(watching.error());
    if (auto right = gateway.check_verdicts(rules); !right)
        return fail_with(right.error(), fmt::format("with {} rules", rules));
    return gateway;
}

Result<void> Gateway::plug() {
    auto made = NetworkNamespace::create();
    if (!made) return tl::unexpected(made.error());
    where_ = std::move(*made);
    auto linked = run(where_, {"ip", "-batch", "-"},
                      "link add up0 type veth peer name isp0\nlink set isp0 up\nlink set up0 up\n");
    if (!linked) return tl::unexpected(linked.error());
    auto routes = PrefixRoutes::open(where_);
    if (!routes) return tl::unexpected(routes.error());
    routes_ = std::make_unique<PrefixRoutes>(std::move(*routes));
    return {};
}

Result<void> Gateway::watch(const DishwallPlace& place) {
    auto control = pinned(place.pins + "/control", sizeof(dw_control));
    if (!control) return tl::unexpected(control.error());
    control_ = std::move(*control);
    auto own = pinned(place.pins + "/own", sizeof(dw_own) * DW_OWN_COPIES);
    if (!own) return tl::unexpected(own.error());
    own_ = std::move(*own);
    auto client = IpcClient::connect(place.directory + "/ctl.sock");
    if (!client) return fail("cannot ask the daemon: {}", client.error().message);
    client_ = std::make_unique<IpcClient>(std::move(*client));
    auto status = ask("Status", nlohmann::json::object());
    if (!status) return tl::unexpected(status.error());
    image_bytes_ = status->value("/image/bytes"_json_pointer, std::uint64_t{0});
    return {};
}

Result<nlohmann::json> Gateway::ask(const std::string& verb, const nlohmann::json& parameters) {
    auto reply = client_->call("org.dishwall." + verb, parameters);
    if (!reply) return fail("{} was refused: {}", verb, reply.error().message);
    return *reply;
}

// ---- verdicts

Result<void> Gateway::expect(const std::string& packet, const std::string& verdict) {
    auto told = ask("Explain", {{"packet", packet}});
    if (!told) return tl::unexpected(told.error());
    if (told->value("verdict", "") == verdict && told->value("agree", false)) return {};
    return fail("`{}` should have met {}: {}", packet, verdict, told->dump());
}

// The program that is in force judges, and the evaluator must agree.
Result<void> Gateway::check_verdicts(unsigned rules) {
    const Ipv6Prefix prefix = delegation(0);
    const std::string last = packet_of_last_rule(rules, lan_of(prefix)),
                      none = packet_of_no_rule(lan_of(prefix));
    if (auto closed = expect(last, "drop"); !closed)
        return fail_with(closed.error(), "before the prefix came");
    const std::uint32_t before = own_index();
    if (auto added = routes_->add(prefix); !added) return tl::unexpected(added.error());
    if (auto stored = wait_for_store(before); !stored) return tl::unexpected(stored.error());
    if (auto open = expect(last, "accept"); !open) return fail_with(open.error(), "with the prefix");
    if (auto closed = expect(none, "drop"); !closed) return fail_with(closed.error(), "with the prefix");
    if (auto closed = close_now(prefix); !closed) return closed;
    if (auto closed = expect(last, "drop"); !closed)
        return fail_with(closed.error(), "behind its withdrawal");
    return {};
}

// ---- time

std::uint32_t Gateway::own_index() const {
    return std::atomic_ref<__u32>(control_.as<dw_control>()->own_index).load(std::memory_order_acquire);
}

bool Gateway::is_in_force(const Ipv6Prefix& prefix) const {
    const dw_own& own = own_.as_array<dw_own>(DW_OWN_COPIES)[own_index() % DW_OWN_COPIES];
    return std::any_of(own.prefix, own.prefix + std::min<std::uint32_t>(own.prefixes, DW_PREFIXES),
                       [&](const dw_prefix& slot) {
                           return slot.net == prefix.first().hi && slot.length == prefix.length();
                       });
}

// Spins: a thread that sleeps would measure its own awakening as well.
Result<Instant> Gateway::wait_for_store(std::uint32_t before) const {
    const Instant end = std::chrono::steady_clock::now() + kStore;
    while (own_index() == before)
        if (std::chrono::steady_clock::now() > end)
            return fail("no new prefix was in force after {} s", kStore.count());
    return std::chrono::steady_clock::now();
}

// A withdrawal is held back for 20 ms, unless somebody asks what is in force.
Result<void> Gateway::close_now(const Ipv6Prefix& prefix) {
    const std::uint32_t before = own_index();
    if (auto removed = routes_->remove(prefix); !removed) return tl::unexpected(removed.error());
    if (auto told = ask("Prefix", nlohmann::json::object()); !told) return tl::unexpected(told.error());
    if (auto stored = wait_for_store(before); !stored) return tl::unexpected(stored.error());
    if (is_in_force(prefix)) return fail("{} is still in force behind its withdrawal", to_string(prefix));
    return {};
}

Result<Opening> Gateway::renumber(unsigned number) {
    const Ipv6Prefix prefix = delegation(number);
    const std::uint32_t before = own_index();
    auto began = routes_->add(prefix);
    if (!began) return tl::unexpected(began.error());
    auto stored = wait_for_store(before);
    if (!stored) return tl::unexpected(stored.error());
    if (!is_in_force(prefix)) return fail("something else than {} was stored", to_string(prefix));
    auto told = ask("Prefix", nlohmann::json::object());
    if (!told) return tl::unexpected(told.error());
    if (auto closed = close_now(prefix); !closed) return tl::unexpected(closed.error());
    std::this_thread::sleep_for(kRest);
    return Opening{std::chrono::duration<double, std::micro>(*stored - *began).count(),
                   told->value("enforced_in_us", 0.0)};
}

}  // namespace dishwall::bench
