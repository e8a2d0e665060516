# SPDX-License-Identifier: BSD-3-Clause
"""Issue 5 on real packets: a feed's sources are dropped and its file is followed; `rate` lets through what it
says, for each source prefix and for a whole rule; `audit` and `log sample` tell what they should; and one
policy may be written in several files."""
import json
import os
import subprocess
import time

from lab import topology, traffic
from lab.dishwall import binary
from lab.run import die_with_parent, wait_until

from .case import ProtectedCase, rules


class Peers:
    """Packets from any address on the Internet, as frames on the cable to the ISP."""

    def __init__(self, lab):
        self._ends = lab.internet.mac("eth0"), lab.isp_ns.mac("inet0")
        self._wire = traffic.Wire(lab.internet, "eth0")
        self._port = 20000
        # Answers to peers who do not exist would come back to the gateway as errors.
        lab.isp_ns.ip("route replace blackhole 2001:db8:f000::/36")

    def close(self):
        self._wire.close()

    def syn(self, source, target, port):
        """From a port of its own, so that no packet is part of another's flow."""
        self._port += 1
        self._send(source, target, 6, traffic.tcp(self._port, port, traffic.SYN), 16)

    def echo(self, source, target):
        self._port += 1
        self._send(source, target, 58, traffic.echo_request(self._port), 2)

    def _send(self, source, target, proto, payload, checksum_at):
        self._wire.send(traffic.ipv6_frame(*self._ends, source, target, proto, payload, checksum_at))


def peer(network, host=1):
    """An address in one of as many /64s as are wanted."""
    return f"2001:db8:f000:{network:x}::{host:x}"


class PeersCase(ProtectedCase):
    @classmethod
    def prepare(cls):
        super().prepare()
        cls.peers = Peers(cls.lab)
        cls.addClassCleanup(cls.peers.close)
        cls.server = cls.lab.server_address()

    def counted(self, rule, action):
        """By how much the rule's counter grew while `action` ran."""
        before = self.dishwall.rule(rule)
        action()
        return self.dishwall.rule(rule) - before

    def arrivals(self, sources, action):
        """How many frames from each of these addresses reached the server's wire meanwhile."""
        with traffic.Capture(self.lab.server, "eth0") as seen:
            action()
            time.sleep(0.2)
        return [sum(traffic.from_ipv6(source)(frame) for frame in seen.frames) for source in sources]


class Rates(PeersCase):
    """Buckets are full at first, and refilled too slowly to matter while a test lasts, but for `steady`."""
    config = rules("""
    accept icmpv6 echo-request to server  rate 6/m burst 5 per source/64   name ping
    accept tcp 80 to server               rate 6/m burst 4                 name web
    drop tcp 80 to server                                                  name over
    accept tcp 443 to server              rate 60/m burst 2 per source     name steady
    audit tcp 8080 to server                                               name would
    accept tcp 8080 to server                                              name did
""")

    def test_each_source_prefix_has_a_bucket(self):
        sources = [peer(network, host) for network in (1, 2, 3) for host in (1, 2)]

        def action():
            for _ in range(10):
                for source in sources:
                    self.peers.echo(source, self.server)
        passed = []
        counted = self.counted("ping", lambda: passed.extend(self.arrivals(sources, action)))
        by_network = [sum(passed[at:at + 2]) for at in (0, 2, 4)]
        self.assertEqual(by_network, [5, 5, 5], f"of 20 from each /64; by address: {passed}")
        self.assertEqual(counted, 15)

    def test_a_rule_has_one_bucket_for_all(self):
        sources = [peer(network) for network in range(0x10, 0x24)]

        def action():
            for source in sources:
                self.peers.syn(source, self.server, 80)
        over = self.dishwall.rule("over")
        web = self.counted("web", action)
        self.assertEqual((web, self.dishwall.rule("over") - over), (4, 16),
                         "a packet over the rate does not match, and the next rule sees it")

    def test_a_bucket_is_refilled(self):
        source = peer(0x30)

        def three():
            for _ in range(3):
                self.peers.syn(source, self.server, 443)
        self.assertEqual(self.counted("steady", three), 2)
        time.sleep(1.1)  # one a second
        self.assertEqual(self.counted("steady", three), 1)

    def test_an_open_connection_pays_once(self):
        with traffic.connected(self.lab.internet, self.server, 443) as connection:
            for number in range(20):
                connection.sendall(f"GET /{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                reply = b""
                while not reply.endswith(b"\n") or b"you are" not in reply:  # head and body come in parts
                    reply += connection.recv(4096)

    def test_explain_tells_the_state_of_the_bucket(self):
        source = peer(0x40)
        packet = f"in tcp [{source}]:40000 > [{self.server}]:443 S"
        full = self.dishwall.ask("explain", packet)
        self.assertEqual((full["verdict"], full["rate"]["rule"]), ("accept", "steady"), full)
        for _ in range(2):
            self.peers.syn(source, self.server, 443)
        wait_until(lambda: self.dishwall.ask("explain", packet)["verdict"] == "drop", 0.8, 0.02,
                   "explain to say that the bucket is empty")
        told = self.dishwall.ask("explain", packet)
        self.assertIn(("steady", "rate"), {(near["rule"], near["misses"]) for near in told["near"]}, told)
        self.assertTrue(told["agree"], told)

    def test_audit_counts_and_goes_on(self):
        def action():
            for _ in range(7):
                self.peers.syn(peer(0x50), self.server, 8080)
        would = self.dishwall.rule("would")
        self.assertEqual(self.counted("did", action), 7)
        self.assertEqual(self.dishwall.rule("would") - would, 7)


class Sampled(PeersCase):
    config = rules("""
    audit tcp 8080 to server  name would
    log sample 1/10
""")
    SENT = 100
    PACE = 0.02  # no faster than events are sent at all

    def test_one_in_ten_is_reported(self):
        monitor = subprocess.Popen(
            self.lab.gateway_ns.argv(binary("dishctl"), "--run-dir", self.dishwall.run_dir, "-j", "monitor"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        try:
            time.sleep(0.3)
            dropped = self.moved(self.send)["default-drop"]
            time.sleep(0.2)
        finally:
            monitor.terminate()
            events = [json.loads(line) for line in monitor.communicate()[0].splitlines()]
        mine = [event for event in events if event.get("rule") == "would"]
        self.assertGreaterEqual(dropped, self.SENT)
        self.assertEqual({event["kind"] for event in mine}, {"audit"}, mine)
        # Each CPU begins to count for itself.
        self.assertTrue(self.SENT / 10 - 2 <= len(mine) <= self.SENT / 10 + os.cpu_count() + 2, len(mine))
        told = len(mine) + sum(event["skipped"] for event in events)
        self.assertGreaterEqual(told, self.SENT * 0.7, "the events say how many were kept back")

    def send(self):
        for _ in range(self.SENT):
            self.peers.syn(peer(0x60), self.server, 8080)
            time.sleep(self.PACE)


HERE, ELSEWHERE = "2001:db8:1::/64", "2001:db8:9::/64"


class Feeds(PeersCase):
    config = (rules("drop from feed bad name feeds\n    accept tcp 80 to server name web")
              + 'feed bad = file "feeds/bad.txt" refresh 1s\n')

    @classmethod
    def prepare(cls):
        os.makedirs(cls.run_.path("feeds"))
        cls.write_feed(f"# dropped\n{HERE} ; SBL1\n{ELSEWHERE}\n")
        super().prepare()

    @classmethod
    def write_feed(cls, text):
        """As downloaders do: a file that is never half there."""
        os.replace(cls.write("feeds/bad.new", text), cls.run_.path("feeds/bad.txt"))

    def feed(self):
        return self.dishwall.ask("status")["feeds"][0]

    def is_open(self):
        return traffic.tcp_opens(self.lab.internet, self.server, 80, 0.3)

    def test_1_its_sources_are_dropped(self):
        feed = self.feed()
        self.assertEqual((feed["name"], feed["entries"], feed["stale"]), ("bad", 2, False))
        before = self.dishwall.rule("feeds")
        self.assertFalse(self.is_open())
        self.assertGreater(self.dishwall.rule("feeds"), before)

    def test_2_an_edited_file_is_taken_in(self):
        self.write_feed(f"{ELSEWHERE}\n")
        wait_until(self.is_open, 5, what="the feed to be read again")
        self.assertEqual(self.feed()["entries"], 1)
        self.write_feed(f"{HERE}\n{ELSEWHERE}\n2001:db8:8::/48\n")
        wait_until(lambda: not self.is_open(), 5, what="the feed to be read again")

    def test_3_a_broken_file_keeps_the_last_good_one(self):
        self.write_feed(f"{HERE}\n2001:db8::/129\nnonsense here\n")
        told = wait_until(lambda: self.feed()["error"], 5, what="an error about the feed")
        self.assertIn("2", told, "the line's number")
        self.assertEqual(self.feed()["entries"], 3)
        self.assertFalse(self.is_open())
        os.unlink(self.run_.path("feeds/bad.txt"))
        time.sleep(1.5)
        self.assertEqual(self.feed()["entries"], 3)
        self.assertFalse(self.is_open())
        done = self.dishwall.ctl("load")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("bad.txt", done.stdout + done.stderr)
        self.write_feed(f"{HERE}\n")
        wait_until(lambda: self.feed()["error"] is None, 5, what="the feed to be good again")

    def test_4_a_restart_without_the_file_keeps_the_last_good_one(self):
        self.dishwall.crash()
        os.unlink(self.run_.path("feeds/bad.txt"))
        try:
            self.dishwall.spawn()
            time.sleep(0.5)
            self.assertFalse(self.is_open(), "what was in force still is")
        finally:
            self.dishwall.crash()
            self.write_feed(f"{HERE}\n")
            self.dishwall.start()


class SeveralFiles(ProtectedCase):
    """conf.d beside the rule file, and include."""
    config = rules("accept tcp 80 to server name web") + 'include "more/ssh.conf"\n'

    @classmethod
    def prepare(cls):
        for directory in ("conf.d", "more"):
            os.makedirs(cls.run_.path(directory))
        cls.write("conf.d/20-last.conf", "version 1\npolicy inbound on dish {\n"
                                         "    drop tcp 8000-8100 to server name too-late\n}\n")
        cls.write("conf.d/10-first.conf", "version 1\nset inside = { server }\npolicy inbound on dish {\n"
                                          "    accept tcp 8080 to inside name first\n}\n")
        cls.write("conf.d/ignored.txt", "this is no rule file\n")
        cls.write("more/ssh.conf", "version 1\npolicy inbound on dish {\n"
                                   "    accept tcp 22 to server name ssh\n}\n")
        super().prepare()

    def opens(self, port):
        return traffic.tcp_opens(self.lab.internet, self.lab.server_address(), port, 0.4)

    def test_all_of_them_are_one_policy(self):
        self.assertEqual([port for port in (22, 80, 443, 8080) if self.opens(port)], [22, 80, 8080])

    def test_explain_names_the_file(self):
        packet = f"in tcp [{topology.INTERNET}]:40000 > [{self.lab.server_address()}]:8080 S"
        rule = self.dishwall.ask("explain", packet)["rule"]
        self.assertEqual(rule["name"], "first")
        self.assertIn("10-first.conf:", rule["place"])

    def test_an_error_in_one_of_them_has_its_place(self):
        path = self.write("conf.d/30-broken.conf", "version 1\npolicy inbound on dish {\n"
                                                   "    accept tcp 443 to sevrer\n}\n")
        try:
            done = self.dishwall.ctl("load")
            self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
            self.assertIn("30-broken.conf:3:", done.stdout + done.stderr)
            self.assertTrue(self.opens(8080))
        finally:
            os.unlink(path)
