# SPDX-License-Identifier: BSD-3-Clause
"""Floods on the dish's cable: by live frames (bench/live/flood.cc) for millions of packets, by a socket for
thousands of odd ones. All sources are random and lie in SOURCES, which the ISP routes to nowhere, so that
what a host answers costs nobody anything.
"""
import errno
import os
import socket
import struct
import threading
import time

from . import gateway, isp
from .dishwall import binary
from .run import LabError
from .traffic import Wire, ipv6_frame

SOURCES = "2001:db8:f000::/36"
_SOURCE_64 = "2001:db8:f000::"


def prepare(lab):
    lab.isp_ns.ip(f"route replace blackhole {SOURCES}")


class LiveFlood:
    """`frames` frames to `to` (an address, or random hosts of a prefix) within `seconds`, in the background.

    `with LiveFlood(...) as flood:` waits for its end; flood.sent is then how many were sent.
    """

    def __init__(self, lab, to, frames, seconds=0, protocol="udp", port=0):
        self.frames = frames
        self.sent = 0
        self._process = lab.isp_ns.start(
            "flood", binary("dishwall-flood"), "--device", isp.DEVICE,
            "--from-mac", lab.isp_ns.mac(isp.DEVICE), "--to-mac", lab.gateway_ns.mac(gateway.UPLINK),
            "--sources", SOURCES, "--to", to, "--protocol", protocol, "--port", port,
            "--frames", frames, "--seconds", seconds)

    def is_alive(self):
        return self._process.running

    def wait(self, patience=60):
        if self._process.wait(patience) != 0:
            raise LabError(f"the flood failed:\n{self._process.log}")
        self.sent = int(self._process.log)
        if self.sent < self.frames:
            raise LabError(f"only {self.sent} of {self.frames} frames were sent")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.wait()


class FrameFlood(threading.Thread):
    """`count` frames of a kind, sent out of the dish's end of the cable within `seconds`."""

    def __init__(self, lab, seconds, count, kind, *arguments):
        super().__init__(daemon=True)
        self.sent = 0
        self._pause = seconds / count
        self._frames = kind(count, *arguments)
        self._wire = Wire(lab.isp_ns, isp.DEVICE)
        self._ending = threading.Event()

    def run(self):
        began = time.monotonic()
        with self._wire:
            for frame in self._frames:
                if self._ending.is_set():
                    return
                self._send(frame)
                self.sent += 1
                ahead = began + self.sent * self._pause - time.monotonic()
                if ahead > 0.001:
                    time.sleep(ahead)

    def _send(self, frame):
        while True:
            try:
                return self._wire.send(frame)
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # the cable's queue is full for a moment
                    raise
                time.sleep(0.001)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        if error[0] is not None:
            self._ending.set()
        self.join()


# ---- odd frames, generators for FrameFlood

def _address(prefix):
    """A random address in the /64."""
    return socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, prefix)[:8] + os.urandom(8))


def _mac():
    return "02:" + os.urandom(5).hex(":")


def _icmpv6(kind, body, options=b""):
    return struct.pack("!BBH", kind, 0, 0) + body + options


def _link_layer_option(kind, mac):
    return struct.pack("!BB", kind, 1) + bytes.fromhex(mac.replace(":", ""))


def router_advertisements(count):
    """Each from another router, with a /64 of its own that hosts are to use; every other is to be preferred."""
    for number in range(count):
        mac, prefix = _mac(), bytes.fromhex("20010db8e000") + os.urandom(2) + bytes(8)
        options = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 7200, 7200, 0) + prefix + _link_layer_option(1, mac)
        body = struct.pack("!BBHII", 64, 0 if number % 2 else 8, 1800, 0, 0)
        yield ipv6_frame(mac, "33:33:00:00:00:01", _address("fe80::"), "ff02::1", 58,
                         _icmpv6(134, body, options), 2, 255)


def neighbour_solicitations(count, receiver, target):
    """Each from another neighbour, who asks for `target` and wants to be remembered."""
    for _ in range(count):
        mac = _mac()
        yield ipv6_frame(mac, receiver, _address("fe80::"), target, 58,
                         _icmpv6(135, bytes(4) + socket.inet_pton(socket.AF_INET6, target),
                                 _link_layer_option(1, mac)), 2, 255)


def neighbour_advertisements(count):
    """Each from another neighbour, who tells everybody where it is."""
    for _ in range(count):
        mac, address = _mac(), _address("fe80::")
        yield ipv6_frame(mac, "33:33:00:00:00:01", address, "ff02::1", 58,
                         _icmpv6(136, bytes([0x20, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, address),
                                 _link_layer_option(2, mac)), 2, 255)


def _fragment_header(offset, more):
    """Of a UDP datagram with a random id; the offset in units of eight bytes."""
    return struct.pack("!BBH", socket.IPPROTO_UDP, 0, offset << 3 | more) + os.urandom(4)


def incomplete_datagrams(count, sender, receiver, target, port, data=64):
    """First fragments of UDP datagrams to this port, and nothing more of them."""
    for _ in range(count):
        header = _fragment_header(0, 1)
        first = struct.pack("!HHHH", 40000, port, 3000, 0xffff) + bytes(data - 8)
        yield ipv6_frame(sender, receiver, _address(_SOURCE_64), target, 44, header + first)


def stray_fragments(count, sender, receiver, target):
    """Fragments whose first was never sent."""
    for _ in range(count):
        yield ipv6_frame(sender, receiver, _address(_SOURCE_64), target, 44,
                         _fragment_header(100, 1) + bytes(64))
