// SPDX-License-Identifier: BSD-3-Clause
//
// bpftool's loader of pair.bpf.c: taken as a system header so that our warnings do not apply to it.
#pragma once
#pragma GCC system_header

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench/inspect/pair.h"

#include "bench/inspect/pair.skel.h"
