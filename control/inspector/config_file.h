// SPDX-License-Identifier: BSD-3-Clause
//
// The daemon's file for the inspector, followed. The daemon replaces it by rename, so its directory is what
// is watched; a daemon that ends may take the directory along, and the next one makes it anew.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "control/event_source.h"
#include "control/inspector/inspect_config.h"
#include "rules/result.h"

namespace dishwall {

class ConfigFile {
public:
    // `changed` is called when the file is another one, also when it appears. `loop` outlives this.
    ConfigFile(sd_event* loop, std::filesystem::path path, std::function<void()> changed);
    ConfigFile(const ConfigFile&) = delete;
    ConfigFile& operator=(const ConfigFile&) = delete;

    [[nodiscard]] Result<InspectConfig> read() const;
    [[nodiscard]] bool exists() const;

private:
    void watch();
    static int on_event(sd_event_source*, const inotify_event* event, void* self);
    static int on_retry(sd_event_source*, std::uint64_t, void* self);

    sd_event* loop_;
    std::filesystem::path path_;
    std::function<void()> changed_;
    EventSource directory_, retry_;
};

}  // namespace dishwall
