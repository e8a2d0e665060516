# SPDX-License-Identifier: BSD-3-Clause
"""The programs that people run work through the gateway: what must come back does, and nothing else.

Each test names its requirements, and recommendations of RFC 6092 as [REC-n] (docs: dishctl-audit).
"""
import functools
import socket
import time

from scapy.layers.inet import TCP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.layers.l2 import Ether

from lab import gateway, isp, programs, topology, traffic
from lab.run import wait_until
from lab.traffic import Capture, Wire, from_ipv6

from .case import ProtectedCase, rules

MEGABYTE = 1 << 20

CONFIG = rules("""
    accept icmpv6 echo-request to server      name ping
    accept tcp { 80, 443, 8080 } to server    name web
    accept udp 5000 to server                 name echo
    accept sctp 7 to server                   name sctp
    reject-late tcp 81 to server              name late
    reject tcp 83 to server                   name refuse-tcp
    reject udp 83 to server                   name refuse-udp
""")


class Line(ProtectedCase):
    """The line of all classes here."""
    config = CONFIG

    def flows_of(self, proto):
        return [flow for flow in self.dishwall.ask("flows")["flows"] if proto in flow["l4"]]

    def client_socket(self, kind, port=0, proto=0):
        """A socket of the LAN's client, bound to its address of the delegation."""
        return self.bound(self.lab.client, self.lab.client_address(), kind, port, proto)

    def internet_socket(self, kind, port=0, proto=0, address=topology.INTERNET):
        return self.bound(self.lab.internet, address, kind, port, proto)

    def bound(self, namespace, address, kind, port, proto):
        made = namespace.socket(socket.AF_INET6, kind, proto)
        self.addCleanup(made.close)
        made.settimeout(1)
        made.bind((address, port))
        return made

    def assert_nothing_arrives(self, receiver, patience=0.5):
        receiver.settimeout(patience)
        with self.assertRaises(TimeoutError):
            receiver.recv(65536)


class PathMtu(Line):
    """R16: paths with a smaller MTU work under load, in both directions."""

    def transfer_everything(self):
        """8 MB each way in each of four connections at once, two of them opened from outside."""
        lab = self.lab
        ways = ((lab.client, topology.INTERNET), (lab.server, topology.INTERNET),
                (lab.internet, lab.server_address()), (lab.internet, lab.server_address()))
        same = traffic.all_at_once(*(
            functools.partial(traffic.echo_bulk, namespace, address, 8080, 8 * MEGABYTE)
            for namespace, address in ways))
        self.assertEqual(same, [True] * 4, "what came back is what was sent")

    def path_mtu(self, namespace, address):
        """What the host has learnt, or None."""
        return namespace.ip_json(f"-6 route get {address}")[0].get("metrics", [{}])[0].get("mtu")

    def forget_path_mtus(self):
        for namespace in (self.lab.internet, self.lab.server, self.lab.client):
            namespace.run("ip", "-6", "route", "flush", "cache")

    def setUp(self):
        self.addCleanup(self.forget_path_mtus)

    def test_beyond_the_gateway(self):
        """A hop with MTU 1300 on the Internet: its router's Packet Too Big passes in. [REC-36]"""
        lab = self.lab
        hop = ((lab.isp_ns, "inet0"), (lab.internet, "eth0"))
        lab.internet.ip(f"route change default via {topology.ISP} advmss 1440")  # as if 1500 everywhere
        for namespace, device in hop:
            namespace.ip(f"link set {device} mtu 1300")
            self.addCleanup(namespace.ip, f"link set {device} mtu 1500")
        self.assert_counts("icmp-error", self.transfer_everything)
        for host in (lab.client, lab.server):
            self.assertEqual(self.path_mtu(host, topology.INTERNET), 1300, f"as {host.role} has learnt it")

    def test_behind_the_gateway(self):
        """A LAN with MTU 1300: the gateway's own Packet Too Big passes out. [REC-36]"""
        lab = self.lab
        lab.gateway_ns.ip(f"link set {gateway.LAN} mtu 1300")
        self.addCleanup(lab.gateway_ns.ip, f"link set {gateway.LAN} mtu 1500")
        self.transfer_everything()
        for address in (lab.client_address(), lab.server_address()):
            self.assertEqual(self.path_mtu(lab.internet, address), 1300, "as the Internet has learnt")

    def test_forged_packet_too_big_never_reaches_the_host(self):
        """R16, N1: an error must quote a flow, in its direction, with a sequence number of it. [REC-36]"""
        lab = self.lab
        server, client = lab.server_address(), topology.INTERNET
        seen = lambda frame: from_ipv6(server)(frame) and frame[20] == socket.IPPROTO_TCP
        with Capture(lab.isp_ns, isp.DEVICE, seen) as sent, \
                traffic.connected(lab.internet, server, 8080) as connection:
            connection.recv(100)
            connection.sendall(b"x")
            connection.recv(100)
            wait_until(lambda: len(sent.frames) >= 3, 5, what="the server's segments")
            true = IPv6(sent.frames[-1][14:])
            self.assertEqual(true.dst, client)
            forged = {
                "no flow": (self.quote(true, dport=4711), "icmp-no-flow"),
                "the wrong direction": (IPv6(src=client, dst=server) / TCP(
                    sport=true[TCP].dport, dport=8080, seq=true[TCP].ack, flags="A"), "icmp-no-flow"),
                "a wrong sequence number": (self.quote(true, seq=(true[TCP].seq + (1 << 30)) % (1 << 32)),
                                            "icmp-sequence"),
            }
            for name, (quoted, reason) in forged.items():
                with self.subTest(name):
                    self.assertEqual(self.send_error(quoted, reason), 0)
            with self.subTest("the true one, from the same router"):
                self.assertEqual(self.send_error(true, "icmp-error"), 3)

    @staticmethod
    def quote(packet, **fields):
        changed = packet.copy()
        for name, value in fields.items():
            setattr(changed[TCP], name, value)
        del changed[TCP].chksum
        return IPv6(bytes(changed))

    def send_error(self, quoted, reason):
        """How many of three errors reached the server; all three must be counted under this reason."""
        lab = self.lab
        error = (Ether(src=lab.isp_ns.mac(isp.DEVICE), dst=lab.gateway_ns.mac(gateway.UPLINK)) /
                 IPv6(src=topology.STRANGER, dst=lab.server_address()) /
                 ICMPv6PacketTooBig(mtu=1400) / quoted)
        with Wire(lab.isp_ns, isp.DEVICE) as wire, \
                Capture(lab.server, "eth0", from_ipv6(topology.STRANGER)) as host:
            self.assert_counts(reason, lambda: (wire.send(error, 3), time.sleep(0.1)), 3)
        return len(host.frames)


class Tools(Line):
    """traceroute, ping, DNS."""

    def test_traceroute_from_inside(self):
        """R16: Time Exceeded and Port Unreachable come back. [REC-10] [REC-18]"""
        way = [self.lab.gateway_lan_address(), isp.ADDRESS, topology.INTERNET]
        for name, options in {"UDP": (), "ICMP": ("-I",), "TCP": ("-T", "-p", "80")}.items():
            with self.subTest(name):
                self.assertEqual(programs.traceroute(self.lab.client, topology.INTERNET, *options), way)

    def test_traceroute_from_outside_where_a_rule_allows_its_packets(self):
        """R17: the gateway's own Time Exceeded leaves; a target that no rule allows ends at the dish."""
        lab = self.lab
        for name, options in {"ICMP": ("-I",), "TCP": ("-T", "-p", "443")}.items():
            with self.subTest(name):
                hops = programs.traceroute(lab.internet, lab.server_address(), *options)
                self.assertEqual((hops[0], hops[2:]), (topology.ISP, [lab.server_address()]), hops)
                self.assertIn(hops[1], lab.gateway_ns.addresses(gateway.UPLINK) +
                              lab.gateway_ns.addresses(gateway.LAN))
        with self.subTest("not allowed"):
            hops = programs.traceroute(lab.internet, lab.client_address(), "-I")
            self.assertEqual(hops, [topology.ISP] + 4 * [None])

    def test_ping_both_ways_in_all_sizes(self):
        """R10, R17: also when request and reply are fragmented, as 4000 bytes are."""
        lab = self.lab
        for size in (16, 1400, 4000):
            with self.subTest(size=size):
                self.assertEqual(traffic.ping(lab.client, topology.INTERNET, 2, size=size), 2)
                self.assertEqual(traffic.ping(lab.internet, lab.server_address(), 2, size=size), 2)
                self.assertEqual(traffic.ping(lab.internet, lab.client_address(), size=size), 0, "no rule")

    def test_dns_with_answers_of_any_size(self):
        """R10, R22: an answer of 3.6 kB comes in fragments, which no port number can explain. [REC-14]"""
        texts = [f'big TXT "{number:03}{"x" * 200}"' for number in range(17)]
        programs.serve_dns(self.lab.internet, ["www AAAA 2001:db8:1::80", *texts])
        answer = programs.ask_dns(self.lab.client, topology.INTERNET, "www.example", "AAAA")
        self.assertIn("2001:db8:1::80", "".join(answer))
        asked = lambda: answer.extend(programs.ask_dns(
            self.lab.client, topology.INTERNET, "big.example", "TXT", "+bufsize=4096"))
        answer.clear()
        self.assert_counts("fragment", asked, 2)
        self.assertEqual(len(answer), 17)

    def test_fragmented_datagrams_from_outside(self):
        """R10: to an open port whole, to a closed one not a byte."""
        lab = self.lab
        message = bytes(4000)
        self.assertEqual(traffic.udp_exchange(lab.internet, lab.server_address(), 5000, message), message)
        with Capture(lab.server, "eth0", from_ipv6(topology.INTERNET)) as server, \
                Capture(lab.client, "eth0", from_ipv6(topology.INTERNET)) as client:
            send = lambda: [traffic.udp_exchange(lab.internet, address, port, message, patience=0.2)
                            for address, port in ((lab.server_address(), 443), (lab.client_address(), 5000))]
            self.assert_counts("fragment-stray", send, 4)
            self.assert_counts("default-drop", send, 2)
        self.assertEqual((server.frames, client.frames), ([], []))


class TcpFlows(Line):
    """What a TCP flow outlives, and how it may begin."""

    def test_an_idle_connection_lives_for_two_hours_and_four_minutes(self):
        """R22: time is injected into the flow table. [REC-35]"""
        for name, namespace, address in (("from inside", self.lab.client, topology.INTERNET),
                                         ("from outside", self.lab.internet, self.lab.server_address())):
            with self.subTest(name), traffic.connected(namespace, address, 8080, 2) as connection:
                connection.recv(100)
                for idle in (2 * 3600, 2 * 3600 + 230):
                    self.assertGreater(self.dishwall.age_flows(idle), 0)
                    connection.sendall(b"still there?")
                    self.assertEqual(connection.recv(100), b"still there?", f"after {idle} s")

    def test_a_connection_idle_for_longer_is_forgotten(self):
        """R22, R36: and what then comes from outside opens nothing. [REC-35]"""
        listener = self.internet_socket(socket.SOCK_STREAM)
        listener.listen()
        with self.client_socket(socket.SOCK_STREAM) as client:
            client.connect(listener.getsockname()[:2])
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"one")
                self.assertEqual(client.recv(100), b"one")
                self.dishwall.age_flows(7500)
                self.assert_counts("tcp-no-flow", lambda: (peer.sendall(b"two"), time.sleep(0.3)))
                self.assert_nothing_arrives(client)

    def test_simultaneous_open(self):
        """R24: both ends connect, neither listens. Two orders of the SYNs. [REC-31]"""
        with self.subTest("the outside SYN is refused, then ours meets its sender in SYN_SENT"):
            inside, outside = self.ends(4001)
            self.assert_counts("default-drop", lambda: self.begin(outside, inside))
            self.begin(inside, outside)
            self.assert_joined(inside, outside)
        with self.subTest("ours is lost on the way, the outside SYN crosses it"):
            inside, outside = self.ends(4002)
            lost = f"route add blackhole {topology.INTERNET}/128"
            self.lab.isp_ns.ip(lost)
            try:
                self.begin(inside, outside)
                time.sleep(0.2)
            finally:
                self.lab.isp_ns.ip(lost.replace(" add ", " del "))
            with Capture(self.lab.client, "eth0", from_ipv6(topology.INTERNET)) as client:
                self.begin(outside, inside)
                self.assert_joined(inside, outside)
            self.assertEqual(client.frames[0][14 + 40 + 13] & 0x12, traffic.SYN, "a bare SYN came in")

    def ends(self, port):
        return (self.client_socket(socket.SOCK_STREAM, port), self.internet_socket(socket.SOCK_STREAM, port))

    @staticmethod
    def begin(one, other):
        one.setblocking(False)
        one.connect_ex(other.getsockname()[:2])
        time.sleep(0.1)

    def assert_joined(self, one, other):
        for end in (one, other):
            end.settimeout(5)
        wait_until(lambda: self.is_connected(one) and self.is_connected(other), 5,
                   what="both ends to be connected")
        for sender, receiver in ((one, other), (other, one)):
            sender.sendall(b"hello")
            self.assertEqual(receiver.recv(100), b"hello")

    @staticmethod
    def is_connected(end):
        try:
            return bool(end.getpeername())
        except OSError:
            return False

    def test_reject_late_is_seen_by_the_client(self):
        """R26: silence for six seconds, then the error that tells connect(2) why. [REC-34 by option]"""
        began = time.monotonic()
        with self.assertRaises(PermissionError):
            traffic.connected(self.lab.internet, self.lab.server_address(), 81, patience=20)
        self.assertGreater(time.monotonic() - began, 6)
        self.assertGreater(self.dishwall.reason("rule-reject-late"), 0)

    def test_reject_is_seen_by_the_client_at_once(self):
        """R26: a reset for TCP, for UDP the error that a connected socket reports."""
        address = self.lab.server_address()
        with self.assertRaises(ConnectionRefusedError):
            traffic.connected(self.lab.internet, address, 83, patience=1)
        with self.internet_socket(socket.SOCK_DGRAM) as internet:
            internet.connect((address, 83))
            internet.send(b"anybody there?")
            with self.assertRaises(PermissionError):
                internet.recv(100)

    def test_a_closed_port_is_silent(self):
        """R26: not even reject-late's answer."""
        began = time.monotonic()
        with self.assertRaises(TimeoutError):
            traffic.connected(self.lab.internet, self.lab.server_address(), 82, patience=8)
        self.assertGreater(time.monotonic() - began, 7.9)


class Association:
    """One direction of ESP in transport mode: AES-GCM, a static key, in user space (kernels may lack it)."""

    def __init__(self, spi, source, destination):
        self._ends = {"src": source, "dst": destination}
        self._keys = SecurityAssociation(ESP, spi=spi, crypt_algo="AES-GCM", crypt_key=bytes(range(20)))

    def seal(self, text):
        """The ESP header and what follows, as a raw socket sends it."""
        plain = IPv6(**self._ends) / TCP(dport=9, flags="A") / text
        return bytes(self._keys.encrypt(IPv6(bytes(plain)))[ESP])

    def open(self, data):
        sealed = IPv6(bytes(IPv6(**self._ends, nh=socket.IPPROTO_ESP) / data))
        return bytes(self._keys.decrypt(sealed)[TCP].payload)


class OtherTransports(Line):
    """R9: IPsec, IKE and SCTP obey flows and rules like the rest."""

    def test_esp_exchange(self):
        """An ESP flow is the pair of addresses, whatever the SPIs, one a side. [REC-22, REC-25]"""
        ends = self.lab.client_address(), topology.INTERNET
        out, back = Association(0x1001, *ends), Association(0x2002, *reversed(ends))
        client = self.client_socket(socket.SOCK_RAW, proto=socket.IPPROTO_ESP)
        internet = self.internet_socket(socket.SOCK_RAW, proto=socket.IPPROTO_ESP)
        with self.subTest("not from outside, unasked"):
            self.assert_counts("default-drop", lambda: internet.sendto(back.seal(b"x"), (ends[0], 0)))
            self.assert_nothing_arrives(client)
        with self.subTest("out and back"):
            client.settimeout(1)
            client.sendto(out.seal(b"question"), (ends[1], 0))
            self.assertEqual(out.open(internet.recv(2000)), b"question")
            internet.sendto(back.seal(b"answer"), (ends[0], 0))
            self.assertEqual(back.open(client.recv(2000)), b"answer")
        with self.subTest("not from a stranger"):
            self.add_stranger()
            stranger = self.internet_socket(socket.SOCK_RAW, proto=socket.IPPROTO_ESP,
                                            address=topology.STRANGER)
            stranger.sendto(back.seal(b"x"), (ends[0], 0))
            self.assert_nothing_arrives(client)

    def add_stranger(self):
        self.lab.internet.ip(f"addr add {topology.STRANGER}/64 dev eth0")
        self.addCleanup(self.lab.internet.ip, f"addr del {topology.STRANGER}/64 dev eth0")

    def test_ike_exchange(self):
        """UDP 500 and 4500 are ports like others: by flow, and closed otherwise. [REC-24]"""
        for port in (500, 4500):
            with self.subTest(port=port):
                client, internet = (self.client_socket(socket.SOCK_DGRAM, port),
                                    self.internet_socket(socket.SOCK_DGRAM, port))
                internet.sendto(b"unasked", client.getsockname()[:2])
                self.assert_nothing_arrives(client, 0.2)
                client.settimeout(1)
                client.sendto(b"proposal", internet.getsockname()[:2])
                self.assertEqual(internet.recv(100), b"proposal")
                internet.sendto(b"choice", client.getsockname()[:2])
                self.assertEqual(client.recv(100), b"choice")

    def test_sctp_exchange(self):
        """An association from inside, and one from outside where a rule says so. [REC-38]"""
        lab = self.lab
        # A host runs either: with raw sockets both would see, and refuse, the other's packets.
        outside = programs.serve_sctp_echo(lab.internet)
        self.assertIn("dishwall\n", programs.sctp_exchange(lab.client, topology.INTERNET, 7))
        self.assertGreater(len(self.flows_of("SCTP")), 0)
        outside.stop()
        programs.serve_sctp_echo(lab.server)
        self.assertIn("dishwall\n", programs.sctp_exchange(lab.internet, lab.server_address(), 7))
        with Capture(lab.server, "eth0", from_ipv6(topology.INTERNET)) as server:
            self.assert_counts("default-drop", lambda: programs.sctp_exchange(
                lab.internet, lab.server_address(), 9, patience=2))
        self.assertEqual(server.frames, [])


if __name__ == "__main__":
    import unittest
    unittest.main()
