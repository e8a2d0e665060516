# SPDX-License-Identifier: BSD-3-Clause
"""Records that follow the prefix, on a real name server: right after each renumbering, never before the rule for
the address, and whatever is wrong with the server for a while, nothing is lost and nobody waits.
"""
import os
import threading
import time

from lab import topology, traffic
from lab.nameserver import NameServer
from lab.run import wait_until

from .case import ProtectedCase, rules

ZONE = "home.example"
WEB, CAM, ALL = f"web.{ZONE}", f"cam.{ZONE}", f"all.{ZONE}"


class DnsCase(ProtectedCase):
    """A primary on the Internet, and records of three hosts behind one prefix."""

    @classmethod
    def prepare(cls):
        cls.primary = NameServer(cls.lab.internet, topology.INTERNET, ZONE).start()
        cls.config = cls.rules_with(cls.by_nsupdate())
        super().prepare()
        cls.speak(topology.FIRST)

    @classmethod
    def rules_with(cls, how):
        return rules("accept tcp 80 to server name web\naccept tcp 22 to cam name cam") + f"""
network guests = dish.pd subnet 0x2
host cam = lan mac {cls.lab.client.mac('eth0')}
host twin = any ::50
dns-update "{ZONE}" {{
    {how}
    record web AAAA server ttl 60
    record cam AAAA cam
    record all AAAA twin
}}
"""

    @classmethod
    def by_nsupdate(cls, key_file=None):
        return f'server "{topology.INTERNET}"; key-file "{key_file or cls.primary.key_file}"'

    def load(self, how):
        done = self.dishwall.ctl("load", self.write("dishwall.conf", self.rules_with(how)))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    # ---- what should be, and what is

    @staticmethod
    def expected(*prefixes):
        """The three names' addresses in these prefixes."""
        def of(subnet, interface_id):
            return [f"{prefix.removesuffix('::/56')}:{subnet:x}::{interface_id}" for prefix in prefixes]
        return {WEB: sorted(of(1, 10)), CAM: sorted(of(1, 20)), ALL: sorted(of(1, 50) + of(2, 50))}

    def published(self):
        return {name: self.primary.get(name) for name in (WEB, CAM, ALL)}

    def wait_published(self, *prefixes, patience=10):
        wanted = self.expected(*prefixes)
        began = time.monotonic()
        wait_until(lambda: self.published() == wanted, patience, what=f"records in {prefixes}")
        return time.monotonic() - began

    def records(self):
        return {record["name"]: record for zone in self.dishwall.ask("status")["dns"]
                for record in zone["records"]}

    def wait_state(self, state, patience=15):
        wait_until(lambda: {record["state"] for record in self.records().values()} == {state}, patience,
                   what=f"all records to be {state}")

    def assert_answers(self, seconds):
        """dishctl is answered at once all the time."""
        end, longest = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            began = time.monotonic()
            self.dishwall.ask("status")
            longest = max(longest, time.monotonic() - began)
        self.assertLess(longest, 0.5, "an answer from the daemon took that long")

    @classmethod
    def speak(cls, prefix):
        """The client says something from its address in this prefix: a device that is silent has none."""
        cls.lab.wait_for_hosts(prefix)
        traffic.ping(cls.lab.client, cls.lab.gateway_lan_address(prefix))

    def renumber(self, new):
        self.lab.renumber(new)
        self.speak(new)

    def move(self, old, new):
        """The next prefix comes, the one before is deprecated."""
        self.renumber(new)
        self.lab.deprecate(old)


class Renumbering(DnsCase):
    def test_1_records_are_right_after_each_renumbering(self):
        self.wait_published(topology.FIRST)
        line = [topology.FIRST, topology.SECOND, topology.THIRD, "2001:db8:a400::/56", "2001:db8:a500::/56"]
        for old, new in zip(line, line[1:]):
            with self.subTest(prefix=new):
                self.renumber(new)
                self.wait_published(old, new)
                self.lab.deprecate(old)
                self.wait_published(new)
        self.wait_state("current")
        history = self.dishwall.ctl("prefix", "history").stdout
        self.assertIn(f"{WEB}: AAAA 2001:db8:a500:1::10 (was 2001:db8:a400:1::10", history)

    def test_2_a_record_never_runs_ahead_of_the_rule(self):
        """Both are probed all the time: the first moment of the record is after the first moment of the rule."""
        new = "2001:db8:a600::/56"
        address = self.lab.server_address(new)
        self.lab.serve_at(new)
        first = {}
        ended = threading.Event()

        def probe(what, claim):
            while not ended.is_set() and what not in first:
                began = time.monotonic()
                if claim():
                    # When it was seen, or for the record when it was asked for: the rule has to be earlier.
                    first[what] = (began, time.monotonic())

        probes = [threading.Thread(target=probe, args=job, daemon=True) for job in (
            ("rule", lambda: traffic.tcp_opens(self.lab.internet, address, 80, 0.02)),
            ("record", lambda: address in self.primary.get(WEB)))]
        self.assertFalse(traffic.tcp_opens(self.lab.internet, address, 80, 0.5), "not ours yet")
        for each in probes:
            each.start()
        try:
            self.lab.renumber(new)
            wait_until(lambda: len(first) == 2, 10, what="rule and record")
        finally:
            ended.set()
            for each in probes:
                each.join()
        self.lab.deprecate("2001:db8:a500::/56")
        self.assertLess(first["rule"][1], first["record"][1])
        print(f"the record was seen {(first['record'][1] - first['rule'][1]) * 1000:.0f} ms after the rule")

    def test_3_a_restart_sends_nothing_again_and_what_was_missed(self):
        self.wait_state("current")
        serial = self.primary.serial(ZONE)
        self.dishwall.stop()
        self.dishwall.start()
        self.wait_state("current")
        time.sleep(1)
        self.assertEqual(self.primary.serial(ZONE), serial)
        self.dishwall.crash()
        self.lab.renumber("2001:db8:a700::/56")
        self.dishwall.start()
        wait_until(lambda: "2001:db8:a700:1::10" in self.primary.get(WEB), 10, what="the record of the new prefix")


class Unwell(DnsCase):
    """The name server is down, does not answer, or refuses the key, while the line is renumbered."""

    def test_1_down(self):
        self.wait_published(topology.FIRST)
        self.primary.stop()
        self.move(topology.FIRST, topology.SECOND)
        self.wait_state("failing")
        self.assertIn("refused", self.records()[WEB]["error"])
        self.assert_answers(1)
        self.primary.start()
        print(f"right {self.wait_published(topology.SECOND, patience=30):.1f} s after the server was back")

    def test_2_silent(self):
        self.primary.cut_off()
        self.move(topology.SECOND, topology.THIRD)
        self.assert_answers(3)
        self.wait_state("failing", 20)
        self.assertIn("the server does not answer", self.records()[WEB]["error"])
        self.assertTrue(traffic.tcp_opens(self.lab.internet, self.lab.server_address(topology.THIRD), 80),
                        "the rule waits for nobody")
        self.primary.join()
        print(f"right {self.wait_published(topology.THIRD, patience=30):.1f} s after the server was back")

    def test_3_another_key(self):
        line = (topology.THIRD, "2001:db8:a400::/56", "2001:db8:a500::/56")
        cases = (({}, "the server has another secret for the key"),
                 ({"name": "stranger"}, "the server does not know the key"))
        for old, new, (options, error) in zip(line, line[1:], cases):
            with self.subTest(error=error):
                self.load(self.by_nsupdate(self.primary.write_key("wrong.key", **options)))
                self.move(old, new)
                self.wait_state("failing")
                self.assertIn(error, self.records()[WEB]["error"])
                self.assertEqual(self.primary.get(WEB), self.expected(old)[WEB], "nobody else may change it")
                self.load(self.by_nsupdate())
                self.wait_published(new)


class Program(DnsCase):
    """`exec`: a program of the user's."""

    def test_it_is_called_with_each_change(self):
        log = self.run_.path("publish.log")
        program = self.write("publish", f"""#!/bin/sh
[ -e {log}.broken ] && echo "no credit left" >&2 && exit 1
echo "$DISHWALL_ZONE $DISHWALL_RECORD $DISHWALL_HOST $DISHWALL_TTL ($DISHWALL_OLD) ($DISHWALL_NEW)" >> {log}
""")
        os.chmod(program, 0o755)
        self.wait_published(topology.FIRST)
        with open(f"{log}.broken", "w", encoding="ascii"):
            pass
        self.load(f'exec "{program}"')
        self.wait_state("failing")
        self.assertEqual({record["error"] for record in self.records().values()}, {"no credit left"})
        os.unlink(f"{log}.broken")
        self.wait_state("current")
        self.renumber(topology.SECOND)
        wait_until(lambda: len(self.records()[CAM]["published"]) == 2, 10, what="the last record's second address")
        self.wait_state("current")
        with open(log, encoding="ascii") as lines:
            calls = set(lines.read().splitlines())
        self.assertIn(f"{ZONE} {WEB} server 60 () (2001:db8:a100:1::10)", calls)
        self.assertIn(f"{ZONE} {WEB} server 60 (2001:db8:a100:1::10) (2001:db8:a100:1::10 2001:db8:a200:1::10)", calls)
        self.assertIn(f"{ZONE} {ALL} twin 300 (2001:db8:a100:1::50 2001:db8:a100:2::50) "
                      "(2001:db8:a100:1::50 2001:db8:a100:2::50 2001:db8:a200:1::50 2001:db8:a200:2::50)", calls)
