# SPDX-License-Identifier: BSD-3-Clause
"""dishwall-inspect with several workers: flows are spread over them and each stays with its own, and what
happens to one of them, to all of them, and to their number, does to no other flow what it should not (issue 7).
"""
import os
import time

from lab import topology, traffic
from lab.run import wait_until

from .case import rules
from .test_inspect import ATTACK, LAST, Inspected

CONFIG = rules("""
    accept tcp 80 to server                     name plain
    accept tcp 8080 to server   inspect web     name strict
    accept tcp 22 to server     inspect angry   name angry
    accept udp 5000 to server   inspect web     name datagrams
""", "%(uplink)s").replace("policy inbound", """\
signatures web   = file "web.hs"
signatures angry = file "web.hs" both-directions on-match reject ban 1s
policy inbound""", 1)

ROUNDS = 20  # of an exchange: more frames than the end of an older connection makes
OTHER_WORKERS = "interfaces are others now|is another interface now"  # by the file, or by looking


class SeveralWorkers(Inspected):
    config = CONFIG % {"uplink": ""}
    options = ["--inspect-workers", "2"]

    @property
    def workers(self):
        return self.inspector.status["workers"]

    def wait_for_states(self, *states):
        wait_until(lambda: [worker["state"] for worker in self.workers] == list(states), 5,
                   what=f"the workers to be {states}")

    def grown(self, action):
        """By how much each worker's frames grew."""
        before = [worker["given"] for worker in self.workers]
        action()
        return [worker["given"] - count for worker, count in zip(self.workers, before)]

    def exchange(self, connection, message=b"x", patience=2.0):
        connection.settimeout(patience)
        try:
            connection.sendall(message)
            return connection.recv(len(message)) == message
        except OSError:
            return False

    def assert_arrives(self, connection, message):
        """What was sent in vain is sent again by the client's kernel."""
        connection.settimeout(20)
        self.assertEqual(connection.recv(len(message)), message)

    def worker_of(self, connection):
        """Which worker sees the connection: it must be one."""
        def talk():
            for _ in range(ROUNDS):
                self.assertTrue(self.exchange(connection))
        busy = [number for number, frames in enumerate(self.grown(talk)) if frames >= ROUNDS]
        self.assertEqual(len(busy), 1, "a flow is with one worker")
        return busy[0]

    def one_of_each(self, port=8080, workers=2):
        """A connection for each worker, found by trying: which one gets a flow is its hash's to say."""
        found = {}
        for _ in range(40):
            connection = self.connect(port)
            self.assertTrue(connection.recv(100))
            found.setdefault(self.worker_of(connection), connection)
            if len(found) == workers:
                return [found[number] for number in range(workers)]
        raise AssertionError(f"40 connections, and all were given to {sorted(found)}")

    def assert_stops_on_each(self, workers=2):
        for number, connection in enumerate(self.one_of_each(workers=workers)):
            for i in range(LAST):
                self.assertTrue(self.exchange(connection, ATTACK[i:i + 1]))
            for i in range(LAST, len(ATTACK)):
                connection.send(ATTACK[i:i + 1])
            self.assertEqual(self.echoed(connection, 0.4), b"", f"worker {number}")


class TwoWorkers(SeveralWorkers):
    def test_1_connections_are_spread_and_come_whole(self):
        def talk():
            for _ in range(16):
                self.assertTrue(traffic.echo_bulk(self.lab.internet, self.server, 8080, 1 << 17))
        self.assertGreater(min(self.grown(talk)), ROUNDS, "both were given some")
        text = self.dishwall.ctl("status").stdout
        self.assertIn("dishwall-inspect works, behind dwi0-eth0, dwi1-eth0", text)

    def test_2_both_directions_are_with_one_worker(self):
        connection = self.connect(22)
        self.assertTrue(connection.recv(100))
        grown = self.grown(lambda: self.worker_of(connection))
        self.assertGreaterEqual(max(grown), 2 * ROUNDS, "packets and answers")

    def test_3_fragments_are_with_one_worker(self):
        whole = bytes(range(256)) * 12
        for _ in range(2):
            self.wait_for_quiet()
            back = []
            grown = self.grown(lambda: back.append(
                traffic.udp_exchange(self.lab.internet, self.server, 5000, whole)))
            self.assertEqual(back, [whole])
            self.assertGreaterEqual(max(grown), 3, "three fragments")
            self.assertEqual(min(grown), 0, "all at one worker")

    def wait_for_quiet(self):
        wait_until(lambda: sum(self.grown(lambda: time.sleep(0.3))) == 0, 10, what="older connections to end")

    def test_4_either_stops_a_signature_byte_by_byte(self):
        self.assert_stops_on_each()

    def test_5_either_tells_and_bans(self):
        for number in range(2):
            connection = self.one_of_each(22)[number]
            bans = self.inspector.status["bans"]
            connection.sendall(ATTACK)
            connection.settimeout(2)
            with self.assertRaises(ConnectionResetError):
                while connection.recv(100):
                    pass
            self.assertFalse(traffic.tcp_opens(self.lab.internet, self.server, 80, 0.3), f"worker {number}")
            self.assertEqual(self.inspector.status["bans"], bans + 1)
            wait_until(lambda: traffic.tcp_opens(self.lab.internet, self.server, 80), 3, what="the ban to end")

    def test_6_one_that_hangs_costs_its_own_flows_only(self):
        connections = self.one_of_each()
        with self.inspector.one_worker_hangs(1):
            self.wait_for_states("works", "failed")
            self.assertTrue(self.exchange(connections[0]))
            self.assertFalse(self.exchange(connections[1], b"later", 0.5), "on-failure drop")
            self.assertIn("worker 1 of 2 has failed", self.dishwall.ctl("status").stdout)
            self.assertEqual(self.inspector.watchdog_pings(0.5), 0, "so that its unit starts it anew")
        self.wait_for_states("works", "works")
        self.assertGreater(self.inspector.watchdog_pings(0.7), 0)
        self.assert_arrives(connections[1], b"later")
        self.assertTrue(self.exchange(connections[0]))

    def test_7_killed_and_started_again(self):
        connections = self.one_of_each()
        self.inspector.kill()
        wait_until(lambda: self.inspector.state == "failed", 2, what="dishwall to notice")
        for connection in connections:
            self.assertFalse(self.exchange(connection, patience=0.3))
        self.inspector.start()
        self.wait_for_states("works", "works")
        self.assert_stops_on_each()


class NumberOfWorkers(SeveralWorkers):
    """The daemon is restarted: as it was, with fewer workers, with other maps, and ended for good."""

    def setUp(self):
        if self.dishwall.process.running:  # the last tests need no inspector
            super().setUp()

    def devices(self):
        """Those of the pairs, by name, with their indices."""
        return {link["ifname"]: link["ifindex"] for link in self.lab.gateway_ns.ip_json("link show")
                if link["ifname"].startswith(("dwi", "dwx"))}

    def pins(self):
        return sorted(name for name in os.listdir(self.dishwall.pin_dir) if name.startswith("link_return"))

    def restart(self, *options, uplink=""):
        self.write("dishwall.conf", CONFIG % {"uplink": uplink})
        self.assertEqual(self.dishwall.stop(), 0)
        self.dishwall.options = list(options)
        self.dishwall.start()

    def wait_for_the_end(self, why):
        """The inspector gave its rights up, so what it cannot take over is for its successor."""
        self.assertEqual(self.inspector.process.wait(5), 0)
        self.assertRegex(self.inspector.process.log, f"ending, to be started anew: .*({why})")

    def test_1_a_restarted_daemon_takes_both_pairs_over(self):
        devices, pid = self.devices(), self.inspector.pid
        self.assertEqual(sorted(devices), ["dwi0-eth0", "dwi1-eth0", "dwx0-eth0", "dwx1-eth0"])
        connections = self.one_of_each()
        self.restart("--inspect-workers", "2")
        for connection in connections:
            self.assertTrue(self.exchange(connection))
        self.assertEqual(self.devices(), devices)
        self.assertEqual((self.inspector.pid, self.inspector.process.running), (pid, True))
        self.assertEqual([self.worker_of(connection) for connection in connections], [0, 1])

    def test_2_maps_made_anew_need_an_inspector_made_anew(self):
        devices = self.devices()
        self.restart("--inspect-workers", "2", uplink="flow-table 65536")
        self.wait_for_the_end("the maps were made anew")
        self.assertEqual(self.devices(), devices)
        self.assertFalse(traffic.tcp_opens(self.lab.internet, self.server, 8080), "on-failure drop")
        self.inspector.start()
        self.wait_for_prefix(topology.FIRST)
        self.assert_stops_on_each()

    def test_3_one_worker_instead_of_two(self):
        connections = self.one_of_each()
        self.restart(uplink="flow-table 65536")
        self.wait_for_the_end(OTHER_WORKERS)
        self.assertEqual(sorted(self.devices()), ["dwi0-eth0", "dwx0-eth0"])
        self.assertEqual(self.pins(), ["link_return"])
        for connection in connections:
            self.assertFalse(self.exchange(connection, b"later", 0.3), "on-failure drop")
        self.inspector.start()
        for connection in connections:
            self.assert_arrives(connection, b"later")
            self.assertEqual(self.worker_of(connection), 0)
        self.assert_stops_on_each(workers=1)

    def test_4_three_workers_and_unload(self):
        self.restart("--inspect-workers", "3", uplink="flow-table 65536")
        self.wait_for_the_end(OTHER_WORKERS)
        self.inspector.start()
        self.assertEqual(self.pins(), ["link_return", "link_return1", "link_return2"])
        self.assert_stops_on_each(workers=3)
        self.assertEqual(self.dishwall.ctl("unload").returncode, 0)
        self.assertEqual(self.dishwall.process.wait(), 0)
        self.assertEqual(self.devices(), {})
        self.assertFalse(os.path.exists(self.dishwall.pin_dir))

    def test_5_a_daemon_that_no_longer_runs_left_pairs(self):
        self.dishwall.start()
        self.wait_for_prefix(topology.FIRST)
        self.assertEqual(len(self.devices()), 6)
        self.dishwall.crash()
        self.lab.gateway_ns.run(*self.dishwall.argv(), "--unload")
        self.assertEqual(self.devices(), {})

    def test_6_a_policy_that_does_not_inspect_keeps_them_until_unload(self):
        self.dishwall.start()
        self.dishwall.stop()
        self.write("dishwall.conf", rules("accept tcp 80 to server", "flow-table 65536"))
        self.dishwall.start()
        self.assertEqual(len(self.devices()), 6)
        self.assertFalse(self.inspector.status["wanted"])
        self.assertEqual(self.dishwall.ctl("unload").returncode, 0)
        self.assertEqual(self.devices(), {})
