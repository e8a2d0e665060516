# SPDX-License-Identifier: BSD-3-Clause
"""Connections that last: they move data without a pause until they are told to stop, and check all of it."""
import os
import threading
import time

from . import services, traffic


class _Steady:
    """A thread around a connection. `problem` is None as long as everything that came was right."""

    def __init__(self, connection):
        self._connection = connection
        self.moved = 0           # bytes that came back or in
        self.longest_pause = 0.0
        self.problem = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._guarded, daemon=True)
        self._thread.start()

    def _guarded(self):
        try:
            with self._connection:
                self._connection.settimeout(3)
                self._run()
        except (OSError, ValueError) as error:
            self.problem = f"{type(error).__name__}: {error}, after {self.moved} bytes"

    def _run(self):
        raise NotImplementedError

    def _count(self, size, since):
        now = time.monotonic()
        self.moved, self.longest_pause = self.moved + size, max(self.longest_pause, now - since)
        return now

    def stop(self):
        self._stop.set()
        self._thread.join(10)
        return self


class Download(_Steady):
    """A web server's endless answer (services.py), a megabyte a second, byte by byte what it should be."""

    def __init__(self, namespace, address, source=None):
        connection = traffic.connected(namespace, address, 80, 5, source)
        connection.sendall(b"GET /stream/1000000000000/1000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        super().__init__(connection)

    def _run(self):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._connection.recv(4096)
        data, last = data.partition(b"\r\n\r\n")[2], time.monotonic()
        while not self._stop.is_set():
            at = self.moved % len(services.BLOCK)
            if data != (services.BLOCK * (len(data) // len(services.BLOCK) + 2))[at:at + len(data)]:
                raise ValueError("the download is not what was sent")
            last = self._count(len(data), last)
            data = self._connection.recv(1 << 16)
            if not data:
                raise ValueError("the download ended")


class Upload(_Steady):
    """Blocks of random bytes to an echo service (services.py), which sends them back."""
    BLOCK = 8192

    def __init__(self, namespace, address, port=8080, source=None, every=0.01):
        connection = traffic.connected(namespace, address, port, 5, source)
        connection.recv(100)  # the banner
        self._every = every
        super().__init__(connection)

    def _run(self):
        last = time.monotonic()
        while not self._stop.is_set():
            block, back = os.urandom(self.BLOCK), b""
            self._connection.sendall(block)
            while len(back) < len(block):
                data = self._connection.recv(len(block) - len(back))
                if not data:
                    raise ValueError("the upload's other end hung up")
                back += data
            if back != block:
                raise ValueError("the upload is not what was sent")
            last = self._count(len(block), last)
            time.sleep(self._every)
