/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What the generator is told, shared by the BPF program and the harness: one packet set.
 *
 * A packet set is a numbered family of packets. Packet number n is always the same packet, so the flows
 * that were opened by walking n = 0..N-1 are exactly those that random n in 0..N-1 hit afterwards, and the
 * harness knows what each packet must come to. All sets but the listed ones are arithmetic: no table, and
 * nearly the same instructions, so what the generator costs cancels out between rows.
 */
#ifndef DW_BENCH_TRAFFIC_H
#define DW_BENCH_TRAFFIC_H

#include <linux/types.h>

#ifdef __cplusplus
#define DW_TRAFFIC_ASSERT(condition, reason) static_assert(condition, reason)
#else
#define DW_TRAFFIC_ASSERT(condition, reason) _Static_assert(condition, reason)
#endif

/* Ethernet, IPv6, and either TCP or UDP with 12 bytes of payload; the long frame has room for three extension
 * headers, or for a fragment whose length is a multiple of eight. */
#define DW_FRAME_LENGTH 74
#define DW_LONG_FRAME_LENGTH 102
#define DW_FRAME_WORDS 9       /* 64-bit words of the short frame; two bytes are left over */
#define DW_LONG_FRAME_WORDS 13 /* with two bytes of nothing */

/* The class of a packet, for sinks that tell them apart: the first bit of the peer's low word, and the last
 * three bits of the host's port. */
#define DW_CLASS_PORTS 8
#define DW_CLASSES (2 * DW_CLASS_PORTS)

/* Where things lie in the frame. */
#define DW_AT_SOURCE 22
#define DW_AT_SOURCE_LOW 30
#define DW_AT_DESTINATION 38
#define DW_AT_DESTINATION_LOW 46
#define DW_AT_LAYER4 54 /* without extension headers */
#define DW_EXTENSIONS_MAX 24
#define DW_UDP_CHECKSUM 6 /* in layer 4 */
#define DW_TCP_CHECKSUM 16

#define DW_DENY_BITS 10 /* dw_traffic.unpublished: of 1024 packets */

struct dw_traffic {
    /* The whole frame with the varying fields zero; copied over every frame, because live frames
     * come back with whatever the last trip did to them. */
    __u64 frame[DW_LONG_FRAME_WORDS];
    __u8 udp;        /* else TCP */
    __u8 random;     /* packet numbers: random, or 0, 1, 2, ... */
    __u8 outbound;   /* from the inside host to the peer; else the reverse */
    __u8 extensions; /* bytes of extension headers: 0, 8, 16 or 24 */
    __u16 length;    /* of the frame: one of two */
    __u16 pad;
    __u32 ifindex;     /* where to redirect to, in the generator's network namespace */
    __u32 base_sum;    /* ones' complement sum of all that does not vary, pseudo header included */
    __u64 number_mask; /* packet numbers are taken modulo this plus one (a power of two) */
    __u64 cursor;      /* how many packets were made; the next number comes from it */

    /* inside address = base + (hash of n & mask), and so on. All in host order, low words only. */
    __u64 inside_base, inside_mask;
    __u64 peer_base, peer_mask; /* by n itself, so distinct n are distinct peers */
    __u16 inside_port_base, inside_port_mask;
    __u16 peer_port_base, peer_port_mask;

    /* Published services (bench/published.h): numbers first_service..first_service + services - 1, except for
     * so many of 1024 packets, which go to the addresses above. 0 services: all do. */
    __u32 services, first_service;
    __u32 unpublished;
    __u32 octaves; /* 0: uniform; else Zipf's law: see dw_rank */
    __u64 service_host_base;
    __u16 service_port_base, service_port_mask; /* the mask: of ports of one service */
    __u16 service_number_in_port, service_port_shift;
};
DW_TRAFFIC_ASSERT(sizeof(struct dw_traffic) % 8 == 0, "the same in BPF and on the host");

/* What varies in a packet, in host order: the low words of its addresses, and its ports. */
struct dw_varying {
    __u64 inside, peer;
    __u16 inside_port, peer_port;
    __u32 published; /* it goes to a published service */
};

/* A bijection on 64 bits (MurmurHash3's finaliser): distinct numbers stay distinct. */
static inline __attribute__((always_inline)) __u64 dw_scatter64(__u64 n) {
    n ^= n >> 33;
    n *= 0xff51afd7ed558ccdull;
    n ^= n >> 33;
    n *= 0xc4ceb9fe1a85ec53ull;
    return n ^ n >> 33;
}

/*
 * A service's rank by Zipf's law with exponent 1, without a table: each octave of ranks, 1, 2..3, 4..7, ...
 * gets the same share of the packets, spread evenly within.
 */
static inline __attribute__((always_inline)) __u64 dw_rank(const struct dw_traffic* set, __u64 hash) {
    __u64 octave = (hash & 0xffffffff) * set->octaves >> 32;
    __u64 size = 1ull << (octave & 31);

    return size + (hash >> 32 & (size - 1));
}

static inline __attribute__((always_inline)) void dw_pick_service(const struct dw_traffic* set, __u64 hash,
                                                                  struct dw_varying* packet) {
    __u64 chosen = set->octaves ? dw_rank(set, hash) : hash;
    __u64 service =
        set->first_service + ((dw_scatter64(chosen + 0x5851f42d4c957f2dull) >> 32) * set->services >> 32);

    packet->inside = set->service_host_base + (service >> 1);
    packet->inside_port =
        (__u16)(set->service_port_base +
                ((service & set->service_number_in_port) << (set->service_port_shift & 15)) +
                (hash >> 20 & set->service_port_mask));
    packet->published = 1;
}

/* The packet that is made when `cursor` were made before it. */
static inline __attribute__((always_inline)) struct dw_varying dw_varying_of(const struct dw_traffic* set,
                                                                             __u64 cursor) {
    __u64 n = (set->random ? dw_scatter64(cursor + 0x9e3779b97f4a7c15ull) : cursor) & set->number_mask;
    __u64 hash = dw_scatter64(n);
    struct dw_varying packet = {};

    packet.peer = set->peer_base + (n & set->peer_mask);
    packet.peer_port = (__u16)(set->peer_port_base + (hash >> 48 & set->peer_port_mask));
    if (set->services && (hash >> (64 - DW_DENY_BITS)) >= set->unpublished) {
        dw_pick_service(set, hash, &packet);
        return packet;
    }
    packet.inside = set->inside_base + (hash >> 8 & set->inside_mask);
    packet.inside_port = (__u16)(set->inside_port_base + (hash >> 32 & set->inside_port_mask));
    return packet;
}

/* One packet of a listed set: for policies whose packets no arithmetic finds. The peer's low word varies. */
struct dw_listed {
    __u64 peer_high, inside_high, inside_low;
    __u16 peer_port, inside_port;
    __u8 udp; /* else TCP, a SYN */
    __u8 pad[3];
};
DW_TRAFFIC_ASSERT(sizeof(struct dw_listed) == 32, "two a line");
#define DW_LISTED \
    16384 /* 512 KiB, walked in order: the prefetcher hides it, and its own base row counts it */

/* What a device under test, or the sink behind it, has seen of the generator's frames. */
struct dw_seen_frames {
    __u64 frames;
    __u64 by_class[DW_CLASSES]; /* see sink_by_class */
};

#endif
