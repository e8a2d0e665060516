// SPDX-License-Identifier: BSD-3-Clause
//
// The generated loader of bpf/dishwall.bpf.c. It is bpftool's code, not ours: taken as a system header so
// that our warnings do not apply to it.
#pragma once
#pragma GCC system_header

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <memory>

#include "bpf/core/layout.h"
#include "bpf/dishwall.skel.h"

namespace dishwall {

struct SkeletonCloser {
    void operator()(dishwall_bpf* skeleton) const { dishwall_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<dishwall_bpf, SkeletonCloser>;

}  // namespace dishwall
