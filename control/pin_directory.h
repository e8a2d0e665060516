// SPDX-License-Identifier: BSD-3-Clause
//
// Names for kernel objects that must outlive the daemon: one directory on a bpffs, owned by one instance.
// A name is replaced by rename, so at every moment it means either the old object or the new one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

inline constexpr char kIngressPin[] = "link_ingress";  // the XDP program's link; `dishctl doctor` looks at it

class PinDirectory {
public:
    // Makes the directory when it is missing and locks it: two instances cannot share pins.
    [[nodiscard]] static Result<PinDirectory> open(std::string path);

    [[nodiscard]] const std::string& path() const { return path_; }

    // The object pinned under `name`; empty when there is none.
    [[nodiscard]] Result<std::optional<UniqueFd>> get(const std::string& name) const;
    // Pins `fd` under `name`, replacing what was there.
    [[nodiscard]] Result<void> put(const std::string& name, int fd) const;
    // Returns whether there was something to remove.
    [[nodiscard]] Result<bool> remove(const std::string& name) const;
    // Removes the directory itself when nothing is left in it.
    void remove_directory() const;

private:
    PinDirectory(std::string path, UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
    [[nodiscard]] std::string path_of(const std::string& name) const { return path_ + "/" + name; }

    std::string path_;
    UniqueFd lock_;
};

}  // namespace dishwall
