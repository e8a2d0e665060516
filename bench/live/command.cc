// SPDX-License-Identifier: BSD-3-Clause
//
// Input and output are memory files rather than pipes: nothing to poll, nothing that can block, whatever
// the size of a rule set.
#include "bench/live/command.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

namespace dishwall::bench {
namespace {

int reserved_cpu = -1;

UniqueFd memory_file(std::string_view content) {
    UniqueFd fd(::memfd_create("dishwall-bench", MFD_CLOEXEC));
    for (std::size_t done = 0; fd.is_open() && done < content.size();) {
        const ssize_t wrote = ::write(fd.get(), content.data() + done, content.size() - done);
        if (wrote <= 0) return UniqueFd();
        done += static_cast<std::size_t>(wrote);
    }
    if (fd.is_open()) ::lseek(fd.get(), 0, SEEK_SET);
    return fd;
}

std::string content_of(const UniqueFd& fd) {
    std::string text;
    char chunk[65536];
    for (off_t at = 0;;) {
        const ssize_t got = ::pread(fd.get(), chunk, sizeof(chunk), at);
        if (got <= 0) return text;
        text.append(chunk, static_cast<std::size_t>(got));
        at += got;
    }
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

cpu_set_t cpus_for_background() {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
    for (long cpu = 0; cpu < online; ++cpu)
        if (cpu != reserved_cpu || online == 1) CPU_SET(static_cast<int>(cpu), &cpus);
    return cpus;
}

struct Files {
    int in, out, err;
};

// In the child, where only async-signal-safe calls are allowed: everything was allocated before fork.
[[noreturn]] void become(int netns, Files files, char** argv, char** environment, const cpu_set_t& cpus) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::setns(netns, CLONE_NEWNET) != 0) ::_exit(126);
    ::sched_setaffinity(0, sizeof(cpus), &cpus);
    ::dup2(files.in, 0);
    ::dup2(files.out, 1);
    ::dup2(files.err, 2);
    ::execvpe(argv[0], argv, environment);
    ::_exit(127);
}

pid_t spawn(const NetworkNamespace& where, const std::vector<std::string>& command,
            const std::vector<std::string>& more_environment, Files files) {
    auto argv = pointers_to(command);
    auto environment = pointers_to(more_environment);
    environment.pop_back();
    for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
    environment.push_back(nullptr);
    const cpu_set_t cpus = cpus_for_background();
    const pid_t pid = ::fork();
    if (pid == 0) become(where.fd(), files, argv.data(), environment.data(), cpus);
    return pid;
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

// Waits up to `patience`; true when the child is gone.
bool reap(pid_t pid, std::chrono::milliseconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (::waitpid(pid, nullptr, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace

Result<void> take_cpu(int cpu) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    if (::sched_setaffinity(0, sizeof(only), &only) != 0)
        return fail("cannot run on CPU {}: {}", cpu, std::strerror(errno));
    reserved_cpu = cpu;
    return {};
}

Result<void> leave_cpu() {
    const cpu_set_t cpus = cpus_for_background();
    if (::sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
        return fail("cannot run beside CPU {}: {}", reserved_cpu, std::strerror(errno));
    return {};
}

Result<std::string> run(const NetworkNamespace& where, const std::vector<std::string>& command,
                        std::string_view input, double* peak_mib) {
    const UniqueFd in = memory_file(input), out = memory_file({}), err = memory_file({});
    if (!in.is_open() || !out.is_open() || !err.is_open())
        return fail("cannot make a memory file: {}", std::strerror(errno));
    const pid_t pid = spawn(where, command, {}, {in.get(), out.get(), err.get()});
    if (pid < 0) return fail("cannot fork: {}", std::strerror(errno));
    int status = 0;
    rusage usage = {};
    while (::wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    if (peak_mib != nullptr) *peak_mib = static_cast<double>(usage.ru_maxrss) / 1024;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return content_of(out);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return fail("cannot run {}: is it installed and in PATH?", command.front());
    return fail("`{}` failed with status {}: {}{}", joined(command), WEXITSTATUS(status), content_of(err),
                content_of(out));
}

Result<Background> Background::start(const NetworkNamespace& where, const std::vector<std::string>& command,
                                     const std::vector<std::string>& environment) {
    const UniqueFd in = memory_file({});
    UniqueFd log = memory_file({});
    if (!in.is_open() || !log.is_open()) return fail("cannot make a memory file: {}", std::strerror(errno));
    const pid_t pid = spawn(where, command, environment, {in.get(), log.get(), log.get()});
    if (pid < 0) return fail("cannot fork: {}", std::strerror(errno));
    return Background(pid, std::move(log));
}

Background& Background::operator=(Background&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(log_, other.log_);
    return *this;
}

Background::~Background() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    if (reap(pid_, std::chrono::milliseconds(2000))) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

bool Background::is_running() const {
    siginfo_t state = {};  // WNOWAIT: the destructor reaps
    return pid_ > 0 && ::waitid(P_PID, static_cast<id_t>(pid_), &state, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           state.si_pid == 0;
}

std::string Background::log() const { return content_of(log_); }

}  // namespace dishwall::bench
