# SPDX-License-Identifier: BSD-3-Clause
"""What the end-to-end tests have in common: a lab, dishwall on its gateway, and a rule file.

A class brings its line up once (about two seconds) and its tests share it, in name order.
"""
import os
import re
import time
import unittest

from lab import topology
from lab.dishwall import Dishwall
from lab.run import Run, wait_until

DEMO_CONFIG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "demo.conf")

# %(uplink)s: more statements for the uplink block; %(inbound)s: rules.
RULES = """\
version 1
uplink dish {
    interface eth0
    prefix pd     from dhcpv6-pd
    prefix onlink from ra
    documentation-prefixes allow
    %(uplink)s
}
network lan = dish.pd subnet 0x1 on br-lan
host server = lan ::10
policy inbound on dish {
    default drop
    %(inbound)s
}
"""


def rules(inbound="", uplink=""):
    return RULES % {"inbound": inbound, "uplink": uplink}


class LabCase(unittest.TestCase):
    """`self.lab` without dishwall; subclasses decide what happens when."""
    run_: Run
    associations = 2  # delegations that the gateway's client asks for

    @classmethod
    def setUpClass(cls):
        cls.run_ = cls.enterClassContext(Run())
        cls.addClassCleanup(cls.end_daemons)
        cls.lab = topology.Lab(cls.run_, cls.associations)
        cls.prepare()

    @classmethod
    def prepare(cls):
        pass

    @classmethod
    def end_daemons(cls):
        """Every daemon that still runs ends well when it is told to, and no sanitizer had a complaint."""
        for process in (process for process in cls.run_.processes if process.name.endswith("dishwalld")):
            if process.running and process.stop() != 0:
                raise AssertionError(f"dishwalld ended with {process.wait()} on SIGTERM:\n{process.log}")
            if re.search("AddressSanitizer|LeakSanitizer|runtime error:", process.log):
                raise AssertionError(f"a sanitizer's report:\n{process.log}")

    @classmethod
    def write(cls, name, text):
        return cls.run_.write(name, text)


class ProtectedCase(LabCase):
    """The whole line is up and dishwall enforces `config` (a rule file's text; the demo's by default)."""
    config = None
    options = []  # of dishwalld

    @classmethod
    def prepare(cls):
        path = cls.write("dishwall.conf", cls.config) if cls.config else DEMO_CONFIG
        cls.dishwall = Dishwall(cls.lab.gateway_ns, path)
        cls.dishwall.options = list(cls.options)
        cls.dishwall.start()
        cls.lab.connect()
        cls.lab.serve()
        cls.wait_for_prefix(topology.FIRST)

    @classmethod
    def prefixes(cls):
        """dish.pd's prefixes and their states, as dishwall knows them."""
        return {entry["prefix"]: entry["state"] for entry in cls.dishwall.ask("prefix")["prefixes"]
                if entry["source"] == "dish.pd"}

    @classmethod
    def wait_for_prefix(cls, prefix, state="preferred"):
        wait_until(lambda: cls.prefixes().get(prefix) == state, 5,
                   what=f"dishwall to know {prefix} as {state}")

    def moved(self, action, until=lambda moved: True, patience=3):
        """By how much each reason's counter grew while `action` ran, and until it had grown so, or the patience was
        over; those that stood still are left out."""
        before = self.dishwall.reasons()
        action()
        deadline = time.monotonic() + patience
        while True:
            grown = {name: count - before.get(name, 0) for name, count in self.dishwall.reasons().items()
                     if count != before.get(name, 0)}
            if until(grown) or time.monotonic() > deadline:
                return grown
            time.sleep(0.05)

    def assert_counts(self, name, action, at_least=1):
        """`action` makes the reason's counter grow."""
        moved = self.moved(action, lambda grown: grown.get(name, 0) >= at_least)
        self.assertGreaterEqual(moved.get(name, 0), at_least, f"not counted as {name}; what moved: {moved}")
