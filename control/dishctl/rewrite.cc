// SPDX-License-Identifier: BSD-3-Clause
#include "control/dishctl/rewrite.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "control/dishctl/text.h"
#include "control/state_file.h"
#include "rules/format.h"
#include "rules/render.h"

namespace dishwall {
namespace {

using nlohmann::json;

Rewritten failed(const std::string& file, const std::string& message, ExitCode code,
                 const std::string& diagnostics = {}) {
    Rewritten done{code, "", "", {{"file", file}, {"formatted", nullptr}, {"text", nullptr}}};
    done.document["message"] = message;
    done.document["diagnostics"] = diagnostics;
    done.err = diagnostics + (diagnostics.empty() ? "" : "\n") + "dishctl: " + printable(message) + "\n";
    return done;
}

// The file that a link names, so that the link is not replaced by a file.
std::string behind_links(const std::string& file) {
    std::error_code error;
    const auto found = std::filesystem::weakly_canonical(file, error);
    return error ? file : found.string();
}

}  // namespace

Result<std::string> read_whole(const std::string& file) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) return fail("{} is a directory, not a file", file);
    Result<std::optional<std::string>> text = read_file(file == "-" ? "/dev/stdin" : file);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return fail("there is no file {}", file);
    return std::move(**text);
}

Result<void> rewrite_file(const std::string& file, const std::string& text) {
    const std::string path = behind_links(file);
    struct stat before {};
    const bool is_new = ::stat(path.c_str(), &before) != 0;
    if (Result<void> replaced = replace_file(path, text); !replaced || is_new) return replaced;
    // Only root can give a file away; what belongs to whoever asks needs no giving.
    if (::geteuid() == 0 && ::chown(path.c_str(), before.st_uid, before.st_gid) != 0)
        return fail("cannot give {} back to its owner: {}", path, std::strerror(errno));
    if (::chmod(path.c_str(), before.st_mode & 07777) != 0)
        return fail("cannot give {} its rights back: {}", path, std::strerror(errno));
    return {};
}

Rewritten rewrite_rule_file(const std::string& file, FmtMode mode) {
    const Result<std::string> text = read_whole(file);
    if (!text) return failed(file, text.error().message, kFailed);
    const Formatted formatted = format_rules(file, *text);
    if (!formatted.text)
        return failed(file, fmt::format("{} has errors and is left as it is", file), kCheckFailed,
                      render(formatted.diagnostics, formatted.sources, false));
    const bool same = *formatted.text == *text;
    Rewritten done{kOk, "", "", {{"file", file}, {"formatted", same}, {"text", *formatted.text}}};
    if (mode == FmtMode::print || file == "-") {
        done.out = *formatted.text;
    } else if (!same && mode == FmtMode::check) {
        done.code = kFailed;
        done.out = fmt::format("{} has another layout; 'dishctl fmt --write' changes it\n", printable(file));
    } else if (!same) {
        if (Result<void> written = rewrite_file(file, *formatted.text); !written)
            return failed(file, written.error().message, kFailed);
        done.out = fmt::format("{} is laid out anew\n", printable(file));
    }
    return done;
}

}  // namespace dishwall
