// SPDX-License-Identifier: BSD-3-Clause
#include "control/caller/caller_connection.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>

namespace dishwall {
namespace {

constexpr unsigned kMostAncestors = 100;
constexpr unsigned kEstablished = 0x01, kListening = 0x0a;  // TCP_ESTABLISHED, TCP_LISTEN

// 0: none, or not to be told.
pid_t parent_of(pid_t pid) {
    std::string stat;
    std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), stat);
    const std::size_t name_end = stat.rfind(')');  // a name may hold anything
    if (name_end == std::string::npos) return 0;
    std::istringstream rest(stat.substr(name_end + 1));
    std::string state;
    pid_t parent = 0;
    rest >> state >> parent;
    return parent;
}

template <typename Number>
std::optional<Number> number_in(std::string_view digits, int base) {
    Number number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

void add_sockets_of(pid_t pid, std::vector<SocketInode>* sockets) {
    constexpr std::string_view kSocket = "socket:[";
    std::error_code error;
    const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
    for (auto entry = std::filesystem::directory_iterator(directory, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        std::error_code gone;
        const std::string target = std::filesystem::read_symlink(entry->path(), gone).string();
        if (!target.starts_with(kSocket) || !target.ends_with(']')) continue;
        const std::string_view digits =
            std::string_view(target).substr(kSocket.size(), target.size() - kSocket.size() - 1);
        if (const auto inode = number_in<SocketInode>(digits, 10)) sockets->push_back(*inode);
    }
}

struct Endpoint {
    Ipv6Address address;
    std::uint16_t port = 0;
};

// "B80D012000000000000000000100000A:1F90": four words as they lie in memory, then the port.
std::optional<Endpoint> endpoint_in(std::string_view text) {
    if (text.size() != 37 || text[32] != ':') return std::nullopt;
    std::array<std::uint32_t, 4> words{};
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto word = number_in<std::uint32_t>(text.substr(8 * i, 8), 16);
        if (!word) return std::nullopt;
        words[i] = ntohl(*word);
    }
    const auto port = number_in<std::uint16_t>(text.substr(33), 16);
    if (!port) return std::nullopt;
    const auto join = [](std::uint32_t high, std::uint32_t low) { return std::uint64_t{high} << 32 | low; };
    return Endpoint{{join(words[0], words[1]), join(words[2], words[3])}, *port};
}

struct Line {
    Endpoint local, peer;
    unsigned state = 0;
    SocketInode inode = 0;
};

// "  0: LOCAL PEER ST TX:RX TR:WHEN RETRANSMITS UID TIMEOUT INODE ..."
std::optional<Line> line_in(const std::string& text) {
    std::istringstream words(text);
    std::string skipped, local, peer, state, inode;
    words >> skipped >> local >> peer >> state >> skipped >> skipped >> skipped >> skipped >> skipped >>
        inode;
    const auto from = endpoint_in(local), to = endpoint_in(peer);
    const auto kind = number_in<unsigned>(state, 16);
    const auto number = number_in<SocketInode>(inode, 10);
    if (!from || !to || !kind || !number) return std::nullopt;
    return Line{*from, *to, *kind, *number};
}

bool is_ipv4_in_ipv6(const Ipv6Address& address) { return address.hi == 0 && address.lo >> 32 == 0xffff; }

}  // namespace

std::vector<SocketInode> sockets_of_ancestors(pid_t pid) {
    std::vector<SocketInode> sockets;
    for (unsigned depth = 0; pid > 1 && depth < kMostAncestors; ++depth, pid = parent_of(pid))
        add_sockets_of(pid, &sockets);
    return sockets;
}

std::vector<TcpConnection> accepted_connections(std::string_view tcp6,
                                                const std::vector<SocketInode>& sockets) {
    const std::set<SocketInode> wanted(sockets.begin(), sockets.end());
    std::vector<Line> lines;
    std::set<std::uint16_t> served;  // ports that something listens on
    std::istringstream text{std::string(tcp6)};
    for (std::string one; std::getline(text, one);) {
        const std::optional<Line> line = line_in(one);
        if (!line) continue;  // the headline
        if (line->state == kListening) served.insert(line->local.port);
        if (line->state == kEstablished && wanted.count(line->inode) != 0) lines.push_back(*line);
    }
    std::vector<TcpConnection> accepted;
    for (const Line& line : lines) {
        const TcpConnection connection{line.peer.address, line.local.address, line.peer.port, line.local.port,
                                       line.inode};
        if (is_ipv4_in_ipv6(connection.peer) || served.count(connection.local_port) == 0) continue;
        if (std::find(accepted.begin(), accepted.end(), connection) == accepted.end())
            accepted.push_back(connection);
    }
    return accepted;
}

std::vector<TcpConnection> accepted_connections(const std::vector<SocketInode>& sockets) {
    if (sockets.empty()) return {};
    std::ostringstream text;
    text << std::ifstream("/proc/thread-self/net/tcp6").rdbuf();
    return accepted_connections(text.str(), sockets);
}

}  // namespace dishwall
