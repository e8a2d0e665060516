# SPDX-License-Identifier: BSD-3-Clause
"""Issue 2: unsolicited inbound TCP, UDP and ICMPv6 echo never reach the LAN or the gateway, from before
READY until after a crash and a restart. D4, D5, D6."""
import unittest

from lab import topology
from lab.dishwall import Dishwall
from lab.run import wait_until
from lab.traffic import Capture, Probes, from_ipv6

from .case import LabCase, rules


class Unsolicited(LabCase):
    xdp = "auto"

    def test_never_arrives(self):
        lab = self.lab
        dishwall = Dishwall(lab.gateway_ns, self.write("deny.conf", rules(uplink=f"xdp {self.xdp}")))
        lab.gateway_ns.ip("link set eth0 up")
        lan = [lab.server_address(topology.FIRST), lab.client_address(topology.FIRST),
               lab.gateway_lan_address(topology.FIRST)]
        probes = from_ipv6(Probes.SOURCE)
        with Capture(lab.gateway_ns, "eth0", probes) as uplink, \
                Capture(lab.server, "eth0", probes) as server, \
                Capture(lab.client, "eth0", probes) as client, Probes(lab, lan) as sent:
            arrived = lambda: (len(uplink.frames), len(server.frames), len(client.frames))
            dishwall.spawn()
            # The moment a program is attached is the moment it must enforce: READY may come later.
            wait_until(lambda: lab.gateway_ns.has_xdp("eth0"), 20, 0.001, "an XDP program on the uplink")
            lab.connect()
            dishwall.wait_ready()
            lab.serve()
            self.flow_of_probes(sent)
            self.assertEqual(arrived(), (0, 0, 0), "on the uplink's stack, the server, the client: up")
            wan = lab.gateway_wan_address()
            with Probes(lab, [wan]) as at_gateway:
                self.flow_of_probes(at_gateway)
            self.assertEqual(arrived(), (0, 0, 0), f"probes to the gateway's own {wan}")
            dishwall.crash()
            self.flow_of_probes(sent)
            self.assertEqual(arrived(), (0, 0, 0), "after kill -9")
            dishwall.start()
            self.flow_of_probes(sent)
            self.assertEqual(arrived(), (0, 0, 0), "after the restart")
            self.assertEqual(dishwall.stop(), 0)
            self.flow_of_probes(sent)
            self.assertEqual(arrived(), (0, 0, 0), "after SIGTERM")
            # And now the same without dishwall, so that this test is known to be able to fail.
            dishwall.start()
            done = dishwall.ctl("unload")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.flow_of_probes(sent)
            self.assertGreater(min(arrived()), 0, "without dishwall the probes arrive")

    @staticmethod
    def flow_of_probes(probes, count=150):
        goal = probes.sent + count
        wait_until(lambda: probes.sent >= goal, 20, what="probes to be sent")


class UnsolicitedGeneric(Unsolicited):
    """The same in generic XDP, as on a Raspberry Pi 4."""
    xdp = "generic"


if __name__ == "__main__":
    unittest.main()
