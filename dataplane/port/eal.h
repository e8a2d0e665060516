// SPDX-License-Identifier: BSD-3-Clause
//
// DPDK's environment, started once a process. A gateway has no hugepages to spare, no PCI device for us, and
// no use for DPDK's telemetry socket, shared configuration or threads: all of that is off, and what DPDK says
// goes to our log.
#pragma once

#include <string>
#include <vector>

#include "rules/result.h"

namespace dishwall {

class Eal {
public:
    // `megabytes` for all buffers, from hugepages when so many are free. A process can do this once; it stays
    // on the cores that it may run on.
    [[nodiscard]] static Result<Eal> start(unsigned megabytes);

    Eal(Eal&& other) noexcept;
    Eal& operator=(Eal&&) = delete;
    ~Eal();

    [[nodiscard]] bool has_hugepages() const { return hugepages_; }

private:
    explicit Eal(bool hugepages) : hugepages_(hugepages) {}

    bool hugepages_;
    bool runs_ = true;
};

// What start() tells DPDK. Apart, for its test.
[[nodiscard]] std::vector<std::string> eal_arguments(unsigned megabytes, bool hugepages,
                                                     const std::string& cores);

// Megabytes in free hugepages that nobody has reserved, from the text of /proc/meminfo.
[[nodiscard]] unsigned free_hugepages_mb(const std::string& meminfo);

}  // namespace dishwall
