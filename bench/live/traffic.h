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

/* The class of a packet, for sinks that tell them apart: the first bit of the peer's low word, and the last
 * three bits of the host's port. */
#define DW_CLASS_PORTS 8
#define DW_CLASSES (2 * DW_CLASS_PORTS)

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
    __u32 ifindex;     /* where to redirect to, in the generator's network namespace */
    __u32 base_sum;    /* ones' complement sum of all that does not vary, pseudo header included */
    __u64 number_mask; /* packet numbers are taken modulo this plus one (a power of two) */
    __u64 cursor;      /* how many packets were made; the next number comes from it */

    /* inside address = base + (hash of n & mask), and so on. All in host order, low words only. */
    __u64 inside_base, inside_mask;
    __u64 peer_base, peer_mask; /* by n itself, so distinct n are distinct peers */
    __u16 inside_port_base, inside_port_mask;
    __u16 inside_port_follows; /* these bits of the host's number are added to its port */
    __u16 peer_port_base, peer_port_mask;
    __u16 pad2[3];
};
DW_TRAFFIC_ASSERT(sizeof(struct dw_traffic) % 8 == 0, "the same in BPF and on the host");

/* What varies in a packet, in host order: the low words of its addresses, and its ports. */
struct dw_varying {
    __u64 inside, peer;
    __u16 inside_port, peer_port;
};

/* A bijection on 64 bits (MurmurHash3's finaliser): distinct numbers stay distinct. */
static inline __attribute__((always_inline)) __u64 dw_scatter(__u64 n) {
    n ^= n >> 33;
    n *= 0xff51afd7ed558ccdull;
    n ^= n >> 33;
    n *= 0xc4ceb9fe1a85ec53ull;
    return n ^ n >> 33;
}

/* The packet that is made when `cursor` were made before it. */
static inline __attribute__((always_inline)) struct dw_varying dw_varying_of(const struct dw_traffic* set,
                                                                             __u64 cursor) {
    __u64 n = (set->random ? dw_scatter(cursor + 0x9e3779b97f4a7c15ull) : cursor) & set->number_mask;
    __u64 hash = dw_scatter(n), host = hash >> 8 & set->inside_mask;
    struct dw_varying packet;

    packet.inside = set->inside_base + host;
    packet.peer = set->peer_base + (n & set->peer_mask);
    packet.inside_port = (__u16)(set->inside_port_base + (host & set->inside_port_follows) +
                                 (hash >> 32 & set->inside_port_mask));
    packet.peer_port = (__u16)(set->peer_port_base + (hash >> 48 & set->peer_port_mask));
    return packet;
}

/* What a device under test, or the sink behind it, has seen of the generator's frames. */
struct dw_seen_frames {
    __u64 frames;
    __u64 by_class[DW_CLASSES]; /* see sink_by_class */
};

#endif
