/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Headers as they are on the wire, and the numbers in them. Multi-byte fields are big-endian (be16, be32). */
#ifndef DW_WIRE_H
#define DW_WIRE_H

#include <linux/types.h>

static inline __attribute__((always_inline)) __u16 dw_be16(__u16 x)
{
	return __builtin_bswap16(x);
}

static inline __attribute__((always_inline)) __u32 dw_be32(__u32 x)
{
	return __builtin_bswap32(x);
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "dishwall is built for little-endian machines"
#endif

/* A frame may start anywhere: user space must not assume alignment. In BPF the loads may be unaligned, and
 * `packed` would make them byte by byte. */
#ifdef __bpf__
#define DW_WIRE
#else
#define DW_WIRE __attribute__((packed))
#endif

#define DW_ETH_IPV6 0x86dd
#define DW_ETH_IPV4 0x0800
#define DW_ETH_ARP 0x0806
#define DW_ETH_VLAN 0x8100
#define DW_ETH_QINQ 0x88a8

enum dw_proto {
	DW_HOPOPTS = 0,
	DW_ICMP = 1,
	DW_TCP = 6,
	DW_UDP = 17,
	DW_ROUTING = 43,
	DW_FRAGMENT = 44,
	DW_AH = 51,
	DW_ICMPV6 = 58,
	DW_NO_NEXT = 59,
	DW_DSTOPTS = 60,
	DW_SCTP = 132,
	DW_MOBILITY = 135,
	DW_SHIM6 = 140,
	DW_EXPERIMENT_1 = 253,
	DW_EXPERIMENT_2 = 254,
};

enum dw_icmpv6_type {
	DW_ICMPV6_UNREACHABLE = 1,
	DW_ICMPV6_TOO_BIG = 2,
	DW_ICMPV6_TIME_EXCEEDED = 3,
	DW_ICMPV6_PARAMETER = 4,
	DW_ICMPV6_ECHO_REQUEST = 128,
	DW_ICMPV6_ECHO_REPLY = 129,
	DW_ICMPV6_MLD_QUERY = 130,
	DW_ICMPV6_MLD_REPORT = 131,
	DW_ICMPV6_MLD_DONE = 132,
	DW_ICMPV6_RS = 133,
	DW_ICMPV6_RA = 134,
	DW_ICMPV6_NS = 135,
	DW_ICMPV6_NA = 136,
	DW_ICMPV6_REDIRECT = 137,
	DW_ICMPV6_INVERSE_NS = 141,
	DW_ICMPV6_INVERSE_NA = 142,
	DW_ICMPV6_MLD2_REPORT = 143,
	DW_ICMPV6_PATH_SOLICIT = 148, /* SEND, RFC 3971 */
	DW_ICMPV6_PATH_ADVERTISE = 149,
};

enum dw_icmp_type {
	DW_ICMP_ECHO_REPLY = 0,
	DW_ICMP_UNREACHABLE = 3,
	DW_ICMP_ECHO_REQUEST = 8,
	DW_ICMP_TIME_EXCEEDED = 11,
	DW_ICMP_PARAMETER = 12,
};

enum dw_tcp_option { DW_TCPOPT_END = 0, DW_TCPOPT_NOP = 1, DW_TCPOPT_SCALE = 3 };

enum dw_tcp_flag { DW_FIN = 0x01, DW_SYN = 0x02, DW_RST = 0x04, DW_ACK = 0x10 };

struct dw_eth {
	__u8 dst[6], src[6];
	__u16 type;
} DW_WIRE;

struct dw_wire_mac { /* the six bytes of an address in two loads */
	__u32 first;
	__u16 last;
} DW_WIRE __attribute__((may_alias));

struct dw_tag { /* 802.1Q, behind the ethertype that announces it */
	__u16 control; /* priority, and the VLAN's number in 12 bits */
	__u16 type;
} DW_WIRE;

struct dw_wire_u64 {
	__u64 value;
} DW_WIRE;

struct dw_wire_in6 {
	__u64 hi, lo;
} DW_WIRE;

struct dw_wire_short {
	__u16 value;
} DW_WIRE;

struct dw_wire_u32 {
	__u32 value;
} DW_WIRE;

struct dw_wire_word {
	__u64 word;
} DW_WIRE;

struct dw_ipv6 {
	__u8 version_class, class_flow, flow[2];
	__u16 payload_length;
	__u8 next_header, hop_limit;
	struct dw_wire_in6 src, dst;
} DW_WIRE;

struct dw_ext { /* any extension header's first four bytes */
	__u8 next_header, length;
	__u8 type, segments_left; /* routing header */
} DW_WIRE;

struct dw_frag {
	__u8 next_header, reserved;
	__u16 offset_flags;
	__u32 id;
} DW_WIRE;

struct dw_ipv4 {
	__u8 version_ihl, tos;
	__u16 length, id, offset_flags;
	__u8 ttl, proto;
	__u16 checksum;
	__u32 src, dst;
} DW_WIRE;

struct dw_tcp {
	__u16 sport, dport;
	__u32 seq, ack;
	__u8 offset, flags;
	__u16 window, checksum, urgent;
} DW_WIRE;

struct dw_quoted_tcp { /* what an ICMP error must at least quote */
	__u16 sport, dport;
	__u32 seq;
} DW_WIRE;

struct dw_udp {
	__u16 sport, dport, length, checksum;
} DW_WIRE;

struct dw_router_advertisement { /* RFC 4861 4.2 */
	__u8 type, code;
	__u16 checksum;
	__u8 hop_limit, flags;
	__u16 lifetime; /* seconds as a default router */
	__u32 reachable, retransmit;
} DW_WIRE;

struct dw_prefix_option { /* RFC 4861 4.6.2, and as far as its prefix also RFC 4191 2.3 */
	__u8 kind, length; /* in units of eight bytes */
	__u8 prefix_length, flags;
	__u32 lifetime;
} DW_WIRE;

struct dw_icmp {
	__u8 type, code;
	__u16 checksum;
	__u16 id, seq; /* echo */
} DW_WIRE;

#endif
