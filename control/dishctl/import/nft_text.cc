// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/import/nft_text.h"

#include <fcntl.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "control/unique_fd.h"

namespace dishwall::import {
namespace {

constexpr char kOtherwise[] =
    "where the rules are in force, `nft -j list ruleset > FILE` gives what can be read without this";

struct Free {
    void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t wrote = ::write(fd, text.data(), text.size());
        if (wrote <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(wrote));
    }
}

// In the child. The first letter says what follows: + the JSON, - why there is none.
std::string load_and_list(const std::string& text) {
    const int own = ::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
    if (::unshare(own) != 0 && (own == CLONE_NEWNET || ::unshare(CLONE_NEWNET) != 0))
        return std::string("-cannot make a network namespace to load this text in: ") + std::strerror(errno);
    const std::unique_ptr<nft_ctx, Free> nft(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!nft || nft_ctx_buffer_output(nft.get()) != 0 || nft_ctx_buffer_error(nft.get()) != 0)
        return "-nftables cannot be used here";
    if (nft_run_cmd_from_buffer(nft.get(), text.c_str()) != 0)
        return std::string("-nftables does not take this text: ") + nft_ctx_get_error_buffer(nft.get());
    nft_ctx_output_set_flags(nft.get(), NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE);
    if (nft_run_cmd_from_buffer(nft.get(), "list ruleset") != 0)
        return std::string("-cannot list what was loaded: ") + nft_ctx_get_error_buffer(nft.get());
    return std::string("+") + nft_ctx_get_output_buffer(nft.get());
}

std::string read_all(int fd) {
    std::string text;
    std::array<char, 65536> part;
    for (;;) {
        const ssize_t got = ::read(fd, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace

bool is_nft_json(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '{';
}

Result<std::string> list_nft_text(std::string_view text) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail("cannot make a pipe: {}", std::strerror(errno));
    UniqueFd ours(ends[0]), theirs(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return fail("cannot start a process: {}", std::strerror(errno));
    if (child == 0) {
        write_all(theirs.get(), load_and_list(std::string(text)));
        ::_exit(0);
    }
    theirs = UniqueFd();
    const std::string answer = read_all(ours.get());
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (answer.starts_with('+')) return answer.substr(1);
    std::string why = answer.empty() ? "the process that loads it ended" : answer.substr(1);
    while (!why.empty() && why.back() == '\n') why.pop_back();
    return fail("{}\n{}", why, kOtherwise);
}

}  // namespace dishwall::import
