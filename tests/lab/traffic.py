# SPDX-License-Identifier: BSD-3-Clause
"""Clients, captures and a stream of unwelcome packets, all inside the lab's namespaces."""
import concurrent.futures
import contextlib
import os
import socket
import struct
import threading
import time

ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4


# ---- clients

def tcp_exchange(namespace, address, port, message=None, patience=2.0, source=None):
    """Connects, returns what the peer says first (or its echo of `message`); raises OSError/TimeoutError."""
    with connected(namespace, address, port, patience, source) as connection:
        greeting = connection.recv(4096)
        if message is None:
            return greeting
        connection.sendall(message)
        return connection.recv(4096)


def connected(namespace, address, port, patience=2.0, source=None):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = namespace.socket(family, socket.SOCK_STREAM)
    connection.settimeout(patience)
    if source:
        connection.bind((source, 0))
    try:
        connection.connect((address, port))
    except OSError:
        connection.close()
        raise
    return connection


def tcp_opens(namespace, address, port, patience=1.0):
    """Does a handshake complete within `patience` seconds?"""
    try:
        connected(namespace, address, port, patience).close()
        return True
    except OSError:
        return False


def udp_exchange(namespace, address, port, message=b"dishwall", patience=1.0):
    """The echo of one datagram, or None."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with namespace.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(patience)
        try:
            client.connect((address, port))
            client.send(message)
            return client.recv(4096)
        except OSError:
            return None


def ping(namespace, address, count=1, patience=1, size=56):
    """How many of `count` echo requests with `size` bytes of data were answered."""
    done = namespace.run("ping", "-n", "-q", "-c", count, "-i", "0.2", "-W", patience, "-s", size, address,
                         check=False)
    for line in done.stdout.splitlines():
        if "received" in line:
            return int(line.split(",")[1].split()[0])
    return 0


def http_get(namespace, address, path="/", port=80, patience=3):
    """The body as text, by curl; None when there was no answer."""
    host = f"[{address}]" if ":" in address else address
    done = namespace.run("curl", "--silent", "--fail", "--max-time", patience, "--noproxy", "*",
                         f"http://{host}:{port}{path}", check=False, patience=patience + 5)
    return done.stdout if done.returncode == 0 else None


def echo_bulk(namespace, address, port, size, patience=20.0):
    """Sends `size` random bytes to an echo server over TCP and reads them back; True if they are the same.

    Both directions carry full segments at once. TimeoutError when nothing moves for `patience` seconds.
    """
    sent = os.urandom(size)
    back = bytearray()
    with connected(namespace, address, port, patience) as connection:
        greeting = connection.recv(4096)
        sender = threading.Thread(target=connection.sendall, args=(sent,), daemon=True)
        sender.start()
        while len(back) < size:
            data = connection.recv(1 << 20)
            if not data:
                return False
            back += data
        sender.join(patience)
    return bool(greeting) and back == sent


def all_at_once(*jobs):
    """Runs the callables each in a thread of its own; their results in order. An exception is re-raised."""
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


# ---- capturing

class Capture:
    """Frames that arrive at a device after XDP, i.e. those that its stack gets to see.

    `with Capture(ns, "eth0", wanted) as seen:` -- seen.frames fills while the block runs. `wanted` is a
    predicate over the raw frame. `outgoing`: also what leaves through the device.
    """

    def __init__(self, namespace, device, wanted=lambda frame: True, outgoing=False):
        self.frames = []
        self._wanted = wanted
        self._outgoing = outgoing
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        with namespace.entered():
            self._socket.bind((device, ETH_P_ALL))
        self._socket.settimeout(0.1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._collect, daemon=True)

    def _collect(self):
        while True:
            try:
                frame, address = self._socket.recvfrom(65535)
            except TimeoutError:
                if self._stop.is_set():
                    return
                continue
            if (self._outgoing or address[2] != PACKET_OUTGOING) and self._wanted(frame):
                self.frames.append(frame)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join(5)
        self._socket.close()


def from_ipv6(address):
    """A predicate for Capture: IPv6 frames with this source."""
    wanted = socket.inet_pton(socket.AF_INET6, address)
    return lambda frame: frame[12:14] == b"\x86\xdd" and frame[22:38] == wanted


# ---- sending

class Wire:
    """Sends whole frames out of a device of a namespace."""

    def __init__(self, namespace, device):
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        with namespace.entered():
            self._socket.bind((device, 0))

    def send(self, frame, count=1):
        data = bytes(frame)
        for _ in range(count):
            self._socket.send(data)

    def close(self):
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def _checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv6_frame(ether_source, ether_destination, source, destination, proto, payload, checksum_at=None,
               hop_limit=64):
    """An IPv6 frame around an upper-layer payload; its checksum field is filled in at `checksum_at`."""
    pack = lambda text: socket.inet_pton(socket.AF_INET6, text)
    mac = lambda text: bytes.fromhex(text.replace(":", ""))
    ends = pack(source) + pack(destination)
    if checksum_at is not None:
        value = _checksum(ends + struct.pack("!II", len(payload), proto) + payload) or 0xffff
        payload = payload[:checksum_at] + struct.pack("!H", value) + payload[checksum_at + 2:]
    header = struct.pack("!IHBB", 6 << 28, len(payload), proto, hop_limit)
    return mac(ether_destination) + mac(ether_source) + b"\x86\xdd" + header + ends + payload


def tcp(source_port, destination_port, flags, sequence=1000):
    return struct.pack("!HHIIBBHHH", source_port, destination_port, sequence, 0, 5 << 4, flags, 65535, 0, 0)


def udp(source_port, destination_port, data=b"probe"):
    return struct.pack("!HHHH", source_port, destination_port, 8 + len(data), 0) + data


def echo_request(identifier, sequence=1):
    return struct.pack("!BBHHH", 128, 0, 0, identifier, sequence) + b"probe"


SYN, ACK, RST, FIN = 0x02, 0x10, 0x04, 0x01


class Probes:
    """A steady stream of unsolicited TCP, UDP and echo requests to `targets`, until the block ends.

    They come from an address of their own, so that whatever reaches a host of theirs is theirs for sure.
    """
    SOURCE = "2001:db8:1::666"

    def __init__(self, lab, targets, every=0.002):
        namespace = lab.internet
        if self.SOURCE not in namespace.addresses("eth0"):
            namespace.ip(f"addr add {self.SOURCE}/64 dev eth0")
        ends = namespace.mac("eth0"), lab.isp_ns.mac("inet0")
        self.sent = 0
        self._every = every
        self._wire = Wire(namespace, "eth0")
        self._frames = [frame for target in targets for frame in self._kinds(ends, target)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _kinds(self, ends, target):
        for port in (22, 80, 443, 8080):
            for flags in (SYN, ACK, SYN | ACK, FIN | ACK, RST):
                yield ipv6_frame(*ends, self.SOURCE, target, 6, tcp(40000 + port, port, flags), 16)
        for port in (53, 443, 5000):
            yield ipv6_frame(*ends, self.SOURCE, target, 17, udp(40000 + port, port), 6)
        yield ipv6_frame(*ends, self.SOURCE, target, 58, echo_request(os.getpid() & 0xffff), 2)

    def _run(self):
        while not self._stop.is_set():
            for frame in self._frames:
                with contextlib.suppress(OSError):
                    self._wire.send(frame)
                    self.sent += 1
                time.sleep(self._every)
                if self._stop.is_set():
                    return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join(5)
        self._wire.close()
