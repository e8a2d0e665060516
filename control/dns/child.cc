// SPDX-License-Identifier: BSD-3-Clause
#include "control/dns/child.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cctype>
#include <cstring>

#include "control/clock.h"

namespace dishwall {
namespace {

struct Stdio {
    UniqueFd in, null, said;  // stdin, stdout, stderr of the child
};

// All of it at once: nobody has to write while the program runs.
Result<UniqueFd> file_with(const std::string& text) {
    UniqueFd file(::memfd_create("dishwall-input", MFD_CLOEXEC));
    if (!file.is_open() ||
        ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::lseek(file.get(), 0, SEEK_SET) != 0)
        return fail("cannot make its input: {}", std::strerror(errno));
    return file;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> all;
    for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
    all.push_back(nullptr);
    return all;
}

// ---- in the child, between fork and exec: nothing but system calls

void say_and_exit(const char* what, const char* name) {
    for (const char* part : {what, name, ": ", ::strerrordesc_np(errno), "\n"})
        if (part != nullptr && ::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
    ::_exit(127);
}

// With no_new_privs root gets back no capability at exec that it does not have before it.
bool give_up_rights() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3]{};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::syscall(SYS_capset, &header, none) == 0;
}

void reset_signals() {
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become(const Stdio& stdio, char* const* words, char* const* environment, pid_t parent) {
    reset_signals();
    ::setpgid(0, 0);
    ::dup2(stdio.said.get(), STDERR_FILENO);
    ::dup2(stdio.in.get(), STDIN_FILENO);
    ::dup2(stdio.null.get(), STDOUT_FILENO);
    if (::syscall(SYS_close_range, 3u, ~0u, 0u) != 0) say_and_exit("cannot close files of ", "dishwalld");
    if (!give_up_rights()) say_and_exit("cannot give up rights for ", words[0]);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent || ::chdir("/") != 0) ::_exit(127);
    ::environ = const_cast<char**>(environment);  // with our PATH, which execvp searches
    ::execvp(words[0], words);
    say_and_exit("cannot run ", words[0]);
    ::_exit(127);
}

}  // namespace

Result<std::unique_ptr<Child>> Child::start(sd_event* loop, const Command& command,
                                            std::chrono::nanoseconds limit, Done done) {
    Result<UniqueFd> input = file_with(command.input);
    if (!input) return tl::unexpected(input.error());
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail("cannot make a pipe: {}", std::strerror(errno));
    std::unique_ptr<Child> child(new Child(command.words.at(0), limit, std::move(done)));
    child->stderr_ = UniqueFd(ends[0]);
    Stdio stdio{std::move(*input), UniqueFd(::open("/dev/null", O_WRONLY | O_CLOEXEC)), UniqueFd(ends[1])};
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);

    std::vector<std::string> environment = command.environment;
    environment.insert(environment.end(), {std::string("PATH=") + kPath, "LANG=C.UTF-8"});
    const std::vector<char*> words = pointers(command.words), variables = pointers(environment);
    const pid_t parent = ::getpid();
    child->pid_ = ::fork();
    if (child->pid_ == 0) become(stdio, words.data(), variables.data(), parent);
    if (child->pid_ < 0) {
        child->pid_ = 0;
        return fail("cannot start a program: {}", std::strerror(errno));
    }
    ::setpgid(child->pid_, child->pid_);  // both do it: whoever is first
    if (Result<void> watched = child->watch(loop); !watched) return tl::unexpected(watched.error());
    return child;
}

Result<void> Child::watch(sd_event* loop) {
    const auto on_child = [](sd_event_source*, const siginfo_t* how, void* self) {
        static_cast<Child*>(self)->on_end(*how);
        return 0;
    };
    const auto on_io = [](sd_event_source*, int, std::uint32_t, void* self) {
        static_cast<Child*>(self)->read_said();
        return 0;
    };
    const auto on_time = [](sd_event_source*, std::uint64_t, void* data) {
        auto* self = static_cast<Child*>(data);
        self->timed_out_ = true;
        self->kill_group();
        return 0;
    };
    sd_event_source *child = nullptr, *io = nullptr;
    if (const int error = sd_event_add_child(loop, &child, pid_, WEXITED, on_child, this); error < 0)
        return fail("cannot watch a program: {}", std::strerror(-error));
    ended_.reset(child);
    if (sd_event_add_io(loop, &io, stderr_.get(), EPOLLIN, on_io, this) < 0)
        return fail("cannot watch a program's output");
    readable_.reset(io);
    timer_ = make_timer(loop, on_time, this);
    if (!timer_) return fail("cannot make a timer for a program");
    set_timer(timer_, monotonic_time() + limit_);
    return {};
}

Child::~Child() {
    if (pid_ == 0) return;
    ended_.reset();
    kill_group();
    ::waitpid(pid_, nullptr, 0);
}

void Child::kill_group() const {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);  // should the group not be there yet
}

void Child::read_said() {
    char block[1024];
    for (;;) {
        const ssize_t got = ::read(stderr_.get(), block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            if (got == 0) readable_.reset();
            return;
        }
        said_.append(block, static_cast<std::size_t>(got));
        if (said_.size() > kSaid) said_.erase(0, said_.size() - kSaid);
    }
}

// The loop reaps it after this: until then its number, and its group's, are nobody else's.
void Child::on_end(const siginfo_t& how) {
    read_said();
    kill_group();
    pid_ = 0;
    const Done done = std::move(done_);
    done(error_of(how));  // *this may be gone
}

std::string Child::error_of(const siginfo_t& how) const {
    if (timed_out_)
        return fmt::format("{} did not end within {} s", name_,
                           std::chrono::round<std::chrono::seconds>(limit_).count());
    if (how.si_code == CLD_EXITED && how.si_status == 0) return {};
    constexpr std::size_t kShown = 300;
    std::string said;
    for (const char letter : said_) said += std::iscntrl(static_cast<unsigned char>(letter)) ? ' ' : letter;
    while (!said.empty() && said.back() == ' ') said.pop_back();
    if (said.size() > kShown) said.erase(0, said.size() - kShown);
    if (!said.empty()) return said;
    if (how.si_code == CLD_EXITED) return fmt::format("{} ended with status {}", name_, how.si_status);
    return fmt::format("{} was ended by signal {}", name_, how.si_status);
}

}  // namespace dishwall
