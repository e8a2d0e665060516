/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Why a packet left the way it did. Every packet gets exactly one reason, and every reason a counter
 * (design D6). The number is the counter's index and part of the layout: append, never renumber.
 *
 * X(identifier, number, name in tables and JSON, what it means)
 */
#ifndef DW_REASON_H
#define DW_REASON_H

#define DW_REASONS(X)                                                                              \
	X(NO_POLICY, 0, "no-policy", "no policy image is loaded")                                  \
	/* accepted */                                                                             \
	X(FLOW, 1, "flow", "belongs to a known flow")                                              \
	X(RULE_ACCEPT, 2, "rule-accept", "accepted by a rule")                                     \
	X(DEFAULT_ACCEPT, 3, "default-accept", "accepted by the policy's default")                 \
	X(ICMP_ERROR, 4, "icmp-error", "an ICMP error that quotes a known flow")                   \
	X(NEIGHBOUR, 5, "neighbour-discovery", "neighbour solicitation or advertisement")          \
	X(ROUTER, 6, "router-discovery", "router advertisement or solicitation on the link")       \
	X(MLD, 7, "mld", "multicast listener discovery on the link")                               \
	X(DHCPV6, 8, "dhcpv6", "DHCPv6 between this box and the line")                             \
	X(ARP, 9, "arp", "address resolution for IPv4")                                            \
	X(DHCPV4, 10, "dhcpv4", "DHCPv4 between this box and the line")                            \
	X(IPV4_PASS, 11, "ipv4-pass", "IPv4, which the rule file passes unfiltered")               \
	X(FRAGMENT, 12, "fragment", "later fragment of an accepted datagram")                      \
	X(SECOND_ROUTER, 13, "second-router", "advertisement of a second router on the link")      \
	X(INDEPENDENT, 14, "endpoint-independent", "to a port that an inside host keeps open")     \
	X(ETHERTYPE_PASS, 15, "ethertype-pass", "another protocol, which the rule file passes")    \
	X(INSPECT, 16, "inspect", "accepted, and handed to the inspector")                         \
	X(INSPECT_CLEAN, 17, "inspect-clean", "in a flow that was inspected and found clean")      \
	X(INSPECT_AROUND, 18, "inspect-around", "accepted without the inspector, which has failed") \
	/* dropped: the frame */                                                                   \
	X(TRUNCATED, 20, "truncated", "shorter than its headers say")                              \
	X(VLAN, 21, "vlan", "VLAN tag on an untagged uplink")                                      \
	X(ETHERTYPE, 22, "ethertype", "neither IPv6, IPv4 nor ARP")                                \
	X(IP_VERSION, 23, "ip-version", "version field and ethertype disagree")                    \
	X(JUMBOGRAM, 24, "jumbogram", "payload length zero or a jumbo payload option")             \
	X(CHAIN_TOO_LONG, 25, "chain-too-long", "more extension headers than are walked")          \
	X(UNKNOWN_HEADER, 26, "unknown-extension-header", "an extension header nobody here knows") \
	X(HOP_BY_HOP, 27, "hop-by-hop", "hop-by-hop options not first, or twice")                  \
	X(ROUTING_HEADER, 28, "routing-header", "source routing")                                  \
	X(FRAGMENT_CHAIN, 29, "fragment-chain", "first fragment without the whole header chain")   \
	X(FRAGMENT_STRAY, 30, "fragment-stray", "fragment whose first fragment was not seen")      \
	X(FRAGMENT_BAD, 31, "fragment-bad", "malformed fragment")                                  \
	X(TCP_OFFSET, 32, "tcp-offset", "TCP data offset below 5 or beyond the packet")            \
	X(TCP_FLAGS, 33, "tcp-flags", "TCP flags that no stack sends together")                    \
	X(UDP_LENGTH, 34, "udp-length", "UDP length below 8 or beyond the packet")                 \
	X(UDP_CHECKSUM, 35, "udp-checksum-zero", "UDP over IPv6 without a checksum")               \
	X(IPV4_HEADER, 36, "ipv4-header", "malformed IPv4 header")                                 \
	X(WRONG_MAC, 37, "wrong-mac", "a frame for somebody else on the dish segment")             \
	X(FRAGMENT_OVERLAP, 38, "fragment-overlap", "fragments overlap: the datagram is dropped")  \
	X(FRAGMENT_DISORDER, 39, "fragment-disorder", "more than one hole between fragments")      \
	/* dropped: addresses */                                                                   \
	X(SOURCE_MULTICAST, 40, "source-multicast", "multicast source")                            \
	X(SOURCE_BOGON, 41, "source-bogon", "source that is not a public address")                 \
	X(DESTINATION_BOGON, 42, "destination-bogon", "destination that is not a public address")  \
	X(SOURCE_OWN, 43, "source-own", "comes from outside with one of our own addresses")        \
	X(SOURCE_IS_DESTINATION, 44, "source-is-destination", "source equals destination")         \
	X(LINK_LOCAL_CROSSING, 45, "link-local-crossing", "link-local or ULA address in transit")  \
	X(MULTICAST, 46, "multicast", "multicast that is not link control")                        \
	X(NOT_OURS, 47, "not-ours", "destination is in none of our prefixes")                      \
	X(UNASSIGNED, 48, "unassigned", "inside the delegation but in no assigned network")        \
	X(PREFIX_WITHDRAWN, 49, "prefix-withdrawn", "new packet for a withdrawn prefix")           \
	X(SOURCE_NOT_OURS, 50, "source-not-ours", "leaves with a source outside our prefixes")     \
	/* dropped: ICMPv6 */                                                                      \
	X(ND_INVALID, 60, "nd-invalid", "discovery message with a bad hop limit or source")        \
	X(ICMP_TYPE, 61, "icmp-type", "ICMP type that is never forwarded or unknown")              \
	X(ICMP_NO_FLOW, 62, "icmp-no-flow", "ICMP error or reply that no known flow explains")     \
	X(REDIRECT, 63, "redirect", "ICMPv6 redirect")                                             \
	X(ROGUE_ROUTER, 64, "rogue-router", "advertisement of a third router, or one that takes over") \
	X(LINK_LIMIT, 65, "link-limit", "more discovery from the link than is let through")        \
	X(ICMP_SEQUENCE, 66, "icmp-sequence", "ICMP error that quotes a wrong sequence number")    \
	/* dropped: flows and policy */                                                            \
	X(TCP_NO_FLOW, 70, "tcp-no-flow", "TCP segment that opens nothing and belongs to nothing") \
	X(TCP_STATE, 71, "tcp-state", "TCP segment that its flow's state forbids")                 \
	X(FLOW_TABLE_FULL, 72, "flow-table-full", "no room for a flow of this worth")              \
	X(RULE_DROP, 73, "rule-drop", "dropped by a rule")                                         \
	X(RULE_REJECT, 74, "rule-reject", "rejected by a rule")                                    \
	X(DEFAULT_DROP, 75, "default-drop", "dropped by the policy's default")                     \
	X(DEFAULT_REJECT, 76, "default-reject", "rejected by the policy's default")                \
	X(IPV4_UNSOLICITED, 77, "ipv4-unsolicited", "IPv4 that no flow asked for")                 \
	X(IPV4_DROP, 78, "ipv4-drop", "IPv4, which the rule file drops")                           \
	X(INTERNAL, 79, "internal", "dishwall could not judge the packet (a bug: please report)") \
	X(FRAGMENT_TABLE_FULL, 80, "fragment-table-full", "no room for a datagram of this worth")  \
	X(CHECKSUM, 81, "checksum", "wrong checksum on a packet that would change a flow")         \
	X(UNKNOWN_NEIGHBOUR, 82, "unknown-neighbour", "too many packets for hosts nobody knows")   \
	X(TCP_WINDOW, 83, "tcp-window", "TCP segment outside its flow's window")                   \
	X(RULE_REJECT_LATE, 84, "rule-reject-late", "refused by a rule, answered if it goes on")   \
	X(DEFAULT_REJECT_LATE, 85, "default-reject-late", "refused by default, answered if it goes on") \
	X(INSPECT_FAILED, 86, "inspect-failed", "to be inspected, and the inspector has failed")   \
	X(SIGNATURE, 87, "signature", "in a flow that matched a signature")                        \
	X(BANNED, 88, "banned", "new flow from a source that matched a signature")

enum dw_reason {
#define DW_REASON_ENUM(identifier, number, name, text) DW_REASON_##identifier = number,
	DW_REASONS(DW_REASON_ENUM)
#undef DW_REASON_ENUM
};

/* The one place that says which reasons let a packet pass. */
static inline __attribute__((always_inline)) int dw_reason_accepts(int reason)
{
	return reason >= DW_REASON_FLOW && reason < DW_REASON_TRUNCATED;
}

#endif
