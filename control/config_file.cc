// SPDX-License-Identifier: BSD-3-Clause
#include "control/config_file.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "control/unique_fd.h"

namespace dishwall {
namespace {

constexpr std::size_t kLargest = std::size_t{64} << 20;

std::optional<std::uint16_t> service_port(std::string_view service, std::string_view proto) {
    const servent* entry = ::getservbyname(std::string(service).c_str(), std::string(proto).c_str());
    if (entry == nullptr) return std::nullopt;
    return ntohs(static_cast<std::uint16_t>(entry->s_port));
}

// Empty: this process may read (R_OK) or run (X_OK) it.
std::string why_no_access(const std::string& path, int mode) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return "it is a directory";
    return ::access(path.c_str(), mode) == 0 ? "" : std::strerror(errno);
}

// The whole large pages in it. Where the machine has none to give, nothing is lost.
void use_large_pages(void* begin, std::size_t bytes) {
    constexpr std::uintptr_t kLargePage = std::uintptr_t{2} << 20;
    const auto at = reinterpret_cast<std::uintptr_t>(begin);
    const std::uintptr_t first = (at + kLargePage - 1) & ~(kLargePage - 1);
    const std::uintptr_t last = (at + bytes) & ~(kLargePage - 1);
    if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

std::string directory_of(const std::string& path) {
    std::error_code error;
    return std::filesystem::absolute(path, error).parent_path().string();
}

ConfigFailure failure(std::string message) { return ConfigFailure{std::move(message), {}, {}, {}, {}}; }

// Does it stand where `load_config` looks for more than the rule file itself?
bool is_beside(const std::string& path, const std::string& directory) {
    const std::filesystem::path file(path);
    return file.parent_path() == std::filesystem::path(directory) / "conf.d" && file.extension() == ".conf" &&
           !file.filename().string().starts_with('.');
}

std::vector<std::string> files_beside(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory + "/conf.d", error))
        if (is_beside(entry.path().string(), directory)) names.push_back(entry.path().string());
    std::sort(names.begin(), names.end());
    return names;
}

tl::expected<std::vector<RuleText>, ConfigFailure> read_rule_files(const std::string& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error))
        return tl::unexpected(failure(fmt::format("{} is a directory, not a rule file", path)));
    if (!std::filesystem::exists(path, error) && !error)
        return tl::unexpected(failure(fmt::format("there is no rule file {}", path)));
    std::vector<std::string> names = files_beside(directory_of(path));
    names.insert(names.begin(), path);
    std::vector<RuleText> files;
    for (std::string& name : names) {
        auto text = read_regular_file(name);
        if (!text) return tl::unexpected(failure(fmt::format("cannot read {}: {}", name, text.error())));
        files.push_back({std::move(name), std::move(*text)});
    }
    return files;
}

std::size_t count_errors(const std::vector<Diagnostic>& diagnostics) {
    return static_cast<std::size_t>(
        std::count_if(diagnostics.begin(), diagnostics.end(),
                      [](const Diagnostic& one) { return severity_of(one.code) == Severity::error; }));
}

std::vector<RuleText> take_texts(Compiled* compiled) {
    std::vector<RuleText> texts;
    for (const FileId id : compiled->rule_files) {
        SourceFile& file = compiled->sources.file(id);
        texts.push_back({file.path(), file.take_text()});
    }
    return texts;
}

ConfigResult result_of(const std::string& path, Compiled compiled) {
    std::string rendered = render(compiled.diagnostics, compiled.sources, false);
    std::vector<RuleText> texts = take_texts(&compiled);
    if (compiled.policy)
        return LoadedConfig{std::move(*compiled.policy),
                            std::move(rendered),
                            std::move(texts),
                            {},
                            std::move(compiled.leftovers)};
    const std::size_t errors = count_errors(compiled.diagnostics);
    ConfigFailure broken = failure(fmt::format("{} has {} error{}", path, errors, errors == 1 ? "" : "s"));
    if (compiled.unprotected)
        broken.unprotected = LoadedConfig{std::move(*compiled.unprotected), rendered, texts, {}, {}};
    broken.diagnostics = std::move(rendered);
    broken.interface = std::move(compiled.interface);
    broken.texts = std::move(texts);
    return tl::unexpected(std::move(broken));
}

const RuleText* find_text(const std::vector<RuleText>& texts, const std::string& path) {
    const auto found =
        std::find_if(texts.begin(), texts.end(), [&](const RuleText& text) { return text.name == path; });
    return found == texts.end() ? nullptr : &*found;
}

// The rule file and what stood beside it, without what they include.
std::vector<RuleText> top_of(const std::vector<RuleText>& texts) {
    const std::string directory = directory_of(texts.front().name);
    std::vector<RuleText> top{texts.front()};
    for (const RuleText& text : texts)
        if (is_beside(text.name, directory) && find_text(top, text.name) == nullptr) top.push_back(text);
    return top;
}

enum class Others { as_they_are, empty };

Compiled read_stored(const std::vector<RuleText>& texts, Others others, std::vector<std::string>* missing) {
    Environment environment{.service_port = service_port,
                            .directory = directory_of(texts.front().name),
                            .inspects = DISHWALL_INSPECTS != 0};
    environment.proven = true;
    environment.will_fill = use_large_pages;
    environment.two_threads = true;
    environment.read_text = [&](const std::string& path) -> tl::expected<std::string, std::string> {
        if (const RuleText* text = find_text(texts, path)) return text->text;
        if (others == Others::as_they_are) return read_regular_file(path);
        missing->push_back(path);
        return std::string();
    };
    return read_policy(top_of(texts), environment);
}

}  // namespace

tl::expected<std::string, std::string> read_regular_file(const std::string& path) {
    // Opening a FIFO would wait for its writer.
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!file.is_open() || ::fstat(file.get(), &status) != 0)
        return tl::unexpected(std::string(std::strerror(errno)));
    if (S_ISDIR(status.st_mode)) return tl::unexpected(std::string("it is a directory"));
    if (!S_ISREG(status.st_mode)) return tl::unexpected(std::string("it is not a regular file"));
    const auto too_large = [] {
        return tl::unexpected(fmt::format("it is larger than {} MiB", kLargest >> 20));
    };
    if (static_cast<std::size_t>(status.st_size) > kLargest) return too_large();
    std::string text;
    text.reserve(static_cast<std::size_t>(status.st_size));
    char block[65536];
    for (;;) {
        const ssize_t got = ::read(file.get(), block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tl::unexpected(std::string(std::strerror(errno)));
        if (got == 0) return text;
        text.append(block, static_cast<std::size_t>(got));
        if (text.size() > kLargest) return too_large();  // it grew meanwhile
    }
}

Environment environment_of(const std::string& path, const Meanwhile& meanwhile) {
    return {.service_port = service_port,
            .directory = directory_of(path),
            .why_unreadable = [](const std::string& file) { return why_no_access(file, R_OK); },
            .why_not_executable = [](const std::string& file) { return why_no_access(file, X_OK); },
            .read_text = read_regular_file,
            .inspects = DISHWALL_INSPECTS != 0,
            .will_fill = use_large_pages,
            .two_threads = true,
            .meanwhile = meanwhile};
}

ConfigResult load_config(const std::string& path, const Meanwhile& meanwhile) {
    auto files = read_rule_files(path);
    if (!files) return tl::unexpected(std::move(files.error()));
    return result_of(path, read_policy(std::move(*files), environment_of(path, meanwhile)));
}

ConfigResult load_texts(const std::vector<RuleText>& texts) {
    if (texts.empty()) return tl::unexpected(failure("nothing is stored of it"));
    const std::string& path = texts.front().name;
    std::vector<std::string> missing;
    ConfigResult strict = result_of(path, read_stored(texts, Others::as_they_are, &missing));
    if (strict) return strict;
    ConfigResult loaded = result_of(path, read_stored(texts, Others::empty, &missing));
    if (!loaded) return strict;
    loaded->missing = std::move(missing);
    return loaded;
}

std::string interface_in(const std::string& path) {
    const auto config = load_config(path);
    return config ? config->policy.uplink.interface : config.error().interface;
}

}  // namespace dishwall
