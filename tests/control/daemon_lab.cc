// SPDX-License-Identifier: BSD-3-Clause
#include "daemon_lab.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "control/device.h"
#include "control/frame_builder.h"
#include "control/kernel_support.h"

namespace dishwall {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

UniqueFd make_notify_socket(const std::filesystem::path& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
}

// So many times as long as on the machine itself may everything take: where the kernel runs in an emulator
// (tests/kernel), loading the programs takes seconds.
int patience() {
    const char* times = std::getenv("DISHWALL_TEST_PATIENCE");
    return times == nullptr ? 1 : std::max(1, std::atoi(times));
}

// Not every test that starts a daemon wants its watchdog, but every one survives it.
void become(const std::vector<std::string>& words, const std::filesystem::path& directory) {
    ::setenv("NOTIFY_SOCKET", (directory / "notify").c_str(), 1);
    ::setenv("WATCHDOG_USEC", "1000000", 1);
    ::unsetenv("WATCHDOG_PID");
    const int log = ::open((directory / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
}

std::uint64_t packets_of(const json& list, const std::string& name) {
    for (const json& one : list)
        if (one["name"] == name) return one["packets"].get<std::uint64_t>();
    ADD_FAILURE() << "no counter " << name << " in " << list.dump();
    return 0;
}

}  // namespace

std::string config_text(const std::string& inbound, const std::string& uplink) {
    return "version 1\n"
           "uplink dish {\n"
           "    interface wan0\n"
           "    prefix fixed static 2001:db8:aa00::/56\n"
           "    documentation-prefixes allow\n" +
           uplink +
           "}\n"
           "network lan = dish.fixed subnet 0x1\n"
           "host nas = lan ::10\n"
           "policy inbound on dish {\n"
           "    default drop\n" +
           inbound +
           "}\n"
           "policy outbound on dish {\n"
           "    default accept\n"
           "}\n";
}

std::string shell(const std::string& command) {
    FILE* pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
    std::string output;
    char block[4096];
    while (const std::size_t got = std::fread(block, 1, sizeof block, pipe)) output.append(block, got);
    EXPECT_EQ(::pclose(pipe), 0) << command << ": " << output;
    return output;
}

UniqueFd pass_everything() {
    const bpf_insn program[] = {{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS},
                                {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    return UniqueFd(bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "GPL", program, 2, nullptr));
}

// ---- Instance

Instance::Instance(const std::string& name) {
    char path[] = "/tmp/dw-XXXXXX";
    EXPECT_NE(::mkdtemp(path), nullptr);
    directory_ = path;
    pin_dir = fmt::format("/sys/fs/bpf/dw-{}-{}", ::getpid(), name);
    notify_ = make_notify_socket(directory_ / "notify");
    write_config(config_text("    accept tcp 443 to nas name web\n"));
}

Instance::~Instance() {
    if (running()) {
        signal(SIGKILL);
        (void)wait();
    }
    std::error_code ignored;
    // Not remove_all: a bpffs answers to unlink and rmdir only.
    for (const auto& pin : std::filesystem::directory_iterator(pin_dir, ignored))
        ::unlink(pin.path().c_str());
    ::rmdir(pin_dir.c_str());
    std::filesystem::remove_all(directory_, ignored);
}

void Instance::write_config(const std::string& text) const { std::ofstream(config()) << text; }

std::vector<std::string> Instance::command(const std::vector<std::string>& more) const {
    std::vector<std::string> words{DISHWALLD,   "--config", config(),      "--run-dir", run_dir(),
                                   "--pin-dir", pin_dir,    "--state-dir", state_dir()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

bool Instance::start(const std::vector<std::string>& more, const std::vector<std::string>& wrapper) {
    std::vector<std::string> words = wrapper;
    const std::vector<std::string> ours = command(more);
    words.insert(words.end(), ours.begin(), ours.end());
    pid_ = ::fork();
    if (pid_ == 0) become(words, directory_);
    for (int i = 0; i < 300 * patience(); ++i) {
        pollfd wanted{notify_.get(), POLLIN, 0};
        if (::poll(&wanted, 1, 100) == 1) return notified("READY=1");
        siginfo_t ended{};
        if (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            ended.si_pid == pid_)
            return false;
    }
    ADD_FAILURE() << "neither READY nor an end in " << 30 * patience() << " s; log:\n" << log();
    return false;
}

void Instance::signal(int number) const { ::kill(pid_, number); }

int Instance::wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Instance::log() const {
    std::ostringstream text;
    text << std::ifstream(directory_ / "log").rdbuf();
    return text.str();
}

bool Instance::notified(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + 5s * patience();
    while (std::chrono::steady_clock::now() < deadline) {
        pollfd wanted{notify_.get(), POLLIN, 0};
        if (::poll(&wanted, 1, 100) != 1) continue;
        char message[512];
        const ssize_t got = ::recv(notify_.get(), message, sizeof message, 0);
        if (got > 0 && std::string(message, static_cast<std::size_t>(got)).find(text) != std::string::npos)
            return true;
    }
    return false;
}

void Instance::run_for(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
        pollfd wanted{notify_.get(), POLLIN, 0};
        char message[512];
        if (::poll(&wanted, 1, 50) == 1) (void)::recv(notify_.get(), message, sizeof message, 0);
    }
}

json Instance::call(const std::string& verb, const json& parameters) const {
    auto client = IpcClient::connect(run_dir() / "ctl.sock");
    if (!client) return {{"error", "unreachable"}, {"message", client.error().message}};
    auto reply = client->call("org.dishwall." + verb, parameters.is_null() ? json::object() : parameters);
    if (reply) return *reply;
    return {{"error", reply.error().name},
            {"message", reply.error().message},
            {"diagnostics", reply.error().diagnostics}};
}

std::uint64_t Instance::packets_of_rule(const std::string& name) const {
    return packets_of(call("Counters")["rules"], name);
}

std::uint64_t Instance::packets_of_reason(const std::string& name) const {
    return packets_of(call("Counters")["reasons"], name);
}

// ---- DaemonLab

void DaemonLab::SetUp() {
    ASSERT_EQ(::geteuid(), 0u) << "these tests need root (meson suite 'root')";
    home_ = UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    make_uplink();
    daemon.emplace("a");
}

void DaemonLab::TearDown() {
    daemon.reset();
    ::setns(home_.get(), CLONE_NEWNET);
}

void DaemonLab::make_uplink() {
    shell("ip link set lo up");
    // Without its own chatter, so that counters count what a test sent.
    shell("sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
    shell("ip link add wan0 type veth peer name isp0 && ip link set isp0 up && ip link set wan0 up");
}

void DaemonLab::send(const std::string& packet, int times) {
    const Result<Device> wan = find_device("wan0"), isp = find_device("isp0");
    ASSERT_TRUE(wan && isp);
    PacketSpec spec = *parse_packet(packet);
    const UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(isp->index);
    for (int i = 0; i < times; ++i, ++spec.source_port) {
        const std::vector<std::uint8_t> frame = build_frame(spec, *mac_address_of(*wan));
        ASSERT_EQ(::sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to),
                           sizeof to),
                  static_cast<ssize_t>(frame.size()));
    }
    std::this_thread::sleep_for(50ms);
}

std::uint32_t DaemonLab::xdp_program_on_uplink() const {
    std::uint32_t id = 0;
    bpf_xdp_query_id(static_cast<int>(::if_nametoindex("wan0")), 0, &id);
    return id;
}

unsigned DaemonLab::egress_programs_on_uplink() const {
    __u32 ids[16], count = 16;
    const auto tcx_egress = static_cast<bpf_attach_type>(47);
    const int error =
        bpf_prog_query(static_cast<int>(::if_nametoindex("wan0")), tcx_egress, 0, nullptr, ids, &count);
    return (error == 0 ? count : 0) + filters_on_uplink();
}

unsigned DaemonLab::filters_on_uplink() const {
    // Without a clsact qdisc tc has nothing to show and fails.
    const std::string text = shell("tc filter show dev wan0 egress 2>/dev/null || true");
    unsigned count = 0;
    for (std::size_t at = 0; (at = text.find(" handle ", at)) != text.npos; ++at) ++count;
    return count;
}

std::string DaemonLab::usual_egress() {
    utsname name{};
    ::uname(&name);
    return *parse_kernel_release(name.release) < KernelVersion{6, 6} ? "clsact" : "tcx";
}

bool DaemonLab::make_uplink_a_bridge() {
    shell("ip link del wan0");
    return shell("ip link add wan0 type bridge && ip link set wan0 up || echo cannot").find("cannot") ==
           std::string::npos;
}

}  // namespace dishwall
