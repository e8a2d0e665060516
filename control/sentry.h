// SPDX-License-Identifier: BSD-3-Clause
//
// Keeps the programs on whatever device has the uplink's name, and the guard (control/guard.h) shut to every
// other. Devices come and go while the daemon runs: an adapter is pulled, a driver restarts, a veth is made
// anew, or the uplink appears only after the daemon. The order is always the same: attach, then open the
// guard for that device; the guard shuts when the device is gone. What cannot be armed stays shut and is
// tried again.
#pragma once

#include <systemd/sd-event.h>

#include <memory>
#include <optional>
#include <string>

#include "control/attachment.h"
#include "control/guard.h"
#include "control/guard_watch.h"
#include "control/line/line_follower.h"

namespace dishwall {

class Sentry {
public:
    // `loop` and `pins` are referenced.
    Sentry(sd_event* loop, const PinDirectory& pins, const std::string& interface, TcChoice egress);
    Sentry(const Sentry&) = delete;
    Sentry& operator=(const Sentry&) = delete;

    // Before anything else of a start: open only for a device that a pinned link of ours is on; from now on
    // the guard is put back when somebody removes it. A guard that cannot be made is an error in the log and
    // in status, not of the start: programs without a guard are better than neither.
    void shut(const std::optional<Device>& device);
    // After a start that failed: what is true of the uplink now, and what to do.
    [[nodiscard]] std::string left_behind() const;

    // The device that there is (index 0: none yet) gets the programs, which are referenced from now on. Fails
    // when it cannot be armed.
    [[nodiscard]] Result<void> begin(const Programs& programs, XdpMode mode, unsigned index);
    // The mode for devices that come later.
    void set_mode(XdpMode mode) { mode_ = mode; }
    void follow(const UplinkState& state);

    // Everything off: programs, pins of links, guards of this pin directory.
    [[nodiscard]] Result<void> take_off();

    // What is in force, for replies.
    [[nodiscard]] const std::string& interface() const { return interface_; }
    [[nodiscard]] unsigned index() const { return index_; }  // of the device that there is; 0: none
    [[nodiscard]] const std::optional<Attachment>& attachment() const { return attachment_; }
    [[nodiscard]] const std::string& trouble() const { return trouble_; }  // why that device is not armed
    [[nodiscard]] const Guard& guard() const { return guard_; }
    [[nodiscard]] const std::string& guard_trouble() const { return guard_trouble_; }

private:
    struct Unref {
        void operator()(sd_event_source* source) const { sd_event_source_disable_unref(source); }
    };
    [[nodiscard]] Result<void> arm();
    void arm_or_retry();
    void open_guard_for(unsigned index, const Stamp& stamp);
    void retry_soon();
    [[nodiscard]] bool is_there() const;
    [[nodiscard]] bool is_still_armed() const;
    void tell_manager() const;

    sd_event* loop_;
    const PinDirectory& pins_;
    std::string interface_;
    TcChoice egress_;
    XdpMode mode_ = XdpMode::automatic;
    const Programs* programs_ = nullptr;

    unsigned index_ = 0;
    std::optional<Attachment> attachment_;
    std::string trouble_;

    Guard guard_;
    unsigned open_for_ = 0;  // as wanted, like the stamp; in force when there is no trouble
    Stamp stamp_{};
    std::string guard_trouble_;
    std::optional<GuardWatch> watch_;
    std::unique_ptr<sd_event_source, Unref> retry_;
};

}  // namespace dishwall
