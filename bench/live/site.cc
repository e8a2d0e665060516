// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/site.h"

#include <bpf/libbpf.h>
#include <net/if.h>

#include <cstring>

#include "bench/live/command.h"
#include "bench/published.h"

namespace dishwall::bench {
namespace {

std::string text(const Mac& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

// Both pairs, as one `ip -batch` in the world's namespace.
std::string links_in_the_world(const NetworkNamespace& gateway, unsigned number) {
    return fmt::format(
        "link add g{0} address {1} type veth peer name up0 address {2} netns {5}\n"
        "link add l{0} address {3} type veth peer name dn0 address {4} netns {5}\n"
        "link set g{0} up\n"
        "link set l{0} up\n",
        number, text(kIspMac), text(kUplinkMac), text(kHostsMac), text(kLanMac), gateway.path());
}

std::string links_in_the_gateway() {
    return fmt::format(
        "link set up0 up\n"
        "link set dn0 up\n"
        "neigh replace fe80::1 lladdr {0} dev up0 nud permanent\n"
        "neigh replace fe80::4 lladdr {1} dev dn0 nud permanent\n"
        "route replace default via fe80::1 dev up0\n"
        "route replace {2}/64 via fe80::4 dev dn0\n",
        text(kIspMac), text(kHostsMac), to_string(Ipv6Address{kLan, 0}));
}

Result<void> batch(const NetworkNamespace& where, const std::string& lines) {
    auto done = run(where, {"ip", "-6", "-batch", "-"}, lines);
    if (!done) return tl::unexpected(done.error());
    return {};
}

}  // namespace

Result<LoadedDevice> LoadedDevice::load() {
    LoadedDevice loaded;
    loaded.skeleton.reset(device__open_and_load());
    if (!loaded.skeleton) return fail("cannot load the bench's XDP programs: {}", std::strerror(errno));
    return loaded;
}

Result<void> attach_xdp(const NetworkNamespace& where, const std::string& interface,
                        const bpf_program* program) {
    auto inside = Inside::enter(where);
    if (!inside) return tl::unexpected(inside.error());
    const unsigned index = ::if_nametoindex(interface.c_str());
    const int error = bpf_xdp_attach(static_cast<int>(index), bpf_program__fd(program), 0, nullptr);
    if (error != 0) return fail("cannot attach XDP to {}: {}", interface, std::strerror(-error));
    return {};
}

Result<Site> Site::create(const NetworkNamespace& world, unsigned number) {
    Site site;
    auto gateway = NetworkNamespace::create();
    if (!gateway) return tl::unexpected(gateway.error());
    site.gateway_ = std::move(*gateway);
    if (auto plugged = site.plug(world, number); !plugged)
        return fail_with(plugged.error(), fmt::format("cannot build site {}", number));
    if (auto armed = site.arm_sinks(world, number); !armed)
        return fail_with(armed.error(), fmt::format("cannot build site {}", number));
    return site;
}

Result<void> Site::plug(const NetworkNamespace& world, unsigned number) {
    if (auto set = gateway_.set_sysctl("net.ipv6.conf.all.forwarding", "1"); !set) return set;
    if (auto done = batch(world, links_in_the_world(gateway_, number)); !done) return done;
    // Before the links are up: IPv6 in the world would answer and report, and no gate would hold exactly.
    for (const char* end : {"g", "l"})
        if (auto set = world.set_sysctl(fmt::format("net.ipv6.conf.{}{}.disable_ipv6", end, number), "1");
            !set)
            return set;
    if (auto done = batch(gateway_, links_in_the_gateway()); !done) return done;
    // A veth polls its ring (NAPI), and so takes redirected frames, when it has XDP or GRO.
    for (const char* interface : {"up0", "dn0"})
        if (auto set = run(gateway_, {"ethtool", "-K", interface, "gro", "on"}); !set)
            return tl::unexpected(set.error());
    auto inside = Inside::enter(world);
    if (!inside) return tl::unexpected(inside.error());
    internet_end_ = ::if_nametoindex(fmt::format("g{}", number).c_str());
    lan_end_ = ::if_nametoindex(fmt::format("l{}", number).c_str());
    return {};
}

Result<void> Site::arm_sinks(const NetworkNamespace& world, unsigned number) {
    struct End {
        LoadedDevice& sink;
        std::string interface;
    };
    for (const End& end :
         {End{internet_sink_, fmt::format("g{}", number)}, End{lan_sink_, fmt::format("l{}", number)}}) {
        auto loaded = LoadedDevice::load();
        if (!loaded) return tl::unexpected(loaded.error());
        end.sink = std::move(*loaded);
        if (auto done = attach_xdp(world, end.interface, end.sink.skeleton->progs.sink); !done) return done;
    }
    return {};
}

}  // namespace dishwall::bench
