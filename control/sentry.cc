// SPDX-License-Identifier: BSD-3-Clause
#include "control/sentry.h"

#include <fmt/ranges.h>
#include <net/if.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace dishwall {
namespace {

constexpr std::uint64_t kRetry_us = 1'000'000;

const char* name_of(TcKind hook) { return hook == TcKind::tcx ? "tcx" : "clsact"; }

}  // namespace

Sentry::Sentry(sd_event* loop, const PinDirectory& pins, const std::string& interface, TcChoice egress)
    : loop_(loop), pins_(pins), interface_(interface), egress_(egress), guard_(interface, pins.path()) {}

void Sentry::shut(const std::optional<Device>& device) {
    // Of a former rule file with another uplink: nobody would ever open it again.
    if (const auto strays = remove_guards(pins_.path(), guard_.table()); strays && !strays->empty())
        spdlog::info("removed the guard of an uplink that is no longer ours: {}", fmt::join(*strays, ", "));
    Result<GuardWatch> watch = GuardWatch::open(loop_, guard_.table(), [this] {
        spdlog::warn("somebody removed the nftables table inet {}; it is put back", guard_.table());
        open_guard_for(open_for_, stamp_);
    });
    if (watch)
        watch_ = std::move(*watch);
    else
        spdlog::warn("the guard is not watched: {}", watch.error().message);
    const Result<bool> armed = device ? is_armed(pins_, *device) : false;
    open_guard_for(armed && *armed ? device->index : 0, pinned_stamp(pins_));
}

std::string Sentry::left_behind() const {
    if (open_for_ != 0) return fmt::format("what a former daemon left in force on {} stays", interface_);
    if (!guard_trouble_.empty()) return fmt::format("{} is NOT closed: {}", interface_, guard_trouble_);
    return fmt::format(
        "nothing passes {} until dishwalld starts with success; 'dishwalld --unload' opens it unprotected",
        interface_);
}

Result<void> Sentry::begin(const Programs& programs, XdpMode mode, unsigned index) {
    programs_ = &programs;
    mode_ = mode;
    index_ = index;
    if (index_ != 0) return arm();
    spdlog::warn("there is no {} yet; waiting for it, and nothing passes through that name until it is armed",
                 interface_);
    tell_manager();
    return {};
}

Result<void> Sentry::arm() {
    Result<Attachment> attachment =
        Attachment::attach(pins_, *programs_, Device{interface_, index_}, mode_, egress_);
    if (!attachment) return tl::unexpected(attachment.error());
    attachment_ = std::move(*attachment);
    trouble_.clear();
    open_guard_for(index_, programs_->stamp());
    spdlog::info("enforced on {} (interface {}): XDP {} inbound, {} outbound", interface_, index_,
                 attachment_->native() ? "native" : "generic", name_of(attachment_->egress()));
    tell_manager();
    return {};
}

void Sentry::arm_or_retry() {
    if (const Result<void> armed = arm(); !armed) {
        if (!is_there()) return;  // gone again: the event is on its way
        if (armed.error().message != trouble_)
            spdlog::error("{} stays closed: {}; tried again every second", interface_, armed.error().message);
        trouble_ = armed.error().message;
        tell_manager();
        retry_soon();
    }
}

void Sentry::open_guard_for(unsigned index, const Stamp& stamp) {
    open_for_ = index;
    stamp_ = stamp;
    const Result<void> done = guard_.arm(index, stamp);
    const std::string before = std::exchange(guard_trouble_, done ? "" : done.error().message);
    if (guard_trouble_.empty()) return;
    if (guard_trouble_ != before)
        spdlog::error("the guard for a new {} is not as it should be: {}; tried again every second",
                      interface_, guard_trouble_);
    retry_soon();
}

void Sentry::retry_soon() {
    const auto on_time = [](sd_event_source*, std::uint64_t, void* self) {
        auto& sentry = *static_cast<Sentry*>(self);
        if (!sentry.guard_trouble_.empty()) sentry.open_guard_for(sentry.open_for_, sentry.stamp_);
        if (sentry.index_ != 0 && !sentry.attachment_ && sentry.programs_ != nullptr) sentry.arm_or_retry();
        return 0;
    };
    sd_event_source* source = nullptr;
    const int error =
        sd_event_add_time_relative(loop_, &source, CLOCK_MONOTONIC, kRetry_us, 0, on_time, this);
    if (error < 0) spdlog::error("cannot make a timer: {}", std::strerror(-error));
    retry_.reset(source);
}

bool Sentry::is_there() const {
    std::array<char, IF_NAMESIZE> name{};
    return ::if_indextoname(index_, name.data()) != nullptr && interface_ == name.data();
}

// The index alone does not say it: root may give a new device the old one's.
bool Sentry::is_still_armed() const {
    if (!attachment_ || attachment_->device().index != index_) return false;
    const Result<bool> armed = is_armed(pins_, attachment_->device());
    return armed && *armed;
}

void Sentry::follow(const UplinkState& state) {
    index_ = state.index;
    if (index_ != 0 && !is_there()) index_ = 0;  // a device on its way out says that it is down first
    if (index_ != 0 && is_still_armed()) {
        spdlog::info("{} is {}", interface_, state.up ? "up" : "down");
        return;
    }
    if (open_for_ != 0) open_guard_for(0, stamp_);
    attachment_.reset();
    trouble_.clear();
    if (index_ == 0) {
        spdlog::warn("{} is gone; waiting for it to come back", interface_);
        tell_manager();
        return;
    }
    spdlog::warn("{} is a new device (interface {})", interface_, index_);
    arm_or_retry();
}

Result<void> Sentry::take_off() {
    watch_.reset();
    retry_.reset();
    const Device device{interface_, index_};
    if (Result<void> off = detach(pins_, index_ == 0 ? nullptr : &device); !off) return off;
    attachment_.reset();
    if (const auto removed = remove_guards(pins_.path()); !removed) return tl::unexpected(removed.error());
    return {};
}

void Sentry::tell_manager() const {
    if (attachment_)
        sd_notify(0, "STATUS=policy enforced");
    else if (index_ == 0)
        sd_notifyf(0, "STATUS=waiting for %s, which is closed", interface_.c_str());
    else
        sd_notifyf(0, "STATUS=%s is closed: %s", interface_.c_str(), trouble_.c_str());
}

}  // namespace dishwall
