// SPDX-License-Identifier: BSD-3-Clause
//
// DPDK's rte_acl, for the same rules over the same five fields. Optional: without libdpdk the build leaves it
// out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/published.h"
#include "bench/tables/tuple.h"
#include "rules/result.h"

namespace dishwall::bench {

enum class AclWay { scalar, avx2, avx512 };
[[nodiscard]] const char* name_of(AclWay way);

class Acl {
public:
    // Of the whole process, once; `cpu`: the one it runs on.
    [[nodiscard]] static Result<void> start(int cpu);
    // Rules that accept the services; all else is not matched. `build_ms`: what rte_acl_build took.
    [[nodiscard]] static Result<Acl> build(std::span<const PublishedService> services, double* build_ms);
    ~Acl();
    Acl(Acl&&) noexcept;

    // Fails when this CPU cannot go this way.
    [[nodiscard]] Result<void> go(AclWay way);
    // Keys as rte_acl wants them.
    void set_keys(std::span<const dw_tuple_key> keys);
    void classify(std::vector<std::uint32_t>* results) const;  // non-zero: accepted

private:
    struct State;
    explicit Acl(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace dishwall::bench
