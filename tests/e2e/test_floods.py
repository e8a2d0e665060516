# SPDX-License-Identifier: BSD-3-Clause
"""Under a flood from the line nobody inside notices anything, and the gateway stays small.

What is sent, all in one class on one line (about a minute and a half):

    5,000,000 packets, live frames, random sources, over 20 s    4.5 M to closed ports, 0.5 M to open ones
    40,000 incomplete datagrams                                  half to an open port, half strays
    20,000 router advertisements, as many NS and NA              each from another router or neighbour
    500,000 packets to random hosts of the LAN's /64             to a port that is open to all of it

While each of them lasts, a TCP transfer moves bytes in every second and new flows open from inside. After
each, the 10,000 flows that were opened beforehand are all there.
"""
import socket
import threading
import time

from lab import flood, gateway, isp, topology, traffic

from .case import ProtectedCase, rules

CONFIG = rules("""
    accept tcp 443 to server     name web
    accept udp 5000 to server    name echo
    accept udp 7777 to lan       name whole-lan
""")

# Neighbour entries that a flood may make. The kernel has room for 1024 (gc_thresh3) and evicts from 512 on,
# every five seconds: with what is let through meanwhile there must be room to spare.
FEW = 900


def answered(namespace, address, port, message=b"dishwall"):
    """Within three datagrams: a cable that is full loses some, and who uses UDP asks again."""
    return any(traffic.udp_exchange(namespace, address, port, message) == message for _ in range(3))


class InsideFlows:
    """10,000 UDP flows from the LAN's client: 100 sockets of its to each of 100 on the Internet."""
    SIDE = 100
    FIRST_PORT = 20000

    def __init__(self, lab):
        def sockets(namespace):
            made = [namespace.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(self.SIDE)]
            for one in made:
                one.settimeout(1)
            return made
        self.inside, self.outside = sockets(lab.client), sockets(lab.internet)
        for number, one in enumerate(self.inside):
            one.bind((lab.client_address(), self.FIRST_PORT + number))
        for number, one in enumerate(self.outside):
            one.bind((topology.INTERNET, self.FIRST_PORT + number))

    def __len__(self):
        return len(self.inside) * len(self.outside)

    def open(self):
        """Each flow once out and once back, which makes it an established one."""
        for one in self.inside:
            for other in self.outside:
                one.sendto(b"hello", other.getsockname()[:2])
                other.recv(100)
        if self.replies() != len(self):
            raise AssertionError("not every flow was opened")

    def replies(self):
        """How many of the flows still let a reply in, nothing having been sent out first."""
        return sum(self._replies_to(one) for one in self.inside)

    def _replies_to(self, one):
        target = one.getsockname()[:2]
        for other in self.outside:
            other.sendto(b"reply", target)
        arrived = set()
        try:
            while len(arrived) < len(self.outside):
                arrived.add(one.recvfrom(100)[1][1])
        except TimeoutError:
            pass
        return len(arrived)

    def close(self):
        for one in self.inside + self.outside:
            one.close()


class Transfer(threading.Thread):
    """A download from the Internet at 2 MB/s; `.seconds` is how many bytes came in each second."""
    RATE = 2_000_000

    def __init__(self, lab, longest=300):
        super().__init__(daemon=True)
        self.seconds = [0]
        self._ending = threading.Event()
        self._connection = traffic.connected(lab.client, topology.INTERNET, 80)
        self._connection.settimeout(0.2)
        self._connection.sendall(f"GET /stream/{longest * self.RATE}/{longest} HTTP/1.1\r\n\r\n".encode())

    def run(self):
        began = time.monotonic()
        with self._connection:
            while not self._ending.is_set():
                try:
                    count = len(self._connection.recv(1 << 20))
                except TimeoutError:
                    count = 0
                second = int(time.monotonic() - began)
                self.seconds += [0] * (second + 1 - len(self.seconds))
                self.seconds[second] += count

    def finish(self):
        self._ending.set()
        self.join()
        return self.seconds[:-1] or self.seconds  # the last second was cut short


class Floods(ProtectedCase):
    config = CONFIG
    PACE = 0.02  # seconds between two new flows: the flow table is for the flood to fill, not for us

    @classmethod
    def prepare(cls):
        super().prepare()
        flood.prepare(cls.lab)
        # Hosts reassemble; 20,000 datagrams that never become whole are more than a host's usual 4 MiB.
        cls.lab.server.sysctl({"ipv6/ip6frag_high_thresh": 1 << 28, "ipv6/ip6frag_low_thresh": 1 << 27})
        cls.ends = cls.lab.isp_ns.mac(isp.DEVICE), cls.lab.gateway_ns.mac(gateway.UPLINK)
        cls.flows = InsideFlows(cls.lab)
        cls.addClassCleanup(cls.flows.close)
        cls.flows.open()

    # ---- claims

    def calm_under(self, *floods, also=lambda: True):
        """Runs the floods one after the other and watches the line; `also` is tried all the time as well."""
        transfer = Transfer(self.lab)
        transfer.start()
        tried = failed = 0
        for start in floods:
            with start() as running:
                while running.is_alive():
                    tried, failed = tried + 1, failed + (not self.opens_new_flow(tried) or not also())
                    time.sleep(self.PACE)
        seconds = transfer.finish()
        self.assertGreater(tried, 3)
        self.assertEqual(failed, 0, f"of {tried} times that a new flow was opened, and more, in the flood")
        self.assertGreater(min(seconds), 0, f"the transfer stalled; bytes by second: {seconds}")
        self.assertEqual(self.flows.replies(), len(self.flows), "flows opened before the flood")

    def opens_new_flow(self, number):
        if number % 4:
            return answered(self.lab.client, topology.INTERNET, 5000)
        return traffic.tcp_opens(self.lab.client, topology.INTERNET, 8080)

    def listed(self):
        """All flows, as (source, rule)."""
        return [(flow["IP"]["source"], flow["rule"]) for flow in
                self.dishwall.ask("flows", "--limit", "0")["flows"]]

    def flooded(self):
        return [flow for flow in self.listed() if flow[0].startswith("2001:db8:f")]

    def neighbours(self, device):
        return len(self.lab.gateway_ns.ip_json(f"-6 neigh show dev {device} nud all"))

    @staticmethod
    def refused_neighbours():
        """How often the kernel's table had no room for a new entry, since boot."""
        with open("/proc/net/stat/ndisc_cache", encoding="ascii") as file:
            header, *cpus = (line.split() for line in file)
        return sum(int(cpu[header.index("table_fulls")], 16) for cpu in cpus)

    def assert_neighbours_fit(self, device, action):
        before = self.refused_neighbours()
        action()
        self.assertEqual(self.refused_neighbours(), before, "the neighbour table overflowed")
        self.assertLess(self.neighbours(device), FEW)

    def live(self, to, frames, seconds, **how):
        return lambda: flood.LiveFlood(self.lab, to, frames, seconds, **how)

    # ---- floods

    def test_1_closed_ports(self):
        """R25: 4,500,000 packets that are denied make no state and cost no flow opened from inside."""
        server = self.lab.server_address()
        self.calm_under(self.live(server, 2_250_000, 8, protocol="tcp"),
                        self.live(server, 1_125_000, 4, protocol="udp"),
                        self.live(self.lab.lan_prefix(), 1_125_000, 4, protocol="tcp"))
        self.assertEqual(self.flooded(), [])
        inside = [source for source, _ in self.listed() if source == self.lab.client_address()]
        self.assertGreaterEqual(len(inside), len(self.flows))

    def test_2_open_ports(self):
        """R25: 500,000 packets that open flows from outside evict each other, not those from inside."""
        server = self.lab.server_address()
        self.calm_under(self.live(server, 250_000, 3, protocol="udp", port=5000),
                        self.live(server, 250_000, 3, protocol="tcp", port=443))
        self.assertGreater(len(self.flooded()), 10_000, "or it was no flood")
        inside = [source for source, _ in self.listed() if source == self.lab.client_address()]
        self.assertGreaterEqual(len(inside), len(self.flows))

    def test_3_fragments(self):
        """R39: 40,000 incomplete datagrams; fragmented traffic goes on, opened from either side."""
        lab = self.lab
        server, message = lab.server_address(), bytes(4000)

        def fragmented():
            return (answered(lab.client, topology.INTERNET, 5000, message) and
                    answered(lab.internet, server, 5000, message))
        self.calm_under(
            lambda: flood.FrameFlood(lab, 3, 20_000, flood.incomplete_datagrams, *self.ends, server, 5000),
            lambda: flood.FrameFlood(lab, 3, 20_000, flood.stray_fragments, *self.ends, server),
            also=fragmented)

    def test_4_router_advertisements(self):
        """R21, R37: 20,000 routers announce themselves; the gateway has at most two, and the true one."""
        before = self.lab.gateway_ns.addresses(gateway.UPLINK)
        self.calm_under(lambda: flood.FrameFlood(self.lab, 4, 20_000, flood.router_advertisements))
        routers = [hop.get("via") or hop["gateway"] for route in self.lab.gateway_ns.routes("default")
                   for hop in route.get("nexthops", [route])]
        self.assertLessEqual(len(routers), 2, f"the gateway's default routers, such as {routers[:3]}")
        self.assertIn(self.lab.isp_ns.link_local(isp.DEVICE), routers[:3])
        self.assertLessEqual(len(self.lab.gateway_ns.addresses(gateway.UPLINK)), len(before) + 1)
        self.assertGreater(self.dishwall.reason("rogue-router"), 0)

    def test_5_neighbours(self):
        """R37: 20,000 neighbours ask, and 20,000 tell where they are; the table stays small."""
        lab, receiver = self.lab, self.ends[1]
        target = lab.gateway_ns.link_local(gateway.UPLINK)
        self.assert_neighbours_fit(gateway.UPLINK, lambda: self.calm_under(
            lambda: flood.FrameFlood(lab, 4, 20_000, flood.neighbour_solicitations, receiver, target),
            lambda: flood.FrameFlood(lab, 4, 20_000, flood.neighbour_advertisements)))
        self.assertGreater(self.dishwall.reason("link-limit"), 10_000)

    def test_6_sweep_of_the_lan(self):
        """R38: 500,000 packets to hosts that do not exist, on an open port; those that do never notice."""
        lab = self.lab
        known = lambda: answered(lab.internet, lab.server_address(), 7777)
        self.assert_neighbours_fit(gateway.LAN, lambda: self.calm_under(
            self.live(lab.lan_prefix(), 500_000, 6, protocol="udp", port=7777), also=known))
        self.assertGreater(self.dishwall.reason("unknown-neighbour"), 400_000)


if __name__ == "__main__":
    import unittest
    unittest.main()
