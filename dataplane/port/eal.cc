// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

namespace dishwall {
namespace {

spdlog::level::level_enum level_of(int dpdk) {
    if (dpdk <= static_cast<int>(RTE_LOG_ERR)) return spdlog::level::err;
    if (dpdk <= static_cast<int>(RTE_LOG_WARNING)) return spdlog::level::warn;
    return dpdk <= static_cast<int>(RTE_LOG_INFO) ? spdlog::level::info : spdlog::level::debug;
}

// DPDK warns of each size of hugepages that the machine could have and does not use.
bool is_noise(std::string_view line) {
    return line.find("hugepages reported on node") != std::string_view::npos;
}

// DPDK writes a line and flushes it: what arrives here is the line, and its level is still to be had.
ssize_t take_line(void*, const char* text, std::size_t size) {
    std::string_view line(text, size);
    while (!line.empty() && line.back() == '\n') line.remove_suffix(1);
    const auto level = is_noise(line) ? spdlog::level::debug : level_of(rte_log_cur_msg_loglevel());
    if (!line.empty()) spdlog::log(level, "DPDK: {}", line);
    return static_cast<ssize_t>(size);
}

// Stays open as long as the process: DPDK may write to it at any time.
bool take_dpdk_log() {
    static FILE* const lines = ::fopencookie(nullptr, "w", {.write = take_line});
    return lines != nullptr && std::setvbuf(lines, nullptr, _IOLBF, 4096) == 0 &&
           rte_openlog_stream(lines) == 0;
}

std::string meminfo() {
    std::ifstream file("/proc/meminfo");
    return {std::istreambuf_iterator<char>(file), {}};
}

// "0,3": where this process may run. DPDK would move it to one core otherwise.
Result<std::string> own_cores() {
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return fail("cannot ask which cores there are");
    std::string cores;
    for (unsigned core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &set)) cores += (cores.empty() ? "" : ",") + std::to_string(core);
    return cores;
}

}  // namespace

unsigned free_hugepages_mb(const std::string& meminfo) {
    std::istringstream lines(meminfo);
    std::string word;
    unsigned long free = 0, reserved = 0, size_kb = 0;
    while (lines >> word) {
        if (word == "HugePages_Free:") lines >> free;
        if (word == "HugePages_Rsvd:") lines >> reserved;
        if (word == "Hugepagesize:") lines >> size_kb;
    }
    return static_cast<unsigned>((free - std::min(free, reserved)) * size_kb / 1024);
}

std::vector<std::string> eal_arguments(unsigned megabytes, bool hugepages, const std::string& cores) {
    std::vector<std::string> arguments{
        "dishwall-inspect",      "--no-pci", "--no-telemetry",          "--iova-mode=va",
        "--log-level=*:warning", "-m",       std::to_string(megabytes), "--lcores",
        "0@(" + cores + ")"};
    // --in-memory leaves no file behind. DPDK refuses it without hugepages, where --no-shconf comes close.
    if (hugepages)
        arguments.emplace_back("--in-memory");
    else
        arguments.insert(arguments.end(), {"--no-huge", "--no-shconf"});
    return arguments;
}

Result<Eal> Eal::start(unsigned megabytes) {
    if (!take_dpdk_log()) return fail("cannot take over DPDK's log");
    Result<std::string> cores = own_cores();
    if (!cores) return tl::unexpected(cores.error());
    const bool hugepages = free_hugepages_mb(meminfo()) >= megabytes;
    static std::vector<std::string> arguments;  // DPDK keeps pointers to some
    arguments = eal_arguments(megabytes, hugepages, *cores);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0)
        return fail("cannot start DPDK: {}", rte_strerror(rte_errno));
    return Eal(hugepages);
}

Eal::Eal(Eal&& other) noexcept : hugepages_(other.hugepages_), runs_(std::exchange(other.runs_, false)) {}

Eal::~Eal() {
    if (runs_) rte_eal_cleanup();
}

}  // namespace dishwall
