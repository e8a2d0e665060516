# SPDX-License-Identifier: BSD-3-Clause
"""Rules with `inspect`, end to end: real clients and servers, and dishwall-inspect between them (issue 7).

The server on 8080 sends back what it was sent, so a client sees which of its bytes arrived.
"""
import concurrent.futures
import socket
import time

from lab import traffic
from lab.download import Download
from lab.inspector import Inspector
from lab.run import wait_until

from .case import ProtectedCase, rules

ATTACK = b"GET /attack-4711 HTTP/1.1\r\n\r\n"
LAST = ATTACK.index(b"1 HTTP")  # where the byte that completes the signature stands

SIGNATURES = """\
# one a line
17:/attack-[0-9]{4}/
18:/split me/i
"""

CONFIG = rules("""
    accept tcp 80 to server   inspect web on-failure accept  name web
    accept tcp 8080 to server inspect web on-failure drop    name strict
    accept tcp 443 to server  inspect loud                   name loud
    accept tcp 22 to server   inspect angry                  name angry
    accept udp 5000 to server inspect web                    name datagrams
    accept udp 7777 to server                                name plain
""").replace("policy inbound", """\
signatures web   = file "web.hs" clean-after 4M
signatures loud  = file "web.hs" on-match alert
signatures angry = file "web.hs" on-match reject ban 3s
policy inbound""", 1)


class Inspected(ProtectedCase):
    config = CONFIG

    @classmethod
    def prepare(cls):
        cls.write("web.hs", SIGNATURES)
        super().prepare()
        cls.inspector = Inspector(cls.dishwall).start()
        cls.server = cls.lab.server_address()

    def setUp(self):
        if not self.inspector.process.running:
            self.inspector.start()

    def connect(self, port, patience=2.0):
        connection = traffic.connected(self.lab.internet, self.server, port, patience)
        self.addCleanup(connection.close)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def echoed(self, connection, patience=1.0):
        """Everything that comes back until it is quiet for so long, or the connection ends."""
        connection.settimeout(patience)
        back = bytearray()
        try:
            while data := connection.recv(65536):
                back += data
        except OSError:
            pass
        return bytes(back)


class Matches(Inspected):
    """What matches is stopped before its last byte arrives."""

    def test_1_clean_requests_are_answered(self):
        self.assertIn("hello from server", traffic.http_get(self.lab.internet, self.server))
        self.assertEqual(traffic.udp_exchange(self.lab.internet, self.server, 5000), b"dishwall")
        self.assertTrue(traffic.echo_bulk(self.lab.internet, self.server, 8080, 1 << 20))
        self.assertGreater(self.dishwall.reason("inspect"), 0)

    def test_2_a_request_with_a_signature_does_not_arrive(self):
        connection = self.connect(8080)
        self.assertEqual(connection.recv(100), b"SSH-2.0-lab\r\n")
        connection.sendall(b"hello")
        self.assertEqual(connection.recv(100), b"hello")
        connection.sendall(ATTACK)
        self.assertEqual(self.echoed(connection), b"")
        self.assertGreater(self.dishwall.reason("signature"), 0, "sent again, and dropped by the programs")
        self.assertIn("signature 17 of web, rule strict", self.dishwall.process.log)
        self.assertGreater(self.inspector.status["matched"], 0)

    def test_3_nor_byte_by_byte(self):
        connection = self.connect(8080)
        self.assertEqual(connection.recv(100), b"SSH-2.0-lab\r\n")
        for i in range(len(ATTACK)):
            connection.send(ATTACK[i:i + 1])
            time.sleep(0.005)
        self.assertEqual(self.echoed(connection), ATTACK[:LAST])

    def test_4_datagrams_one_by_one(self):
        send = lambda data: traffic.udp_exchange(self.lab.internet, self.server, 5000, data, 0.5)
        self.assertIsNone(send(b"attack-0815"))
        self.assertEqual(traffic.udp_exchange(self.lab.internet, self.server, 7777, b"attack-0815"),
                         b"attack-0815", "a rule without `inspect`")
        self.assertEqual(send(b"attack-081"), b"attack-081")

    def test_5_an_alert_only_tells(self):
        connection = self.connect(443)
        connection.sendall(ATTACK)
        self.assertIn(b"hello from server", self.echoed(connection))
        wait_until(lambda: "signature 17 of loud, rule loud" in self.dishwall.process.log, 3,
                   what="the alert in the log")

    def test_6_a_reject_resets_both_sides_and_bans_the_source(self):
        connection = self.connect(22)
        self.assertEqual(connection.recv(100), b"SSH-2.0-lab\r\n")
        connection.sendall(ATTACK)
        connection.settimeout(2)
        with self.assertRaises(ConnectionResetError):
            connection.recv(100)
        self.assertFalse(traffic.tcp_opens(self.lab.internet, self.server, 80), "banned")
        self.assertGreater(self.dishwall.reason("banned"), 0)
        wait_until(lambda: traffic.tcp_opens(self.lab.internet, self.server, 80), 6, what="the ban to end")

    def test_7_a_large_download_comes_whole(self):
        download = Download(self.lab.internet, self.server, 1 << 30)
        download.join(120)
        self.assertTrue(download.is_intact, f"{download.received} bytes came, or wrong ones")

    def test_8_an_upload_is_found_clean_and_leaves_the_detour(self):
        self.assertTrue(traffic.echo_bulk(self.lab.internet, self.server, 8080, 16 << 20))
        self.assertGreater(self.dishwall.reason("inspect-clean"), 0)
        self.assertGreater(self.inspector.status["flows_clean"], 0)

    def test_9_a_thousand_connections_at_once(self):
        def talk(number):
            with traffic.connected(self.lab.internet, self.server, 8080, 20) as connection:
                connection.recv(100)
                message = b"number %d" % number
                connection.sendall(message)
                return connection.recv(100) == message
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            self.assertEqual(list(pool.map(talk, range(1000))), [True] * 1000)


class BothDirections(Inspected):
    """What our side sends is looked into as well: large packets of its own stack, and answers of the kernel's."""
    config = rules("""
        accept tcp 80 to server inspect leaks on-failure drop  name web
        accept tcp 22 to server inspect leaks                  name banner
        accept udp 5000 to server inspect leaks                name datagrams
    """).replace("policy inbound", """\
signatures leaks = file "web.hs" both-directions clean-after 0
policy inbound""", 1)

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.write("web.hs", "17:/SSH-2\\.0-lab/\n")
        assert cls.dishwall.ctl("load").returncode == 0

    def test_1_a_download_comes_whole_through_the_inspector(self):
        before = self.inspector.status["bytes"]
        download = Download(self.lab.internet, self.server, 64 << 20)
        download.join(60)
        self.assertTrue(download.is_intact, f"{download.received} bytes came, or wrong ones")
        status = self.inspector.status
        self.assertGreaterEqual(status["bytes"] - before, 64 << 20)
        self.assertGreaterEqual(status["given"], status["passed"], "large packets count as the frames they become")

    def test_2_an_answer_with_a_signature_does_not_leave(self):
        wait_until(lambda: self.echoed(self.connect(22), 0.5) == b"", 10, what="the banner to be held back")
        wait_until(lambda: "rule banner: out [" in self.dishwall.process.log, 3, what="the finding in the log")

    def test_3_datagrams(self):
        send = lambda data: traffic.udp_exchange(self.lab.internet, self.server, 5000, data, 0.5)
        self.assertEqual(send(b"SSH-2.0-la"), b"SSH-2.0-la")
        self.assertIsNone(send(b"SSH-2.0-lab"))


class Failures(Inspected):
    """The inspector dies or hangs: each rule's on-failure holds within a second."""

    def exchange(self, connection, message, patience):
        connection.settimeout(patience)
        try:
            connection.sendall(message)
            return connection.recv(len(message)) == message
        except OSError:
            return False

    def assert_on_failure_holds(self):
        began = time.monotonic()
        wait_until(lambda: traffic.http_get(self.lab.internet, self.server, patience=1), 2,
                   what="a rule with `on-failure accept` to let packets in")
        self.assertLess(time.monotonic() - began, 1.5)
        self.assertFalse(traffic.tcp_opens(self.lab.internet, self.server, 8080))
        self.assertGreater(self.dishwall.reason("inspect-around"), 0)
        self.assertGreater(self.dishwall.reason("inspect-failed"), 0)
        self.assertEqual(traffic.udp_exchange(self.lab.internet, self.server, 7777), b"dishwall")

    def test_1_killed_in_the_middle_and_started_again(self):
        strict = self.connect(8080)
        strict.recv(100)
        self.assertTrue(self.exchange(strict, b"before", 2))
        download = Download(self.lab.internet, self.server, 32 << 20, 5)  # by a rule with `accept`
        wait_until(lambda: download.received > 0, 5, what="the download to begin")
        self.inspector.kill()
        self.assert_on_failure_holds()
        self.assertFalse(self.exchange(strict, b"meanwhile", 1))
        self.inspector.start()
        self.assertTrue(traffic.tcp_opens(self.lab.internet, self.server, 8080))
        connection = self.connect(8080)
        connection.recv(100)
        connection.sendall(ATTACK)
        self.assertEqual(self.echoed(connection), b"", "inspected again")
        download.join(15)
        self.assertTrue(download.is_intact, f"{download.received} bytes came, or wrong ones")
        self.assertLess(download.longest_pause, 1.5)

    def test_2_hung(self):
        self.inspector.hang()
        try:
            time.sleep(0.5)
            self.assert_on_failure_holds()
        finally:
            self.inspector.go_on()
        wait_until(lambda: traffic.tcp_opens(self.lab.internet, self.server, 8080), 5,
                   what="it to recover by itself")

    def test_3_the_daemon_dies_and_nothing_changes(self):
        self.dishwall.crash()
        connection = self.connect(8080)
        connection.recv(100)
        connection.sendall(ATTACK)
        self.assertEqual(self.echoed(connection), b"")
        self.dishwall.start()
        self.assertEqual(self.inspector.state, "works")
        self.assertTrue(traffic.tcp_opens(self.lab.internet, self.server, 8080))

    def test_4_a_load_changes_what_is_looked_for(self):
        self.write("web.hs", SIGNATURES + "19:/newcomer/\n")
        self.assertEqual(self.dishwall.ctl("load").returncode, 0)
        def is_stopped():
            connection = self.connect(8080)
            connection.recv(100)
            connection.sendall(b"newcomer")
            return self.echoed(connection, 0.5) == b""
        wait_until(is_stopped, 10, what="the new signature to be looked for")

    def test_5_unload_takes_the_pair_away(self):
        names = lambda: [link["ifname"] for link in self.lab.gateway_ns.ip_json("link show")]
        self.assertIn("dwi0-eth0", names())
        self.assertEqual(self.dishwall.ctl("unload").returncode, 0)
        wait_until(lambda: "dwi0-eth0" not in names(), 5, what="the pair to be gone")
