# SPDX-License-Identifier: BSD-3-Clause
"""Replies and what belongs to flows: IPv6, IPv4 `stateful` (language.md, "What holds without any rule"; R23,
R36). ICMPv6 errors: test_programs."""
import socket

from lab import topology, traffic

from .case import ProtectedCase


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

    def test_gateway_itself_reaches_the_internet(self):
        self.assertEqual(traffic.udp_exchange(self.lab.gateway_ns, topology.INTERNET, 5000), b"dishwall")
        self.assertIsNotNone(traffic.http_get(self.lab.gateway_ns, topology.INTERNET))

    def test_carrier_blocked_ports_are_dropped_on_the_way_out(self):
        before = self.dishwall.rule("carrier-blocked")
        self.assertFalse(traffic.tcp_opens(self.lab.client, topology.INTERNET, 25, 0.5))
        self.assertGreater(self.dishwall.rule("carrier-blocked"), before)

    def test_ipv4_replies_come_back(self):
        body = traffic.http_get(self.lab.client, topology.INTERNET_V4)
        self.assertIn(topology.GATEWAY_V4, body or "")
        self.assertEqual(traffic.ping(self.lab.client, topology.INTERNET_V4), 1)
        self.assertEqual(traffic.udp_exchange(self.lab.client, topology.INTERNET_V4, 5000), b"dishwall")

    def test_ipv4_unsolicited_is_dropped(self):
        self.assert_counts("ipv4-unsolicited", lambda: self.assertFalse(
            traffic.tcp_opens(self.lab.internet, topology.GATEWAY_V4, 22, 0.5)))
        self.assert_counts("ipv4-unsolicited", lambda: self.assertEqual(
            traffic.ping(self.lab.internet, topology.GATEWAY_V4), 0))
        self.assert_counts("ipv4-unsolicited", lambda: self.assertIsNone(
            traffic.udp_exchange(self.lab.internet, topology.GATEWAY_V4, 5000, patience=0.3)))
