// SPDX-License-Identifier: BSD-3-Clause
#include "bench/machine.h"

#include <fmt/chrono.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

namespace dishwall::bench {
namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// What a short command prints in its first line; empty when it cannot be run. For the record only.
std::string first_line_of_command(const char* command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command, "r"), ::pclose);
    char line[256] = {};
    if (!pipe || std::fgets(line, sizeof(line), pipe.get()) == nullptr) return "";
    const std::string text = line;
    return text.substr(0, text.find('\n'));
}

std::string value_in_cpuinfo(const std::string& key) {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key)) return line.substr(line.find(':') + 2);
    return "";
}

// Virtual machines often hide the model's name; family and model still say which core it is.
std::string cpu_name() {
    return fmt::format("{} (family {}, model {}, stepping {})", value_in_cpuinfo("model name"),
                       value_in_cpuinfo("cpu family"), value_in_cpuinfo("model\t"),
                       value_in_cpuinfo("stepping"));
}

std::map<std::string, std::string> mitigations() {
    std::map<std::string, std::string> found;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator("/sys/devices/system/cpu/vulnerabilities", error)) {
        const std::string state = first_line(entry.path());
        if (state != "Not affected") found[entry.path().filename()] = state;
    }
    return found;
}

}  // namespace

std::string markdown_lines(const Machine& machine) {
    std::string text =
        fmt::format("- {}, commit {}\n- {}; {}; {} CPUs; load average at the start: {}\n- {}; {}; {}\n",
                    machine.date, machine.commit.empty() ? "unknown" : machine.commit, machine.cpu,
                    machine.is_virtual ? "virtual machine" : "bare metal", machine.cpus, machine.load_average,
                    machine.kernel, machine.clang, machine.nftables);
    for (const auto& [name, state] : machine.mitigations) text += fmt::format("- {}: {}\n", name, state);
    return text;
}

nlohmann::json to_json(const Machine& machine) {
    return {{"cpu", machine.cpu},
            {"cpus", machine.cpus},
            {"virtual", machine.is_virtual},
            {"kernel", machine.kernel},
            {"mitigations", machine.mitigations},
            {"clang", machine.clang},
            {"nftables", machine.nftables},
            {"load_average", machine.load_average}};
}

Machine look_at_machine() {
    Machine machine;
    utsname name = {};
    ::uname(&name);
    machine.cpu = cpu_name();
    machine.kernel = fmt::format("{} {} {}", name.sysname, name.release, name.machine);
    machine.is_virtual = value_in_cpuinfo("flags").find(" hypervisor ") != std::string::npos;
    machine.clang = first_line_of_command("clang --version 2>/dev/null");
    machine.nftables = first_line_of_command("nft --version 2>/dev/null");
    if (const char* commit = std::getenv("DISHWALL_COMMIT")) machine.commit = commit;  // bench/run asks git
    machine.date = fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(std::time(nullptr)));
    machine.load_average = first_line("/proc/loadavg");
    machine.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
    machine.mitigations = mitigations();
    return machine;
}

}  // namespace dishwall::bench
