// SPDX-License-Identifier: BSD-3-Clause
#include "bench/live/netns.h"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "bench/live/command.h"

namespace dishwall::bench {
namespace {

Result<UniqueFd> current_namespace() {
    UniqueFd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd.is_open()) return fail("cannot open this thread's network namespace: {}", std::strerror(errno));
    return fd;
}

}  // namespace

Result<NetworkNamespace> NetworkNamespace::create() {
    auto before = current_namespace();
    if (!before) return tl::unexpected(before.error());
    if (::unshare(CLONE_NEWNET) != 0)
        return fail("cannot make a network namespace: {} (run as root)", std::strerror(errno));
    auto made = current_namespace();
    if (::setns(before->get(), CLONE_NEWNET) != 0)
        return fail("cannot return to the first network namespace: {}", std::strerror(errno));
    if (!made) return tl::unexpected(made.error());

    NetworkNamespace fresh(std::move(*made));
    for (const char* name : {"accept_dad", "dad_transmits", "accept_ra", "autoconf", "router_solicitations"})
        if (auto set = fresh.set_sysctl(fmt::format("net.ipv6.conf.default.{}", name), "0"); !set)
            return tl::unexpected(set.error());
    if (auto up = run(fresh, {"ip", "link", "set", "lo", "up"}); !up) return tl::unexpected(up.error());
    return fresh;
}

Result<NetworkNamespace> NetworkNamespace::current() {
    auto fd = current_namespace();
    if (!fd) return tl::unexpected(fd.error());
    return NetworkNamespace(std::move(*fd));
}

std::string NetworkNamespace::path() const { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd()); }

Result<void> NetworkNamespace::set_sysctl(const std::string& name, const std::string& value) const {
    auto inside = Inside::enter(*this);  // /proc/sys/net shows the namespace of whoever opens it
    if (!inside) return tl::unexpected(inside.error());
    std::string file = "/proc/sys/" + name;
    std::replace(file.begin(), file.end(), '.', '/');
    UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.is_open() || ::write(fd.get(), value.data(), value.size()) < 0)
        return fail("cannot set {} to {}: {}", name, value, std::strerror(errno));
    return {};
}

Result<Inside> Inside::enter(const NetworkNamespace& where) {
    auto back = current_namespace();
    if (!back) return tl::unexpected(back.error());
    if (::setns(where.fd(), CLONE_NEWNET) != 0)
        return fail("cannot enter a network namespace: {}", std::strerror(errno));
    return Inside(std::move(*back));
}

Inside::~Inside() {
    if (back_.is_open() && ::setns(back_.get(), CLONE_NEWNET) != 0)
        std::abort();  // nothing is safe after that
}

}  // namespace dishwall::bench
