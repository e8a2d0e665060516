/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The one door between the packet core and the memory it works on. In the kernel the tables are maps
 * (mem_bpf.h), everywhere else they are plain arrays (mem_native.h); the core cannot tell.
 *
 *   dw_mem_control()     the control page
 *   dw_mem_own()         the table of what is ours, the copy in force
 *   dw_mem_image()       the policy in force, read once a packet; NULL: none
 *   dw_mem_slots(i)      bucket i of the flow table's index
 *   dw_mem_flow(id)      the flow that slot number id - 1 of the index speaks of
 *   dw_mem_fragments(i)  bucket i of the fragment table
 *   dw_mem_link()        what is remembered of the link
 *   dw_mem_rates()       the token buckets of rules
 *   dw_mem_far_line(b, i)  line i of the image in bank b, when it is not in the first chunk
 *   dw_mem_counter(i)    counter i of this CPU
 *   dw_mem_event()       room for an event, or NULL; dw_mem_send(e) hands it over
 *   dw_mem_now()         jiffies
 *   dw_mem_is_strange(f, s, d)  is nothing known of the neighbour to whom frame f, from s, would go?
 *   dw_mem_goes_on(f, s, d)     would the kernel forward IPv4 frame f, from s, to another device than it came from?
 *   DW_SETTING(field)    a field of struct dw_settings
 *   DW_LOOP(n, f, c)     calls f(i, c) for i in 0..n-1 until it returns non-zero
 */
#ifndef DW_MEM_H
#define DW_MEM_H

#include "image_layout.h"

#define DW_INLINE static inline __attribute__((always_inline))

/* The verifier proves a function with these qualifiers once, by itself, whatever calls it. */
#define DW_GLOBAL __attribute__((noinline))

/* For what another CPU may write or read at the same moment: one access, never torn, never repeated. Elsewhere
 * than in the kernel they are C11's relaxed atomics, so that the thread sanitizer can judge them. */
#ifdef __bpf__
#define DW_UNROLL _Pragma("unroll")
#define DW_FORGET(x) asm volatile("" : "+r"(x)) /* the compiler knows nothing of x from here on */
#define DW_READ(x) (*(volatile __typeof__(x) *)&(x))
#define DW_WRITE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#else
#define DW_UNROLL
#define DW_FORGET(x) ((void)0)
#define DW_READ(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define DW_WRITE(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#endif

/* A policy image as the verifier sees it: its first chunk. */
struct dw_blob {
	struct dw_line line[DW_CHUNK_LINES];
};

struct dw_frame {
	const void *data, *end;
	void *context; /* the hook's own, for helpers */
};

#ifdef __bpf__
#include "mem_bpf.h"
#else
#include "mem_native.h"
#endif

DW_INLINE __u64 dw_cas(__u64 *word, __u64 expected, __u64 desired)
{
	return __sync_val_compare_and_swap(word, expected, desired);
}

#endif
