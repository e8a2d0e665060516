// SPDX-License-Identifier: BSD-3-Clause
//
// The generated loaders of generator.bpf.c and device.bpf.c. They are bpftool's code, not ours: taken as a system
// header so that our warnings do not apply to them.
#pragma once
#pragma GCC system_header

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

// The types of their global variables.
#include "bench/live/traffic.h"

#include "bench/live/device.skel.h"
#include "bench/live/generator.skel.h"
