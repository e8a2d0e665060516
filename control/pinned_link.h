// SPDX-License-Identifier: BSD-3-Clause
//
// bpf_links that are pinned by name, so that what they attach outlives the daemon; a later daemon swaps the
// program inside.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "control/device.h"
#include "control/pin_directory.h"
#include "control/unique_fd.h"
#include "rules/result.h"

namespace dishwall {

struct LinkState {
    std::uint32_t ifindex = 0;  // 0: its device is gone
    std::uint32_t program = 0;  // id
};
[[nodiscard]] Result<LinkState> state_of(const UniqueFd& link);

// The pinned link, if it is on this device and not on another one, or one of another namespace with the same
// number: `is_on_device` asks the device itself for a program id.
using IsOnDevice = std::function<bool(std::uint32_t program)>;
[[nodiscard]] Result<std::optional<UniqueFd>> find_link(const PinDirectory& pins, const char* name,
                                                        const Device& device, const IsOnDevice& is_on_device);
[[nodiscard]] Result<void> swap_program(const UniqueFd& link, int program);
// The link of this name is detached and its pin removed, if there is one.
[[nodiscard]] Result<void> remove_link(const PinDirectory& pins, const char* name);

}  // namespace dishwall
