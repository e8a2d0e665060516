# SPDX-License-Identifier: BSD-3-Clause
"""Replies and what belongs to flows: IPv6, IPv4 `stateful`, ICMPv6 errors (language.md, "What holds
without any rule"; R16, R23, R36, N1)."""
import socket
import time

from scapy.layers.inet import TCP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6
from scapy.layers.l2 import Ether

from lab import isp, topology, traffic

from .case import ProtectedCase

INTERNET_V4 = "198.51.100.1"
GATEWAY_V4 = "100.64.0.2"


class Stateful(ProtectedCase):
    def test_udp_replies_come_back(self):
        self.assertEqual(traffic.udp_exchange(self.lab.client, topology.INTERNET, 5000), b"dishwall")

    def test_only_the_peer_that_was_spoken_to_may_answer(self):
        """R23: endpoint-dependent filtering."""
        lab = self.lab
        with lab.client.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client, \
                lab.internet.socket(socket.AF_INET6, socket.SOCK_DGRAM) as stranger:
            client.settimeout(0.5)
            client.sendto(b"x", (topology.INTERNET, 5000))
            self.assertEqual(client.recv(100), b"x")
            stranger.sendto(b"stranger", (lab.client_address(), client.getsockname()[1]))
            with self.assertRaises(TimeoutError):
                client.recv(100)

    def test_ping_from_inside_is_answered_and_from_outside_only_where_published(self):
        lab = self.lab
        self.assertEqual(traffic.ping(lab.client, topology.INTERNET, 2), 2)
        self.assertEqual(traffic.ping(lab.internet, lab.server_address()), 1, "rule ping")
        self.assertEqual(traffic.ping(lab.internet, lab.client_address()), 0, "no rule for the client")

    def test_gateway_itself_reaches_the_internet(self):
        self.assertEqual(traffic.udp_exchange(self.lab.gateway_ns, topology.INTERNET, 5000), b"dishwall")
        self.assertIsNotNone(traffic.http_get(self.lab.gateway_ns, topology.INTERNET))

    def test_carrier_blocked_ports_are_dropped_on_the_way_out(self):
        before = self.dishwall.rule("carrier-blocked")
        self.assertFalse(traffic.tcp_opens(self.lab.client, topology.INTERNET, 25, 0.5))
        self.assertGreater(self.dishwall.rule("carrier-blocked"), before)

    def test_ipv4_replies_come_back(self):
        body = traffic.http_get(self.lab.client, INTERNET_V4)
        self.assertIn(GATEWAY_V4, body or "")
        self.assertEqual(traffic.ping(self.lab.client, INTERNET_V4), 1)
        self.assertEqual(traffic.udp_exchange(self.lab.client, INTERNET_V4, 5000), b"dishwall")

    def test_ipv4_unsolicited_is_dropped(self):
        self.assert_counts("ipv4-unsolicited", lambda: self.assertFalse(
            traffic.tcp_opens(self.lab.internet, GATEWAY_V4, 22, 0.5)))
        self.assert_counts("ipv4-unsolicited", lambda: self.assertEqual(
            traffic.ping(self.lab.internet, GATEWAY_V4), 0))
        self.assert_counts("ipv4-unsolicited", lambda: self.assertIsNone(
            traffic.udp_exchange(self.lab.internet, GATEWAY_V4, 5000, patience=0.3)))

    def test_packet_too_big_reaches_a_live_flow(self):
        """A path with a smaller MTU: without the error from the ISP's router the download would hang."""
        lab = self.lab
        lab.isp_ns.ip("link set inet0 mtu 1300")
        try:
            self.assert_counts("icmp-error", self.download)
        finally:
            lab.isp_ns.ip("link set inet0 mtu 1500")

    def download(self):
        body = traffic.http_get(self.lab.internet, self.lab.server_address(), "/stream/200000/0", patience=5)
        self.assertIsNotNone(body, "the download hung: Packet Too Big did not get through")

    def test_icmp_error_for_no_flow_is_dropped(self):
        """N1: an ICMPv6 error opens nothing by itself."""
        lab = self.lab
        quoted = IPv6(src=lab.server_address(), dst="2001:db8:1::77") / TCP(sport=443, dport=4711, flags="A")
        error = (Ether(src=lab.isp_ns.mac(isp.DEVICE), dst=lab.gateway_ns.mac("eth0")) /
                 IPv6(src="2001:db8:1::77", dst=lab.server_address()) /
                 ICMPv6PacketTooBig(mtu=1280) / quoted)
        with traffic.Wire(lab.isp_ns, isp.DEVICE) as wire, \
                traffic.Capture(lab.server, "eth0", traffic.from_ipv6("2001:db8:1::77")) as server:
            self.assert_counts("icmp-no-flow", lambda: (wire.send(error, 3), time.sleep(0.05)), 3)
        self.assertEqual(server.frames, [])
