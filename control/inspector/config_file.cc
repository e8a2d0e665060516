// SPDX-License-Identifier: BSD-3-Clause
#include "control/inspector/config_file.h"

#include <spdlog/spdlog.h>
#include <sys/inotify.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace dishwall {
namespace {

using std::chrono::steady_clock;  // CLOCK_MONOTONIC
constexpr std::chrono::seconds kRetry{1};

}  // namespace

ConfigFile::ConfigFile(sd_event* loop, std::filesystem::path path, std::function<void()> changed)
    : loop_(loop),
      path_(std::move(path)),
      changed_(std::move(changed)),
      retry_(make_timer(loop, on_retry, this)) {
    watch();
}

Result<InspectConfig> ConfigFile::read() const {
    std::ifstream file(path_, std::ios::binary);
    if (!file) return fail("cannot read {}: {}", path_.string(), std::strerror(errno));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    Result<InspectConfig> config = parse_inspect_config(text);
    if (!config) return fail_with(config.error(), path_.string());
    return config;
}

bool ConfigFile::exists() const {
    std::error_code ignored;
    return std::filesystem::exists(path_, ignored);
}

// Without a directory it looks again each second.
void ConfigFile::watch() {
    sd_event_source* source = nullptr;
    const int error =
        sd_event_add_inotify(loop_, &source, path_.parent_path().c_str(),
                             IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_ONLYDIR, on_event, this);
    directory_.reset(error < 0 ? nullptr : source);
    if (error < 0) {
        spdlog::debug("cannot watch {}: {}", path_.parent_path().string(), std::strerror(-error));
        set_timer(retry_, steady_clock::now().time_since_epoch() + kRetry);
    }
}

int ConfigFile::on_event(sd_event_source*, const inotify_event* event, void* self) {
    auto* file = static_cast<ConfigFile*>(self);
    if ((event->mask & (IN_IGNORED | IN_DELETE_SELF)) != 0) {
        set_timer(file->retry_, steady_clock::now().time_since_epoch() + kRetry);
        return 0;
    }
    const bool missed = (event->mask & IN_Q_OVERFLOW) != 0;
    if (missed || (event->len > 0 && file->path_.filename() == event->name)) file->changed_();
    return 0;
}

int ConfigFile::on_retry(sd_event_source*, std::uint64_t, void* self) {
    auto* file = static_cast<ConfigFile*>(self);
    file->watch();
    if (file->directory_ && file->exists()) file->changed_();
    return 0;
}

}  // namespace dishwall
