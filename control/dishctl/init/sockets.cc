// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/init/sockets.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

namespace dishwall {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTcpListens = "0A", kUdpUnconnected = "07";

std::optional<std::uint32_t> hexadecimal(std::string_view text) {
    std::uint32_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

// Four words as they are in the kernel's memory: each in network order, printed as a number of this machine.
std::optional<Ipv6Address> address_in(std::string_view text) {
    if (text.size() != 32) return std::nullopt;
    std::array<std::uint32_t, 4> words{};
    for (std::size_t i = 0; i < 4; ++i) {
        const auto word = hexadecimal(text.substr(8 * i, 8));
        if (!word) return std::nullopt;
        words[i] = ntohl(*word);
    }
    return Ipv6Address{std::uint64_t{words[0]} << 32 | words[1], std::uint64_t{words[2]} << 32 | words[3]};
}

// Loopback, link-local and mapped IPv4 addresses are not what somebody on the line asks for.
bool can_be_reached(const Ipv6Address& address) {
    const bool own = address == Ipv6Address{0, 1};
    const bool link_local = address.hi >> 54 == 0xfe80 >> 6;
    const bool mapped = address.hi == 0 && address.lo >> 32 == 0xffff;
    return !own && !link_local && !mapped && address.hi >> 56 != 0xff;
}

// inode -> the program that holds it.
std::map<std::string, std::string> socket_owners(std::vector<std::string>* troubles) {
    std::map<std::string, std::string> owners;
    std::error_code error;
    bool hidden = false;
    for (const auto& process : fs::directory_iterator("/proc", error)) {
        const std::string id = process.path().filename();
        if (id.find_first_not_of("0123456789") != std::string::npos) continue;
        std::string name;
        std::ifstream(process.path() / "comm") >> name;
        std::error_code denied;
        for (fs::directory_iterator file(process.path() / "fd", denied), end; !denied && file != end;
             file.increment(denied)) {
            std::error_code gone;
            const std::string target = fs::read_symlink(file->path(), gone);
            if (target.starts_with("socket:[")) owners[target.substr(8, target.size() - 9)] = name;
        }
        hidden = hidden || denied == std::errc::permission_denied;
    }
    if (hidden) troubles->push_back("only root can see which programs listen: ask as root for their names");
    return owners;
}

}  // namespace

std::optional<SeenListener> listener_in(std::string_view line, std::uint8_t proto, std::string* inode) {
    // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
    std::istringstream words{std::string(line)};
    std::string number, local, remote, state, skipped;
    words >> number >> local >> remote >> state;
    for (int i = 0; i < 5; ++i) words >> skipped;
    words >> *inode;
    const std::size_t colon = local.find(':');
    if (!words || colon == std::string::npos ||
        state != (proto == IPPROTO_TCP ? kTcpListens : kUdpUnconnected))
        return std::nullopt;
    const auto address = address_in(std::string_view(local).substr(0, colon));
    const auto port = hexadecimal(std::string_view(local).substr(colon + 1));
    if (!address || !port || *port == 0 || *port > 65535 || !can_be_reached(*address)) return std::nullopt;
    return SeenListener{proto, static_cast<std::uint16_t>(*port), *address, ""};
}

std::vector<SeenListener> read_listeners(std::vector<std::string>* troubles) {
    const auto owners = socket_owners(troubles);
    std::vector<SeenListener> listeners;
    for (const auto& [file, proto] :
         {std::pair("/proc/self/net/tcp6", IPPROTO_TCP), {"/proc/self/net/udp6", IPPROTO_UDP}}) {
        std::ifstream lines(file);
        if (!lines)
            troubles->push_back(fmt::format("cannot see who listens: {}: {}", file, std::strerror(errno)));
        for (std::string line, inode; std::getline(lines, line);) {
            auto listener = listener_in(line, static_cast<std::uint8_t>(proto), &inode);
            if (!listener) continue;
            if (const auto owner = owners.find(inode); owner != owners.end())
                listener->program = owner->second;
            listeners.push_back(std::move(*listener));
        }
    }
    const auto order = [](const SeenListener& one) { return std::tuple(one.proto, one.port, one.address); };
    std::ranges::sort(listeners, {}, order);
    return listeners;
}

}  // namespace dishwall
