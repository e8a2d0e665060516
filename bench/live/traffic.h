/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What the generator is told, shared by the BPF program and the harness: one packet set.
 *
 * A packet set is a numbered family of packets. Packet number n is always the same packet, so the flows
 * that were opened by walking n = 0..N-1 are exactly those that random n in 0..N-1 hit afterwards. Every
 * set runs the same instructions: what the generator costs cancels out between rows.
 */
#ifndef DW_BENCH_TRAFFIC_H
#define DW_BENCH_TRAFFIC_H

#include <linux/types.h>

#ifdef __cplusplus
#define DW_TRAFFIC_ASSERT(condition, reason) static_assert(condition, reason)
#else
#define DW_TRAFFIC_ASSERT(condition, reason) _Static_assert(condition, reason)
#endif

#define DW_FRAME_LENGTH 74 /* Ethernet, IPv6, and either TCP or UDP with 12 bytes of payload */
#define DW_FRAME_WORDS 9   /* 64-bit words; two bytes are left over */

/* Where things lie in the frame. */
#define DW_AT_SOURCE_LOW 30
#define DW_AT_DESTINATION_LOW 46
#define DW_AT_PORTS 54
#define DW_AT_UDP_CHECKSUM 60
#define DW_AT_TCP_CHECKSUM 70

struct dw_traffic {
	/* The whole frame with the varying fields zero; copied over every frame, because live frames
	 * come back with whatever the last trip did to them. */
	__u64 frame[DW_FRAME_WORDS];
	__u16 frame_tail;
	__u8 udp;      /* else TCP */
	__u8 random;   /* packet numbers: random, or 0, 1, 2, ... */
	__u8 outbound; /* from the inside host to the peer; else the reverse */
	__u8 pad[3];
	__u32 ifindex;	   /* where to redirect to, in the generator's network namespace */
	__u32 base_sum;	   /* ones' complement sum of all that does not vary, pseudo header included */
	__u64 number_mask; /* packet numbers are taken modulo this plus one (a power of two) */
	__u64 cursor;	   /* how many packets were made; the next number comes from it */

	/* inside address = base + (hash of n & mask), and so on. All in host order, low words only. */
	__u64 inside_base, inside_mask;
	__u64 peer_base, peer_mask; /* by n itself, so distinct n are distinct peers */
	__u16 inside_port_base, inside_port_mask;
	__u16 inside_port_follows; /* these bits of the host's number are added to its port */
	__u16 peer_port_base, peer_port_mask;
	__u16 pad2[3];
};
DW_TRAFFIC_ASSERT(sizeof(struct dw_traffic) % 8 == 0, "the same in BPF and on the host");

/* What a device under test, or the sink behind it, has seen of the generator's frames. */
struct dw_seen_frames {
	__u64 frames;
};

#endif
