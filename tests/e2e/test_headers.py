# SPDX-License-Identifier: BSD-3-Clause
"""R7, R12, R13 and D6: a packet that cannot be understood is dropped under its own reason, never passed.

The frames go straight onto the dish's cable, as any neighbour on the dish could send them, addressed to a
port that the policy publishes: only what is wrong with them can keep them out.
"""
import time

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_RA, ICMPv6NDOptPrefixInfo, IPv6, IPv6ExtHdrDestOpt,
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from lab import gateway, isp, topology
from lab.traffic import Capture, Wire, from_ipv6

from .case import ProtectedCase, rules

SOURCE = topology.STRANGER


def ip(**fields):
    return IPv6(src=SOURCE, dst="2001:db8:a100:1::10", **fields)


def syn(port=443, **fields):
    return TCP(sport=51000, dport=port, flags="S", seq=1, **fields)


def chain(headers):
    """`headers` destination-options headers, then a SYN."""
    packet = ip()
    for _ in range(headers):
        packet = packet / IPv6ExtHdrDestOpt()
    return packet / syn()


# What is sent (behind the Ethernet header), how many bytes are cut off its end, and the reason.
REFUSED = {
    "payload length beyond the frame": (ip() / syn(), 8, "truncated"),
    "cut inside the IPv6 header": (ip() / syn(), 45, "truncated"),
    "cut inside an extension header": (ip() / IPv6ExtHdrDestOpt(nh=6) / Raw(b""), 4, "truncated"),
    "payload length zero": (ip(nh=6), 0, "jumbogram"),
    "unknown next header (253, experimental)": (ip(nh=253) / Raw(b"\x06\x00" + bytes(6) + bytes(syn())), 0,
                                                "unknown-extension-header"),
    "extension header chain too long": (chain(40), 0, "chain-too-long"),
    "hop-by-hop not first": (ip() / IPv6ExtHdrDestOpt(nh=0) / IPv6ExtHdrHopByHop() / syn(), 0, "hop-by-hop"),
    "hop-by-hop twice": (ip() / IPv6ExtHdrHopByHop(nh=0) / IPv6ExtHdrHopByHop() / syn(), 0, "hop-by-hop"),
    "routing header type 0": (ip() / IPv6ExtHdrRouting(type=0, addresses=["2001:db8::1"]) / syn(), 0,
                              "routing-header"),
    "non-first fragment of nothing": (ip() / IPv6ExtHdrFragment(offset=100, id=7, nh=6) / Raw(bytes(64)), 0,
                                      "fragment-stray"),
    "first fragment without its TCP header": (ip() / IPv6ExtHdrFragment(m=1, id=8, nh=60) /
                                              Raw(bytes([6, 0]) + bytes(6)), 0, "fragment-chain"),
    "TCP without flags": (ip() / TCP(dport=443, flags=0), 0, "tcp-flags"),
    "TCP SYN and FIN": (ip() / TCP(dport=443, flags="SF"), 0, "tcp-flags"),
    "TCP data offset below 5": (ip() / TCP(dport=443, flags="S", dataofs=4), 0, "tcp-offset"),
    "bare ACK for no flow": (ip() / TCP(dport=443, flags="A"), 0, "tcp-no-flow"),
    "UDP length beyond the packet": (ip() / UDP(dport=443, len=200) / Raw(b"x"), 0, "udp-length"),
    "echo reply for no request": (ip(nh=58) / Raw(bytes([129, 0]) + bytes(6)), 0, "icmp-no-flow"),
    "own prefix as source": (IPv6(src="2001:db8:a100:1::99", dst="2001:db8:a100:1::10") / syn(), 0,
                             "source-own"),
    "unassigned subnet": (IPv6(src=SOURCE, dst="2001:db8:a100:77::10") / syn(), 0, "unassigned"),
    "somebody else's address": (IPv6(src=SOURCE, dst="2001:db8:bbbb:1::10") / syn(), 0, "not-ours"),
    "multicast source": (IPv6(src="ff02::1", dst="2001:db8:a100:1::10") / syn(), 0, "source-multicast"),
    "loopback source": (IPv6(src="::1", dst="2001:db8:a100:1::10") / syn(), 0, "source-bogon"),
    "published port, other protocol": (ip() / UDP(sport=51000, dport=443) / Raw(b"x"), 0, "default-drop"),
}

# These are unusual and legal, and must reach the server.
WELCOME = {
    "plain SYN": ip() / syn(),
    "SYN behind destination options": ip() / IPv6ExtHdrDestOpt() / syn(),
    "SYN behind hop-by-hop options": ip() / IPv6ExtHdrHopByHop() / syn(),
    "echo request": ip() / ICMPv6EchoRequest(id=9),
    "atomic fragment": ip() / IPv6ExtHdrFragment(id=3) / syn(),
}


class Headers(ProtectedCase):
    config = rules("""
        accept tcp { 80, 443 } to server         name web
        accept icmpv6 echo-request to server     name ping
        reject tcp 113 to server                 name ident
    """)

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.ends = dict(src=cls.lab.isp_ns.mac(isp.DEVICE), dst=cls.lab.gateway_ns.mac("eth0"))

    def frame(self, packet):
        return bytes(Ether(**self.ends) / packet)

    def test_refused_with_a_reason(self):
        with Wire(self.lab.isp_ns, isp.DEVICE) as wire:
            for name, (packet, cut, reason) in REFUSED.items():
                with self.subTest(name):
                    frame = self.frame(packet)
                    frame = frame[:len(frame) - cut]
                    self.refuse(wire, frame, reason)

    def refuse(self, wire, frame, reason):
        # What is passed carries dishwall's stamp instead of its source address.
        with Capture(self.lab.gateway_ns, "eth0", lambda seen: seen[12:] == frame[12:]) as stack:
            moved = self.moved(lambda: (wire.send(frame, 3), time.sleep(0.05)))
        self.assertEqual(len(stack.frames), 0, f"it was passed; what moved: {moved}")
        self.assertGreaterEqual(moved.get(reason, 0), 3, f"not counted as {reason}; what moved: {moved}")

    def test_vlan_tag_is_refused(self):
        with Wire(self.lab.isp_ns, isp.DEVICE) as wire:
            frame = bytes(Ether(**self.ends) / Dot1Q(vlan=7) / ip() / syn())
            self.assert_counts("vlan", lambda: (wire.send(frame, 3), time.sleep(0.05)), 3)

    def test_a_lease_is_for_this_box(self):
        """language: `ipv4 stateful` lets in answers of DHCPv4, to this box and to nobody behind it."""
        def lease(to):
            return bytes(Ether(**self.ends) / IP(src="100.64.0.1", dst=to) / UDP(sport=67, dport=68) / Raw(b"x"))

        with Wire(self.lab.isp_ns, isp.DEVICE) as wire:
            for to in ("100.64.0.2", "255.255.255.255", "100.64.0.77"):  # the last: offered, nobody's yet
                with self.subTest(to):
                    self.assert_counts("dhcpv4", lambda to=to: (wire.send(lease(to), 3), time.sleep(0.05)), 3)
            for to in ("192.168.1.10", "192.168.1.77"):
                with self.subTest(to):
                    self.refuse(wire, lease(to), "ipv4-unsolicited")

    def test_nobody_else_announces_our_network(self):
        """R6, R21: one advertisement would lead the gateway's packets for the LAN back to the dish segment."""
        rogue = (Ether(src="02:00:00:00:0b:ad", dst="33:33:00:00:00:01") /
                 IPv6(src="fe80::bad", dst="ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=0) /
                 ICMPv6NDOptPrefixInfo(prefix="2001:db8:a100:1::", prefixlen=64))
        with Wire(self.lab.isp_ns, isp.DEVICE) as wire:
            self.refuse(wire, bytes(rogue), "rogue-router")
        devices = [route["dev"] for route in self.lab.gateway_ns.routes("2001:db8:a100:1::/64")]
        self.assertEqual(devices, [gateway.LAN])

    def test_a_wrong_checksum_is_not_answered(self):
        """R26: nmap --badsum looks for answers that no host would give."""
        is_from_server = from_ipv6("2001:db8:a100:1::10")

        def answers(seen):
            return seen[12:14] == b"\x86\xdd" and seen[20] == 6 and is_from_server(seen)

        with Wire(self.lab.isp_ns, isp.DEVICE) as wire:
            for fields, expected in (({}, 1), ({"chksum": 0x1234}, 0)):
                with self.subTest(fields), Capture(self.lab.isp_ns, isp.DEVICE, answers) as seen:
                    self.assert_counts("rule-reject",
                                       lambda: (wire.send(self.frame(ip() / syn(113, **fields))), time.sleep(0.2)))
                    self.assertEqual(len(seen.frames), expected)

    def test_welcome_reaches_the_server(self):
        with Wire(self.lab.isp_ns, isp.DEVICE) as wire:
            for number, (name, packet) in enumerate(WELCOME.items()):
                with self.subTest(name), Capture(self.lab.server, "eth0", from_ipv6(SOURCE)) as server:
                    if TCP in packet:
                        packet[TCP].sport = 52000 + number
                    wire.send(self.frame(packet))
                    time.sleep(0.1)
                    self.assertGreater(len(server.frames), 0, "it never arrived")
