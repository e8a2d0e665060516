# SPDX-License-Identifier: BSD-3-Clause
"""R29..R31: twenty renumberings in a row under load, and every verdict is known and right.

Every 10 ms a SYN goes to a published and to an unpublished port of the server's address in each prefix that
the line ever has. The server has all of these addresses and the gateway a way to each, all the time, and the
provider routes all of them to the customer; so what arrives is up to dishwall alone. Which verdict is right
follows from the table of prefixes that the loaded programs have at that moment (lab/timeline.py); there is
no window in which a wrong one would be forgiven:

- an unpublished port never arrives;
- a published port arrives only while its prefix is live: nothing new by one in grace or gone (R31);
- a published port that is sent to once its prefix is in force arrives, and its answer comes back.

Meanwhile a download and an upload run on the one prefix that stays, and connections of prefixes that are
taken back live on through the grace period.
"""
import collections
import ipaddress
import time

from lab import flows, timeline, topology, traffic
from lab.prober import Prober
from lab.run import wait_until

from .case import ProtectedCase, rules

STAYS = topology.FIRST                 # 2001:db8:a100::/56
A, A_SHORTER = "2001:db8:a200::/56", "2001:db8:a200::/52"  # the same LAN addresses
B, C, D, E = "2001:db8:a300::/52", "2001:db8:a400::/60", "2001:db8:a500::/48", "2001:db8:a600::/62"
ALL = (STAYS, A, B, C, D, E)

PUBLISHED, UNPUBLISHED = 80, 22        # the server listens on both
GRACE = 4
# A packet that its prefix's end overtakes on its way to the gateway: it was sent before, so it may be lost.
ON_ITS_WAY = 20_000_000                # ns
DWELL = 0.6                            # seconds between two renumberings
EDGES = (25, 50, 75, 100, 200, 500, 1000, 2000, 5000, 20000, 22000, 25000, 50000)  # us, of the histograms

# What the line delegates besides STAYS, and whether its server forgets its leases: kea then withdraws what is
# left out (lifetime 0), and else leaves it to expire. Both end the client's route at once.
BY_DHCPV6 = (
    ("make before break", {A}, False),
    ("a shorter prefix joins", {A, B}, False),
    ("the older one is withdrawn", {B}, True),
    ("a longer one replaces it at once", {C}, True),
    ("back to an earlier one at once", {A}, True),
    ("a /48 joins", {A, D}, False),
    ("the older one is withdrawn", {D}, True),
    ("a /62 replaces it at once", {E}, True),
    ("an earlier one joins", {E, B}, False),
    ("the older one is not renewed", {B}, False),
    ("a /52 around an earlier /56 replaces it", {A_SHORTER}, True),
    ("back to the /60 at once", {C}, True),
    ("back to the /48, make before break", {C, D}, False),
    ("the older one is not renewed", {D}, False),
    ("withdrawn, and nothing instead", set(), True),
)
# What dhcpcd 9.4.1 does not do (it loses a delegation whose LAN addresses another one has): a client's hook.
BY_HOOK = (
    ("the hook tells of a /52", ("set", A_SHORTER)),
    ("the same addresses are a /56's now, make before break", ("set", A), ("withdraw", A_SHORTER)),
    ("and a /52's again, break before make", ("withdraw", A), ("set", A_SHORTER)),
    ("a /62 instead", ("withdraw", A_SHORTER), ("set", E)),
    ("back to an earlier one, make before break", ("set", B), ("withdraw", E)),
)

CONFIG = rules(f"accept tcp {{ {PUBLISHED}, 8080 }} to server name web", f"grace {GRACE}s")


class Series(ProtectedCase):
    config = CONFIG
    associations = 3  # for what stays, and for the older and the newer of two others

    def test_twenty_renumberings(self):
        lab = self.lab
        lab.serve_at(*ALL)
        lab.isp.route(ALL)
        long_lived = [flows.Download(lab.client, topology.INTERNET, lab.client_address(STAYS)),
                      flows.Upload(lab.internet, lab.server_address(STAYS))]
        self.of_withdrawn = []
        targets = [lab.server_address(prefix) for prefix in ALL]
        with timeline.Timeline(lab, self.dishwall) as self.timeline, \
                Prober(lab, targets, (PUBLISHED, UNPUBLISHED)) as prober:
            time.sleep(DWELL)
            self.renumber_by_dhcpv6()
            self.renumber_by_hook()
            self.check_the_end_of_grace()
        for flow in long_lived:
            with self.subTest(type(flow).__name__):
                self.assertIsNone(flow.stop().problem)
                self.assertGreater(flow.moved, 1_000_000)
                self.assertLess(flow.longest_pause, 1, "something stopped it for a while")
        self.judge(prober)
        self.report(long_lived, prober)

    # ---- renumbering

    def renumber_by_dhcpv6(self):
        live = set()
        for what, others, forget in BY_DHCPV6:
            with self.subTest(what):
                held = self.connections_of(live - others)
                self.lab.redelegate(STAYS, *sorted(others), forget=forget, routed=ALL)
                self.settled({STAYS, *others}, held)
            live = others

    def renumber_by_hook(self):
        """`dishctl prefix set` and `withdraw`, for clients that install no route. It wins over routes."""
        live = set()
        self.tell("set", STAYS)
        for what, *calls in BY_HOOK:
            with self.subTest(what):
                held = self.connections_of({prefix for verb, prefix in calls if verb == "withdraw"})
                for verb, prefix in calls:
                    self.tell(verb, prefix)
                    live = live | {prefix} if verb == "set" else live - {prefix}
                self.settled({STAYS, *live}, held)

    def tell(self, verb, prefix):
        lifetimes = ("valid", "300", "preferred", "150") if verb == "set" else ()
        done = self.dishwall.ctl("prefix", verb, "dish.pd", prefix, *lifetimes)
        self.assertEqual(done.returncode, 0, done.stderr)

    def settled(self, live, held):
        """These delegations are live and no others; `held` connections still work. Then a while of probes."""
        # A /64 is what the dish announces on the uplink.
        wait_until(lambda: {prefix for prefix in self.timeline.now_in_force().live()
                            if not prefix.endswith("/64")} == live, 3, 0.02, f"{sorted(live)} in force")
        for _, connection in held:
            connection.sendall(b"still there?")
            self.assertEqual(connection.recv(100), b"still there?", "it lives through the grace period")
        self.of_withdrawn += held
        time.sleep(DWELL)

    def connections_of(self, prefixes):
        """(prefix, connection to the server by it) for each of these, before they are taken back."""
        opened = []
        for prefix in prefixes:
            connection = traffic.connected(self.lab.internet, self.lab.server_address(prefix), 8080)
            self.addCleanup(connection.close)
            connection.recv(100)
            opened.append((prefix, connection))
        return opened

    def check_the_end_of_grace(self):
        """The connection by the prefix that was taken back last ends with the grace period."""
        self.assertGreaterEqual(len(self.of_withdrawn), 10)
        prefix, last = self.of_withdrawn[-1]
        address = ipaddress.IPv6Address(self.lab.server_address(prefix))
        wait_until(lambda: self.timeline.now_in_force().state(address) == 0, GRACE + 2,
                   what="the end of the grace period")
        last.settimeout(0.5)
        with self.assertRaises(TimeoutError, msg="a flow outlived the grace period of its prefix"):
            last.sendall(b"still there?")
            last.recv(100)

    # ---- judging

    def judge(self, prober):
        self.verdicts = collections.Counter()
        wrong = []
        arrived, answered = prober.arrived.times, prober.answered.times
        for number, probe in enumerate(prober.probes):
            verdict = self.verdict(probe, arrived.get(number), answered.get(number))
            self.verdicts[verdict] += 1
            if verdict.startswith("WRONG"):
                wrong.append((verdict, probe, arrived.get(number)))
        self.assertEqual(wrong[:20], [], f"{len(wrong)} wrong verdicts: {self.verdicts}")
        self.assertEqual((prober.arrived.repeated, prober.answered.repeated), ([], []))
        # That much each way, or it would prove little; and nearly nothing was on its way at a wrong moment.
        self.assertGreater(self.verdicts["published, live: arrived"], 2000)
        self.assertGreater(self.verdicts["published, not live: kept out"], 2000)
        self.assertGreater(self.verdicts["unpublished: kept out"], 8000)
        self.assertLess(self.verdicts["published, on its way: either"], 200)

    def verdict(self, probe, arrived, answered):
        if probe.port != PUBLISHED:
            return "unpublished: kept out" if arrived is None else "WRONG: unpublished, and arrived"
        address = ipaddress.IPv6Address(probe.target)
        states = self.timeline.states(address, probe.sent, arrived or probe.sent + ON_ITS_WAY)
        live = {state in timeline.LIVE for state in states}
        if arrived is not None and True not in live:
            return f"WRONG: published, states {sorted(states)}, and arrived"
        if arrived is None and False not in live:
            return "WRONG: published, live, and did not arrive"
        if arrived is not None and answered is None:
            return "WRONG: arrived, and its answer was lost"
        if arrived is None and True in live:
            return "published, on its way: either"
        return "published, not live: kept out" if arrived is None else "published, live: arrived"

    # ---- telling

    def report(self, long_lived, prober):
        print(f"\n    {len(prober.probes)} probes:", flush=True)
        for verdict, count in sorted(self.verdicts.items()):
            print(f"    {count:8} {verdict}")
        for flow in long_lived:
            print(f"    {type(flow).__name__}: {flow.moved >> 20} MiB, longest pause "
                  f"{flow.longest_pause * 1000:.0f} ms")
        print("    from the kernel's route event to the store, by own-watch:")
        self.show("a new prefix in force", self.latencies("added"))
        self.show("one that went closed (it is held back for 20 ms, unless a new one comes)",
                  self.latencies("removed"))
        print("    from the event, once read, to the store, by dishwall's own clock (prefix history):")
        changes = self.dishwall.ask("prefix", "history")["changes"]
        for kind in ("added", "returned", "withdrawn"):
            self.show(kind, [change["enforced_in_us"] for change in changes
                             if change["kind"] == kind and change["enforced_in_us"] is not None])
        print("    ", end="", flush=True)

    def latencies(self, kind):
        took = self.timeline.latencies(kind)
        self.assertTrue(took and None not in took, f"a route that was {kind} changed nothing: {took}")
        return took

    @staticmethod
    def show(what, microseconds):
        print(f"    {what}", *timeline.histogram(microseconds, EDGES), sep="\n        ")
