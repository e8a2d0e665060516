// SPDX-License-Identifier: BSD-3-Clause
//
// Who loads the policy: dishwalld, told by dishctl, or the kernel's nftables, told by nft. Each on a gateway
// of its own, where packets show before anything is timed that the policy is the one that was meant.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/live/generator.h"
#include "bench/live/site.h"
#include "bench/load/policy.h"
#include "rules/result.h"

namespace dishwall::bench {

struct LoadCost {
    double ms = 0;
    double peak_mib = 0;  // of the process that reads the policy: dishwalld, nft
};

class LoadSubject {
public:
    virtual ~LoadSubject() = default;
    [[nodiscard]] virtual Result<void> load_empty(const Site& site) = 0;
    [[nodiscard]] virtual Result<LoadCost> load(const Site& site) = 0;
};

struct Programs {
    std::string daemon, control;
};

// `directory`: of this subject, to be made; `pins`: on a bpffs.
[[nodiscard]] Result<std::unique_ptr<LoadSubject>> dishwall_subject(const Programs& programs,
                                                                    const Site& site,
                                                                    const std::string& directory,
                                                                    const std::string& pins,
                                                                    const PolicySize& size);
[[nodiscard]] Result<std::unique_ptr<LoadSubject>> nft_subject(const std::string& directory,
                                                               const PolicySize& size, NftShape shape);

// Loads the policy and sends its probes: what should pass comes out behind the gateway, the rest does not.
[[nodiscard]] Result<void> check_verdicts(LoadSubject* subject, const NetworkNamespace& world,
                                          const Site& site, const PolicySize& size);

}  // namespace dishwall::bench
