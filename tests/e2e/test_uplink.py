# SPDX-License-Identifier: BSD-3-Clause
"""R34, N7: the uplink's device goes and comes back under a stream of packets to closed ports, the daemon is
killed under the same stream, or comes before its device. Not one of those packets may reach a host. (R35 is
in tests/control/daemon_uplink_test.cc.)

The stream comes from addresses of its own, IPv6 and IPv4, so whatever a raw capture sees of them behind the
gateway (on its LAN side and on the server) passed; on the box itself a socket listens on the closed port.
"""
import contextlib
import signal
import socket
import threading
import time

from lab import topology, traffic
from lab.dishwall import Dishwall
from lab.run import wait_until
from lab.uplink import Uplink

from .case import LabCase, ProtectedCase, rules

SOURCE6, SOURCE4 = "2001:db8:1::666", "198.51.100.66"
CLOSED = 5001  # no rule opens it, and nobody but this test listens there
CONFIG = rules("accept tcp 80 to server name web")


class Stream:
    """Datagrams to closed ports: of the server and the box, by IPv6 and (the LAN is routed) by IPv4.

    Sent from the provider's router, straight onto the line: while the line is broken they are lost there.
    """
    def __init__(self, lab, targets6, targets4):
        lab.isp_ns.ip(f"addr replace {SOURCE6}/128 dev inet0", f"addr replace {SOURCE4}/32 dev inet0",
                      "route replace 192.168.1.0/24 via 100.64.0.2")
        self._lab = lab
        self._targets = [(socket.AF_INET6, SOURCE6, target) for target in targets6]
        self._targets += [(socket.AF_INET, SOURCE4, target) for target in targets4]
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        with contextlib.ExitStack() as stack:
            sockets = []
            for family, source, target in self._targets:
                one = stack.enter_context(self._lab.isp_ns.socket(family, socket.SOCK_DGRAM))
                one.setblocking(False)
                one.bind((source, 0))
                sockets.append((one, target))
            while not self._stop.is_set():
                for one, target in sockets:
                    with contextlib.suppress(OSError):  # no route, no device: that is what is tested
                        one.sendto(b"unwelcome", (target, CLOSED))
                        self.sent += 1
                time.sleep(0.0002)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join(5)


def is_unwelcome(frame):
    """From the stream, and not an answer to it."""
    if frame[12:14] == b"\x86\xdd":
        return frame[22:38] == socket.inet_pton(socket.AF_INET6, SOURCE6)
    return frame[12:14] == b"\x08\x00" and frame[26:30] == socket.inet_aton(SOURCE4)


class Witnesses:
    """What passed of the stream: on the wire of the LAN, at the server, in a socket of the box."""
    def __init__(self, lab):
        on_lan = traffic.Capture(lab.gateway_ns, "lan-server", is_unwelcome, outgoing=True)
        self._captures = [on_lan,
                          traffic.Capture(lab.server, "eth0", is_unwelcome)]
        self._box = [lab.gateway_ns.socket(family, socket.SOCK_DGRAM)
                     for family in (socket.AF_INET6, socket.AF_INET)]
        for one in self._box:
            one.setblocking(False)
            if one.family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(("", CLOSED))

    def __enter__(self):
        for capture in self._captures:
            capture.__enter__()
        return self

    def __exit__(self, *error):
        for capture in self._captures:
            capture.__exit__(*error)
        for one in self._box:
            one.close()

    def passed(self):
        time.sleep(0.2)  # what is on its way arrives
        seen = [f"{len(capture.frames)} frames" for capture in self._captures if capture.frames]
        for one in self._box:
            with contextlib.suppress(BlockingIOError):
                seen.append(f"the box: {one.recvfrom(100)}")
        return seen


class Replugged(ProtectedCase):
    config = CONFIG

    @classmethod
    def prepare(cls):
        super().prepare()
        # It would take its departure for the end of the delegation; what it configured stays.
        cls.lab.gateway.dhcpcd.stop(signal.SIGKILL)
        cls.uplink = Uplink(cls.lab)
        cls.box6 = cls.lab.gateway_lan_address()

    def stream(self):
        return Stream(self.lab, (self.lab.server_address(), self.box6), ("100.64.0.2", "192.168.1.10"))

    def web_works(self, patience=0.05):
        return traffic.tcp_opens(self.lab.internet, self.lab.server_address(), 80, patience)

    def seconds_until_web_works(self):
        began = time.monotonic()
        wait_until(self.web_works, 5, 0.01, "the allowed service")
        return time.monotonic() - began

    def test_a_device_made_anew_50_times(self):
        """R34: under the stream, not one datagram gets behind a new device; the service is soon back."""
        took = []
        with Witnesses(self.lab) as witnesses, self.stream() as stream:
            for turn in range(50):
                self.uplink.pull()
                self.plug_before_a_slow_daemon() if turn % 2 else self.uplink.plug()
                took.append(self.seconds_until_web_works())
                time.sleep(0.05)
            passed = witnesses.passed()
        self.assertEqual(passed, [])
        self.assertGreater(stream.sent, 2000)
        self.assertLess(max(took), 2, took)
        held = self.dishwall.ask("status")["guard"]["held_back"]["inbound"]["packets"]
        self.assertGreater(held, 1000, "the stream hardly met the guard: this test would prove little")
        self.report(f"{stream.sent} datagrams, {held} held back by the guard; the service was back after "
                    f"{sorted(took)[25] * 1000:.0f} ms (median), {max(took) * 1000:.0f} ms at most")

    def test_the_daemon_killed_20_times(self):
        """N7, R34: a dead daemon, its start and its adoption of what is pinned leave no gap."""
        with Witnesses(self.lab) as witnesses, self.stream() as stream:
            for _ in range(20):
                self.dishwall.crash()
                self.assertTrue(self.web_works(1), "the policy in force outlives the daemon")
                self.dishwall.start()
            passed = witnesses.passed()
            self.assertTrue(self.web_works(1))
        self.assertEqual(passed, [])
        self.assertGreater(stream.sent, 1000)

    def plug_before_a_slow_daemon(self):
        """The daemon hears of the device only when it has been up for a while."""
        self.dishwall.process.send(signal.SIGSTOP)
        self.uplink.plug()
        time.sleep(0.03)
        self.dishwall.process.send(signal.SIGCONT)

    def test_down_and_up(self):
        """R34: the same device taken down and up again keeps its programs; nothing has to be done."""
        before = self.dishwall.ask("status")
        with Witnesses(self.lab) as witnesses, self.stream():
            for _ in range(30):
                self.uplink.down_and_up()
                self.seconds_until_web_works()
            passed = witnesses.passed()
        self.assertEqual(passed, [])
        after = self.dishwall.ask("status")
        self.assertEqual((after["ifindex"], after["state"]), (before["ifindex"], "enforced"))

    def test_made_anew_while_the_daemon_is_dead(self):
        """R34: the guard needs no daemon; the next one arms the device that it finds."""
        with Witnesses(self.lab) as witnesses, self.stream():
            self.dishwall.crash()
            self.uplink.pull()
            self.uplink.plug()
            time.sleep(0.3)
            self.assertFalse(self.web_works(0.3), "nothing is armed, so nothing passes")
            passed = witnesses.passed()
            self.dishwall.start()
            self.assertLess(self.seconds_until_web_works(), 2)
            passed += witnesses.passed()
        self.assertEqual(passed, [])

    def test_the_witnesses_see_what_passes(self):
        """R34: the same without the guard, and all of the stream arrives: nothing is green by accident."""
        self.dishwall.crash()
        self.lab.gateway_ns.run("nft", "delete table inet dishwall-eth0")
        with Witnesses(self.lab) as witnesses, self.stream():
            self.uplink.pull()
            self.uplink.plug()
            time.sleep(0.3)
            passed = witnesses.passed()
        self.assertEqual(len(passed), 4, passed)
        self.dishwall.start()
        self.assertTrue(wait_until(self.web_works, 5, what="the service"))

    @staticmethod
    def report(text):
        print(text, end=" ... ", flush=True)


class BeforeItsDevice(LabCase):
    """R34: dishwalld is started before there is an uplink; READY lets the boot go on."""

    def test_the_device_appears_after_the_daemon(self):
        self.lab.gateway_ns.ip("link del eth0")
        dishwall = Dishwall(self.lab.gateway_ns, self.write("dishwall.conf", CONFIG)).start()
        self.assertEqual(dishwall.ask("status")["state"], "waiting")
        self.assertIn("waiting for eth0", dishwall.ctl("status").stdout)
        topology.veth(self.lab.isp_ns, "dish0", self.lab.gateway_ns, "eth0")
        self.lab.isp_ns.ip("addr add 2001:db8:2::1/64 dev dish0", "addr add 100.64.0.1/24 dev dish0")
        self.lab.gateway_ns.sysctl({"ipv6/conf/eth0/accept_ra": 2})
        self.lab.gateway_ns.ip("addr add 100.64.0.2/24 dev eth0")
        self.lab.connect()
        self.lab.serve()
        wait_until(lambda: traffic.tcp_opens(self.lab.internet, self.lab.server_address(), 80, 0.3), 5,
                   what="the allowed service")
        self.assertEqual(dishwall.ask("status")["state"], "enforced")
        self.assertFalse(traffic.tcp_opens(self.lab.internet, self.lab.server_address(), 22, 0.3))
        self.assertIsNone(traffic.udp_exchange(self.lab.internet, self.lab.server_address(), 5000))
