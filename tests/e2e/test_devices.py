# SPDX-License-Identifier: BSD-3-Clause
"""`host cam = lan mac ...`: rules follow a device by its MAC address, whatever addresses it uses today.

The device is the lab's client, with privacy extensions (RFC 8981): it makes temporary addresses of its own
accord. The server is somebody else on the same LAN, serving the same ports. What the kernel says of neighbours
and what the loaded programs take for the device's are both recorded by own-watch (lab/timeline.py).
"""
import time

from lab import timeline, topology, traffic
from lab.dishwall import Dishwall
from lab.prober import Prober
from lab.run import wait_until

from .case import LabCase

CONFIG = """\
version 1
uplink dish {
    interface eth0
    prefix pd from dhcpv6-pd
    documentation-prefixes allow
}
network lan = dish.pd subnet 0x1 on br-lan
host cam = lan mac %s
policy inbound on dish {
    default drop
    accept tcp 80 to cam name cam
}
"""
PUBLISHED, UNPUBLISHED = 80, 22
NUD_VALID = 0xde  # what has a MAC address: everything but incomplete, failed and none
# The gateway's kernel finds out in a second or two what takes half a minute with its defaults.
IMPATIENT = {"ipv6/neigh/br-lan/base_reachable_time_ms": 1000,
             "ipv6/neigh/br-lan/delay_first_probe_time": 1, "ipv6/neigh/br-lan/retrans_time_ms": 200}


class Devices(LabCase):
    """One device's life, in this order."""

    @classmethod
    def prepare(cls):
        cls.cam = cls.lab.client
        config = cls.write("dishwall.conf", CONFIG % cls.cam.mac("eth0"))
        cls.dishwall = Dishwall(cls.lab.gateway_ns, config).start()
        cls.lab.connect()
        cls.lab.serve()
        cls.lab.gateway_ns.sysctl(IMPATIENT)
        cls.timeline = cls.enterClassContext(timeline.Timeline(cls.lab, cls.dishwall))

    def opens(self, address, port=PUBLISHED, patience=1.0):
        return traffic.tcp_opens(self.lab.internet, address, port, patience)

    def learnt(self):
        return self.timeline.now_in_force().learnt

    def wait_until_learnt(self, address):
        wait_until(lambda: address in self.learnt(), 5, 0.02, f"{address} to be learnt")

    def talk(self, source):
        """The device says something to the Internet from this address, and gets an answer."""
        traffic.connected(self.cam, topology.INTERNET, 80, source=source).close()

    def test_1_slaac_address(self):
        address = self.lab.client_address()
        self.talk(address)
        self.wait_until_learnt(address)
        self.assertTrue(self.opens(address))
        self.assertFalse(self.opens(address, UNPUBLISHED, 0.5))
        [host] = self.dishwall.ask("hosts")["hosts"]
        self.assertEqual((host["name"], host["kind"]), ("cam", "device"), host)
        self.assertIn(address, [entry["address"] for entry in host["addresses"]])

    def test_2_a_temporary_address_within_100_ms(self):
        before = set(self.cam.addresses("eth0"))
        self.cam.sysctl({"ipv6/conf/eth0/use_tempaddr": 2})
        self.lab.gateway.radvd.send(1)  # SIGHUP: an advertisement now
        [temporary] = wait_until(lambda: set(self.cam.addresses("eth0")) - before, 10, 0.02,
                                 "a temporary address")
        type(self).temporary = temporary
        with Prober(self.lab, [temporary], (PUBLISHED, UNPUBLISHED), 0.001, self.cam) as prober:
            time.sleep(0.3)
            self.talk(None)
            self.wait_until_learnt(temporary)
            time.sleep(0.3)
        known = next(event.at for event in self.timeline.neighbours
                     if event.address == temporary and event.state & NUD_VALID)
        table = next(table for table in self.timeline.tables if temporary in table.learnt)
        times = {port: [at for number, at in prober.arrived.times.items()
                        if prober.probes[number].port == port] for port in (PUBLISHED, UNPUBLISHED)}
        self.assertEqual(times[UNPUBLISHED], [])
        first = min(times[PUBLISHED])
        print(f"the kernel's neighbour event to the store: {(table.seen - known) / 1e6:.2f} ms, to the first SYN "
              f"at the device: {(first - known) / 1e6:.2f} ms (a SYN is sent every 2 ms)", end=" ... ",
              flush=True)
        self.assertLess(first - known, 100_000_000)
        self.assertGreater(first, table.before, "it was open before anybody knew whose address it is")
        late = [number for number, probe in enumerate(prober.probes) if probe.port == PUBLISHED and
                probe.sent > table.seen and number not in prober.arrived.times]
        self.assertEqual(late, [], "once learnt, every SYN arrives")

    def test_3_an_address_from_elsewhere(self):
        """As DHCPv6 or a person configures it; the other address stays open."""
        base = self.lab.client_address().rpartition("::")[0]
        address = f"{base}::d6c"
        self.assertFalse(self.opens(address, patience=0.5), "unknown addresses stay denied")
        self.cam.ip(f"addr add {address}/64 dev eth0 nodad")
        self.talk(address)
        self.wait_until_learnt(address)
        self.assertTrue(self.opens(address))
        self.assertTrue(self.opens(self.temporary))

    def test_4_another_device(self):
        """It talks to the same gateway and listens on the same port."""
        address = self.lab.server_address()
        traffic.connected(self.lab.server, topology.INTERNET, 80, source=address).close()
        self.assertFalse(self.opens(address, patience=0.5))
        self.assertNotIn(address, self.learnt())

    def test_5_a_restart(self):
        """The kernel has forgotten its neighbours as well: dishwall's state directory has not."""
        learnt = self.learnt()
        self.assertGreaterEqual(len(learnt), 3)
        for end in (self.dishwall.stop, self.dishwall.crash):
            end()
            self.lab.gateway_ns.ip("neigh flush dev br-lan")
            self.dishwall.start()
            self.assertEqual(self.learnt(), learnt)
            for address in sorted(learnt):
                self.assertTrue(self.opens(address), address)

    def test_6_an_expired_address_is_closed(self):
        self.assertTrue(self.opens(self.temporary))
        self.cam.ip(f"addr del {self.temporary}/64 dev eth0")
        ended = time.monotonic()

        def closed():
            self.opens(self.temporary, patience=0.1)  # somebody who still knows the address
            return self.temporary not in self.learnt()
        wait_until(closed, 20, 0.1, "the expired address to be closed")
        failed = max(event.at for event in self.timeline.neighbours if event.address == self.temporary and
                     not event.state & NUD_VALID)
        stored = next(table.seen for table in self.timeline.tables
                      if table.seen > failed and self.temporary not in table.learnt)
        print(f"closed {time.monotonic() - ended:.1f} s after it was gone, {(stored - failed) / 1e6:.2f} ms "
              "after the kernel said FAILED", end=" ... ", flush=True)
        told = self.dishwall.ask("explain", f"in tcp [{topology.INTERNET}]:40000 > [{self.temporary}]:80 S")
        self.assertEqual((told["verdict"], told["agree"]), ("drop", True), told)

    def test_7_its_address_is_somebody_elses_now(self):
        self.lab.server.ip(f"addr add {self.temporary}/64 dev eth0 nodad")
        traffic.connected(self.lab.server, topology.INTERNET, 80, source=self.temporary).close()
        self.assertFalse(self.opens(self.temporary, patience=0.5), "a rule for cam opened another device")
        self.assertNotIn(self.temporary, self.learnt())
        self.assertTrue(self.opens(self.lab.client_address()))
