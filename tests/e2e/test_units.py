# SPDX-License-Identifier: BSD-3-Clause
"""The units, under a real systemd, with the rights that they leave: installed and started as the README says."""
import os
import re
import unittest

from lab import topology, traffic
from lab.dishwall import binary
from lab.machine import Machine
from lab.run import LabError, wait_until

from .case import LabCase, rules

ATTACK = b"GET /../../etc/passwd HTTP/1.1\r\n\r\n"
INSPECTOR = "dishwall-inspect.service"
DAEMON = "dishwall.service"
PATIENCE = 30  # the services compete for the CPU with everything else that runs here

PLAIN = rules("accept tcp 80 to server  name web")
SLOW_PATTERNS = 600  # each takes the compiler some 10 ms


def inspected_by(signatures):
    return rules("""
    accept tcp 80 to server    name web
    accept tcp 8080 to server  inspect exploits on-failure drop  name echo
""").replace("policy inbound", f'signatures exploits = file "{signatures}"\npolicy inbound', 1)


FILES = {
    "/etc/dishwall/dishwall.conf": PLAIN,
    "/etc/dishwall/inspected.conf": inspected_by("/usr/local/share/dishwall/signatures/web.hs"),
    "/etc/dishwall/slow.conf": inspected_by("/etc/dishwall/slow.hs"),
    "/etc/dishwall/slow.hs": "".join(f"{n}:/k{n}x.{{0,200}}l{n}y.{{0,200}}m{n}z/\n"
                                     for n in range(1, SLOW_PATTERNS + 1)),
    # Only where a test asks for it, by `daemon-reload`.
    "/etc/impatient/watchdog.conf": "[Service]\nWatchdogSec=2\n",
}


class Units(LabCase):
    @classmethod
    def prepare(cls):
        cls.machine = Machine(cls.lab.gateway_ns, FILES)
        cls.lab.connect()
        cls.lab.serve()
        cls.server = cls.lab.server_address()

    def assert_enforced(self):
        self.assertTrue(traffic.tcp_opens(self.lab.internet, self.server, 80))
        self.assertFalse(traffic.tcp_opens(self.lab.internet, self.server, 22, 0.5))

    def what_arrives(self, data):
        with traffic.connected(self.lab.internet, self.server, 8080) as connection:
            connection.recv(100)
            connection.sendall(data)
            connection.settimeout(0.5)
            try:
                return connection.recv(4096)
            except TimeoutError:
                return b""

    def kill(self, unit):
        """`kill -9` of its main process; returns when systemd has another one running."""
        before = self.machine.property(unit, "MainPID")
        self.machine.systemctl("kill", "--signal", "KILL", "--kill-whom", "main", unit)
        wait_until(lambda: self.machine.property(unit, "MainPID") not in ("0", before), PATIENCE,
                   what=f"systemd to start {unit} again")

    def test_1_enabled_and_started(self):
        self.machine.systemctl("enable", "--now", DAEMON)
        self.assertEqual(self.machine.property(DAEMON, "ActiveState"), "active", self.machine.journal(DAEMON))
        wait_until(lambda: traffic.tcp_opens(self.lab.internet, self.server, 80, 0.5), 5,
                   what="the web server to answer")
        self.assert_enforced()
        self.assertEqual(self.machine.ask("status")["interface"], "eth0")
        self.assertEqual(self.machine.run("dishctl", "doctor").stdout.count("failed:"), 0)

    def test_2_killed_and_started_by_systemd(self):
        with traffic.connected(self.lab.internet, self.server, 80) as held:
            self.kill(DAEMON)
            wait_until(lambda: self.machine.property(DAEMON, "ActiveState") == "active", PATIENCE,
                       what="the daemon to be ready")
            self.assert_enforced()
            held.sendall(b"GET / HTTP/1.1\r\nHost: server\r\n\r\n")
            self.assertIn(b"200 OK", held.recv(4096))

    @unittest.skipUnless(os.path.exists(binary("dishwall-inspect")), "this build has no inspector")
    def test_3_inspection(self):
        self.machine.run("systemd-sysusers")
        self.machine.systemctl("enable", "--now", INSPECTOR)
        self.assertEqual(self.machine.property(INSPECTOR, "StatusText"), "waiting for a rule that inspects")
        done = self.machine.run("dishctl", "load", "/etc/dishwall/inspected.conf")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.wait_for_inspector()
        self.assertEqual(self.what_arrives(b"hello"), b"hello")
        self.assertEqual(self.what_arrives(ATTACK), b"")
        wait_until(lambda: re.search("match of signature 1001 of exploits, rule echo", self.machine.journal(DAEMON)), 5,
                   what="the finding in the journal")
        self.kill(INSPECTOR)
        self.wait_for_inspector()
        self.assertEqual(self.what_arrives(ATTACK), b"")

    @unittest.skipUnless(os.path.exists(binary("dishwall-inspect")), "this build has no inspector")
    def test_4_signatures_that_compile_for_longer_than_the_watchdog_waits(self):
        drop_in = f"/run/systemd/system/{INSPECTOR}.d"
        self.machine.run("install", "-D", "-t", drop_in, "/etc/impatient/watchdog.conf")
        self.machine.systemctl("daemon-reload")
        self.machine.systemctl("restart", INSPECTOR)
        self.wait_for_inspector()
        started = self.machine.property(INSPECTOR, "NRestarts")
        self.assertEqual(self.machine.run("dishctl", "load", "/etc/dishwall/slow.conf").returncode, 0)
        self.assertEqual(self.what_arrives(ATTACK), b"", "what was in force is in force while others are compiled")
        compiled = f"signatures exploits: {SLOW_PATTERNS} patterns"
        wait_until(lambda: compiled in self.machine.journal(INSPECTOR), PATIENCE, what="the signatures to be compiled")
        self.assertEqual(self.what_arrives(b"k7x l7y m7z"), b"")
        self.assertEqual(self.what_arrives(ATTACK), ATTACK, "nobody looks for it any more")
        self.assertEqual(self.machine.property(INSPECTOR, "NRestarts"), started, self.machine.journal(INSPECTOR))
        self.assertEqual(self.machine.run("dishctl", "load", "/etc/dishwall/inspected.conf").returncode, 0)

    def wait_for_inspector(self):
        try:
            wait_until(lambda: self.machine.ask("status")["inspection"]["state"] == "works", PATIENCE,
                       what="the inspector to work")
        except LabError as error:
            self.fail(f"{error}; its journal:\n{self.machine.journal(INSPECTOR)}")

    def test_5_reload(self):
        self.machine.run("sed", "-i", "s/accept tcp 80 /accept tcp { 22, 80 } /", self.machine.ask("status")["config"])
        self.machine.systemctl("reload", DAEMON)
        wait_until(lambda: traffic.tcp_opens(self.lab.internet, self.server, 22, 0.5), PATIENCE, what="ssh to be open")
        self.machine.run("sed", "-i", "s/{ 22, 80 }/80/", self.machine.ask("status")["config"])
        self.machine.systemctl("reload", DAEMON)
        wait_until(lambda: not traffic.tcp_opens(self.lab.internet, self.server, 22, 0.5), PATIENCE,
                   what="ssh to be closed")

    def test_6_stopped_and_still_protected(self):
        self.machine.systemctl("stop", DAEMON)
        self.assertEqual(self.machine.property(DAEMON, "Result"), "success")
        self.assert_enforced()
        self.machine.systemctl("start", DAEMON)
        self.assertEqual(self.machine.run("dishctl", "unload").returncode, 0)
        self.assertTrue(traffic.tcp_opens(self.lab.internet, self.server, 22))
        wait_until(lambda: self.machine.property(DAEMON, "ActiveState") == "inactive", 5,
                   what="the daemon to stay away after `unload`")
