# SPDX-License-Identifier: BSD-3-Clause
"""Single SYNs from the Internet, each a connection of its own, and what became of each one.

A probe's number is its TCP sequence number, so it is known again on the LAN and in its answer. Its source, an
address and port that no other probe uses, means that no flow can let it in: each is judged by the rules.
"""
import contextlib
import ctypes
import socket
import struct
import threading
import time
from typing import NamedTuple

from . import traffic

_SOURCE_GROUP = 0x666  # of 2001:db8:1::666:N
_SOURCE = "2001:db8:1::666:{:x}"
_SOURCES = 8
_FIRST_PORT, _PORTS = 2000, 60000

_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 26, 33, 35
_SOURCE_AT, _DESTINATION_AT = 14 + 8 + 12, 14 + 24 + 12  # of the group, in a frame


class Probe(NamedTuple):
    target: str
    port: int
    sent: int  # ns of CLOCK_REALTIME


class _Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("code", ctypes.c_void_p)]


def _only_probes(group_at):
    """A classic BPF program that takes TCP over IPv6 with the probes' address group at this offset."""
    steps = [(0x28, 0, 0, 12), (0x15, 0, 5, 0x86dd), (0x30, 0, 0, 20), (0x15, 0, 3, 6),
             (0x28, 0, 0, group_at), (0x15, 0, 1, _SOURCE_GROUP), (0x06, 0, 0, 0xffff), (0x06, 0, 0, 0)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


class Sightings:
    """When probes (or the answers to them) arrived at a device: `times[number]`, by the kernel's clock."""

    def __init__(self, namespace, device, answers=False):
        self.times, self.repeated = {}, []
        self._number = (lambda tcp: struct.unpack_from("!I", tcp, 8)[0] - 1) if answers else \
                       (lambda tcp: struct.unpack_from("!I", tcp, 4)[0])
        self._flags = traffic.SYN | traffic.ACK if answers else traffic.SYN
        self._socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        code = ctypes.create_string_buffer(_only_probes(_DESTINATION_AT if answers else _SOURCE_AT))
        program = _Program((len(code) - 1) // 8, ctypes.addressof(code))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(program))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 32 << 20)
        with namespace.entered():
            self._socket.bind((device, traffic.ETH_P_ALL))
        self._socket.settimeout(0.1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._collect, daemon=True)

    def _collect(self):
        while True:
            try:
                frame, ancillary, _, address = self._socket.recvmsg(200, 64)
            except TimeoutError:
                if self._stop.is_set():
                    return
                continue
            tcp = frame[54:]
            if address[2] == traffic.PACKET_OUTGOING or tcp[13] != self._flags:
                continue
            number = self._number(tcp)
            if number in self.times:
                self.repeated.append(number)
                continue
            seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2])
            self.times[number] = seconds * 1_000_000_000 + nanoseconds

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join(10)
        self._socket.close()


class Prober:
    """`with Prober(lab, targets, ports) as prober:` -- a round of probes every 10 ms until the block ends.

    Afterwards: `probes[number]`, `arrived.times` on the host (the server), `answered.times` at the prober.
    """

    def __init__(self, lab, targets, ports, every=0.01, host=None):
        namespace = lab.internet
        namespace.ip(*(f"addr replace {_SOURCE.format(n)}/128 dev eth0" for n in range(_SOURCES)))
        self._ends = namespace.mac("eth0"), lab.isp_ns.mac("inet0")
        lab.isp_ns.ip(*(f"neigh replace {_SOURCE.format(n)} lladdr {self._ends[0]} dev inet0 nud permanent"
                        for n in range(_SOURCES)))
        self._kinds = [(target, port) for target in targets for port in ports]
        self._every = every
        self._wire = traffic.Wire(namespace, "eth0")
        self.probes = []
        self.arrived = Sightings(host or lab.server, "eth0")
        self.answered = Sightings(namespace, "eth0", answers=True)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._captures = contextlib.ExitStack()
        self.failure = None

    def _run(self):
        try:
            due = time.monotonic()
            while not self._stop.is_set():
                for target, port in self._kinds:
                    self._send(target, port)
                due = max(due + self._every, time.monotonic() - self._every)
                time.sleep(max(due - time.monotonic(), 0))
        except Exception as error:  # pylint: disable=broad-except; told when the block ends
            self.failure = error

    def _send(self, target, port):
        number = len(self.probes)
        source, source_port = divmod(number, _PORTS)
        if source == _SOURCES:
            raise RuntimeError("the prober has no more addresses to send from")
        frame = traffic.ipv6_frame(*self._ends, _SOURCE.format(source), target, 6,
                                   traffic.tcp(_FIRST_PORT + source_port, port, traffic.SYN, number), 16)
        self.probes.append(Probe(target, port, time.time_ns()))
        self._wire.send(frame)

    def __enter__(self):
        self._captures.enter_context(self.arrived)
        self._captures.enter_context(self.answered)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join(5)
        time.sleep(0.3)  # what is on its way arrives
        self._captures.close()
        self._wire.close()
        if self.failure and not any(error):
            raise self.failure
