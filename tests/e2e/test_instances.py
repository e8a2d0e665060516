# SPDX-License-Identifier: BSD-3-Clause
"""Conventions: several instances on one machine, each in its network namespace with its own directories."""
from lab import topology, traffic
from lab.dishwall import Dishwall
from lab.run import Run

from .case import ProtectedCase, rules


class Instances(ProtectedCase):
    config = rules("accept tcp 80 to server name web")

    @classmethod
    def prepare(cls):
        super().prepare()
        other = cls.enterClassContext(Run())
        cls.other_lab = topology.Lab(other)
        cls.other = Dishwall(cls.other_lab.gateway_ns,
                             other.write("other.conf", rules("accept tcp 22 to server name ssh"))).start()
        cls.other_lab.connect(topology.SECOND)
        cls.other_lab.serve()

    def open_ports(self, lab):
        return {port for port in (22, 80) if traffic.tcp_opens(lab.internet, lab.server_address(), port, 0.5)}

    def test_each_enforces_its_own_policy(self):
        self.assertEqual(self.open_ports(self.lab), {80})
        self.assertEqual(self.open_ports(self.other_lab), {22})
        self.assertGreaterEqual(self.dishwall.rule("web"), 1)
        self.assertGreaterEqual(self.other.rule("ssh"), 1)
        self.assertNotIn("ssh", [row["name"] for row in self.dishwall.ask("counters")["rules"]])

    def test_unloading_one_leaves_the_other(self):
        self.assertEqual(self.dishwall.ctl("unload").returncode, 0)
        self.assertEqual(self.open_ports(self.lab), {22, 80}, "without dishwall everything is open")
        self.assertEqual(self.open_ports(self.other_lab), {22})
