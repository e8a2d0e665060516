// SPDX-License-Identifier: BSD-3-Clause
//
// The second line (R34). A device that is made anew under the uplink's name (a re-plugged adapter, a veth) is
// born without our programs, and until they are on it everything would pass. So the network namespace has a
// rule of its own, in nftables, that knows which device is armed: what comes in or leaves through the
// uplink's name but another interface index is dropped. A new device has a new index, so it is shut out from
// its first packet on, whether a daemon runs or not; moving the guard to its index is the last step of arming
// it. Of the armed device's frames those without the program's stamp (control/stamp.h) are dropped.
//
// One table for each uplink, made and changed in one transaction each time, so there is no moment without it.
// It has no owner in the sense of nftables: it outlives the daemon, and only unloading removes it.
#pragma once

#include <string>
#include <vector>

#include "control/counter_reader.h"
#include "control/stamp.h"
#include "rules/result.h"

namespace dishwall {

struct HeldBack {  // by the guard since its table was made
    Total inbound, outbound;
};

class Guard {
public:
    // Nothing is touched by this. `owner`: the pin directory, by which `remove_guards` knows its tables.
    Guard(const std::string& interface, const std::string& owner);

    // Only the device with this index may use the uplink's name, and of what comes in through it only frames
    // with the stamp pass; index 0: nothing may. Makes the table when it is missing; asking for what is in
    // force already is harmless.
    [[nodiscard]] Result<void> arm(unsigned index, const Stamp& stamp) const;
    [[nodiscard]] Result<HeldBack> held_back() const;

    [[nodiscard]] const std::string& table() const { return table_; }  // "dishwall-eth0", of family inet

private:
    std::string interface_, owner_, table_;
};

// Would nftables take a guard here? Nothing is changed.
[[nodiscard]] Result<void> try_nftables();

// Removes the tables that this owner made, but for `keep`. Returns the names of what it removed.
[[nodiscard]] Result<std::vector<std::string>> remove_guards(const std::string& owner,
                                                             const std::string& keep = {});

}  // namespace dishwall
