// SPDX-License-Identifier: BSD-3-Clause
//
// The daemon's part of inspection (design D8). The programs hand packets to a worker through a pair of veth
// devices, and a process of its own, dishwall-inspect, polls the other end. Here those devices are made, a
// pair for each worker, the program that takes packets back is attached, the page that programs and workers
// share says where they are, and a file tells the inspector what to look for. What it finds it sends back as
// datagrams.
//
// All of it is made with the first policy that inspects, and stays until `unload`: an inspector that is gone,
// or never was started, is what the rules' `on-failure` is for.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "control/event_source.h"
#include "control/inspection/inspector_config.h"
#include "control/kernel_maps.h"
#include "control/mapping.h"
#include "control/pin_directory.h"
#include "control/programs.h"
#include "control/tc_hook.h"
#include "control/unique_fd.h"
#include "rules/policy.h"
#include "rules/result.h"

namespace dishwall {

class Inspection {
public:
    // What the inspector says, as the JSON that it sends (inspection_event.h).
    using OnEvent = std::function<void(const nlohmann::json&)>;

    // Nothing is made by this. `pins` is referenced. `workers`: 1 to DW_WORKERS.
    [[nodiscard]] static Result<Inspection> open(const KernelMaps& maps, const PinDirectory& pins,
                                                 InspectionPaths paths, unsigned workers);

    // To be called after each load, and when the uplink is another device (index 0: there is none). What
    // cannot be made is an error: flows that are to be inspected then come to what their rules say of a
    // failure.
    [[nodiscard]] Result<void> follow(const Policy& policy, std::uint32_t generation, const Device& uplink,
                                      const Programs& programs, TcChoice choice);
    [[nodiscard]] Result<void> listen(sd_event* loop, OnEvent on_event);
    // Devices, hooks and files go, also what a former daemon made for this uplink.
    [[nodiscard]] Result<void> remove(const std::string& uplink);

    // Of Status; null: no policy has inspected yet.
    [[nodiscard]] nlohmann::json json() const;

private:
    struct Port {
        Device device;  // our end
        InspectorPort told;
    };

    Inspection(const PinDirectory& pins, InspectionPaths paths, Mapping page, unsigned workers)
        : pins_(&pins), paths_(std::move(paths)), page_(std::move(page)), workers_(workers) {}
    [[nodiscard]] Result<void> make_ports(const Device& uplink, const Programs& programs, TcChoice choice);
    [[nodiscard]] Result<Port> make_port(unsigned worker, const Device& uplink, unsigned mtu,
                                         const Programs& programs, TcChoice choice) const;
    // The programs see workers that have a port, at every moment.
    void offer_ports();
    [[nodiscard]] Result<void> write_config(const Policy& policy, std::uint32_t generation) const;
    [[nodiscard]] dw_inspection& page() const { return *page_.as<dw_inspection>(); }

    const PinDirectory* pins_;
    InspectionPaths paths_;
    Mapping page_;
    unsigned workers_;
    std::uint64_t armed_at_ = 0;
    Device uplink_;            // index 0: nothing was made yet
    std::vector<Port> ports_;  // by worker
    bool wanted_ = false;      // a rule of the policy in force inspects
    std::string trouble_;
    UniqueFd socket_;
    EventSource source_;
    std::shared_ptr<OnEvent> on_event_;
};

// Of a daemon that no longer runs: the devices for this uplink, however many workers there were.
[[nodiscard]] Result<void> remove_inspection(const PinDirectory& pins, const std::string& uplink);

}  // namespace dishwall
