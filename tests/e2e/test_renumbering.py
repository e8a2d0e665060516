# SPDX-License-Identifier: BSD-3-Clause
"""D3, R29..R31: rules follow the line, old and new live together, no stale hole, no gap."""
from lab import topology, traffic
from lab.run import wait_until

from .case import ProtectedCase


class Renumbering(ProtectedCase):
    """One line, renumbered step by step: the tests build on each other, in this order."""

    def web(self, prefix):
        return traffic.http_get(self.lab.internet, self.lab.server_address(prefix), patience=1) is not None

    def ssh(self, prefix):
        return traffic.tcp_opens(self.lab.internet, self.lab.server_address(prefix), 22, 0.5)

    def test_1_overlap(self):
        generation = self.dishwall.ask("status")["generation"]
        self.lab.renumber(topology.SECOND)
        self.lab.wait_for_hosts(topology.SECOND)
        self.assertTrue(self.web(topology.SECOND), "the new prefix answers at once")
        self.assertTrue(self.web(topology.FIRST), "the old one answers in the overlap (R30)")
        self.assertFalse(self.ssh(topology.SECOND))
        self.assertFalse(self.ssh(topology.FIRST))
        self.assertLessEqual({topology.FIRST: "preferred", topology.SECOND: "preferred"}.items(),
                             self.prefixes().items())
        self.assertEqual(self.dishwall.ask("status")["generation"], generation, "the rules were not touched")

    def test_2_hosts_may_use_both_as_source(self):
        for prefix in (topology.FIRST, topology.SECOND):
            with traffic.connected(self.lab.client, topology.INTERNET, 80,
                                   source=self.lab.client_address(prefix)) as web:
                web.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertIn(b"200 OK", web.recv(4096))

    def test_3_withdrawn(self):
        """R31: nothing new gets in by a withdrawn prefix."""
        self.lab.withdraw(topology.FIRST)
        wait_until(lambda: self.prefixes().get(topology.FIRST) in (None, "grace"), 5,
                   what="dishwall to see the withdrawal")
        reason = "prefix-withdrawn" if self.prefixes().get(topology.FIRST) == "grace" else "not-ours"
        self.assert_counts(reason, lambda: self.assertFalse(self.web(topology.FIRST)))
        self.assertTrue(self.web(topology.SECOND), "the live prefix is untouched")

    def test_4_a_source_outside_our_prefixes_does_not_leave(self):
        """R3: anti-spoofing (BCP 38) on the way out."""
        self.lab.client.ip("addr add 2001:db8:dead::20/64 dev eth0")
        try:
            spoofed = traffic.from_ipv6("2001:db8:dead::20")
            with traffic.Capture(self.lab.isp_ns, "dish0", spoofed) as upstream:
                self.assert_counts("source-not-ours", self.spoof)
            self.assertEqual(upstream.frames, [])
        finally:
            self.lab.client.ip("addr del 2001:db8:dead::20/64 dev eth0")

    def spoof(self):
        with self.assertRaises(OSError):
            traffic.connected(self.lab.client, topology.INTERNET, 80, 0.5, source="2001:db8:dead::20")
