// SPDX-License-Identifier: BSD-3-Clause
// The generated loader of tables.bpf.c: bpftool's code, so our warnings do not apply to it.
#pragma once
#pragma GCC system_header

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

// The types of its global variables.
#include "bench/tables/tables.h"
#include "bpf/core/layout.h"

#include "bench/tables/tables.skel.h"
